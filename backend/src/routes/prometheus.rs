//! `/prometheus/api/v1`: the reading half of Prometheus' HTTP API, answered from whichever data source is in use, so
//! that Grafana, promtool and API clients can point at Vigil.
//!
//! Parameters and answers are Prometheus': failures come in its envelope, parameters it does not know are ignored, and
//! what the data source says is passed on byte by byte.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/>

mod answer;
mod lookup;
mod parameters;
mod query;
mod status;

use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use vigil_datasource::{ApiPath, Pairs};

pub(crate) use self::answer::{PrometheusError, in_envelope};
use self::answer::{Result, passed};
use crate::state::AppState;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().nest("/prometheus/api/v1", query::routes().merge(lookup::routes()).merge(status::routes()))
}

async fn ask(app: &AppState, path: ApiPath, pairs: Pairs) -> Result<Response> {
    passed(app.queries.get_raw(path, pairs, app.now()).await?)
}
