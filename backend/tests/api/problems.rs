//! Every failure is a problem document.

use axum::{body::Body, http::Request};
use serde_json::json;
use vigil_domain::role::Role;

use crate::app::App;

#[tokio::test]
async fn unknown_addresses_methods_and_ids_are_problems() {
    let app = App::start().await;
    let admin = app.signed_in("root", Role::Admin).await;
    app.get("/nothing", "").await.problem(404, "not-found");
    app.get("/api/v1/nothing", &admin).await.problem(404, "not-found");
    app.get("/api/v1/users/not-a-uuid", &admin).await.problem(404, "not-found");
    app.get("/api/v1/users/%00%ff", &admin).await.problem(404, "not-found");
    let wrong = app.delete("/api/v1/auth/login", "").await;
    wrong.problem(405, "method-not-allowed");
    assert_eq!(wrong.header("allow"), "POST");
}

#[tokio::test]
async fn bodies_that_do_not_fit_say_why() {
    let app = App::with(&[("VIGIL_HTTP__BODY_LIMIT_BYTES", "2000")]).await;
    let admin = app.signed_in("root", Role::Admin).await;
    let post = async |content_type: &str, body: String| {
        let request = Request::post("/api/v1/users")
            .header("authorization", format!("Bearer {admin}"))
            .header("content-type", content_type);
        app.send(request.body(Body::from(body)).unwrap()).await
    };
    for body in ["", "{", "[1,2", "{\"a\": 1} x", "\u{1}", "\"\\u0000", "{\"username\": 01}"] {
        post("application/json", body.to_owned()).await.problem(400, "malformed");
    }
    for body in ["[]", "1e999", r#"["ann", "correct horse battery", "viewer"]"#] {
        assert_eq!(post("application/json", body.to_owned()).await.wrong_fields(), [""], "{body}");
    }
    assert_eq!(post("application/json", "{}".to_owned()).await.wrong_fields(), ["username", "password", "role"]);
    for (body, first) in [
        (r#"{"x": 1}"#, "x"),
        (r#"{"username": 1}"#, "username"),
        (r#"{"username": 1e999}"#, "username"),
        (r#"{"username": null}"#, "username"),
        (r#"{"role": null}"#, "role"),
        (r#"{"username": "a", "username": "b"}"#, "username"),
    ] {
        assert_eq!(post("application/json; charset=utf-8", body.to_owned()).await.wrong_fields()[0], first, "{body}");
    }
    post("text/plain", "{}".to_owned()).await.problem(415, "media-type");
    post("application/json", format!("{{\"username\": \"{}\"}}", "a".repeat(3000))).await.problem(413, "too-large");
}

#[tokio::test]
async fn requests_carry_an_id_and_answers_safe_headers() {
    let app = App::start().await;
    let ask = async |id: &str| {
        let request = Request::get("/healthz").header("x-request-id", id).body(Body::empty()).unwrap();
        app.send(request).await.header("x-request-id").to_owned()
    };
    assert_eq!(ask("abc-123").await, "abc-123");
    for bad in ["", "a b", "<x>", &"a".repeat(129)] {
        let made = ask(bad).await;
        assert!(uuid::Uuid::parse_str(&made).is_ok(), "{made}");
    }
    let answer = app.get("/healthz", "").await;
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), value);
    }
}

#[tokio::test]
async fn browsers_of_configured_origins_may_call() {
    let preflight = |origin: &'static str| {
        Request::options("/api/v1/users")
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization,if-match")
            .body(Body::empty())
            .unwrap()
    };
    let app = App::with(&[("VIGIL_HTTP__CORS_ORIGINS", "https://console.example.com")]).await;
    let allowed = app.send(preflight("https://console.example.com")).await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://console.example.com");
    let other = app.send(preflight("https://evil.example.com")).await;
    assert!(other.headers.get("access-control-allow-origin").is_none());
    let closed = App::start().await;
    let none = closed.send(preflight("https://console.example.com")).await;
    assert!(none.headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let app = App::start().await;
    let request = Request::get("/api/v1/openapi.json").header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let answer = app.send(request).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(answer.bytes[..2], [0x1f, 0x8b]);
}

#[tokio::test]
async fn a_database_that_is_gone_is_said_to_be() {
    let app = App::start().await;
    let token = app.signed_in("root", Role::Admin).await;
    app.state.db.clone().close().await.unwrap();
    app.get("/api/v1/users", &token).await.problem(503, "unavailable");
    app.login("root", "x").await.problem(503, "unavailable");
    let ready = app.get("/readyz", "").await;
    assert_eq!((ready.status.as_u16(), ready.bytes.len()), (503, 0));
    assert_eq!(app.get("/healthz", "").await.status, 200);
    app.post("/api/v1/setup", "", json!({"token": "x", "username": "y", "password": "z"}))
        .await
        .problem(503, "unavailable");
}
