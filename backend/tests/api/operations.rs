//! Probes, metrics and the documentation.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use vigil_domain::role::Role;

use crate::app::App;

#[tokio::test]
async fn probes_are_open_and_content_free() {
    let app = App::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = app.get(path, "").await;
        assert_eq!((answer.status.as_u16(), answer.bytes.len()), (200, 0), "{path}");
    }
    app.state.shutdown.begin();
    assert_eq!(app.get("/readyz", "").await.status, 503, "no new requests while ending");
}

#[tokio::test]
async fn requests_are_counted_by_the_route_they_matched() {
    let app = App::start().await;
    vigil_runtime::metrics::install();
    let token = app.signed_in("root", Role::Admin).await;
    app.get(&format!("/api/v1/users/{}", uuid::Uuid::now_v7()), &token).await.problem(404, "not-found");
    app.get("/somewhere/else", &token).await.problem(404, "not-found");
    let text = String::from_utf8(app.get("/metrics", &token).await.bytes.to_vec()).unwrap();
    for series in [
        r#"vigil_http_requests_total{method="GET",route="/api/v1/users/{id}",status="404"}"#,
        r#"vigil_http_requests_total{method="GET",route="unmatched",status="404"}"#,
        r#"vigil_http_request_duration_seconds_bucket{method="GET",route="/api/v1/users/{id}",le="60"}"#,
    ] {
        assert!(text.contains(series), "{series} is not in\n{text}");
    }
    assert!(!text.contains("somewhere"), "{text}");
}

#[tokio::test]
async fn metrics_with_an_address_of_their_own_are_not_here() {
    let app = App::with(&[("VIGIL_METRICS__LISTEN", "127.0.0.1:0")]).await;
    let token = app.signed_in("root", Role::Admin).await;
    app.get("/metrics", &token).await.problem(404, "not-found");
}

#[tokio::test]
async fn the_documentation_is_served_from_the_binary() {
    let app = App::start().await;
    let index = app.get("/docs/", "").await;
    assert_eq!(index.status, 200);
    assert!(index.header("content-type").starts_with("text/html"));
    assert!(index.header("content-security-policy").contains("'self'"));
    let script = app.get("/docs/swagger-initializer.js", "").await;
    assert!(String::from_utf8(script.bytes.to_vec()).unwrap().contains("/api/v1/openapi.json"));
    let document = app.get("/api/v1/openapi.json", "").await;
    assert_eq!(document.header("content-type"), "application/json");
    assert_eq!(document.json(), serde_json::to_value(vigil_backend::openapi()).unwrap());
    assert_eq!(app.get("/docs", "").await.header("location"), "/docs/");
}

#[tokio::test]
async fn serving_ends_when_the_end_begins() {
    // Free a moment ago: nothing tells the port that `serve` takes for metrics.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let app = App::with(&[("VIGIL_METRICS__LISTEN", &free.to_string())]).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = listener.local_addr().unwrap();
    let shutdown = app.state.shutdown.clone();
    let serving = tokio::spawn(vigil_backend::serve(listener, app.state.clone(), shutdown.clone()));
    assert!(ask(api, "/healthz").await.starts_with("HTTP/1.1 200"));
    let metrics = ask(free, "/metrics").await;
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.contains("vigil_build_info"), "{metrics}");

    let _idle = TcpStream::connect(api).await.unwrap();
    shutdown.begin();
    timeout(Duration::from_secs(10), serving).await.unwrap().unwrap().unwrap();
    assert!(shutdown.wait(Duration::from_secs(10)).await);
}

#[tokio::test]
async fn expired_tokens_are_deleted_and_living_ones_kept() {
    let app = App::start().await;
    app.user("ann", Role::Viewer).await;
    let old = app.login("ann", crate::app::PASSWORD).await;
    app.advance(2_000_000);
    let new = app.login("ann", crate::app::PASSWORD).await;
    app.advance(600_000);
    vigil_store::accounts::sweep(&app.state.db, app.state.now()).await.unwrap();
    let renewal = async |tokens: &crate::app::Answer| {
        let body = serde_json::json!({"refresh_token": tokens.text("refresh_token")});
        app.post("/api/v1/auth/refresh", "", body).await.status
    };
    assert_eq!((renewal(&old).await.as_u16(), renewal(&new).await.as_u16()), (401, 200));
}

/// The whole answer to a GET.
async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
