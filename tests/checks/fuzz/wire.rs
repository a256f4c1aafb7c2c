//! Connections that may say anything: raw TCP, the frames that come back, and a client that behaves.

use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::PATIENCE;

/// How long a case waits for the end of its connection. Some have none: the server waits for the rest of the frame.
const GLANCE: Duration = Duration::from_millis(300);

/// What came back on a connection.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// `None` if there was no answer, or none that is HTTP.
    pub(crate) status: Option<u16>,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        let status = bytes.strip_prefix(b"HTTP/1.").and_then(|line| str::from_utf8(line.get(2..5)?).ok()?.parse().ok());
        Self { status, body: bytes[end..].to_vec() }
    }

    /// The code of the close frame after an upgrade, if one came.
    pub(crate) fn close_code(&self) -> Option<u16> {
        let mut rest = self.body.as_slice();
        while let [first, second, more @ ..] = rest {
            let (length, more) = match (second & 0x7f, more) {
                (126, [a, b, more @ ..]) => (usize::from(u16::from_be_bytes([*a, *b])), more),
                (127, _) => return None,
                (length, more) => (usize::from(length), more),
            };
            let payload = more.get(..length)?;
            if first & 0x0f == 8 {
                return Some(u16::from_be_bytes([*payload.first()?, *payload.get(1)?]));
            }
            rest = &more[length..];
        }
        None
    }
}

/// Sends `bytes` on a new connection, which may end before they are all sent, and answers what came back until the
/// connection ended or nothing came for a moment. `finish` ends our side of it.
pub(crate) async fn exchange(address: &str, bytes: &[u8], finish: bool) -> Heard {
    let mut stream = TcpStream::connect(address).await.expect("the server takes connections");
    let _ = timeout(PATIENCE, stream.write_all(bytes)).await.expect("the server reads");
    if finish {
        let _ = stream.shutdown().await;
    }
    Heard::of(&until_quiet(&mut stream, Vec::new()).await)
}

/// Opens a WebSocket as the API wants it, sends `frames` as they are, and answers what came back.
pub(crate) async fn exchange_frames(address: &str, handshake: &str, frames: &[u8]) -> Heard {
    let mut stream = TcpStream::connect(address).await.expect("the server takes connections");
    stream.write_all(handshake.as_bytes()).await.expect("the server reads");
    let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        let read = timeout(PATIENCE, stream.read(&mut chunk)).await.expect("the handshake is answered");
        let read = read.expect("the handshake is answered");
        assert_ne!(read, 0, "the handshake is answered");
        bytes.extend_from_slice(&chunk[..read]);
    }
    let _ = timeout(PATIENCE, stream.write_all(frames)).await.expect("the server reads");
    Heard::of(&until_quiet(&mut stream, bytes).await)
}

async fn until_quiet(stream: &mut TcpStream, mut bytes: Vec<u8>) -> Vec<u8> {
    let mut chunk = [0; 16 * 1024];
    // The first bytes may take as long as the server is busy; after them a pause is the end.
    let mut patience = if bytes.is_empty() { 10 * GLANCE } else { GLANCE };
    while let Ok(Ok(read)) = timeout(patience, stream.read(&mut chunk)).await {
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&chunk[..read]);
        patience = GLANCE;
    }
    bytes
}

/// A client that does nothing wrong.
pub(crate) struct Witness(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Witness {
    /// Watches a server, and has its first frame.
    pub(crate) async fn watch(address: &str, server: &str, token: &str) -> Self {
        let url = format!("ws://{address}/ws/metrics/{server}?interval=1s");
        let mut request = url.into_client_request().expect("an address");
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token is a header's value");
        request.headers_mut().insert("authorization", bearer);
        let (socket, _) = connect_async(request).await.expect("a client that does nothing wrong gets in");
        let mut witness = Self(socket);
        witness.next_frame().await;
        witness
    }

    /// Reads what has come meanwhile, up to a frame that was made after now.
    pub(crate) async fn sees_more(&mut self) {
        while timeout(Duration::from_millis(1), self.next_frame()).await.is_ok() {}
        self.next_frame().await;
    }

    async fn next_frame(&mut self) {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("frames go on").expect("the connection stays");
            if let Message::Text(text) = message.expect("the connection stays") {
                let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
                assert_eq!(frame["type"], "frame", "{frame}");
                return;
            }
        }
    }
}
