//! A WebSocket client that expects something.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderValue, Request, Response},
    },
};

use crate::app::{App, LONG};

/// How a connection ended: close code and reason.
pub(crate) type End = (u16, String);

/// A header's name and value.
type Header = Option<(&'static str, String)>;

pub(crate) struct Client(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    /// Watches a server, with `query` after the question mark, with an `Authorization` header unless `token` is empty.
    pub(crate) async fn watch(app: &App, server: &str, query: &str, token: &str) -> Self {
        let header = (!token.is_empty()).then(|| ("authorization", format!("Bearer {token}")));
        Self::connect(app, server, query, header).await.0
    }

    /// As [`Client::watch`], with room for little that has not been read.
    pub(crate) async fn narrow(app: &App, server: &str, query: &str, token: &str) -> Self {
        let request = request(app, server, query, Some(("authorization", format!("Bearer {token}"))));
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let stream = MaybeTlsStream::Plain(socket.connect(app.address).await.unwrap());
        Self(timeout(LONG, client_async(request, stream)).await.unwrap().unwrap().0)
    }

    /// As [`Client::watch`], with any header; also answers the server's answer.
    pub(crate) async fn connect(
        app: &App,
        server: &str,
        query: &str,
        header: Header,
    ) -> (Self, Response<Option<Vec<u8>>>) {
        let request = request(app, server, query, header);
        let (socket, answer) = timeout(LONG, connect_async(request)).await.unwrap().unwrap();
        (Self(socket), answer)
    }

    /// The next text message.
    pub(crate) async fn text(&mut self) -> String {
        let reading = async {
            loop {
                match self.0.next().await.expect("the connection stands") {
                    Ok(Message::Text(text)) => return text.to_string(),
                    Ok(Message::Ping(_) | Message::Pong(_)) => {}
                    other => panic!("instead of a message: {other:?}"),
                }
            }
        };
        timeout(LONG, reading).await.expect("a message comes")
    }

    /// The next message, which is a frame.
    pub(crate) async fn frame(&mut self) -> Value {
        let frame: Value = serde_json::from_str(&self.text().await).unwrap();
        assert_eq!(frame["type"], "frame", "{frame}");
        frame
    }

    /// The first frame that `fits`.
    pub(crate) async fn frame_where(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let search = async {
            loop {
                let frame: Value = serde_json::from_str(&self.text().await).unwrap();
                if frame["type"] == "frame" && fits(&frame) {
                    return frame;
                }
            }
        };
        timeout(LONG, search).await.expect("such a frame comes")
    }

    /// The next error message.
    pub(crate) async fn error(&mut self) -> String {
        let search = async {
            loop {
                let message: Value = serde_json::from_str(&self.text().await).unwrap();
                if message["type"] == "error" {
                    return message["message"].as_str().unwrap().to_owned();
                }
            }
        };
        timeout(LONG, search).await.expect("an error message comes")
    }

    /// Reads until the server ends the connection.
    pub(crate) async fn end(mut self) -> End {
        let reading = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Close(Some(close)))) => return (close.code.into(), close.reason.to_string()),
                    Some(Ok(_)) => {}
                    other => panic!("instead of a close frame: {other:?}"),
                }
            }
        };
        timeout(LONG, reading).await.expect("the connection ends")
    }

    pub(crate) async fn code(self) -> u16 {
        self.end().await.0
    }

    pub(crate) async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message.into()).await.unwrap();
    }

    pub(crate) async fn subscribe(&mut self, exprs: &[&str]) {
        self.send(json!({"type": "subscribe", "expr": exprs}).to_string()).await;
    }
}

fn request(app: &App, server: &str, query: &str, header: Header) -> Request<()> {
    let url = format!("ws://{}/ws/metrics/{server}?{query}", app.address);
    let mut request = url.into_client_request().unwrap();
    if let Some((name, value)) = header {
        request.headers_mut().insert(name, HeaderValue::try_from(value).unwrap());
    }
    request
}
