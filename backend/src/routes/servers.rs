//! `/servers`: hosts that are watched, and what ties each to its series.

use std::collections::BTreeMap;

use axum::{
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_domain::{Labels, id::ServerId, server::ServerDraft};
use vigil_store::{
    entity::server,
    servers::{self, Filter},
    write::WriteError,
};

use super::notifications::push;
use crate::{
    auth::{Operator, Viewer},
    extract::{IfMatch, Json, Path, Query, double_option, given},
    openapi::{Guarded, Reading, Writing},
    page::{Page, window},
    problem::{Problem, Result},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// A server to be watched. At least one of `instance` and `selector` is needed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "web-1", "instance": "web-1:9100", "labels": {"env": "prod"}, "department": "shop"}))]
pub(crate) struct ServerIn {
    /// Unique.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The value of the label `instance` on its series; also what Prometheus scrapes.
    #[serde(default)]
    #[schema(max_length = 1024)]
    instance: Option<String>,
    /// Labels with which its series are recognised.
    #[serde(default)]
    selector: Option<BTreeMap<String, String>>,
    /// Labels that service discovery gives to its series.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    #[schema(max_length = 200)]
    department: Option<String>,
    #[serde(default)]
    #[schema(max_length = 4000)]
    description: Option<String>,
    /// Rules of a server that is switched off are not evaluated.
    #[serde(default = "yes")]
    #[schema(default = true)]
    is_active: bool,
}

const fn yes() -> bool {
    true
}

/// Changes to a server: what is absent stays, `null` clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"department": "shop", "is_active": false}))]
pub(crate) struct ServerPatch {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false, max_length = 1024)]
    instance: Option<Option<String>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<BTreeMap<String, String>>, required = false)]
    selector: Option<Option<BTreeMap<String, String>>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<BTreeMap<String, String>>, required = false)]
    labels: Option<Option<BTreeMap<String, String>>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false, max_length = 200)]
    department: Option<Option<String>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false, max_length = 4000)]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    is_active: Option<bool>,
}

/// A server.
#[derive(Serialize, ToSchema)]
#[schema(as = Server)]
pub(crate) struct ServerOut {
    id: Uuid,
    #[schema(example = "web-1")]
    name: String,
    #[schema(required, example = "web-1:9100")]
    instance: Option<String>,
    #[schema(value_type = BTreeMap<String, String>)]
    selector: Labels,
    #[schema(value_type = BTreeMap<String, String>)]
    labels: Labels,
    #[schema(required)]
    department: Option<String>,
    #[schema(required)]
    description: Option<String>,
    is_active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<server::Model> for ServerOut {
    fn from(row: server::Model) -> Self {
        let server::Model { id, name, instance, selector, labels, department, description, is_active, .. } = row;
        let server::Model { version, created_at, updated_at, .. } = row;
        let (selector, labels) = (selector.0, labels.0);
        Self {
            id,
            name,
            instance,
            selector,
            labels,
            department,
            description,
            is_active,
            version,
            created_at,
            updated_at,
        }
    }
}

impl From<ServerIn> for ServerDraft {
    fn from(body: ServerIn) -> Self {
        let ServerIn { name, instance, selector, labels, department, description, is_active } = body;
        Self { name, instance, selector: selector.unwrap_or_default(), labels, department, description, is_active }
    }
}

impl ServerPatch {
    /// The server as it would be.
    fn applied_to(self, row: &server::Model) -> ServerDraft {
        let kept = |labels: &Labels| labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        ServerDraft {
            name: self.name.unwrap_or_else(|| row.name.clone()),
            instance: self.instance.unwrap_or_else(|| row.instance.clone()),
            selector: self.selector.map_or_else(|| kept(&row.selector.0), Option::unwrap_or_default),
            labels: self.labels.map_or_else(|| kept(&row.labels.0), Option::unwrap_or_default),
            department: self.department.unwrap_or_else(|| row.department.clone()),
            description: self.description.unwrap_or_else(|| row.description.clone()),
            is_active: self.is_active.unwrap_or(row.is_active),
        }
    }
}

/// Which servers a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    is_active: Option<bool>,
    department: Option<String>,
    /// Part of the name, whatever the case.
    q: Option<String>,
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Missing => Self::NotFound("the object"),
            WriteError::Stale => Self::Stale,
            WriteError::InUse(why) => Self::Conflict(why),
            WriteError::OwnedByFile(_) => Self::Conflict(error.to_string()),
            WriteError::Invalid(mistakes) => Self::Invalid(mistakes),
            WriteError::Db(error) => error.into(),
        }
    }
}

