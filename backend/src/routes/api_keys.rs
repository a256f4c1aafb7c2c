//! Keys for machines. Everybody manages their own; admins also see and delete those of others.

use axum::{
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_domain::{Mistakes, Timestamp, role::Role};
use vigil_store::{
    accounts::api_keys::{self, NewKey},
    entity::api_key,
};

use super::users::RoleName;
use crate::{
    auth::{Caller, Credential, Viewer, stored_role, token},
    extract::{IfMatch, Json, Path, Query},
    openapi::{Guarded, Reading, Writing},
    page::{Page, PageQuery},
    problem::{Problem, Result},
    state::AppState,
};

/// The most characters of a key's name.
const LONGEST_NAME: usize = 200;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, delete))
}

/// An API key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey, example = json!({"id": "01936d5e-7a00-7000-8000-000000000002",
    "user_id": "01936d5e-7a00-7000-8000-000000000001", "name": "grafana", "prefix": "vgl_kJ2v8wVJ", "role": "viewer",
    "expires_at": null, "last_used_at": null, "version": 1, "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z"}))]
struct KeyOut {
    id: Uuid,
    /// Whose key it is.
    user_id: Uuid,
    name: String,
    /// The beginning of the key.
    prefix: String,
    /// What the key may do; never more than its user.
    role: RoleName,
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
    /// To the minute.
    #[schema(required)]
    last_used_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl KeyOut {
    fn new(row: api_key::Model) -> Result<Self> {
        let api_key::Model {
            id,
            user_id,
            name,
            key_hash: _,
            prefix,
            role,
            expires_at,
            last_used_at,
            version,
            created_at,
            updated_at,
        } = row;
        let role = stored_role(&role)?.into();
        Ok(Self { id, user_id, name, prefix, role, expires_at, last_used_at, version, created_at, updated_at })
    }
}

/// An API key that was just made.
#[derive(Debug, Serialize, ToSchema)]
struct NewApiKey {
    /// The key itself. It is not shown again.
    #[schema(example = "vgl_kJ2v8wVJtYt4n0m1cBq3rA5sD7uE9fG2hI4jK6lM8nO")]
    key: String,
    #[serde(flatten)]
    stored: KeyOut,
}

/// A new API key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "grafana", "role": "viewer", "expires_at": "2030-01-01T00:00:00Z"}))]
struct KeyIn {
    /// For people.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// At most the caller's own.
    role: RoleName,
    /// In the future. Absent or `null`: never.
    expires_at: Option<DateTime<Utc>>,
}

impl KeyIn {
    fn check(self, caller: &Caller, now: Timestamp) -> Result<(String, Role, Option<Timestamp>)> {
        let mut mistakes = Mistakes::default();
        let name = self.name.trim().to_owned();
        let role = Role::from(self.role);
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            mistakes.add("name", format!("must have 1 to {LONGEST_NAME} characters"));
        }
        if role > caller.role {
            mistakes.add("role", format!("must be at most your own, {}", caller.role));
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            mistakes.add("expires_at", "must be in the future");
        }
        if let Credential::ApiKey { expires_at: Some(end), .. } = caller.credential
            && self.expires_at.is_none_or(|wanted| wanted > end)
        {
            mistakes.add("expires_at", "must not be after that of the key you use");
        }
        Ok(mistakes.or((name, role, self.expires_at))?)
    }
}

/// List API keys.
///
/// One's own; all of them for admins.
#[utoipa::path(get, path = "/api-keys", tag = "api-keys", operation_id = "list_api_keys", params(PageQuery),
    responses((status = 200, description = "Keys, newest first", body = Page<KeyOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(
    Viewer(caller): Viewer,
    State(state): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<KeyOut>>> {
    let window = query.window()?;
    let owner = (caller.role < Role::Admin).then_some(caller.user_id.0);
    let rows = api_keys::list(&state.db, owner, window.after, window.rows()).await?;
    Page::of(rows, &window, |row| row.id, KeyOut::new).transpose().map(Json)
}

/// Create an API key.
///
/// The key is in this answer and in no other.
#[utoipa::path(post, path = "/api-keys", tag = "api-keys", operation_id = "create_api_key", request_body = KeyIn,
    responses((status = 201, description = "Created", body = NewApiKey,
        headers(("Location" = String, description = "The key's address"))), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn create(
    Viewer(caller): Viewer,
    State(state): State<AppState>,
    Json(body): Json<KeyIn>,
) -> Result<impl IntoResponse> {
    let now = state.now();
    let (name, role, expires_at) = body.check(&caller, now)?;
    let key = token::random_key()?;
    let (hash, prefix) = (token::digest(&key), token::shown_part(&key).to_owned());
    let new = NewKey { user_id: caller.user_id.0, name, hash, prefix, role, expires_at };
    let stored = KeyOut::new(api_keys::create(&state.db, new, now).await?)?;
    tracing::info!(api_key.id = %stored.id, user.id = %stored.user_id, "API key created");
    let location = format!("/api/v1/api-keys/{}", stored.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(NewApiKey { key, stored })))
}

/// Show an API key.
#[utoipa::path(get, path = "/api-keys/{id}", tag = "api-keys", operation_id = "show_api_key",
    params(("id" = Uuid, Path, description = "The key")),
    responses((status = 200, description = "The key", body = KeyOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn show(Viewer(caller): Viewer, State(state): State<AppState>, Path(id): Path<Uuid>) -> Result<Json<KeyOut>> {
    KeyOut::new(visible(&state, &caller, id).await?).map(Json)
}

/// Delete an API key.
///
/// It stops working at once.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "api-keys", operation_id = "delete_api_key",
    params(("id" = Uuid, Path, description = "The key"), IfMatch),
    responses((status = 204, description = "Deleted"), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn delete(
    Viewer(caller): Viewer,
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    if_match.check(visible(&state, &caller, id).await?.version)?;
    if !api_keys::delete(&state.db, id).await? {
        return Err(NOT_FOUND);
    }
    tracing::info!(api_key.id = %id, "API key deleted");
    Ok(StatusCode::NO_CONTENT)
}

const NOT_FOUND: Problem = Problem::NotFound("the API key");

/// The key, if it is the caller's or the caller is an admin. Others' keys are not found rather than forbidden.
async fn visible(state: &AppState, caller: &Caller, id: Uuid) -> Result<api_key::Model> {
    let key = api_keys::by_id(&state.db, id).await?;
    key.filter(|key| key.user_id == caller.user_id.0 || caller.role == Role::Admin).ok_or(NOT_FOUND)
}
