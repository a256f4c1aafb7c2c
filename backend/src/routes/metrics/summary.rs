//! `GET /metrics/servers/{id}/summary`: what a server is doing now, in eleven figures.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    body::Bytes,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_datasource::{
    QueryError,
    summary::{Selector, Summary, parse_summary, summary_expr},
};
use vigil_domain::{QueryValue, id::ServerId};
use vigil_store::{entity::server, servers};

use crate::{
    auth::Viewer,
    extract::Path,
    openapi::{Asking, Guarded, Reading},
    problem::{Problem, Result},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(summary))
}

/// A server's figures at one instant.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryOut {
    server_id: Uuid,
    at: DateTime<Utc>,
    #[schema(value_type = Figures)]
    metrics: BTreeMap<&'static str, Option<f64>>,
    /// Why, for each figure that is `null`.
    #[schema(value_type = BTreeMap<String, String>,
        example = json!({"load1": "no series node_load1{instance=\"web-1:9100\"}; is node_exporter scraped?"}))]
    missing: BTreeMap<&'static str, String>,
}

/// The figures, by name; `null` where the data source has no series.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes in the document what the data source crate names")]
pub(crate) struct Figures {
    #[schema(required, example = 12.5)]
    cpu_percent: Option<f64>,
    #[schema(required, example = 48.2)]
    memory_percent: Option<f64>,
    #[schema(required, example = 3_900_000_000.0)]
    memory_used_bytes: Option<f64>,
    #[schema(required, example = 8_100_000_000.0)]
    memory_total_bytes: Option<f64>,
    #[schema(required, example = 61.0)]
    disk_percent: Option<f64>,
    #[schema(required)]
    disk_used_bytes: Option<f64>,
    #[schema(required)]
    disk_total_bytes: Option<f64>,
    #[schema(required)]
    network_receive_bytes_per_second: Option<f64>,
    #[schema(required)]
    network_transmit_bytes_per_second: Option<f64>,
    #[schema(required, example = 0.42)]
    load1: Option<f64>,
    #[schema(required, example = 86_400.0)]
    uptime_seconds: Option<f64>,
}

/// What ties the server to its series, in `PromQL`.
pub(super) async fn selector_of(app: &AppState, id: ServerId) -> Result<(server::Model, Selector)> {
    let server = servers::find(&app.db, id).await?.ok_or(Problem::NotFound("the server"))?;
    let matchers = servers::matchers_of(&server);
    let selector =
        Selector::new(&matchers).ok_or(Problem::Conflict("nothing ties the server to its series".to_owned()))?;
    Ok((server, selector))
}

/// JSON that is ready to be sent, as it comes out of the shared cache.
pub(super) fn ready(json: Bytes) -> Response {
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

/// The failure of a query that several requests waited for.
pub(super) fn shared_failure(error: Arc<QueryError>) -> Problem {
    Problem::from(Arc::unwrap_or_clone(error))
}

/// Shows a server's CPU, memory, disk, network, load and uptime.
///
/// Answers are shared: within a short window the data source is asked once.
#[utoipa::path(get, path = "/metrics/servers/{id}/summary", tag = "metrics", operation_id = "server_summary",
    params(("id" = Uuid, Path, description = "The server")),
    responses((status = 200, description = "The figures", body = SummaryOut), Guarded, Reading, Asking),
    security(("bearer" = []), ("oauth2" = [])))]
async fn summary(_: Viewer, State(app): State<AppState>, Path(id): Path<ServerId>) -> Result<Response> {
    let (server, selector) = selector_of(&app, id).await?;
    let key = format!("summary:{id}:{}", server.version);
    let compute = async {
        let now = app.now();
        let answer = app.datasource.instant(&summary_expr(&selector), now).await?;
        let samples = if let QueryValue::Vector(samples) = answer.value { samples } else { Vec::new() };
        let Summary { metrics, missing } = parse_summary(&selector, &samples);
        let summary = SummaryOut { server_id: id.0, at: now, metrics, missing };
        Ok(Bytes::from(serde_json::to_vec(&summary).expect("figures are plain values")))
    };
    let json = app.cache.get_or_compute(&key, app.config.datasource.cache(), compute).await.map_err(shared_failure)?;
    Ok(ready(json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::PartialSchema;
    use vigil_datasource::summary::METRICS;

    #[test]
    fn the_document_names_every_figure() {
        let schema = serde_json::to_value(Figures::schema()).unwrap();
        let documented: Vec<_> = schema["properties"].as_object().unwrap().keys().cloned().collect();
        let mut figures: Vec<_> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
        figures.sort();
        let mut sorted = documented.clone();
        sorted.sort();
        assert_eq!(sorted, figures);
        assert_eq!(schema["required"].as_array().map(Vec::len), Some(figures.len()));
    }
}
