//! The WebSocket that shows a server live.

use axum::{
    extract::{RawQuery, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::HeaderMap,
    response::Response,
};
use utoipa_axum::{router::OpenApiRouter, routes};
use vigil_domain::id::ServerId;

use crate::{
    auth::authenticate,
    extract::Path,
    live::{self, PROTOCOL, Visit},
    openapi::Guarded,
    problem::{Problem, ProblemBody, Result},
    state::AppState,
};

/// What a connection reads at once: clients say little, and this is the larger part of what one costs.
const READ_BUFFER: usize = 4 << 10;
/// The longest message of a client, in bytes.
const LONGEST_MESSAGE: usize = 64 << 10;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(watch))
}

/// Watch a server live (WebSocket).
///
/// Sends `{"type": "frame", "server_id", "at", "metrics": {…}, "missing": {…}, "results": [{"expr", "data"}]}` at once
/// and then every interval; a metric that is `null` says why in `missing`. Operators may send
/// `{"type": "subscribe", "expr": ["…"]}` to get results of their own expressions, tied to the server; each such message
/// replaces the one before. Mistakes are answered with `{"type": "error", "message"}`.
///
/// Credentials: the header `Authorization: Bearer …`, or the subprotocols `vigil.v1, bearer.<token>`, or `?ticket=` from
/// `POST /api/v1/ws-tickets`. Close codes: 4400 wrong parameter, 4401 credentials, 4403 forbidden, 4404 unknown server,
/// 4409 inactive server, 4429 too many clients, 1001 shutdown, 1008 misuse, 1009 message too large, 1013 try again.
#[utoipa::path(get, path = "/ws/metrics/{server_id}", tag = "metrics", operation_id = "watch_server",
    params(
        ("server_id" = Uuid, Path, description = "The server"),
        ("interval" = Option<String>, Query, description = "How often: whole seconds up to an hour, 5s when absent",
            example = "5s"),
        ("ticket" = Option<String>, Query, description = "A ticket that was not used yet"),
    ),
    responses(
        (status = 101, description = "The connection is a WebSocket now; a refusal is its close code"),
        (status = 400, description = "The request is no WebSocket upgrade", body = ProblemBody,
            content_type = "application/problem+json"),
        Guarded,
    ),
    security(("bearer" = []), ("oauth2" = [])))]
async fn watch(
    State(state): State<AppState>,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    server: Result<Path<ServerId>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response> {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            authenticate(&state, &headers).await?;
            return Err(Problem::Malformed(format!("this address speaks WebSocket ({})", rejection.body_text())));
        }
    };
    let server = server.ok().map(|Path(id)| id);
    let visit = Visit { server, query: query.as_deref().unwrap_or_default(), headers: &headers };
    let admitted = live::admit(&state, visit).await;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(LONGEST_MESSAGE)
        .max_frame_size(LONGEST_MESSAGE);
    Ok(upgrade.on_upgrade(async move |socket| {
        // The end of the program waits for what is spawned here.
        match admitted {
            Ok(client) => drop(state.shutdown.spawn("live client", live::run(socket, client))),
            Err(close) => live::refuse(socket, close).await,
        }
    }))
}
