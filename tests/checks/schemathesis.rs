//! The running API against its own OpenAPI document: no 500, no status outside the document, no answer outside the
//! schema, nothing taken that the document forbids. What is asked is in `schemathesis.toml`.

use std::time::Duration;

use serde_json::{Value, json};
use vigil_tests::{
    app::{BOT_TOKEN, CHAT, items, text},
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
struct Furnished {
    vigil: Installation,
    /// The server that has a rule.
    server: String,
    _prometheus: FakePrometheus,
}

impl Furnished {
    async fn start(layout: Layout) -> Self {
        let prometheus = FakePrometheus::start();
        prometheus.answers("up == 0", [(labels! { instance = "web-1" }, 0.0)]);
        let vigil = Installation::start(layout, &prometheus.url(), &SETTINGS).await;
        let api = &vigil.api;
        let server = api.create("/servers", json!({"name": "web-1", "instance": "web-1"})).await;
        let config = json!({"bot_token": BOT_TOKEN, "chat_id": CHAT});
        let ops = api.create("/channels", json!({"name": "ops", "kind": "telegram", "config": config})).await;
        let down = json!({"name": "Down", "expr": "up == 0", "interval": "1s", "channel_ids": [ops]});
        api.create("/rules", down).await;
        let of_server = json!({"name": "HighCpu", "expr": "cpu > 90", "group": "node", "server_id": server});
        api.create("/rules", of_server).await;
        vigil.telegram.wait_for(1, Duration::from_secs(60)).await;
        assert_eq!(items(&api.get("/events").await.ok()).len(), 1, "a history to list");
        Self { vigil, server, _prometheus: prometheus }
    }

    /// An API key of the admin, as it was answered.
    async fn key(&self, role: &str) -> Value {
        self.vigil.api.post("/api-keys", json!({"name": format!("the {role}'s"), "role": role})).await.ok()
    }

    /// Runs schemathesis as somebody; its report is the message of a failure.
    async fn check(&self, credential: &str, arguments: &[&str]) {
        let (api, home) = (&self.vigil.api, Scratch::new());
        let spare_user = json!({"username": "spare", "password": "a long enough password", "role": "viewer"});
        let spare_server = json!({"name": "spare", "instance": "spare"});
        let spare = api.as_role("viewer").await.token.expect("somebody who is signed in has a token");
        let program = Program::new(programs::schemathesis()).directory(home.path()).arg("--config-file");
        let program = program.arg(programs::repository().join("tests/checks/schemathesis.toml"));
        let program = program.args(["run", &format!("{}/api/v1/openapi.json", api.url)]).args(arguments);
        let program = program.env("CREDENTIAL", credential).env("SPARE_CREDENTIAL", spare);
        let program = program.env("SPARE_USER", api.create("/users", spare_user).await);
        let program = program.env("SPARE_KEY", text(&self.key("operator").await, "id"));
        let program = program.env("SERVER", &self.server);
        let program = program.env("SPARE_SERVER", api.create("/servers", spare_server).await);
        let run = tokio::task::spawn_blocking(move || program.run()).await;
        run.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
        let printed = self.vigil.output();
        assert!(!printed.contains("panicked") && !printed.contains("request failed"), "{printed}");
        let caller = api.with(credential).get("/auth/me").await;
        assert_eq!(caller.status, 200, "the credential was good until the end: {}", caller.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_answers_an_admin_as_the_document_says() {
    let furnished = Furnished::start(Layout::OneProcess).await;
    let admin = furnished.vigil.api.token.clone().expect("the admin is signed in");
    furnished.check(&admin, &["--max-examples", "10"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backend_on_postgresql_answers_an_admin_as_the_document_says() {
    let furnished = Furnished::start(Layout::Distributed { backends: 1, workers: 1 }).await;
    let admin = furnished.vigil.api.token.clone().expect("the admin is signed in");
    furnished.check(&admin, &["--max-examples", "10", "--generation-allow-x00", "true"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewers_api_key_is_answered_as_the_document_says() {
    let furnished = Furnished::start(Layout::OneProcess).await;
    let key = text(&furnished.key("viewer").await, "key");
    furnished.check(&key, &["--max-examples", "3", "--phases", "examples,coverage,fuzzing"]).await;
}
