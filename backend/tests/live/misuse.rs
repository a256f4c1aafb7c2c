//! Whatever a client sends, it harms itself at most.

use futures::{SinkExt, StreamExt};
use tokio::{io::AsyncWriteExt, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, tungstenite::Message};
use vigil_domain::role::Role;

use crate::{
    app::{App, LONG},
    client::Client,
};

/// The same bytes in every run.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| byte()).collect()
}

/// Reads until there is nothing more, whatever it is.
async fn drain(mut client: Client) {
    let reading = async { while let Some(Ok(_)) = client.0.next().await {} };
    timeout(LONG, reading).await.expect("the server ends the connection");
}

#[tokio::test]
async fn malformed_input_harms_nobody_else() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut bystander = Client::watch(&app, &server, "interval=200ms", &token).await;
    let watch = async || Client::watch(&app, &server, "interval=1h", &token).await;

    let texts = [
        String::new(),
        "null".to_owned(),
        "{".repeat(10_000),
        "[".repeat(60_000),
        "\u{0}\u{202e}\u{10ffff}".repeat(1_000),
        r#"{"type":"subscribe","expr":"up"}"#.to_owned(),
        r#"{"type":"subscribe","expr":["\ud800"]}"#.to_owned(),
        format!(r#"{{"type":"subscribe","expr":["{}"]}}"#, "(".repeat(16_000)),
        format!(r#"{{"type":"subscribe","expr":[{}1]}}"#, "1,".repeat(20_000)),
    ];
    let mut client = watch().await;
    for text in texts {
        client.send(text.clone()).await;
        let said = client.error().await;
        assert!(!said.is_empty(), "{text:.60}");
        assert!(!said.is_empty(), "{text:.60}");
    }
    for seed in 0..20 {
        let mut client = watch().await;
        // Frames that are well formed around content that is not.
        client.send(noise(seed, 1_000)).await;
        client.send(String::from_utf8_lossy(&noise(seed, 500)).into_owned()).await;
        client.error().await;
        // Bytes that are no frames.
        let MaybeTlsStream::Plain(socket) = client.0.get_mut() else { unreachable!("no TLS here") };
        let _ = socket.write_all(&noise(seed, 5_000)).await;
        let _ = socket.shutdown().await;
        drain(client).await;
    }
    let at = bystander.frame().await["at"].clone();
    bystander.frame_where(|frame| frame["at"] != at).await;
}

#[tokio::test]
async fn too_many_mistakes_and_too_large_messages_end_the_connection() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut client = Client::watch(&app, &server, "interval=1h", &token).await;
    for _ in 0..11 {
        client.send("nonsense").await;
    }
    assert_eq!(client.code().await, 1008);

    let mut client = Client::watch(&app, &server, "interval=1h", &token).await;
    client.send("x".repeat(64 << 10)).await;
    assert!(client.error().await.contains("not a message"));
    // Only the header, so that nothing unread makes the kernel drop the answer.
    let MaybeTlsStream::Plain(socket) = client.0.get_mut() else { unreachable!("no TLS here") };
    let header = [0x81, 0xff, 0, 0, 0, 0, 0, 2, 0, 0, 1, 2, 3, 4];
    socket.write_all(&header).await.unwrap();
    assert_eq!(client.code().await, 1009);

    let mut client = Client::watch(&app, &server, "interval=1h", &token).await;
    let MaybeTlsStream::Plain(socket) = client.0.get_mut() else { unreachable!("no TLS here") };
    // A text of one byte that is not UTF-8.
    socket.write_all(&[0x81, 0x81, 0, 0, 0, 0, 0xff]).await.unwrap();
    assert_eq!(client.code().await, 1002);
}

#[tokio::test]
async fn a_flood_of_messages_ends_the_connection() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut client = Client::watch(&app, &server, "interval=1h", &token).await;
    for _ in 0..200 {
        if client.0.feed(Message::Ping("x".into())).await.is_err() {
            break;
        }
    }
    let _ = client.0.flush().await;
    assert_eq!(client.code().await, 1008);
}
