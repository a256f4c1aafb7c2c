//! A Bot API server that answers what a test tells it to, and remembers what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{Response, StatusCode},
    routing::post,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};

/// One scripted reaction.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Status(u16, String),
    /// Begins a successful answer and breaks off.
    BreakOff,
    Silence,
}

/// What it was asked: the bot's part of the path, and the parameters.
pub(crate) type Request = (String, Value);

#[derive(Clone, Default)]
pub(crate) struct FakeTelegram {
    script: Arc<Mutex<VecDeque<Reply>>>,
    requests: Arc<Mutex<Vec<Request>>>,
    port: u16,
}

impl FakeTelegram {
    /// Accepts every message unless told otherwise.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self { port: listener.local_addr().unwrap().port(), ..Self::default() };
        let app = Router::new().route("/{bot}/sendMessage", post(answer)).with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        fake
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Reacts like this to the next request that is not spoken for.
    pub(crate) fn next(&self, reply: Reply) {
        self.script.lock().unwrap().push_back(reply);
    }

    /// Refuses the next request.
    pub(crate) fn refuse(&self, code: u16, description: &str, parameters: Value) {
        let body = json!({"ok": false, "error_code": code, "description": description, "parameters": parameters});
        self.next(Reply::Status(code, body.to_string()));
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn answer(
    State(fake): State<FakeTelegram>,
    Path(bot): Path<String>,
    Json(parameters): Json<Value>,
) -> Response<Body> {
    let number = {
        let mut requests = fake.requests.lock().unwrap();
        requests.push((bot, parameters));
        requests.len()
    };
    let reply = fake.script.lock().unwrap().pop_front();
    // A message of a kind that no library knows: that it was accepted is all that counts.
    let accepted = json!({"ok": true, "result": {"message_id": number, "new_in_api_99": []}}).to_string();
    match reply.unwrap_or(Reply::Status(200, accepted)) {
        Reply::Status(code, body) => {
            Response::builder().status(StatusCode::from_u16(code).unwrap()).body(Body::from(body)).unwrap()
        }
        Reply::BreakOff => {
            let parts = [Ok(Bytes::from("{\"ok\":true,")), Err(std::io::Error::other("broken off"))];
            Response::new(Body::from_stream(stream::iter(parts).chain(stream::empty())))
        }
        Reply::Silence => std::future::pending().await,
    }
}
