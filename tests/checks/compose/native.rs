//! What the images would do, done by Debian's programs and those of this workspace.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use vigil_tests::{
    ports::free_port,
    process::Program,
    programs::{debian, postgresql, repository, workspace},
    scratch::Scratch,
    services::User,
};

use crate::{
    file::{Service, from_yaml},
    prometheus,
};

/// Every service the test knows, the beginning of its image's name, and where it listens inside its container.
const KNOWN: [(&str, &str, &[u16]); 7] = [
    ("postgres", "postgres:15-", &[5432]),
    ("redis", "redis:7.0-", &[6379]),
    ("prometheus", "prom/prometheus:v2.", &[9090]),
    ("node-exporter", "prom/node-exporter:v1.", &[9100]),
    ("migrate", "vigil-backend", &[]),
    ("backend", "vigil-backend", &[8000, 9101]),
    ("worker", "vigil-worker", &[9101]),
];

/// Which container is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) service: &'a str,
    /// From 0.
    pub(crate) replica: usize,
}

/// The network of the containers, on 127.0.0.1: each of their ports has one of this machine.
pub(crate) struct Network {
    ports: BTreeMap<(&'static str, u16), Vec<u16>>,
}

impl Network {
    /// # Panics
    /// When a service is missing, unknown, or of another image than the test knows.
    pub(crate) fn of(services: &BTreeMap<String, Service>) -> Self {
        for (name, service) in services {
            let known = KNOWN.iter().find(|(known, ..)| known == name);
            let (_, image, _) = known.unwrap_or_else(|| panic!("the test does not know the service {name}"));
            assert!(service.image.starts_with(image), "{name} is {}, the test knows {image}", service.image);
        }
        let mut network = Self { ports: BTreeMap::new() };
        for (name, _, ports) in KNOWN {
            let service = services.get(name).unwrap_or_else(|| panic!("the service {name} is missing"));
            for port in ports {
                let own = std::iter::repeat_with(free_port).take(service.deploy.replicas);
                network.ports.insert((name, *port), own.collect());
            }
        }
        network
    }

    /// The port of this machine that stands for `port` of a container.
    pub(crate) fn port(&self, place: Place<'_>, port: u16) -> u16 {
        self.all(place.service, port)[place.replica]
    }

    /// Those of all containers of a service.
    ///
    /// # Panics
    /// When it does not listen there.
    pub(crate) fn all(&self, service: &str, port: u16) -> &[u16] {
        let found = self.ports.iter().find(|((name, number), _)| *name == service && *number == port);
        found.unwrap_or_else(|| panic!("{service} does not listen on {port}")).1
    }

    /// `text` of a container with the addresses of this machine. A port of ours never begins like one of a container
    /// (`ports`), so nothing is replaced twice.
    pub(crate) fn rewrite(&self, place: Place<'_>, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, ((service, port), own)| {
            let text = text.replace(&format!("{service}:{port}"), &format!("127.0.0.1:{}", own[0]));
            if *service != place.service {
                return text;
            }
            let listening = format!("127.0.0.1:{}", own[place.replica]);
            ["0.0.0.0", "127.0.0.1", "localhost"]
                .iter()
                .fold(text, |text, host| text.replace(&format!("{host}:{port}"), &listening))
        })
    }
}

/// What a container would see of disk and environment.
pub(crate) struct Inside {
    pub(crate) user: Option<User>,
    pub(crate) environment: BTreeMap<String, String>,
    /// The working directory. Empty at the start.
    pub(crate) home: Scratch,
    /// Path in the container, and here.
    pub(crate) volumes: Vec<(String, PathBuf)>,
    _kept: Vec<Scratch>,
}

impl Inside {
    pub(crate) fn of(place: Place<'_>, service: &Service, network: &Network) -> Self {
        let user = match place.service {
            "postgres" | "redis" => User::for_server(place.service),
            "prometheus" | "node-exporter" => User::for_server("prometheus"),
            _ => None,
        };
        let (mut volumes, mut kept) = (vec![], vec![]);
        for (source, path) in service.volumes() {
            let here = if source == "/" {
                PathBuf::from(source)
            } else {
                kept.push(Scratch::owned_by(user));
                kept[kept.len() - 1].path().to_owned()
            };
            if source.starts_with('/') && source != "/" {
                assert_eq!(Path::new(source), repository().join("prometheus"), "the test knows no other files");
                let adapted = prometheus::adapted(from_yaml(&Path::new(source).join("prometheus.yml")), network);
                prometheus::write(&here, &network.rewrite(place, &adapted));
            }
            volumes.push((path.to_owned(), here));
        }
        let rewritten = |(name, value): (&String, &String)| (name.clone(), network.rewrite(place, value));
        let environment = service.environment.iter().map(rewritten).collect();
        Self { user, environment, home: Scratch::owned_by(user), volumes, _kept: kept }
    }

