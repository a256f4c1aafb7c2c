//! One-time tickets for WebSockets of browsers.

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    auth::{Viewer, issue_ticket},
    extract::Json,
    openapi::Guarded,
    problem::Result,
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(create))
}

/// A ticket that was just made.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"ticket": "kJ2v8wVJtYt4n0m1cBq3rA5sD7uE9fG2hI4jK6lM8nO", "expires_in": 30}))]
struct WsTicket {
    /// Send it as `?ticket=`, once.
    ticket: String,
    /// Seconds until it expires.
    #[schema(minimum = 1)]
    expires_in: u64,
}

/// Make a ticket for a WebSocket.
///
/// For browsers, which cannot send `Authorization` with one.
#[utoipa::path(post, path = "/ws-tickets", tag = "auth", operation_id = "create_ws_ticket",
    responses((status = 201, description = "Created", body = WsTicket), Guarded),
    security(("bearer" = []), ("oauth2" = [])))]
async fn create(Viewer(caller): Viewer, State(state): State<AppState>) -> Result<impl IntoResponse> {
    let made = issue_ticket(&state, &caller).await?;
    Ok((StatusCode::CREATED, Json(WsTicket { ticket: made.ticket, expires_in: made.expires_in })))
}
