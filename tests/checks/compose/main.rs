//! `docker-compose.yml` without containers: each service's command, environment, volumes and health check, run by the
//! programs of Debian and of this workspace in the order docker-compose would take. Only addresses and paths differ.

mod file;
mod native;
mod prometheus;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use file::Service;
use native::{Inside, Network, Place};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use vigil_tests::{api::Api, app::items, process::Process, programs::repository};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long Vigil's programs may take to end.
const END: Duration = Duration::from_secs(20);
/// As `openssl rand -hex 32` prints them.
const SECRET: &str = "5e0c1b9f7a3d48264f1e8d7c6b5a49382716051423f0e9d8c7b6a5948372615f";

/// What stands for a container.
struct Container {
    process: Process,
    inside: Inside,
    replica: usize,
}

/// `docker-compose up`.
struct Stack {
    services: BTreeMap<String, Service>,
    network: Network,
    /// In the order of their start.
    started: Vec<(String, Vec<Container>)>,
}

impl Stack {
    /// Starts everything and waits for it.
    async fn up(services: BTreeMap<String, Service>) -> Self {
        let network = Network::of(&services);
        let mut stack = Self { services, network, started: vec![] };
        while let Some(name) = stack.next() {
            let service = stack.services[&name].clone();
            let mut containers = vec![];
            for replica in 0..service.deploy.replicas {
                containers.push(stack.start(Place { service: &name, replica }, &service).await);
            }
            stack.started.push((name, containers));
        }
        assert_eq!(stack.started.len(), stack.services.len(), "the others wait for each other");
        stack
    }

    /// A service whose dependencies are there.
    fn next(&self) -> Option<String> {
        let is_started = |name: &String| self.started.iter().any(|(started, _)| started == name);
        let mut waiting = self.services.iter().filter(|(name, _)| !is_started(name));
        let (name, service) = waiting.find(|(_, service)| service.depends_on.keys().all(is_started))?;
        for (other, dependency) in &service.depends_on {
            let expected =
                if self.services[other].ends() { "service_completed_successfully" } else { "service_healthy" };
            assert_eq!(dependency.condition, expected, "{name} on {other}");
        }
        Some(name.clone())
    }

    /// Starts one, and waits until it is healthy or, where that is its purpose, has ended well.
    async fn start(&self, place: Place<'_>, service: &Service) -> Container {
        let inside = Inside::of(place, service, &self.network);
        let process = Process::start(native::command(place, service, &inside, &self.network));
        let mut container = Container { process, inside, replica: place.replica };
        if service.ends() {
            let status = container.process.exited(PATIENCE).await;
            assert!(status.success(), "{place:?} ended with {status}:\n{}", container.process.output());
            return container;
        }
        if place.service == "postgres" {
            let create = native::create_database(place, &container.inside, &self.network);
            container.process.until(PATIENCE, async || ended_well(Process::start(create.clone())).await).await;
        }
        let check = native::check(place, service, &container.inside, &self.network);
        container.process.until(PATIENCE, async || ended_well(Process::start(check.clone())).await).await;
        container
    }

    /// Runs every health check once more.
    async fn stays_healthy(&mut self) {
        for (name, containers) in &mut self.started {
            let service = &self.services[name];
            for container in containers.iter_mut().filter(|_| !service.ends()) {
                let place = Place { service: name, replica: container.replica };
                let check = Process::start(native::check(place, service, &container.inside, &self.network));
                let printed = container.process.output();
                assert!(container.process.is_running(), "{place:?} has ended; it printed:\n{printed}");
                assert!(ended_well(check).await, "{place:?} is not healthy any more; it printed:\n{printed}");
            }
        }
    }

    /// `docker-compose stop`, the last one first. Vigil's own have an end in order, and in time.
    async fn stop(mut self) {
        while let Some((name, containers)) = self.started.pop() {
            let service = &self.services[&name];
            for mut container in containers.into_iter().filter(|_| !service.ends()) {
                if service.build.is_none() {
                    // What their images declare; PostgreSQL takes SIGTERM for "when everybody has left".
                    let signal = if name == "postgres" { Signal::SIGINT } else { Signal::SIGTERM };
                    container.process.end_by(signal, PATIENCE).await;
                    continue;
                }
                assert!(service.stop_grace_period() > END, "{name} may be killed too early");
                let status = container.process.term(END).await;
                assert!(status.success(), "{name} ended with {status}:\n{}", container.process.output());
                wrote_nothing(&name, service, &container.inside);
            }
        }
    }

    fn container(&self, name: &str) -> &Container {
        let found = self.started.iter().find(|(started, _)| started == name);
        &found.unwrap_or_else(|| panic!("{name} is not started")).1[0]
    }

    fn address(&self, service: &str, port: u16) -> String {
        format!("127.0.0.1:{}", self.network.port(Place { service, replica: 0 }, port))
    }
}

async fn ended_well(mut process: Process) -> bool {
    process.exited(PATIENCE).await.success()
}

/// A read-only container has no place to write to.
fn wrote_nothing(name: &str, service: &Service, inside: &Inside) {
    let left = std::fs::read_dir(inside.home.path()).expect("our own directory").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(!service.read_only || left.is_empty(), "{name} wrote {left:?} to its working directory");
}

