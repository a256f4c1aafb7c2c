//! What ends a connection that was good.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vigil_domain::role::Role;

use crate::{
    app::{App, LONG},
    client::Client,
};

#[tokio::test]
async fn a_client_whose_ground_goes_away_is_told() {
    let app = App::start().await;
    let admin = app.signed_in("boss", Role::Admin).await;
    let (kept, resting, deleted) =
        (app.server(&admin, "web-1").await, app.server(&admin, "web-2").await, app.server(&admin, "web-3").await);
    let fired = app.signed_in("fired", Role::Operator).await;
    let (_, key) = app.call("POST", "/api/v1/api-keys", &admin, Some(json!({"name": "k", "role": "viewer"}))).await;
    let (key_id, key) = (key["id"].as_str().unwrap().to_owned(), key["key"].as_str().unwrap().to_owned());
    let demoted = app.signed_in("demoted", Role::Operator).await;
    let ticket = app.ticket(&demoted).await;

    let mut stays = Client::watch(&app, &kept, "", &admin).await;
    let by_key = Client::watch(&app, &kept, "", &key).await;
    let by_session = Client::watch(&app, &kept, "", &fired).await;
    let by_ticket = Client::watch(&app, &kept, &format!("ticket={ticket}"), "").await;
    let at_resting = Client::watch(&app, &resting, "interval=1h", &admin).await;
    let at_deleted = Client::watch(&app, &deleted, "interval=1h", &admin).await;

    app.call("DELETE", &format!("/api/v1/api-keys/{key_id}"), &admin, None).await;
    app.deactivate_user("fired").await;
    app.deactivate_user("demoted").await;
    app.call("PATCH", &format!("/api/v1/servers/{resting}"), &admin, Some(json!({"is_active": false}))).await;
    app.call("DELETE", &format!("/api/v1/servers/{deleted}"), &admin, None).await;

    let ends = tokio::join!(by_key.code(), by_session.code(), by_ticket.code(), at_resting.code(), at_deleted.code());
    assert_eq!(ends, (4401, 4401, 4401, 4409, 4404));
    stays.frame().await;
    let again = Client::watch(&app, &kept, "", &key).await;
    assert_eq!(again.code().await, 4401);
}

#[tokio::test]
async fn a_token_that_expires_ends_the_connection() {
    let app = App::with(&[("VIGIL_AUTH__ACCESS_TOKEN_SECONDS", "2")]).await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let (code, reason) = Client::watch(&app, &server, "", &token).await.end().await;
    assert_eq!(code, 4401);
    assert!(reason.contains("expired"), "{reason}");
}

#[tokio::test]
async fn a_server_that_is_active_again_can_be_watched_again() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let path = format!("/api/v1/servers/{server}");
    let client = Client::watch(&app, &server, "interval=1h", &token).await;
    app.call("PATCH", &path, &token, Some(json!({"is_active": false}))).await;
    assert_eq!(client.code().await, 4409);
    app.call("PATCH", &path, &token, Some(json!({"is_active": true}))).await;
    Client::watch(&app, &server, "interval=1h", &token).await.frame().await;
}

#[tokio::test]
async fn at_the_end_of_the_program_everybody_is_told_and_waited_for() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut clients = Vec::new();
    for interval in ["5s", "1h", "1h", "5s", "1m"] {
        let mut client = Client::watch(&app, &server, &format!("interval={interval}"), &token).await;
        client.frame().await;
        clients.push(client);
    }
    let mute = Client::watch(&app, &server, "interval=1h", &token).await;
    let ends = tokio::spawn(async move {
        let mut codes = Vec::new();
        for client in clients {
            codes.push(client.code().await);
        }
        codes
    });
    assert!(app.shutdown.wait(Duration::from_secs(20)).await, "nothing is left");
    assert_eq!(ends.await.unwrap(), [1001; 5]);
    drop(mute);
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_given_up() {
    let app = App::with(&[("VIGIL_LIVE__PING_SECONDS", "0.2")]).await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut answers = Client::watch(&app, &server, "interval=200ms", &token).await;
    let mut silent = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let request = format!(
        "GET /ws/metrics/{server}?interval=1h HTTP/1.1\r\nHost: vigil\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    silent.write_all(request.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let reading = tokio::time::timeout(LONG, silent.read_to_end(&mut heard));
    let (ended, ()) = tokio::join!(reading, async {
        for _ in 0..10 {
            answers.frame().await;
        }
    });
    ended.expect("the connection ends").unwrap();
    let text = String::from_utf8_lossy(&heard);
    assert!(text.contains("no answer to pings"), "{text}");
    answers.frame().await;
}
