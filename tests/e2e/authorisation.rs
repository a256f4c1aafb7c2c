//! Every operation of the OpenAPI document, asked by everybody. An operation that this table does not know fails.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use vigil_tests::{api::Api, app::TestApp};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    /// Nothing: it decides by what is sent.
    Nobody,
    /// Any token that works.
    Viewer,
    Operator,
    Admin,
}

use Needs::{Admin, Nobody, Operator, Viewer};

const TABLE: &[(&str, &str, Needs)] = &[
    ("GET", "/healthz", Nobody),
    ("GET", "/readyz", Nobody),
    ("GET", "/setup", Nobody),
    ("POST", "/setup", Nobody),
    ("GET", "/metrics", Viewer),
    ("GET", "/ws/metrics/{server_id}", Nobody),
    ("POST", "/api/v1/setup", Nobody),
    ("POST", "/api/v1/auth/login", Nobody),
    ("POST", "/api/v1/auth/refresh", Nobody),
    ("POST", "/api/v1/auth/logout", Nobody),
    ("GET", "/api/v1/auth/me", Viewer),
    ("POST", "/api/v1/auth/password", Viewer),
    ("GET", "/api/v1/api-keys", Viewer),
    ("POST", "/api/v1/api-keys", Viewer),
    ("GET", "/api/v1/api-keys/{id}", Viewer),
    ("DELETE", "/api/v1/api-keys/{id}", Viewer),
    ("POST", "/api/v1/ws-tickets", Viewer),
    ("GET", "/api/v1/users", Admin),
    ("POST", "/api/v1/users", Admin),
    ("GET", "/api/v1/users/{id}", Admin),
    ("PATCH", "/api/v1/users/{id}", Admin),
    ("DELETE", "/api/v1/users/{id}", Admin),
    ("GET", "/api/v1/servers", Viewer),
    ("POST", "/api/v1/servers", Operator),
    ("GET", "/api/v1/servers/{id}", Viewer),
    ("PATCH", "/api/v1/servers/{id}", Operator),
    ("DELETE", "/api/v1/servers/{id}", Operator),
    ("GET", "/api/v1/rules", Viewer),
    ("POST", "/api/v1/rules", Operator),
    ("POST", "/api/v1/rules/preview", Operator),
    ("GET", "/api/v1/rules/{id}", Viewer),
    ("PATCH", "/api/v1/rules/{id}", Operator),
    ("DELETE", "/api/v1/rules/{id}", Operator),
    ("GET", "/api/v1/rules/{id}/versions", Viewer),
    ("GET", "/api/v1/rule-files", Viewer),
    ("POST", "/api/v1/rule-files", Operator),
    ("GET", "/api/v1/rule-files/{namespace}", Viewer),
    ("PATCH", "/api/v1/rule-files/{namespace}", Operator),
    ("DELETE", "/api/v1/rule-files/{namespace}", Operator),
    ("POST", "/api/v1/rule-files/{namespace}/release", Operator),
    ("GET", "/api/v1/shadow/report", Viewer),
    ("GET", "/api/v1/rule-groups", Viewer),
    ("POST", "/api/v1/rule-groups", Operator),
    ("GET", "/api/v1/rule-groups/{id}", Viewer),
    ("PATCH", "/api/v1/rule-groups/{id}", Operator),
    ("DELETE", "/api/v1/rule-groups/{id}", Operator),
    ("GET", "/api/v1/channels", Viewer),
    ("POST", "/api/v1/channels", Operator),
    ("GET", "/api/v1/channels/{id}", Viewer),
    ("PATCH", "/api/v1/channels/{id}", Operator),
    ("DELETE", "/api/v1/channels/{id}", Operator),
    ("POST", "/api/v1/channels/{id}/test", Operator),
    ("GET", "/api/v1/alerts", Viewer),
    ("GET", "/api/v1/events", Viewer),
    ("GET", "/api/v1/events/{id}", Viewer),
    ("GET", "/api/v1/notifications", Viewer),
    ("GET", "/api/v1/notifications/{id}", Viewer),
    ("GET", "/api/v1/metrics/query", Viewer),
    ("POST", "/api/v1/metrics/query", Viewer),
    ("GET", "/api/v1/metrics/query_range", Viewer),
    ("POST", "/api/v1/metrics/query_range", Viewer),
    ("GET", "/api/v1/metrics/servers/{id}/range", Viewer),
    ("GET", "/api/v1/metrics/servers/{id}/summary", Viewer),
    ("GET", "/api/v1/sd/prometheus", Viewer),
    ("GET", "/prometheus/api/v1/query", Viewer),
    ("POST", "/prometheus/api/v1/query", Viewer),
    ("GET", "/prometheus/api/v1/query_range", Viewer),
    ("POST", "/prometheus/api/v1/query_range", Viewer),
    ("GET", "/prometheus/api/v1/query_exemplars", Viewer),
    ("POST", "/prometheus/api/v1/query_exemplars", Viewer),
    ("GET", "/prometheus/api/v1/format_query", Viewer),
    ("POST", "/prometheus/api/v1/format_query", Viewer),
    ("GET", "/prometheus/api/v1/series", Viewer),
    ("POST", "/prometheus/api/v1/series", Viewer),
    ("GET", "/prometheus/api/v1/labels", Viewer),
    ("POST", "/prometheus/api/v1/labels", Viewer),
    ("GET", "/prometheus/api/v1/label/{name}/values", Viewer),
    ("GET", "/prometheus/api/v1/metadata", Viewer),
    ("GET", "/prometheus/api/v1/rules", Viewer),
    ("GET", "/prometheus/api/v1/alerts", Viewer),
    ("GET", "/prometheus/api/v1/alertmanagers", Viewer),
    ("GET", "/prometheus/api/v1/status/buildinfo", Viewer),
    ("GET", "/prometheus/config/v1/rules", Viewer),
    ("GET", "/prometheus/config/v1/rules/{namespace}", Viewer),
    ("POST", "/prometheus/config/v1/rules/{namespace}", Operator),
    ("DELETE", "/prometheus/config/v1/rules/{namespace}", Operator),
    ("GET", "/prometheus/config/v1/rules/{namespace}/{group}", Viewer),
    ("DELETE", "/prometheus/config/v1/rules/{namespace}/{group}", Operator),
    ("GET", "/prometheus/api/v1/status/runtimeinfo", Viewer),
];

