//! One client's life, from the upgrade to the close: one task, one timer.

use std::{ops::ControlFlow, pin::pin, time::Duration};

use axum::{
    body::Bytes,
    extract::ws::{Message, Utf8Bytes, WebSocket},
};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use vigil_domain::role::Role;

use super::{
    close::Close,
    feed::{Key, Question},
    frame,
    guard::Ground,
    hub::Seat,
    request::{self, ClientMessage},
    view::{View, Watched},
};
use crate::state::AppState;

/// How long a client may take to make room for a frame.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(2);
/// Pings without any sign of life after which a client counts as gone.
const SILENT_PINGS: u8 = 2;
/// Messages that make no sense, over the whole connection.
const MOST_MISTAKES: u8 = 10;
/// Messages of any kind from one ping to the next.
const MOST_MESSAGES: u16 = 100;

/// A client that may watch.
pub(crate) struct Client {
    pub(super) state: AppState,
    #[expect(dead_code, reason = "it is held, not used")]
    pub(super) seat: Seat,
    /// Of its figures.
    pub(super) key: Key,
    pub(super) ground: watch::Receiver<Ground>,
    pub(super) view: View,
    /// Set when its credentials, or the program, come to their end.
    pub(super) end: watch::Receiver<Option<Close>>,
    pub(super) role: Role,
}

/// What the client did so far.
#[derive(Default)]
struct Conduct {
    mistakes: u8,
    messages: u16,
    silent_pings: u8,
}

/// How a connection ends: by us, or by itself.
type Ending = Option<Close>;

/// Ends a connection that was upgraded only to be told why not.
pub(crate) async fn refuse(socket: WebSocket, close: Close) {
    part(socket, Some(close)).await;
}

/// Serves a client until one side has enough.
pub(crate) async fn run(mut socket: WebSocket, client: Client) {
    // Looked at after the client was registered with the guard, who sends away whoever is registered at the end.
    let ending =
        if client.state.shutdown.has_begun() { Some(Close::Shutdown) } else { serve(&mut socket, client).await };
    part(socket, ending).await;
}

async fn serve(socket: &mut WebSocket, mut client: Client) -> Ending {
    let mut end = client.end.clone();
    let mut end = pin!(async move {
        let close = end.wait_for(Option::is_some).await;
        close.ok().and_then(|close| close.clone()).unwrap_or(Close::Internal)
    });
    let period = client.state.config.live.ping();
    let mut ping = interval_at(Instant::now() + period, period);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut conduct = Conduct::default();
    loop {
        let step = tokio::select! {
            biased;
            close = &mut end => ControlFlow::Break(Some(close)),
            frame = client.view.next() => match frame {
                Ok(text) => send_frame(socket, text).await,
                Err(close) => ControlFlow::Break(Some(close)),
            },
            message = socket.recv() => hear(socket, &mut client, &mut conduct, message).await,
            _ = ping.tick() => send_ping(socket, &mut conduct).await,
        };
        if let ControlFlow::Break(ending) = step {
            return ending;
        }
    }
}

async fn send_frame(socket: &mut WebSocket, text: Utf8Bytes) -> ControlFlow<Ending> {
    metrics::counter!("vigil_ws_frames_total").increment(1);
    send(socket, Message::Text(text)).await
}

async fn send_ping(socket: &mut WebSocket, conduct: &mut Conduct) -> ControlFlow<Ending> {
    if conduct.silent_pings >= SILENT_PINGS {
        return ControlFlow::Break(Some(Close::Policy("no answer to pings")));
    }
    conduct.silent_pings += 1;
    conduct.messages = 0;
    send(socket, Message::Ping(Bytes::new())).await
}

/// A client that does not read holds up only itself, and not for ever.
async fn send(socket: &mut WebSocket, message: Message) -> ControlFlow<Ending> {
    match timeout(PATIENCE, socket.send(message)).await {
        Ok(Ok(())) => ControlFlow::Continue(()),
        Ok(Err(_)) => ControlFlow::Break(None),
        Err(_) => ControlFlow::Break(Some(Close::Policy("the client does not read"))),
    }
}

async fn hear(
    socket: &mut WebSocket,
    client: &mut Client,
    conduct: &mut Conduct,
    message: Option<Result<Message, axum::Error>>,
) -> ControlFlow<Ending> {
    conduct.silent_pings = 0;
    conduct.messages += 1;
    if conduct.messages > MOST_MESSAGES {
        return ControlFlow::Break(Some(Close::Policy("too many messages")));
    }
    match message {
        Some(Ok(Message::Text(text))) => match subscribe(client, &text).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(Refusal::End(close)) => ControlFlow::Break(Some(close)),
            Err(Refusal::Mistake(mistake)) => complain(socket, conduct, &mistake).await,
        },
        Some(Ok(Message::Binary(_))) => complain(socket, conduct, "send text, not binary messages").await,
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => ControlFlow::Continue(()),
        Some(Ok(Message::Close(_))) | None => ControlFlow::Break(None),
        Some(Err(error)) => ControlFlow::Break(Some(unreadable(&error))),
    }
}

/// Why a message was not followed.
enum Refusal {
    Mistake(String),
    End(Close),
}

async fn subscribe(client: &mut Client, text: &str) -> Result<(), Refusal> {
    let ClientMessage::Subscribe { expr } = ClientMessage::parse(text).map_err(Refusal::Mistake)?;
    if client.role < Role::Operator {
        return Err(Refusal::End(Close::Forbidden));
    }
    let most = client.state.config.live.max_expressions;
    let wishes = tokio::task::spawn_blocking(move || request::check(&expr, most)).await;
    let wishes = wishes.map_err(|_| Refusal::End(Close::Internal))?.map_err(Refusal::Mistake)?;
    let watched = wishes.into_iter().map(|wish| {
        let key = Key { question: Question::Expr(wish.normal), ..client.key.clone() };
        Watched { expr: wish.expr, feed: client.state.hub.follow(&client.state, key, &client.ground) }
    });
    client.view.watch(watched.collect());
    Ok(())
}

async fn complain(socket: &mut WebSocket, conduct: &mut Conduct, mistake: &str) -> ControlFlow<Ending> {
    conduct.mistakes += 1;
    if conduct.mistakes > MOST_MISTAKES {
        return ControlFlow::Break(Some(Close::Policy("too many messages that make no sense")));
    }
    send(socket, Message::Text(frame::error(mistake))).await
}

fn unreadable(error: &axum::Error) -> Close {
    let what = error.to_string();
    if what.contains("too long") || what.contains("too big") { Close::TooLarge } else { Close::Protocol(what) }
}

/// Says why, and waits a moment for the answer, because a connection that is cut loses what was just sent.
async fn part(mut socket: WebSocket, ending: Ending) {
    let farewell = async {
        if let Some(close) = ending {
            let _ = socket.send(Message::Close(Some(close.frame()))).await;
        }
        while let Some(Ok(_)) = socket.recv().await {}
    };
    let _ = timeout(FAREWELL, farewell).await;
}
