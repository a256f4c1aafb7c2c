//! Who can sign in. For admins only.

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
use vigil_domain::{Mistakes, role::Role};
use vigil_store::{
    accounts::{
        AccountError,
        users::{self, NewUser, UserChange},
    },
    entity::user,
};

use crate::{
    auth::{Admin, name, password, stored_role},
    extract::{IfMatch, Json, Path, Query, given},
    openapi::{Guarded, Reading, Writing},
    page::{Page, PageQuery},
    problem::{Problem, Result},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// What a user or an API key may do: `viewer` reads, `operator` also changes, `admin` does everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Role)]
pub(crate) enum RoleName {
    Viewer,
    Operator,
    Admin,
}

impl From<Role> for RoleName {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<RoleName> for Role {
    fn from(role: RoleName) -> Self {
        match role {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
        }
    }
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User, example = json!({"id": "01936d5e-7a00-7000-8000-000000000001", "username": "ann@example.com",
    "role": "operator", "is_active": true, "version": 1, "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z"}))]
pub(crate) struct UserOut {
    id: Uuid,
    /// In lower case.
    username: String,
    role: RoleName,
    /// Whether the user may sign in.
    is_active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl UserOut {
    pub(crate) fn new(row: user::Model) -> Result<Self> {
        let user::Model {
            id,
            username,
            password_hash: _,
            role,
            is_active,
            token_version: _,
            version,
            created_at,
            updated_at,
        } = row;
        let role = stored_role(&role)?.into();
        Ok(Self { id, username, role, is_active, version, created_at, updated_at })
    }

    /// 201 with the user and where it is.
    pub(crate) fn created(row: user::Model) -> Result<impl IntoResponse> {
        let location = format!("/api/v1/users/{}", row.id);
        Ok((StatusCode::CREATED, [(LOCATION, location)], Json(Self::new(row)?)))
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::NotFound => Self::NotFound("the user"),
            AccountError::Stale => Self::Stale,
            AccountError::LastAdmin => Self::Conflict(error.to_string()),
            AccountError::Database(error) => error.into(),
        }
    }
}

/// A new user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "ann@example.com", "password": "correct horse battery", "role": "operator"}))]
struct UserIn {
    /// Free text or an e-mail address, unique whatever the case of its letters; kept in lower case.
    #[schema(min_length = 1, max_length = 200)]
    username: String,
    #[schema(format = Password, min_length = 12, max_length = 1024)]
    password: String,
    role: RoleName,
    #[serde(default = "yes")]
    #[schema(default = true)]
    is_active: bool,
}

fn yes() -> bool {
    true
}

/// What to change of a user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "viewer"}))]
struct UserPatch {
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    username: Option<String>,
    /// Ends all sessions of the user.
    #[schema(format = Password, min_length = 12, max_length = 1024, nullable = false)]
    #[serde(default, deserialize_with = "given")]
    password: Option<String>,
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "given")]
    role: Option<RoleName>,
    /// `false` ends all sessions of the user.
    #[schema(nullable = false)]
    #[serde(default, deserialize_with = "given")]
    is_active: Option<bool>,
}

/// List users.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "list_users", params(PageQuery),
    responses((status = 200, description = "Users, newest first", body = Page<UserOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(_: Admin, State(state): State<AppState>, Query(query): Query<PageQuery>) -> Result<Json<Page<UserOut>>> {
    let window = query.window()?;
    let rows = users::list(&state.db, window.after, window.rows()).await?;
    let page = Page::of(rows, &window, |row| row.id, UserOut::new);
    page.transpose().map(Json)
}

/// Create a user.
#[utoipa::path(post, path = "/users", tag = "users", operation_id = "create_user", request_body = UserIn,
    responses((status = 201, description = "Created", body = UserOut,
        headers(("Location" = String, description = "The user's address"))), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn create(
    Admin(caller): Admin,
    State(state): State<AppState>,
    Json(body): Json<UserIn>,
) -> Result<impl IntoResponse> {
    let mut mistakes = Mistakes::default();
    let username = mistakes.keep("username", name::parse(&body.username));
    mistakes.keep("password", password::check(&body.password));
    let username = mistakes.or(username)?.expect("a name that was not kept is a mistake");
    let password_hash = state.passwords.hash(&body.password).await.map_err(Problem::internal)?;
    let new = NewUser { username, password_hash, role: body.role.into(), is_active: body.is_active };
    let user = users::create(&state.db, new, state.now()).await?;
    tracing::info!(user.id = %user.id, role = %user.role, by = %caller.user_id, "user created");
    UserOut::created(user)
}

/// Show a user.
#[utoipa::path(get, path = "/users/{id}", tag = "users", operation_id = "show_user",
    params(("id" = Uuid, Path, description = "The user")),
    responses((status = 200, description = "The user", body = UserOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn show(_: Admin, State(state): State<AppState>, Path(id): Path<Uuid>) -> Result<Json<UserOut>> {
    let user = users::by_id(&state.db, id).await?.ok_or(Problem::NotFound("the user"))?;
    UserOut::new(user).map(Json)
}

/// Change a user.
///
/// The last active admin can be neither demoted nor deactivated.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", operation_id = "update_user",
    params(("id" = Uuid, Path, description = "The user"), IfMatch),
    request_body = UserPatch,
    responses((status = 200, description = "Changed", body = UserOut), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn update(
    Admin(caller): Admin,
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(body): Json<UserPatch>,
) -> Result<Json<UserOut>> {
    let mut mistakes = Mistakes::default();
    let username = body.username.map(|username| name::parse(&username)).transpose();
    let username = mistakes.keep("username", username).flatten();
    mistakes.keep("password", body.password.as_deref().map_or(Ok(()), password::check));
    mistakes.or(())?;
    let password_hash = match &body.password {
        Some(password) => Some(state.passwords.hash(password).await.map_err(Problem::internal)?),
        None => None,
    };
    let change = UserChange { username, password_hash, role: body.role.map(Role::from), is_active: body.is_active };
    let user = users::change(&state.db, id, change, if_match.0, state.now()).await?;
    tracing::info!(user.id = %user.id, by = %caller.user_id, "user changed");
    UserOut::new(user).map(Json)
}

/// Delete a user.
///
/// With all sessions and API keys. The last active admin cannot be deleted.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", operation_id = "delete_user",
    params(("id" = Uuid, Path, description = "The user"), IfMatch),
    responses((status = 204, description = "Deleted"), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn delete(
    Admin(caller): Admin,
    State(state): State<AppState>,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
) -> Result<StatusCode> {
    users::delete(&state.db, id, if_match.0).await?;
    tracing::info!(user.id = %id, by = %caller.user_id, "user deleted");
    Ok(StatusCode::NO_CONTENT)
}