    /// Where a volume's `path` of the container is here.
    pub(crate) fn volume(&self, path: &str) -> &Path {
        let found = self.volumes.iter().find(|(inside, _)| inside == path);
        &found.unwrap_or_else(|| panic!("no volume at {path}")).1
    }

    /// A program run inside.
    pub(crate) fn program(&self, path: PathBuf) -> Program {
        let program = Program::new(path).user(self.user).clean_env().directory(self.home.path());
        self.environment.iter().fold(program, |program, (name, value)| program.env(name, value))
    }

    /// `--name=/path/in/a/volume` with the path here.
    fn rewrite(&self, argument: &str) -> String {
        let Some((name, value)) = argument.split_once('=') else { return argument.to_owned() };
        let here = self.volumes.iter().find_map(|(inside, here)| {
            let rest = Path::new(value).strip_prefix(inside).ok()?;
            let path = if rest.as_os_str().is_empty() { here.clone() } else { here.join(rest) };
            Some(format!("{name}={}", path.display()))
        });
        here.unwrap_or_else(|| argument.to_owned())
    }
}

/// A service's command as its image would run it.
pub(crate) fn command(place: Place<'_>, service: &Service, inside: &Inside, network: &Network) -> Program {
    let arguments: Vec<_> =
        service.command.iter().map(|argument| inside.rewrite(&network.rewrite(place, argument))).collect();
    let port = |port| network.port(place, port).to_string();
    match place.service {
        "postgres" => {
            assert!(arguments.is_empty(), "the test runs postgres as its image does: {arguments:?}");
            let server = inside.program(initialised(inside)).arg("-D").arg(inside.volume("/var/lib/postgresql/data"));
            server.args(["-p", &port(5432), "-h", "127.0.0.1", "-k"]).arg(inside.home.path())
        }
        "prometheus" => {
            let server = inside.program(debian("prometheus", "prometheus")).args(&arguments);
            server.arg(format!("--web.listen-address=127.0.0.1:{}", port(9090)))
        }
        "node-exporter" => {
            let server = inside.program(debian("prometheus-node-exporter", "prometheus-node-exporter"));
            server.args(&arguments).arg(format!("--web.listen-address=127.0.0.1:{}", port(9100)))
        }
        "redis" => {
            let server = inside.program(installed(&arguments[0])).args(&arguments[1..]);
            server.args(["--bind", "127.0.0.1", "--port", &port(6379)])
        }
        _ => inside.program(installed(&arguments[0])).args(&arguments[1..]),
    }
}

/// A service's health check.
pub(crate) fn check(place: Place<'_>, service: &Service, inside: &Inside, network: &Network) -> Program {
    let check = service.healthcheck.as_ref().unwrap_or_else(|| panic!("{} has no health check", place.service));
    let [kind, program, arguments @ ..] = &check.test[..] else { panic!("no command: {:?}", check.test) };
    assert_eq!(kind, "CMD", "a shell is not in every image");
    let check = inside.program(installed(program));
    // These two look where their server always is, unless told.
    let check = match program.as_str() {
        "pg_isready" => check.env("PGPORT", network.port(place, 5432).to_string()),
        "redis-cli" => check.args(["-p", &network.port(place, 6379).to_string()]),
        _ => check,
    };
    check.args(arguments.iter().map(|argument| network.rewrite(place, argument)))
}

/// What `name` is in an image, here.
fn installed(name: &str) -> PathBuf {
    match name {
        "vigil" | "vigil-backend" | "vigil-worker" => workspace(name),
        "pg_isready" => postgresql(name),
        "redis-server" | "redis-cli" => debian(name, "redis-server"),
        "wget" => debian(name, "wget"),
        _ => panic!("the test does not know the program {name}"),
    }
}

/// Makes a cluster of the environment's user and password, as the image does at its first start; returns the server.
fn initialised(inside: &Inside) -> PathBuf {
    let data = inside.volume("/var/lib/postgresql/data");
    let password = inside.home.write("password", &inside.environment["POSTGRES_PASSWORD"]);
    let initdb = inside.program(postgresql("initdb")).args(["--no-sync", "--no-locale", "--encoding=UTF8"]);
    let initdb = initdb.args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pwfile"]).arg(password);
    initdb.args(["--username", &inside.environment["POSTGRES_USER"], "--pgdata"]).arg(data).run();
    postgresql("postgres")
}

/// Creates the environment's database, as the image does before it listens on the network.
pub(crate) fn create_database(place: Place<'_>, inside: &Inside, network: &Network) -> Program {
    let createdb = inside.program(postgresql("createdb")).arg("-h").arg(inside.home.path());
    let createdb = createdb.args(["-p", &network.port(place, 5432).to_string()]);
    createdb.args(["-U", &inside.environment["POSTGRES_USER"], &inside.environment["POSTGRES_DB"]])
}
