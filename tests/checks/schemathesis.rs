//! The running API against its own OpenAPI document: no 500, no status outside the document, no answer outside the
//! schema, nothing taken that the document forbids. What is asked is in `schemathesis.toml`.

use serde_json::json;
use vigil_tests::{
    app::{BOT_TOKEN, CHAT, items},
    fakes::FakePrometheus,
    installation::{Installation, Layout},
    labels,
    process::Program,
    programs,
    scratch::Scratch,
};

/// One wrong password after the other must not hide what comes behind them.
const SETTINGS: [(&str, &str); 2] = [("VIGIL_AUTH__LOGIN_ATTEMPTS", "1000000"), ("VIGIL_LOG__LEVEL", "warn")];

/// A Vigil with something of every kind in it.
async fn furnished(layout: Layout) -> (Installation, FakePrometheus) {
    let prometheus = FakePrometheus::start();
    prometheus.answers("up == 0", [(labels! { instance = "web-1" }, 0.0)]);
    let vigil = Installation::start(layout, &prometheus.url(), &SETTINGS).await;
    let api = &vigil.api;
    let server = api.create("/servers", json!({"name": "web-1", "instance": "web-1"})).await;
    let config = json!({"bot_token": BOT_TOKEN, "chat_id": CHAT});
    let ops = api.create("/channels", json!({"name": "ops", "kind": "telegram", "config": config})).await;
    let down =
        json!({"name": "Down", "expr": "up == 0", "interval": "1s", "channel_ids": [ops], "severity": "critical"});
    api.create("/rules", down).await;
    let of_server = json!({"name": "HighCpu", "expr": "cpu > 90", "group": "node", "server_id": server});
    api.create("/rules", of_server).await;
    vigil.telegram.wait_for(1, std::time::Duration::from_secs(30)).await;
    assert_eq!(items(&api.get("/events").await.ok()).len(), 1, "a history to list");
    (vigil, prometheus)
}

/// Runs schemathesis as somebody; its report is the message of a failure.
async fn run(vigil: &Installation, credential: &str, arguments: &[&str]) {
    let config = programs::repository().join("tests/checks/schemathesis.toml");
    let document = format!("{}/api/v1/openapi.json", vigil.api.url);
    let home = Scratch::new();
    let program = Program::new(programs::schemathesis()).directory(home.path()).arg("--config-file").arg(config);
    let program = program.args(["run", &document]).args(arguments);
    let spare = vigil.api.as_role("viewer").await.token.expect("somebody who is signed in has a token");
    let program = program.env("CREDENTIAL", credential).env("SPARE_CREDENTIAL", spare);
    tokio::task::spawn_blocking(move || program.run()).await.unwrap_or_else(|failed| match failed.try_into_panic() {
        Ok(report) => std::panic::resume_unwind(report),
        Err(failed) => panic!("{failed}"),
    });
    let printed = vigil.output();
    assert!(!printed.contains("panicked") && !printed.contains("request failed"), "{printed}");
}

fn admin(vigil: &Installation) -> String {
    vigil.api.token.clone().expect("the admin is signed in")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_answers_an_admin_as_the_document_says() {
    let (vigil, _prometheus) = furnished(Layout::OneProcess).await;
    run(&vigil, &admin(&vigil), &["--max-examples", "10"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_on_postgresql_answers_an_admin_as_the_document_says() {
    let (vigil, _prometheus) = furnished(Layout::Distributed { backends: 1, workers: 1 }).await;
    run(&vigil, &admin(&vigil), &["--max-examples", "10", "--generation-allow-x00", "true"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewers_api_key_is_answered_as_the_document_says() {
    let (vigil, _prometheus) = furnished(Layout::OneProcess).await;
    let key = vigil.api.post("/api-keys", json!({"name": "viewer", "role": "viewer"})).await.ok();
    let key = key["key"].as_str().expect("a new key is shown").to_owned();
    run(&vigil, &key, &["--max-examples", "3", "--phases", "examples,coverage,fuzzing"]).await;
}
