//! Signing in, renewing and signing out.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use vigil_domain::Timestamp;
use vigil_store::{
    accounts::{
        sessions::{self, NewToken, Renewal},
        users,
    },
    entity::user,
};

use super::{
    address::ClientAddress,
    guess::{self, Limits},
    name, token,
};
use crate::{
    problem::{Problem, Result},
    state::AppState,
};

const WRONG_PASSWORD: Problem = Problem::WrongCredentials("the user name or the password is wrong");
const WRONG_TOKEN: Problem = Problem::WrongCredentials("the refresh token is not valid; sign in again");

/// What a sign-in yields (RFC 6749, section 5.1).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"access_token": "eyJhbGciOiJIUzI1NiJ9…", "token_type": "bearer", "expires_in": 900,
    "refresh_token": "kJ2v8wVJtYt4n0m1cBq3rA5sD7uE9fG2hI4jK6lM8nO"}))]
pub(crate) struct Tokens {
    /// Send it as `Authorization: Bearer …`.
    access_token: String,
    /// Always `bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    #[schema(minimum = 1)]
    expires_in: u64,
    /// Gets the next pair of tokens, once.
    refresh_token: String,
}

/// Signs in with a password.
pub(crate) async fn sign_in(
    state: &AppState,
    (username, password): (&str, &str),
    address: ClientAddress,
    now: Timestamp,
) -> Result<Tokens> {
    let username = name::fold(username);
    // What cannot be a name is nobody's; it is throttled like one.
    let user = match name::parse(&username) {
        Ok(name) => users::by_username(&state.db, &name).await?,
        Err(_) => None,
    };
    let limits = Limits::sign_in(&username, address);
    let user = guess::check(state, &limits, user, password).await?.ok_or(WRONG_PASSWORD)?;
    let (refresh_token, stored) = new_token(state, now)?;
    let family = sessions::begin(&state.db, &user, stored, now).await?.ok_or(WRONG_PASSWORD)?;
    tracing::info!(user.id = %user.id, "signed in");
    tokens(state, &user, family, refresh_token, now)
}

/// Exchanges a refresh token for the next pair of tokens. One that was used before ends its session.
pub(crate) async fn renew(state: &AppState, refresh_token: &str, now: Timestamp) -> Result<Tokens> {
    let (next, stored) = new_token(state, now)?;
    match sessions::renew(&state.db, &token::digest(refresh_token), stored, now).await? {
        Renewal::Renewed { user, family } => tokens(state, &user, family, next, now),
        Renewal::Reused { user_id } => {
            tracing::warn!(user.id = %user_id, "a refresh token was used twice: its session has been ended");
            Err(WRONG_TOKEN)
        }
        Renewal::Refused => Err(WRONG_TOKEN),
    }
}

fn new_token(state: &AppState, now: Timestamp) -> Result<(String, NewToken)> {
    let secret = token::random()?;
    let stored = NewToken { hash: token::digest(&secret), expires_at: now + state.config.auth.refresh_token() };
    Ok((secret, stored))
}

fn tokens(state: &AppState, user: &user::Model, family: Uuid, refresh_token: String, now: Timestamp) -> Result<Tokens> {
    let access_token = state.tokens.issue(user.id, family, user.token_version, now).map_err(Problem::internal)?;
    let expires_in = state.tokens.lifetime().as_secs();
    Ok(Tokens { access_token, token_type: "bearer", expires_in, refresh_token })
}
