//! One file per resource. Each has `routes()`; a new one is two lines here.

mod api_keys;
mod auth;
mod health;
mod setup;
mod users;
mod ws_tickets;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use health::exposition;

use crate::{openapi::Document, state::AppState};

/// Every route that the OpenAPI document describes.
pub(crate) fn all() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::default()
        .merge(auth::routes())
        .merge(api_keys::routes())
        .merge(users::routes())
        .merge(setup::routes())
        .merge(ws_tickets::routes());
    OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1", api)
        .merge(health::routes())
        .merge(setup::page_routes())
}
