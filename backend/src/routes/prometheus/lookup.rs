//! What there is to ask about: series, their labels, and what their metrics mean.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use serde::Serialize;
use utoipa::{
    IntoParams, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Schema, Type, schema::AnyOfBuilder},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use vigil_datasource::ApiPath;

use super::{
    answer::{PrometheusError, Refusals, Result, Success},
    ask,
    parameters::Parameters,
};
use crate::{auth::BasicViewer, extract::Path, state::AppState};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(series, series_by_form))
        .routes(routes!(labels, labels_by_form))
        .routes(routes!(label_values))
        .routes(routes!(metadata))
}

/// At least one, in a form, where a single one is the same as a list of one.
fn selectors() -> Schema {
    listed(ArrayBuilder::new().min_items(Some(1)))
}

fn any_selectors() -> Schema {
    listed(ArrayBuilder::new())
}

fn listed(list: ArrayBuilder) -> Schema {
    let one = || ObjectBuilder::new().schema_type(Type::String);
    Schema::AnyOf(AnyOfBuilder::new().item(list.items(one())).item(one()).build())
}

/// Which series. Other parameters are ignored.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(example = json!({"match[]": ["up"]}))]
#[expect(dead_code, reason = "says what is read from the pairs")]
struct SeriesQuery {
    /// Series selectors; series that match one of them.
    #[serde(rename = "match[]")]
    #[param(min_items = 1, example = json!(["up"]))]
    #[schema(schema_with = selectors, required = true)]
    matches: Vec<String>,
    /// RFC 3339 or Unix seconds.
    start: Option<String>,
    /// RFC 3339 or Unix seconds.
    end: Option<String>,
    /// The most series to answer with.
    limit: Option<String>,
}

/// Which labels. Other parameters are ignored.
#[derive(IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(example = json!({"match[]": ["up"]}))]
#[expect(dead_code, reason = "says what is read from the pairs")]
struct LabelQuery {
    /// Series selectors; labels of series that match one of them. Of all series when absent.
    #[serde(rename = "match[]")]
    #[param(required = false)]
    #[schema(schema_with = any_selectors, required = false)]
    matches: Vec<String>,
    /// RFC 3339 or Unix seconds.
    start: Option<String>,
    /// RFC 3339 or Unix seconds.
    end: Option<String>,
    /// The most names or values to answer with.
    limit: Option<String>,
}

/// Which metrics. Other parameters are ignored.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "says what is read from the pairs")]
struct MetadataQuery {
    /// One metric; all when absent.
    metric: Option<String>,
    /// The most metrics to answer with.
    limit: Option<String>,
    /// The most entries for each of them.
    limit_per_metric: Option<String>,
}

/// What an exporter says of a metric.
#[derive(Serialize, ToSchema)]
struct MetricMetadata {
    #[serde(rename = "type")]
    kind: String,
    help: String,
    #[schema(required = false)]
    unit: String,
}

/// Series by their labels.
#[utoipa::path(get, path = "/series", tag = "prometheus", operation_id = "prometheus_series", params(SeriesQuery),
    responses(
        (status = 200, description = "The labels of each series", body = inline(Success<Vec<BTreeMap<String, String>>>)),
        (status = 414, description = "The selectors are too long for an address"), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn series(_: BasicViewer, State(app): State<AppState>, parameters: Parameters) -> Result<Response> {
    ask(&app, ApiPath::Series, parameters.series()?).await
}

/// As the GET, for selectors too long for an address.
#[utoipa::path(post, path = "/series", tag = "prometheus", operation_id = "prometheus_series_by_form",
    request_body(content = SeriesQuery, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The labels of each series", body = inline(Success<Vec<BTreeMap<String, String>>>)),
        (status = 413, description = "The body is too large", body = PrometheusError), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn series_by_form(viewer: BasicViewer, state: State<AppState>, parameters: Parameters) -> Result<Response> {
    series(viewer, state, parameters).await
}

/// Names of labels.
#[utoipa::path(get, path = "/labels", tag = "prometheus", operation_id = "prometheus_labels", params(LabelQuery),
    responses((status = 200, description = "The names, sorted", body = inline(Success<Vec<String>>)),
        (status = 414, description = "The selectors are too long for an address"), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn labels(_: BasicViewer, State(app): State<AppState>, parameters: Parameters) -> Result<Response> {
    ask(&app, ApiPath::Labels, parameters.labels()?).await
}

/// As the GET, for selectors too long for an address.
#[utoipa::path(post, path = "/labels", tag = "prometheus", operation_id = "prometheus_labels_by_form",
    request_body(content = Option<LabelQuery>, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The names, sorted", body = inline(Success<Vec<String>>)),
        (status = 413, description = "The body is too large", body = PrometheusError), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn labels_by_form(viewer: BasicViewer, state: State<AppState>, parameters: Parameters) -> Result<Response> {
    labels(viewer, state, parameters).await
}

/// Values of one label; those of `__name__` are the metrics.
#[utoipa::path(get, path = "/label/{name}/values", tag = "prometheus", operation_id = "prometheus_label_values",
    params(("name" = String, Path, description = "The label", pattern = "^[a-zA-Z_][a-zA-Z0-9_]*$", example = "job"),
        LabelQuery),
    responses((status = 200, description = "The values, sorted", body = inline(Success<Vec<String>>)),
        (status = 404, description = "The address cannot be read", body = PrometheusError),
        (status = 414, description = "The selectors are too long for an address"), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn label_values(
    _: BasicViewer,
    State(app): State<AppState>,
    Path(name): Path<String>,
    parameters: Parameters,
) -> Result<Response> {
    ask(&app, ApiPath::LabelValues(name), parameters.labels()?).await
}

/// What metrics mean, as their exporters say.
#[utoipa::path(get, path = "/metadata", tag = "prometheus", operation_id = "prometheus_metadata",
    params(MetadataQuery),
    responses(
        (status = 200, description = "By metric", body = inline(Success<BTreeMap<String, Vec<MetricMetadata>>>)),
        (status = 414, description = "The address is too long"), Refusals),
    security(("bearer" = []), ("oauth2" = []), ("basic" = [])))]
async fn metadata(_: BasicViewer, State(app): State<AppState>, parameters: Parameters) -> Result<Response> {
    ask(&app, ApiPath::Metadata, parameters.metadata()?).await
}
