//! Who may watch what, and what a refusal looks like.

use axum::http::StatusCode;
use futures::StreamExt;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use vigil_domain::{id::ServerId, role::Role};

use crate::{
    app::{App, LONG},
    client::Client,
};

#[tokio::test]
async fn every_refusal_is_a_close_code_with_a_reason() {
    let app = App::with(&[("VIGIL_LIVE__MAX_CLIENTS", "1")]).await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let resting = app.server(&token, "web-2").await;
    app.call("PATCH", &format!("/api/v1/servers/{resting}"), &token, Some(json!({"is_active": false}))).await;
    let unknown = ServerId::random().to_string();
    for (server, query, token, code, reason) in [
        (&*server, "", "", 4401, "send Authorization"),
        (&server, "", "nonsense", 4401, "credentials"),
        (&server, "", "vgl_nonsense", 4401, "credentials"),
        (&server, &format!("token={token}"), "", 4401, "no token in the address"),
        (&server, &format!("access_token={token}"), &*token, 4401, "no token in the address"),
        (&server, "ticket=nonsense", "", 4401, "credentials"),
        (&server, "interval=1ms", &token, 4400, "interval: must be from"),
        (&server, "interval=5", &token, 4400, "interval: not a valid duration"),
        (&server, "colour=red", &token, 4400, "\"colour\" is no parameter"),
        (&unknown, "", &token, 4404, "no such server"),
        ("web-1", "", &token, 4404, "no such server"),
        (&resting, "", &token, 4409, "not active"),
    ] {
        let (found, said) = Client::watch(&app, server, query, token).await.end().await;
        assert_eq!(found, code, "{server}?{query}: {said}");
        assert!(said.contains(reason), "{said} does not say {reason}");
    }
    let mut first = Client::watch(&app, &server, "", &token).await;
    first.frame().await;
    assert_eq!(Client::watch(&app, &server, "", &token).await.code().await, 4429);
    drop(first);
    let free_again = async {
        let is_frame = |message| matches!(message, Some(Ok(Message::Text(_))));
        while !is_frame(Client::watch(&app, &server, "", &token).await.0.next().await) {}
    };
    timeout(LONG, free_again).await.expect("the seat is free once the server notices");
}

#[tokio::test]
async fn a_viewer_watches_but_does_not_ask() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let viewer = app.signed_in("see", Role::Viewer).await;
    let server = app.server(&operator, "web-1").await;
    let mut client = Client::watch(&app, &server, "", &viewer).await;
    client.frame().await;
    client.subscribe(&["up"]).await;
    assert_eq!(client.code().await, 4403);
    assert!(app.prometheus.asked().iter().all(|(expr, _)| expr.contains("vigil_metric")));
}

#[tokio::test]
async fn a_token_may_come_as_a_subprotocol_which_is_never_sent_back() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let header = ("sec-websocket-protocol", format!("vigil.v1, bearer.{token}"));
    let (mut client, answer) = Client::connect(&app, &server, "", Some(header)).await;
    assert_eq!(answer.headers()["sec-websocket-protocol"], "vigil.v1");
    client.frame().await;
    let header = ("sec-websocket-protocol", "vigil.v1, bearer.nonsense".to_owned());
    let (client, _) = Client::connect(&app, &server, "", Some(header)).await;
    assert_eq!(client.code().await, 4401);
}

#[tokio::test]
async fn a_ticket_is_good_once() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let query = format!("interval=5s&ticket={}", app.ticket(&token).await);
    let mut client = Client::watch(&app, &server, &query, "").await;
    client.frame().await;
    assert_eq!(Client::watch(&app, &server, &query, "").await.code().await, 4401);
    client.subscribe(&["up"]).await;
    client.frame_where(|frame| frame["results"][0]["expr"] == "up").await;
}

#[tokio::test]
async fn what_is_no_websocket_is_told_so() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let path = format!("/ws/metrics/{}", ServerId::random());
    let (status, problem) = app.call("GET", &path, &token, None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    assert_eq!(problem["type"], "urn:vigil:problem:malformed");
    assert_eq!(app.call("GET", &path, "", None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(app.call("POST", &path, &token, None).await.0, StatusCode::METHOD_NOT_ALLOWED);
}
