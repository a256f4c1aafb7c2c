//! One file per resource. Each has `routes()`; a new one is two lines here.

mod alerts;
mod api_keys;
mod auth;
mod channels;
mod events;
mod health;
mod live;
mod metrics;
mod notifications;
mod prometheus;
mod rule_files;
mod rule_groups;
mod rules;
mod sd;
mod servers;
mod setup;
mod shadow;
mod users;
mod ws_tickets;

use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use self::prometheus::{PrometheusError, in_envelope};
use crate::{openapi::Document, state::AppState};

/// Every route that the OpenAPI document describes.
pub(crate) fn all() -> OpenApiRouter<AppState> {
    let api = OpenApiRouter::default()
        .merge(auth::routes())
        .merge(api_keys::routes())
        .merge(users::routes())
        .merge(setup::routes())
        .merge(alerts::routes())
        .merge(channels::routes())
        .merge(events::routes())
        .merge(metrics::routes())
        .merge(notifications::routes())
        .merge(rule_files::routes())
        .merge(rule_groups::routes())
        .merge(rules::routes())
        .merge(sd::routes())
        .merge(servers::routes())
        .merge(shadow::routes())
        .merge(ws_tickets::routes());
    OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1", api)
        .merge(prometheus::routes())
        .merge(health::routes())
        .merge(live::routes())
        .merge(setup::page_routes())
}
