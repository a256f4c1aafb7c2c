//! Sign in, renew, sign out, and one's own password.

use axum::{extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_domain::Mistakes;
use vigil_store::accounts::{AccountError, sessions, users};

use super::users::RoleName;
use crate::{
    auth::{
        self, Caller, Credential, Viewer,
        address::ClientAddress,
        guess::{self, Limits},
        password,
        session::{self, Tokens},
        token,
    },
    extract::{Form, Json, OptionalJson, given},
    openapi::{Guarded, Guessing, Writing},
    problem::{Problem, Result},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(me))
        .routes(routes!(change_password))
}

/// The form of the OAuth2 password flow. Only the name and the password matter.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "ann@example.com", "password": "correct horse battery"}))]
struct LoginForm {
    /// In any case of letters.
    #[schema(required, nullable = false)]
    username: Option<String>,
    #[schema(required, nullable = false, format = Password)]
    password: Option<String>,
    /// Ignored.
    #[schema(nullable = false)]
    #[expect(dead_code, reason = "accepted and ignored")]
    grant_type: Option<String>,
    /// Ignored.
    #[schema(nullable = false)]
    #[expect(dead_code, reason = "accepted and ignored")]
    scope: Option<String>,
    /// Ignored.
    #[schema(nullable = false)]
    #[expect(dead_code, reason = "accepted and ignored")]
    client_id: Option<String>,
    /// Ignored.
    #[schema(nullable = false)]
    #[expect(dead_code, reason = "accepted and ignored")]
    client_secret: Option<String>,
}

/// Sign in.
///
/// The OAuth2 password flow. Wrong guesses are limited per account and per address.
#[utoipa::path(post, path = "/auth/login", tag = "auth", operation_id = "login",
    request_body(content = LoginForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Signed in", body = Tokens),
        (status = 401, description = "Wrong user name or password", content_type = "application/problem+json",
            body = crate::problem::ProblemBody),
        (status = 503, description = "The database is away", content_type = "application/problem+json",
            body = crate::problem::ProblemBody),
        Writing, Guessing,
    ))]
async fn login(
    State(state): State<AppState>,
    address: ClientAddress,
    Form(form): Form<LoginForm>,
) -> Result<Json<Tokens>> {
    let mut mistakes = Mistakes::default();
    let username = mistakes.keep("username", form.username.ok_or("is missing"));
    let password = mistakes.keep("password", form.password.ok_or("is missing"));
    let (Some(username), Some(password)) = (username, password) else {
        return Err(mistakes.into_vec().into());
    };
    session::sign_in(&state, (&username, &password), address, state.now()).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "kJ2v8wVJtYt4n0m1cBq3rA5sD7uE9fG2hI4jK6lM8nO"}))]
struct RefreshIn {
    /// From the last sign-in or renewal. It works once.
    refresh_token: String,
}

/// Renew a session.
///
/// Answers a new pair of tokens. The refresh token that was sent stops working; sending it again ends the session.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", operation_id = "refresh", request_body = RefreshIn,
    responses(
        (status = 200, description = "Renewed", body = Tokens),
        (status = 401, description = "The refresh token is not valid", content_type = "application/problem+json",
            body = crate::problem::ProblemBody),
        (status = 503, description = "The database is away", content_type = "application/problem+json",
            body = crate::problem::ProblemBody),
        Writing,
    ))]
async fn refresh(State(state): State<AppState>, Json(body): Json<RefreshIn>) -> Result<Json<Tokens>> {
    session::renew(&state, &body.refresh_token, state.now()).await.map(Json)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "kJ2v8wVJtYt4n0m1cBq3rA5sD7uE9fG2hI4jK6lM8nO"}))]
struct LogoutIn {
    /// Ends the session of this token, whoever asks. Absent: the session of the access token.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    refresh_token: Option<String>,
}

