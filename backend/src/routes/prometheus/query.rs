//! Expressions: evaluated, searched for exemplars, or merely formatted.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use vigil_datasource::ApiPath;

use super::{
    answer::{PrometheusError, Refusals, Result, Success},
    ask,
    parameters::Parameters,
};
use crate::{
    auth::BasicViewer,
    routes::metrics::{InstantQuery, RangeQuery},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(query, query_by_form))
        .routes(routes!(query_range, query_range_by_form))
        .routes(routes!(exemplars, exemplars_by_form))
        .routes(routes!(format_query, format_query_by_form))
}

/// The series that an expression reads, for their exemplars. Other parameters are ignored.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(example = json!({"query": "up"}))]
#[expect(dead_code, reason = "says what is read from the pairs")]
struct ExemplarQuery {
    /// `PromQL`.
    #[param(min_length = 1, max_length = 16384, example = "up")]
    #[schema(min_length = 1, max_length = 16384)]
    query: String,
    /// RFC 3339 or Unix seconds.
    start: Option<String>,
    /// RFC 3339 or Unix seconds.
    end: Option<String>,
}

/// An expression.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(example = json!({"query": "sum(up)by(job)"}))]
#[expect(dead_code, reason = "says what is read from the pairs")]
struct Expression {
    /// `PromQL`.
    #[param(min_length = 1, max_length = 16384, example = "sum(up)by(job)")]
    #[schema(min_length = 1, max_length = 16384)]
    query: String,
}

/// What an expression has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"resultType": "vector",
    "result": [{"metric": {"__name__": "up", "instance": "web-1:9100"}, "value": [1767322800.0, "1"]}]}))]
struct QueryResult {
    #[schema(pattern = "^(vector|matrix|scalar|string)$")]
    result_type: String,
    /// Series with their samples; of a scalar or a string its time and value.
    result: Vec<Value>,
    /// Statistics of the query, if asked for.
    #[schema(required = false, value_type = Object)]
    stats: Option<Value>,
}

/// Exemplars of one series.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExemplarSeries {
    series_labels: BTreeMap<String, String>,
    #[schema(value_type = Vec<Object>)]
    exemplars: Vec<Value>,
}

/// Evaluates an expression at one instant.
#[utoipa::path(get, path = "/query", tag = "prometheus", operation_id = "prometheus_query", params(InstantQuery),
    responses((status = 200, description = "The result", body = inline(Success<QueryResult>)),
        (status = 414, description = "The query is too long for an address"), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn query(_: BasicViewer, State(app): State<AppState>, parameters: Parameters) -> Result<Response> {
    ask(&app, ApiPath::Query, parameters.instant()?).await
}

/// As the GET, for queries too long for an address.
#[utoipa::path(post, path = "/query", tag = "prometheus", operation_id = "prometheus_query_by_form",
    request_body(content = InstantQuery, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The result", body = inline(Success<QueryResult>)),
        (status = 413, description = "The body is too large", body = PrometheusError), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn query_by_form(viewer: BasicViewer, state: State<AppState>, parameters: Parameters) -> Result<Response> {
    query(viewer, state, parameters).await
}

/// Evaluates an expression at every step of a range.
#[utoipa::path(get, path = "/query_range", tag = "prometheus", operation_id = "prometheus_query_range",
    params(RangeQuery),
    responses((status = 200, description = "The result", body = inline(Success<QueryResult>)),
        (status = 414, description = "The query is too long for an address"), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn query_range(_: BasicViewer, State(app): State<AppState>, parameters: Parameters) -> Result<Response> {
    ask(&app, ApiPath::QueryRange, parameters.range()?).await
}

/// As the GET, for queries too long for an address.
#[utoipa::path(post, path = "/query_range", tag = "prometheus", operation_id = "prometheus_query_range_by_form",
    request_body(content = RangeQuery, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The result", body = inline(Success<QueryResult>)),
        (status = 413, description = "The body is too large", body = PrometheusError), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn query_range_by_form(viewer: BasicViewer, state: State<AppState>, parameters: Parameters) -> Result<Response> {
    query_range(viewer, state, parameters).await
}

/// Exemplars of the series that an expression reads.
///
/// None where the data source keeps none.
#[utoipa::path(get, path = "/query_exemplars", tag = "prometheus", operation_id = "prometheus_exemplars",
    params(ExemplarQuery),
    responses((status = 200, description = "Exemplars by series", body = inline(Success<Option<Vec<ExemplarSeries>>>)),
        (status = 414, description = "The query is too long for an address"), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn exemplars(_: BasicViewer, State(app): State<AppState>, parameters: Parameters) -> Result<Response> {
    ask(&app, ApiPath::Exemplars, parameters.exemplars()?).await
}

/// As the GET, for queries too long for an address.
#[utoipa::path(post, path = "/query_exemplars", tag = "prometheus", operation_id = "prometheus_exemplars_by_form",
    request_body(content = ExemplarQuery, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Exemplars by series", body = inline(Success<Option<Vec<ExemplarSeries>>>)),
        (status = 413, description = "The body is too large", body = PrometheusError), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn exemplars_by_form(viewer: BasicViewer, state: State<AppState>, parameters: Parameters) -> Result<Response> {
    exemplars(viewer, state, parameters).await
}

/// Writes an expression in Prometheus' own style.
#[utoipa::path(get, path = "/format_query", tag = "prometheus", operation_id = "prometheus_format_query",
    params(Expression),
    responses((status = 200, description = "The same expression", body = inline(Success<String>)),
        (status = 414, description = "The query is too long for an address"), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn format_query(_: BasicViewer, State(app): State<AppState>, parameters: Parameters) -> Result<Response> {
    ask(&app, ApiPath::FormatQuery, parameters.format()?).await
}

/// As the GET, for queries too long for an address.
#[utoipa::path(post, path = "/format_query", tag = "prometheus", operation_id = "prometheus_format_query_by_form",
    request_body(content = Expression, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The same expression", body = inline(Success<String>)),
        (status = 413, description = "The body is too large", body = PrometheusError), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn format_query_by_form(viewer: BasicViewer, state: State<AppState>, parameters: Parameters) -> Result<Response> {
    format_query(viewer, state, parameters).await
}