fn example() -> String {
    std::fs::read_to_string(repository().join(".env.example")).expect("the repository has an example")
}

/// The example as its comments have it filled in, with a first admin.
fn filled_in() -> String {
    let lines = example();
    let lines = lines.lines().filter(|line| !line.starts_with("# ")).map(|line| line.replace("CHANGE-ME", SECRET));
    lines.map(|line| line.replace("#VIGIL_ADMIN__", "VIGIL_ADMIN__") + "\n").collect()
}

/// Asks the stack's Prometheus until the result, as `name of the label → value`, is `expected`.
async fn until_prometheus_says(stack: &Stack, query: &str, label: &str, expected: &[(&str, &str)]) {
    let url = format!("http://{}/api/v1/query", stack.address("prometheus", 9090));
    let client = reqwest::Client::new();
    let expected: BTreeMap<_, _> = expected.iter().map(|(of, value)| (of.to_string(), value.to_string())).collect();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = client.post(&url).form(&[("query", query)]).send().await.expect("Prometheus answers");
        let answer: Value = answer.json().await.expect("with JSON");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let series = answer["data"]["result"].as_array().into_iter().flatten();
        let result: BTreeMap<_, _> = series.map(|one| (text(&one["metric"][label]), text(&one["value"][1]))).collect();
        if result == expected {
            return;
        }
        let printed = || stack.container("prometheus").process.output();
        assert!(Instant::now() < deadline, "{query} is {result:?}, not {expected:?}:\n{}", printed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The first steps of docs/operations.md: servers, and a key with which Prometheus finds them.
async fn first_steps(stack: &Stack) -> Api {
    let admin = &stack.services["backend"].environment;
    let api = Api::new(format!("http://{}", stack.address("backend", 8000)));
    let api = api.signed_in(&admin["VIGIL_ADMIN__USERNAME"], &admin["VIGIL_ADMIN__PASSWORD"]).await;
    for (name, instance) in
        [("here", stack.address("node-exporter", 9100)), ("other", stack.address("prometheus", 9090))]
    {
        api.create("/servers", json!({"name": name, "instance": instance})).await;
    }
    let key = api.post("/api-keys", json!({"name": "prometheus", "role": "viewer"})).await.ok();
    let files = stack.container("prometheus").inside.volume("/etc/prometheus");
    let key = key["key"].as_str().expect("a new key is shown");
    std::fs::write(files.join("secrets/vigil-api-key"), key).expect("our own directory");
    api
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_service_starts_in_order_is_healthy_works_and_ends() {
    let mut stack = Stack::up(file::resolved(&filled_in())).await;
    let api = first_steps(&stack).await;

    // The server that stands in prometheus.yml already is not scraped twice.
    let jobs = [("node", "1"), ("prometheus", "1"), ("servers", "1"), ("vigil-backend", "1"), ("vigil-worker", "2")];
    until_prometheus_says(&stack, "count by (job) (up == 1)", "job", &jobs).await;
    let other = stack.address("prometheus", 9090);
    until_prometheus_says(&stack, r#"up{job="servers"}"#, "instance", &[(&other, "1")]).await;

    let rule = json!({"name": "Workers", "expr": "up{job=\"vigil-worker\"} == 1", "interval": "1s"});
    api.create("/rules", rule).await;
    let deadline = Instant::now() + PATIENCE;
    while items(&api.get("/events").await.ok()).len() < 2 {
        assert!(Instant::now() < deadline, "no worker found both:\n{}", stack.container("worker").process.output());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stack.stays_healthy().await;
    stack.stop().await;
}

#[tokio::test]
async fn programs_refuse_the_secrets_of_the_example() {
    let services = file::resolved(&example());
    let network = Network::of(&services);
    for (name, secrets) in [("backend", &["auth.jwt_secret", "secrets.key"][..]), ("worker", &["secrets.key"])] {
        let (place, service) = (Place { service: name, replica: 0 }, &services[name]);
        let inside = Inside::of(place, service, &network);
        let mut process = Process::start(native::command(place, service, &inside, &network));
        let (status, printed) = (process.exited(PATIENCE).await, process.output());
        assert!(!status.success(), "{name} runs with them:\n{printed}");
        assert!(secrets.iter().all(|secret| printed.contains(secret)), "{name} does not say why:\n{printed}");
    }
}

#[test]
fn the_dockerfile_makes_each_image_with_the_programs_it_is_started_with() {
    let dockerfile = std::fs::read_to_string(repository().join("Dockerfile")).expect("the repository has one");
    let stages: Vec<_> = dockerfile.split("\nFROM ").collect();
    let services = file::resolved(&filled_in());
    for (name, service) in services.iter().filter(|(_, service)| service.build.is_some()) {
        let target = &service.build.as_ref().expect("filtered").target;
        let ours = |stage: &&&str| stage.lines().next().is_some_and(|line| line.ends_with(&format!(" AS {target}")));
        let stage = stages.iter().find(ours).unwrap_or_else(|| panic!("no stage makes {target}"));
        assert!(stage.starts_with("base AS "), "{name}: the health check's program is in the base");
        let program = &service.command[0];
        let copied = program == "vigil" || stage.contains(&format!("/out/{program} "));
        assert!(copied, "{name} is started with {program}, which {target} does not have");
    }
}
