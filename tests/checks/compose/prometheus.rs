//! The files in `prometheus/`: with the addresses of this machine, and as promtool judges them.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};
use vigil_tests::{
    process::Program,
    programs::{debian, repository},
    scratch::Scratch,
};

use crate::native::Network;

/// `prometheus.yml`, given as JSON (which is YAML too), but faster, and with the replicas themselves where it would ask
/// the containers' name server for them. Other addresses stay.
pub(crate) fn adapted(mut config: Value, network: &Network) -> String {
    config["global"]["scrape_interval"] = json!("1s");
    let jobs = config["scrape_configs"].as_array_mut().expect("it has jobs");
    for job in jobs {
        for discovery in job["http_sd_configs"].as_array_mut().into_iter().flatten() {
            discovery["refresh_interval"] = json!("1s");
        }
        let job = job.as_object_mut().expect("a job is a mapping");
        job.retain(|_, value| !value.is_null());
        if let Some(lookups) = job.remove("dns_sd_configs") {
            let lookups = lookups.as_array().cloned().unwrap_or_default();
            let targets: Vec<_> = lookups.iter().flat_map(|lookup| found(lookup, network)).collect();
            job.insert("static_configs".to_owned(), json!([{"targets": targets}]));
        }
    }
    config.to_string()
}

/// What the name server would answer.
fn found(lookup: &Value, network: &Network) -> Vec<String> {
    assert_eq!(lookup["type"], "A", "without a type it asks for SRV records");
    let port = lookup["port"].as_u64().and_then(|port| port.try_into().ok()).expect("A records have no port");
    let names = lookup["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    names.flat_map(|name| network.all(name, port)).map(|port| format!("127.0.0.1:{port}")).collect()
}

/// Fills `directory` like `prometheus/` before the first start, with this configuration: there is no API key yet.
pub(crate) fn write(directory: &Path, config: &str) {
    std::fs::write(directory.join("prometheus.yml"), config).expect("our own directory");
    let rules = repository().join("prometheus/rules");
    for created in ["rules", "secrets"] {
        std::fs::create_dir(directory.join(created)).expect("our own directory");
    }
    for rule in std::fs::read_dir(rules).expect("the repository has rules").flatten() {
        std::fs::copy(rule.path(), directory.join("rules").join(rule.file_name())).expect("rules can be read");
    }
}

fn promtool(arguments: &[&str]) -> String {
    let home = Scratch::new();
    let promtool = Program::new(debian("promtool", "prometheus")).directory(home.path());
    promtool.args(arguments).run()
}

fn path(file: &str) -> String {
    repository().join("prometheus").join(file).display().to_string()
}

#[test]
fn promtool_accepts_the_configuration_and_its_rules() {
    let printed = promtool(&["check", "config", &path("prometheus.yml")]);
    assert!(printed.contains("1 rule files found"), "{printed}");
}

#[test]
fn the_alerts_about_vigil_fire_when_and_only_when_their_tests_say() {
    let printed = promtool(&["test", "rules", &path("tests/vigil.yml")]);
    assert!(printed.contains("SUCCESS"), "{printed}");
}

#[test]
fn every_metric_of_the_alerts_is_documented() {
    let rules = std::fs::read_to_string(path("rules/vigil.yml")).expect("the repository has rules");
    let document = std::fs::read_to_string(repository().join("docs/operations.md")).expect("it has documents");
    let named = words(&rules).filter(|word| word.starts_with("vigil_"));
    let documented: BTreeSet<_> = words(&document).collect();
    // A family is written out once: `vigil_queue_depth`, `…_poison_total`.
    let has = |name: &str| documented.iter().any(|word| *word == name || word.starts_with('_') && name.ends_with(word));
    let missing: BTreeSet<_> = named.filter(|name| !has(name.strip_suffix("_bucket").unwrap_or(name))).collect();
    assert!(missing.is_empty(), "docs/operations.md does not have {missing:?}");
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
}
