//! Many WebSocket clients in one light process, for `scripts/bench`: `ws_load URL CLIENTS SECONDS`.
//!
//! Reads an access token or API key from standard input. Says `connected` when every client has its first frame; after
//! the measured time one line of JSON: frames, gaps between the frames of a client, connections lost. Then it goes on
//! reading until standard input ends, so that the server's memory can be measured meanwhile.

use std::{
    env, io,
    io::Write as _,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use futures::StreamExt;
use serde_json::json;
use tokio::{
    net::TcpStream,
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Message,
        client::IntoClientRequest,
        http::{HeaderValue, header::AUTHORIZATION},
        protocol::WebSocketConfig,
    },
};

/// Connections opened at once.
const OPENING: usize = 64;
/// How often a client without frames looks at the clock.
const GLANCE: Duration = Duration::from_millis(250);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What all clients share.
struct Load {
    url: String,
    authorization: HeaderValue,
    opening: Semaphore,
    /// When frames are counted: from, until.
    window: OnceLock<(Instant, Instant)>,
}

/// What one client saw in the window.
#[derive(Default)]
struct Seen {
    gaps: Vec<Duration>,
    frames: usize,
    is_lost: bool,
}

/// What a client tells.
enum News {
    Connected,
    Failed(anyhow::Error),
    Done(Seen),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [url, clients, seconds] = arguments.as_slice() else { bail!("usage: ws_load URL CLIENTS SECONDS") };
    let (clients, seconds): (usize, u64) = (clients.parse()?, seconds.parse()?);
    let mut token = String::new();
    io::stdin().read_line(&mut token)?;
    let load = Arc::new(Load {
        url: url.clone(),
        authorization: format!("Bearer {}", token.trim()).parse()?,
        opening: Semaphore::new(OPENING),
        window: OnceLock::new(),
    });

    let (tell, mut news) = mpsc::unbounded_channel();
    for _ in 0..clients {
        tokio::spawn(client(Arc::clone(&load), tell.clone()));
    }
    for _ in 0..clients {
        match news.recv().await.context("a client ended in silence")? {
            News::Connected => {}
            News::Failed(error) => return Err(error),
            News::Done(_) => bail!("a connection ended before all were open"),
        }
    }
    let begin = Instant::now();
    load.window.get_or_init(|| (begin, begin + Duration::from_secs(seconds)));
    say("connected")?;
    let mut seen = Vec::with_capacity(clients);
    while seen.len() < clients {
        match news.recv().await.context("a client ended in silence")? {
            News::Done(one) => seen.push(one),
            News::Connected | News::Failed(_) => {}
        }
    }
    say(&summary(seen))?;
    // Whoever started this closes it when the server has been measured; then the process ends with its clients.
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    std::process::exit(0)
}

/// One client's life: opens, reads, tells when the window is over, reads on.
async fn client(load: Arc<Load>, tell: mpsc::UnboundedSender<News>) {
    let mut socket = match open(&load).await {
        Ok(socket) => socket,
        Err(error) => return drop(tell.send(News::Failed(error))),
    };
    let _ = tell.send(News::Connected);
    let (mut last, mut seen) = (Instant::now(), Some(Seen::default()));
    loop {
        let frame = timeout(GLANCE, socket.next()).await;
        let (now, window) = (Instant::now(), load.window.get());
        match frame {
            Err(_) | Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Ok(Message::Text(_) | Message::Binary(_)))) => {
                if let (Some((from, until)), Some(seen)) = (window, &mut seen)
                    && (*from..*until).contains(&now)
                {
                    seen.frames += 1;
                    seen.gaps.push(now - last);
                }
                last = now;
            }
            Ok(_) => {
                if let Some(seen) = seen.take() {
                    let _ = tell.send(News::Done(Seen { is_lost: true, ..seen }));
                }
                return;
            }
        }
        if window.is_some_and(|(_, until)| now >= *until)
            && let Some(seen) = seen.take()
        {
            let _ = tell.send(News::Done(seen));
        }
    }
}

/// Opens a connection and waits for its first frame.
async fn open(load: &Load) -> anyhow::Result<Socket> {
    let _turn = load.opening.acquire().await?;
    let mut request = load.url.as_str().into_client_request()?;
    request.headers_mut().insert(AUTHORIZATION, load.authorization.clone());
    let config = WebSocketConfig::default().read_buffer_size(4096);
    let (mut socket, _) = connect_async_with_config(request, Some(config), true).await.context("connect")?;
    loop {
        match socket.next().await.context("the connection ended before its first frame")?? {
            Message::Text(_) => return Ok(socket),
            Message::Close(close) => bail!("closed before its first frame: {close:?}"),
            _ => {}
        }
    }
}

fn summary(seen: Vec<Seen>) -> String {
    let (frames, closed): (usize, usize) =
        (seen.iter().map(|one| one.frames).sum(), seen.iter().filter(|one| one.is_lost).count());
    let mut gaps: Vec<Duration> = seen.into_iter().flat_map(|one| one.gaps).collect();
    gaps.sort_unstable();
    let quantile = |percent: usize| {
        let place = (gaps.len() * percent / 100).min(gaps.len().saturating_sub(1));
        gaps.get(place).map(Duration::as_secs_f64)
    };
    json!({
        "frames": frames, "closed": closed,
        "gap_p50_seconds": quantile(50), "gap_p99_seconds": quantile(99), "gap_max_seconds": quantile(100),
    })
    .to_string()
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