/// Lists servers, newest first.
#[utoipa::path(get, path = "/servers", tag = "servers", operation_id = "list_servers", params(ListQuery),
    responses((status = 200, description = "One page", body = Page<ServerOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(_: Viewer, State(app): State<AppState>, Query(query): Query<ListQuery>) -> Result<Json<Page<ServerOut>>> {
    let page = window::<Uuid>(query.limit, query.cursor.as_deref())?;
    let filter = Filter { is_active: query.is_active, department: query.department, name_contains: query.q };
    let rows = servers::list(&app.db, &filter, page.after, page.rows()).await?;
    Ok(Json(Page::of(rows, &page, |row| row.id, ServerOut::from)))
}

/// Adds a server.
#[utoipa::path(post, path = "/servers", tag = "servers", operation_id = "create_server", request_body = ServerIn,
    responses(
        (status = 201, description = "Added", body = ServerOut, headers(("Location" = String, description = "Its address"))),
        Guarded, Writing,
    ),
    security(("bearer" = []), ("oauth2" = [])))]
async fn create(_: Operator, State(app): State<AppState>, Json(body): Json<ServerIn>) -> Result<impl IntoResponse> {
    let spec = ServerDraft::from(body).check()?;
    let server = ServerOut::from(servers::insert(&app.db, spec, app.now()).await?);
    Ok((StatusCode::CREATED, [(LOCATION, format!("/api/v1/servers/{}", server.id))], Json(server)))
}

/// Shows a server.
#[utoipa::path(get, path = "/servers/{id}", tag = "servers", operation_id = "show_server", params(("id" = Uuid, Path, description = "The server")),
    responses((status = 200, description = "The server", body = ServerOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn show(_: Viewer, State(app): State<AppState>, Path(id): Path<ServerId>) -> Result<Json<ServerOut>> {
    let server = servers::find(&app.db, id).await?.ok_or(Problem::NotFound("the server"))?;
    Ok(Json(server.into()))
}

/// Changes a server.
///
/// When `instance` or `selector` change, its rules follow at once. Switching it off ends the alerts of its rules.
#[utoipa::path(patch, path = "/servers/{id}", tag = "servers", operation_id = "update_server", request_body = ServerPatch,
    params(("id" = Uuid, Path, description = "The server"), IfMatch),
    responses((status = 200, description = "The server after the change", body = ServerOut), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn update(
    _: Operator,
    State(app): State<AppState>,
    Path(id): Path<ServerId>,
    IfMatch(version): IfMatch,
    Json(patch): Json<ServerPatch>,
) -> Result<Json<ServerOut>> {
    let change = |row: &server::Model| patch.applied_to(row).check();
    let (server, due) = servers::update(&app.db, id, version, (app.now(), app.deviations()), change).await?;
    push(&app, due).await;
    Ok(Json(server.into()))
}

/// Removes a server that no rule watches.
#[utoipa::path(delete, path = "/servers/{id}", tag = "servers", operation_id = "delete_server",
    params(("id" = Uuid, Path, description = "The server"), IfMatch),
    responses((status = 204, description = "Removed"), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn delete(
    _: Operator,
    State(app): State<AppState>,
    Path(id): Path<ServerId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode> {
    servers::delete(&app.db, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
