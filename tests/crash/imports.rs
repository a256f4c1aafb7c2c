//! The backend is killed in the middle of an import of thousands of rules: afterwards there are all of them or none.

use rand::RngExt;
use reqwest::StatusCode;
use serde_json::Value;
use std::time::{Duration, Instant};
use vigil_tests::api::Api;
use vigil_tests::app::{ADMIN, items};
use vigil_tests::cluster::{Round, eventually, rounds};
use vigil_tests::fakes::FakePrometheus;
use vigil_tests::installation::{Installation, Layout};

/// How long something may take that takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The rule file's name.
const FILE: &str = "many.yml";
/// Groups, and rules in each.
const SIZE: (u64, u64) = (100, 50);
/// How often the backend is killed in one round, spread over an import and a little more.
const KILLS: u32 = 4;

#[test]
fn a_backend_killed_while_it_imports_into_postgresql_leaves_all_or_nothing() {
    rounds("a_backend_killed_while_it_imports_into_postgresql", async |round| {
        killed_while_importing(Layout::Distributed { backends: 1, workers: 0 }, round).await;
    });
}

#[test]
fn a_backend_killed_while_it_imports_into_sqlite_leaves_all_or_nothing() {
    rounds("a_backend_killed_while_it_imports_into_sqlite", async |round| {
        killed_while_importing(Layout::OneProcess, round).await;
    });
}

async fn killed_while_importing(layout: Layout, mut round: Round) {
    let prometheus = FakePrometheus::start();
    let settings = [("VIGIL_HTTP__REQUEST_TIMEOUT_SECONDS", "120")];
    let mut vigil = Installation::start(layout, &prometheus.url(), &settings).await;
    let yaml = rules();
    let began = Instant::now();
    assert_eq!(import(&vigil.api, yaml.clone()).await.ok(), Some(StatusCode::OK));
    let takes = began.elapsed();
    let whole = exported(&vigil.api).await;
    forget(&vigil.api).await;

    let mut outcomes = Vec::new();
    for kill in 0..KILLS {
        let share = (f64::from(kill) + round.dice.random_range(0.0..1.0)) / f64::from(KILLS - 1);
        let answer = die_while_importing(&mut vigil, &yaml, takes.mul_f64(share)).await;
        let left = there(&vigil.api).await;
        if left == (0, 0) {
            assert_ne!(answer, Some(StatusCode::OK), "what was acknowledged is gone");
        } else {
            assert_eq!(left, (SIZE.0, SIZE.0 * SIZE.1), "killed after {share:.2} of the import");
            assert_eq!(exported(&vigil.api).await, whole);
        }
        outcomes.push(left.1);
        forget(&vigil.api).await;
    }
    println!("{layout:?}: an import took {takes:?}; killed in the middle of it, it left {outcomes:?} rules");
    assert!(outcomes.contains(&0), "no import was cut short");
}

/// A file in which no two rules are alike, and which nobody evaluates for days.
fn rules() -> String {
    let rule = |group: u64, rule: u64| {
        format!(
            "  - alert: A{group}_{rule}\n    expr: up{{g=\"{group}\"}} == {rule}\n    for: 5m\n    \
             labels:\n      severity: page\n    annotations:\n      summary: 'value {{{{ $value }}}}'\n"
        )
    };
    let group = |number: u64| {
        let rules: String = (0..SIZE.1).map(|n| rule(number, n)).collect();
        format!("- name: g{number}\n  interval: 7d\n  rules:\n{rules}")
    };
    format!("groups:\n{}", (0..SIZE.0).map(group).collect::<String>())
}

/// What the import was answered, if it was.
async fn import(api: &Api, yaml: String) -> reqwest::Result<StatusCode> {
    let request = reqwest::Client::new().post(format!("{}/api/v1/rule-files?namespace={FILE}", api.url));
    let request = request.bearer_auth(api.token.as_deref().unwrap_or_default());
    let answer = request.header("content-type", "application/yaml").body(yaml).send().await?;
    Ok(answer.status())
}

/// Kills the backend so long after an import began, and starts it again. Answers what the import was answered, if it was.
async fn die_while_importing(vigil: &mut Installation, yaml: &str, after: Duration) -> Option<StatusCode> {
    let (api, yaml) = (vigil.api.clone(), yaml.to_owned());
    let importing = tokio::spawn(async move { import(&api, yaml).await });
    tokio::time::sleep(after).await;
    let (backend, url) = &mut vigil.backends[0];
    backend.kill9();
    let answer = importing.await.expect("no panic");
    backend.start_again();
    backend.until_healthy(&format!("{url}/readyz"), PATIENCE).await;
    // A new client: the old one may still try a connection that died with the backend.
    vigil.api = Api::new(url.as_str()).signed_in(ADMIN.0, ADMIN.1).await;
    answer.ok()
}

/// How many groups and rules of the file there are.
async fn there(api: &Api) -> (u64, u64) {
    let files = api.get("/rule-files?limit=500").await.ok();
    let number = |file: &Value, field: &str| file[field].as_u64().expect("a number");
    let file = items(&files).iter().find(|file| file["namespace"] == FILE);
    file.map_or((0, 0), |file| (number(file, "groups"), number(file, "rules")))
}

async fn exported(api: &Api) -> String {
    let answer = api.get(&format!("/rule-files/{FILE}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.text
}

/// Removes the file. The database may still be about to commit what a killed backend has asked of it: then it is removed
/// again.
async fn forget(api: &Api) {
    let gone = async || {
        api.delete(&format!("/rule-files/{FILE}")).await;
        match there(api).await {
            (0, 0) => Ok(()),
            left => Err(format!("{left:?} groups and rules are left")),
        }
    };
    eventually(PATIENCE, gone).await;
}