/// Sign out.
///
/// Ends one session at once: its access tokens stop working too. With a refresh token in the body nothing else is
/// needed, and an unknown one is as good as ended.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", operation_id = "logout",
    request_body(content = Option<LogoutIn>),
    responses((status = 204, description = "Signed out"), Guarded, Writing),
    security((), ("bearer" = []), ("oauth2" = [])))]
async fn logout(
    State(state): State<AppState>,
    headers: axum::http::HeaderMap,
    OptionalJson(body): OptionalJson<LogoutIn>,
) -> Result<StatusCode> {
    let now = state.now();
    if let Some(refresh_token) = body.and_then(|body| body.refresh_token) {
        sessions::end_by_token(&state.db, &token::digest(&refresh_token), now).await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    let caller = auth::authenticate(&state, &headers).await?;
    let Credential::Session { family, .. } = caller.credential else { return Err(NO_SESSION) };
    sessions::end(&state.db, caller.user_id.0, family, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

const NO_SESSION: Problem = Problem::Refused("an API key cannot do this; sign in with a password");

/// Who is calling.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "01936d5e-7a00-7000-8000-000000000001", "username": "ann@example.com",
    "role": "operator", "credential": "session", "expires_at": "2026-01-01T00:15:00Z"}))]
struct Me {
    /// The user's id.
    id: Uuid,
    username: String,
    /// What the caller may do: the user's role, or the lesser one of the API key.
    role: RoleName,
    credential: CredentialKind,
    /// When the credential stops working; `null` when it does not.
    #[schema(required)]
    expires_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CredentialKind {
    Session,
    ApiKey,
}

impl From<Caller> for Me {
    fn from(caller: Caller) -> Self {
        let credential = match caller.credential {
            Credential::Session { .. } => CredentialKind::Session,
            Credential::ApiKey { .. } => CredentialKind::ApiKey,
        };
        let expires_at = caller.credential.expires_at();
        Self { id: caller.user_id.0, username: caller.username, role: caller.role.into(), credential, expires_at }
    }
}

/// Show who is calling.
#[utoipa::path(get, path = "/auth/me", tag = "auth", operation_id = "me",
    responses((status = 200, description = "The caller", body = Me), Guarded),
    security(("bearer" = []), ("oauth2" = [])))]
async fn me(Viewer(caller): Viewer) -> Json<Me> {
    Json(caller.into())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "correct horse battery", "new_password": "staple battery horse"}))]
struct PasswordIn {
    #[schema(format = Password)]
    current_password: String,
    #[schema(format = Password, min_length = 12, max_length = 1024)]
    new_password: String,
}

/// Change one's own password.
///
/// Ends all other sessions of the user. Wrong guesses are limited as at sign-in. Not for API keys.
#[utoipa::path(post, path = "/auth/password", tag = "auth", operation_id = "change_password",
    request_body = PasswordIn,
    responses((status = 204, description = "Changed"), Guarded, Writing, Guessing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn change_password(
    State(state): State<AppState>,
    Viewer(caller): Viewer,
    address: ClientAddress,
    Json(body): Json<PasswordIn>,
) -> Result<StatusCode> {
    let Credential::Session { family, .. } = caller.credential else { return Err(NO_SESSION) };
    password::check(&body.new_password).map_err(|message| Problem::field("new_password", message))?;
    let user = users::by_id(&state.db, caller.user_id.0).await?.ok_or(Problem::Unauthenticated)?;
    let limits = Limits::confirm(&user, address);
    let checked = guess::check(&state, &limits, Some(user), &body.current_password).await?;
    let checked = checked.ok_or_else(|| Problem::field("current_password", "is wrong"))?;
    let hash = state.passwords.hash(&body.new_password).await.map_err(Problem::internal)?;
    match users::change_password(&state.db, &checked, hash, Some(family), state.now()).await {
        Err(AccountError::Stale) => Err(Problem::field("current_password", "is wrong")),
        other => other.map(|()| StatusCode::NO_CONTENT).map_err(Problem::from),
    }
}
