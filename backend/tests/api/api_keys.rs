//! Keys for machines.

use axum::{body::Body, http::Request};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use vigil_domain::role::Role;

use crate::app::{App, PASSWORD};

const KEYS: &str = "/api/v1/api-keys";

#[tokio::test]
async fn a_key_is_shown_once_and_acts_for_its_user() {
    let app = App::start().await;
    let ann = app.signed_in("ann", Role::Operator).await;
    let made = app.post(KEYS, &ann, json!({"name": "grafana", "role": "viewer"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let key = made.text("key");
    assert!(key.starts_with("vgl_") && key.len() == 47, "{key}");
    assert_eq!(made.text("prefix"), key[..12]);
    let me = app.me(&key).await.json();
    assert_eq!((&me["username"], &me["role"], &me["credential"]), (&json!("ann"), &json!("viewer"), &json!("api_key")));

    let shown = app.get(made.header("location"), &ann).await.json();
    assert!(shown.get("key").is_none() && shown.get("key_hash").is_none(), "{shown}");
    assert_eq!(shown["last_used_at"], "2026-01-01T00:00:00Z");
    assert_eq!(app.get(KEYS, &ann).await.json()["items"][0], shown);
    assert_eq!(app.delete(made.header("location"), &ann).await.status, 204);
    app.me(&key).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_key_never_does_more_than_its_maker_or_its_user() {
    let app = App::start().await;
    let root = app.signed_in("root", Role::Admin).await;
    let ann_id = app.user("ann", Role::Operator).await;
    let ann = app.login("ann", PASSWORD).await.text("access_token");
    let wrong = app.post(KEYS, &ann, json!({"name": "", "role": "admin", "expires_at": "2026-01-01T00:00:00Z"})).await;
    assert_eq!(wrong.wrong_fields(), ["name", "role", "expires_at"]);
    let key = app.post(KEYS, &ann, json!({"name": "k", "role": "operator"})).await.text("key");
    assert_eq!(app.post(KEYS, &key, json!({"name": "l", "role": "admin"})).await.wrong_fields(), ["role"]);
    assert_eq!(app.patch(&format!("/api/v1/users/{ann_id}"), &root, json!({"role": "viewer"})).await.status, 200);
    assert_eq!(app.me(&key).await.json()["role"], "viewer");
}

#[tokio::test]
async fn a_key_expires_and_makes_none_that_outlives_it() {
    let app = App::start().await;
    let ann = app.signed_in("ann", Role::Viewer).await;
    let body = json!({"name": "k", "role": "viewer", "expires_at": "2026-01-01T01:00:00Z"});
    let key = app.post(KEYS, &ann, body.clone()).await.text("key");
    assert_eq!(app.post(KEYS, &key, body).await.status, 201);
    for longer in [json!(null), json!("2026-01-01T02:00:00Z")] {
        let body = json!({"name": "k", "role": "viewer", "expires_at": longer});
        assert_eq!(app.post(KEYS, &key, body).await.wrong_fields(), ["expires_at"]);
    }
    app.advance(3600);
    app.me(&key).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn keys_of_others_are_for_admins() {
    let app = App::start().await;
    let (ann, bob) = (app.signed_in("ann", Role::Operator).await, app.signed_in("bob", Role::Operator).await);
    let root = app.signed_in("root", Role::Admin).await;
    let at = app.post(KEYS, &ann, json!({"name": "k", "role": "viewer"})).await.header("location").to_owned();
    app.get(&at, &bob).await.problem(404, "not-found");
    app.delete(&at, &bob).await.problem(404, "not-found");
    assert_eq!(app.get(KEYS, &bob).await.json()["items"], json!([]));
    assert_eq!(app.get(KEYS, &root).await.json()["items"][0]["name"], "k");
    assert_eq!(app.delete(&at, &root).await.status, 204);
}

#[tokio::test]
async fn a_key_cannot_do_what_needs_a_password_or_a_session() {
    let app = App::start().await;
    let ann = app.signed_in("ann", Role::Viewer).await;
    let key = app.post(KEYS, &ann, json!({"name": "k", "role": "viewer"})).await.text("key");
    let change = json!({"current_password": PASSWORD, "new_password": "another long password"});
    app.post("/api/v1/auth/password", &key, change).await.problem(403, "forbidden");
    app.post("/api/v1/auth/logout", &key, json!({})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn metrics_take_a_key_as_bearer_or_as_the_password_of_basic() {
    let app = App::start().await;
    let ann = app.signed_in("ann", Role::Viewer).await;
    let key = app.post(KEYS, &ann, json!({"name": "prometheus", "role": "viewer"})).await.text("key");
    let scrape = async |authorization: String| {
        let request = Request::get("/metrics").header("authorization", authorization);
        app.send(request.body(Body::empty()).unwrap()).await
    };
    let basic = |password: &str| format!("Basic {}", STANDARD.encode(format!("anybody:{password}")));
    for authorization in [format!("Bearer {key}"), basic(&key), format!("Bearer {ann}")] {
        let answer = scrape(authorization).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
    }
    for authorization in [basic(PASSWORD), basic("vgl_unknown"), basic(&ann), "Basic !".to_owned()] {
        let refused = scrape(authorization).await;
        refused.problem(401, "unauthenticated");
        let ways: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(ways, ["Bearer", "Basic realm=\"vigil\""]);
    }
    app.me("vgl_").await.problem(401, "unauthenticated");
}