/// Operations that end the session they are asked with; they are asked last, with sessions of their own.
const ENDS_SESSION: &[&str] = &["/api/v1/auth/logout", "/api/v1/auth/password"];

async fn operations(app: &TestApp) -> Vec<(String, String)> {
    let document = app.anonymous("/openapi.json").await.ok();
    let paths: BTreeMap<String, Value> = serde_json::from_value(document["paths"].clone()).expect("paths");
    let methods = ["get", "post", "put", "patch", "delete"];
    let of = |(path, item): (String, Value)| {
        methods
            .iter()
            .filter(|method| item.get(**method).is_some())
            .map(move |m| (m.to_uppercase(), path.clone()))
            .collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(of).collect()
}

fn needs(method: &str, path: &str) -> Needs {
    let found = TABLE.iter().find(|(m, p, _)| (*m, *p) == (method, path));
    found.unwrap_or_else(|| panic!("{method} {path} is not in the table of who may ask: add it")).2
}

async fn ask(api: &Api, method: &str, path: &str) -> StatusCode {
    let id = "01920000-0000-7000-8000-00000000ffff";
    let filled = path.replace("{id}", id).replace("{server_id}", id);
    let client = reqwest::Client::new();
    let mut request = client.request(method.parse::<Method>().expect("a method"), format!("{}{filled}", api.url));
    if let Some(token) = &api.token {
        request = request.bearer_auth(token);
    }
    if method != "GET" && method != "DELETE" {
        request = request.json(&json!({}));
    }
    request.send().await.expect("an answer").status()
}

/// A key that worked until it was deleted.
async fn revoked(app: &TestApp) -> Api {
    let made = app.api.post("/api-keys", json!({"name": "gone", "role": "admin"})).await.ok();
    let (id, key) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
    let api = app.api.with(key);
    assert_eq!(api.get("/rules").await.status, StatusCode::OK, "the key works before it is revoked");
    assert_eq!(app.api.delete(&format!("/api-keys/{id}")).await.status, StatusCode::NO_CONTENT);
    api
}

/// A session whose time has run out.
async fn expired(app: &TestApp) -> Api {
    let api = app.api.as_role("admin").await;
    app.clock.advance(
        (TimeDelta::seconds(i64::try_from(app.ctx.config.auth.access_token_seconds).expect("short"))
            + TimeDelta::minutes(1))
        .to_std()
        .expect("forward"),
    );
    api
}

stories! {
    async fn everybody_may_exactly_what_the_table_says(app) {
        let (expired, revoked_session) = (expired(&app).await, {
            let api = app.api.signed_in(vigil_tests::app::ADMIN.0, vigil_tests::app::ADMIN.1).await;
            assert_eq!(api.post("/auth/logout", json!({})).await.status, StatusCode::NO_CONTENT);
            api
        });
        let admin = app.api.signed_in(vigil_tests::app::ADMIN.0, vigil_tests::app::ADMIN.1).await;
        let mut app = app;
        app.api = admin.clone();
        let revoked = revoked(&app).await;
        let nobody = Api::new(app.api.url.clone());
        let (viewer, operator) = (admin.as_role("viewer").await, admin.as_role("operator").await);
        let mut operations = operations(&app).await;
        operations.sort_by_key(|(_, path)| ENDS_SESSION.contains(&path.as_str()));
        assert!(operations.len() >= 50, "the document describes the API: {operations:?}");

        for (method, path) in &operations {
            let needs = needs(method, path);
            for (who, api) in [("anonymous", &nobody), ("expired", &expired), ("revoked", &revoked), ("logged out", &revoked_session)] {
                let status = ask(api, method, path).await;
                let refused = status == StatusCode::UNAUTHORIZED;
                let may_decide_itself = needs == Nobody;
                assert!(refused || may_decide_itself, "{who} got {status} from {method} {path}");
                assert!(!status.is_server_error(), "{who} got {status} from {method} {path}");
            }
            if ENDS_SESSION.contains(&path.as_str()) {
                continue;
            }
            for (role, who, api) in [(Viewer, "viewer", &viewer), (Operator, "operator", &operator), (Admin, "admin", &admin)] {
                let status = ask(api, method, path).await;
                if role < needs {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{who} at {method} {path}");
                } else if needs != Nobody {
                    let allowed = ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
                    assert!(allowed, "{who} got {status} from {method} {path}");
                }
            }
        }
        for (method, path, _) in TABLE {
            let known = operations.iter().any(|(m, p)| (m.as_str(), p.as_str()) == (*method, *path));
            assert!(known || path.starts_with("/ws"), "{method} {path} is in the table but not in the document");
        }
    }
}
