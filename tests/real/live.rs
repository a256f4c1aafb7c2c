//! Live results cost the data source the same for one client as for a thousand.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};
use vigil_tests::{
    app::text,
    installation::{Installation, Layout},
};

use crate::{Machine, PATIENCE};

const CLIENTS_PER_BACKEND: usize = 500;
/// Two ends of every connection, and what the programs have open beside them.
const FILES: u64 = 4_096;
/// Intervals that every client watches.
const WATCHED: usize = 8;
/// Connections opened at once.
const OPENING: usize = 50;

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_clients_on_two_backends_cause_one_set_of_queries_per_interval() {
    allow_files();
    let machine = Machine::scraped().await;
    let layout = Layout::Distributed { backends: 2, workers: 0 };
    let vigil = Installation::start(layout, machine.prometheus.url(), &[]).await;
    let server = json!({"name": "this machine", "instance": machine.exporter.address()});
    let server = vigil.api.create("/servers", server).await;
    let token = vigil.api.token.as_deref().expect("the admin is signed in");
    let urls: Vec<String> = vigil
        .backends
        .iter()
        .map(|(_, url)| format!("{}/ws/metrics/{server}?interval=1s", url.replace("http", "ws")))
        .flat_map(|url| std::iter::repeat_n(url, CLIENTS_PER_BACKEND))
        .collect();
    let opening = stream::iter(urls).map(|url| open(url, token)).buffer_unordered(OPENING);
    let mut clients: Vec<Socket> = opening.collect().await;
    assert_eq!(clients.len(), 2 * CLIENTS_PER_BACKEND);

    // What is asked from now on is about instants from now on.
    for client in &mut clients {
        skip_what_came(client).await;
    }
    let (from, asked) = (next_frame(&mut clients[0]).await, machine.prometheus.query_count().await);
    let watching = clients.iter_mut().map(|client| async move {
        let mut seen = BTreeSet::new();
        while seen.len() < WATCHED {
            let at = next_frame(client).await;
            if at > from {
                seen.insert(at);
            }
        }
        Ok::<_, ()>(seen)
    });
    let seen: Vec<BTreeSet<DateTime<Utc>>> =
        watching.collect::<stream::FuturesUnordered<_>>().try_collect().await.expect("frames go on");
    let asked = machine.prometheus.query_count().await - asked;

    let all: BTreeSet<DateTime<Utc>> = seen.iter().flatten().copied().collect();
    let (first, last) = (all.first().expect("frames"), all.last().expect("frames"));
    let intervals = u64::try_from((*last - *first).num_seconds()).expect("time goes on") + 1;
    assert!(all.iter().all(|at| at.timestamp_subsec_millis() == 0), "whole seconds: {all:?}");
    // One more may be under way when the frames of the last are here.
    assert!(asked <= intervals + 1, "{asked} queries in {intervals} intervals");
    assert!(asked + 1 >= WATCHED as u64, "{asked} queries for {WATCHED} frames: who counts?");
}

/// Raises the limit of open files of this program, and so of those it starts, as far as it may be raised.
fn allow_files() {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("Linux tells");
    assert!(hard >= FILES, "this needs {FILES} open files; the machine's hard limit (ulimit -Hn) is {hard}");
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(FILES), hard).expect("below the hard limit");
}

/// Opens a connection and waits for its first frame.
pub(crate) async fn open(url: String, token: &str) -> Socket {
    let mut request = url.into_client_request().expect("an address");
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token is a header's value");
    request.headers_mut().insert("authorization", bearer);
    let connected = timeout(PATIENCE, connect_async(request)).await.expect("a handshake takes no minute");
    let (mut socket, _) = connected.expect("the backend takes connections");
    next_frame(&mut socket).await;
    socket
}

async fn skip_what_came(socket: &mut Socket) {
    while timeout(Duration::from_micros(10), next_frame(socket)).await.is_ok() {}
}

/// What instant the next frame is for.
pub(crate) async fn next_frame(socket: &mut Socket) -> DateTime<Utc> {
    loop {
        let message = timeout(PATIENCE, socket.next()).await.expect("frames go on").expect("the connection stays");
        if let Message::Text(frame) = message.expect("the connection stays") {
            let frame: Value = serde_json::from_str(&frame).expect("frames are JSON");
            assert_eq!((&frame["type"], &frame["missing"]), (&json!("frame"), &json!({})), "{frame}");
            return text(&frame, "at").parse().expect("a time");
        }
    }
}
