//! Probes, and Vigil's own metrics.

use std::time::Duration;

use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use tokio::time::timeout;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    auth::BasicViewer,
    openapi::Guarded,
    problem::{Problem, Result},
    state::AppState,
};

/// How long readiness waits for the database and the queue.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(healthz)).routes(routes!(readyz)).routes(routes!(metrics))
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "operations", operation_id = "healthz",
    responses((status = 200, description = "It does")))]
async fn healthz() -> StatusCode {
    StatusCode::OK
}

/// Whether the database and the queue answer.
///
/// The data source is not asked: Vigil must be up exactly when that is down.
#[utoipa::path(get, path = "/readyz", tag = "operations", operation_id = "readyz",
    responses((status = 200, description = "Both do"), (status = 503, description = "One of them does not")))]
async fn readyz(State(state): State<AppState>) -> StatusCode {
    if state.shutdown.has_begun() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let database = timeout(PATIENCE, vigil_store::db::ping(&state.db));
    let queue = timeout(PATIENCE, state.queue.ping());
    let (database, queue) = tokio::join!(database, queue);
    let is_ready = matches!(database, Ok(Ok(()))) && matches!(queue, Ok(Ok(())));
    if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// Vigil's own metrics.
///
/// In Prometheus' text format. Not here when they have an address of their own.
#[utoipa::path(get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"),
        (status = 404, description = "They have an address of their own", content_type = "application/problem+json",
            body = crate::problem::ProblemBody),
        Guarded),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn metrics(_: BasicViewer, State(state): State<AppState>) -> Result<Response> {
    if state.config.metrics.listen.is_some() {
        return Err(Problem::NotFound("this address"));
    }
    Ok(exposition().into_response())
}

/// Everything recorded in this process.
fn exposition() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], vigil_runtime::metrics::render())
}
