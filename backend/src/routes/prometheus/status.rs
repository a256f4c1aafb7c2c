//! What clients ask of the server itself, before or beside queries. Vigil's own answers.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::answer::{Refusals, Success};
use crate::{auth::BasicViewer, state::AppState};

/// The Prometheus whose query API this is: clients choose what to ask by it.
const SPOKEN: &str = "2.54.1";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(build_info))
}

/// What clients decide by.
///
/// Without `features` Grafana takes it for a Prometheus, whose rules it shows and does not edit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BuildInfo {
    /// The version of Prometheus whose API this is.
    #[schema(example = "2.54.1")]
    version: &'static str,
    revision: &'static str,
    branch: &'static str,
    build_user: &'static str,
    build_date: &'static str,
    go_version: &'static str,
    /// Vigil, with its own version.
    #[schema(example = "Vigil 0.1.0")]
    application: &'static str,
}

/// Says what answers here.
#[utoipa::path(get, path = "/status/buildinfo", tag = "prometheus", operation_id = "prometheus_build_info",
    responses((status = 200, description = "Vigil", body = inline(Success<BuildInfo>)), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn build_info(_: BasicViewer) -> Json<Success<BuildInfo>> {
    let info = BuildInfo {
        version: SPOKEN,
        revision: "",
        branch: "",
        build_user: "",
        build_date: "",
        go_version: "",
        application: concat!("Vigil ", env!("CARGO_PKG_VERSION")),
    };
    Json(info.into())
}
