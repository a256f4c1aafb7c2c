//! `docker-compose.yml` as docker-compose resolves it.

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use vigil_tests::{
    process::Program,
    programs::{debian, repository},
    scratch::Scratch,
};

/// What the test carries out, checks, or knows to make no difference without containers. Any other key of a service
/// could change how it runs, and fails the test.
const KEYS: [&str; 16] = [
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "deploy",
    "environment",
    "healthcheck",
    "image",
    "networks",
    "pid",
    "ports",
    "read_only",
    "restart",
    "security_opt",
    "stop_grace_period",
    "volumes",
];

const YAML_TO_JSON: &str = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Service {
    pub(crate) image: String,
    /// Present for the images of this repository.
    pub(crate) build: Option<Build>,
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) depends_on: BTreeMap<String, Dependency>,
    #[serde(default)]
    pub(crate) deploy: Deploy,
    pub(crate) healthcheck: Option<Healthcheck>,
    #[serde(default)]
    pub(crate) read_only: bool,
    pub(crate) restart: String,
    stop_grace_period: Option<String>,
    #[serde(default)]
    volumes: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Build {
    pub(crate) target: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) condition: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Deploy {
    pub(crate) replicas: usize,
}

impl Default for Deploy {
    fn default() -> Self {
        Self { replicas: 1 }
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Healthcheck {
    pub(crate) test: Vec<String>,
}

impl Service {
    /// One that ends by itself, and is then done.
    pub(crate) fn ends(&self) -> bool {
        self.restart == "no"
    }

    /// `(source, path in the container)` of every volume.
    pub(crate) fn volumes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.volumes.iter().map(|volume| {
            let (source, rest) = volume.split_once(':').expect("docker-compose writes source:path:mode");
            (source, rest.split_once(':').map_or(rest, |(path, _)| path))
        })
    }

    /// How long a container has between SIGTERM and SIGKILL.
    pub(crate) fn stop_grace_period(&self) -> Duration {
        let text = self.stop_grace_period.as_deref().unwrap_or("10s");
        let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
        Duration::from_secs(seconds.unwrap_or_else(|| panic!("a time in seconds: {text}")))
    }
}

/// The services of `docker-compose.yml` with the variables of `env`, the content of an `.env` file. A warning of
/// docker-compose is an error here.
pub(crate) fn resolved(env: &str) -> BTreeMap<String, Service> {
    let home = Scratch::new();
    let compose = Program::new(debian("docker-compose", "docker-compose")).directory(repository());
    let compose = compose.clean_env().env("PATH", "/usr/bin:/bin").env("HOME", home.path());
    let yaml = compose.arg("--env-file").arg(home.write("env", env)).arg("config").run();
    let file: Value = from_yaml(&home.write("resolved.yml", &yaml));
    let services = file["services"].as_object().expect("it has services");
    services.iter().map(|(name, service)| (name.clone(), read(name, service))).collect()
}

fn read(name: &str, service: &Value) -> Service {
    let keys = service.as_object().expect("a service is a mapping").keys();
    let unknown: Vec<_> = keys.filter(|key| !KEYS.contains(&key.as_str())).collect();
    assert!(unknown.is_empty(), "the test does not know what these do to {name}: {unknown:?}");
    serde_json::from_value(service.clone()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Reads a YAML file.
pub(crate) fn from_yaml<T: DeserializeOwned>(path: &Path) -> T {
    let python = Program::new(debian("python3", "python3")).args(["-c", YAML_TO_JSON]).arg(path);
    serde_json::from_str(&python.run()).expect("python writes JSON")
}
