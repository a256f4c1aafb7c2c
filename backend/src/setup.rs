//! The first admin: from the configuration, or through a one-time link that the program prints at its first start.

use chrono::TimeDelta;
use vigil_domain::{Mistakes, Timestamp};
use vigil_store::{
    accounts::{
        setup::{self, FirstAdmin},
        users,
    },
    entity::user,
};

use crate::{
    auth::{name, password, token},
    problem::{Problem, Result},
    state::AppState,
};

/// How long the link works.
const LIFETIME: TimeDelta = TimeDelta::minutes(30);

const BAD_LINK: Problem = Problem::WrongCredentials(
    "the setup link is not valid or has expired; without an admin, a restart of Vigil prints a new one",
);

/// Makes sure that somebody can administer the installation.
///
/// Without an active admin it makes the configured one; when none is configured it answers a link below `base_url`
/// (no trailing slash) for the program to print, once per start. Several programs may start at once: one admin comes of
/// it, and every link they print works until it does.
///
/// # Errors
/// When the database does not answer, the configured name is no name, or another user has it.
pub async fn ensure_first_admin(state: &AppState, base_url: &str, now: Timestamp) -> anyhow::Result<Option<String>> {
    if users::has_admin(&state.db).await? {
        return Ok(None);
    }
    let admin = &state.config.admin;
    if let (Some(username), Some(password)) = (&admin.username, &admin.password) {
        let username = name::parse(username).map_err(|error| anyhow::anyhow!("admin.username {error}"))?;
        let hash = state.passwords.hash(password.expose()).await?;
        match setup::create_first_admin(&state.db, None, (username, hash), now).await {
            Ok(FirstAdmin::Created(user)) => tracing::info!(user.id = %user.id, "first admin created"),
            Ok(FirstAdmin::Exists | FirstAdmin::BadToken) => {}
            Err(error) if error.sql_err().is_some() => {
                anyhow::bail!("admin.username belongs to a user who is no active admin; choose another name")
            }
            Err(error) => return Err(error.into()),
        }
        return Ok(None);
    }
    let secret = token::random()?;
    setup::add_token(&state.db, token::digest(&secret), now + LIFETIME, now).await?;
    Ok(Some(format!("{base_url}/setup?token={secret}")))
}

/// Makes the first admin by the link's token.
///
/// # Errors
/// 422 for the name and the password, 401 for the token, 409 when there is an admin already.
pub(crate) async fn set_up(
    state: &AppState,
    setup_token: &str,
    (username, password): (&str, &str),
    now: Timestamp,
) -> Result<user::Model> {
    let hash = token::digest(setup_token);
    // Before the expensive part; whether it is still good is decided in the transaction.
    if !setup::is_valid(&state.db, &hash, now).await? {
        return Err(BAD_LINK);
    }
    let mut mistakes = Mistakes::default();
    let username = mistakes.keep("username", name::parse(username));
    mistakes.keep("password", password::check(password));
    let username = mistakes.or(username)?.expect("a name that was not kept is a mistake");
    let password_hash = state.passwords.hash(password).await.map_err(Problem::internal)?;
    match setup::create_first_admin(&state.db, Some(&hash), (username, password_hash), now).await? {
        FirstAdmin::Created(user) => {
            tracing::info!(user.id = %user.id, "first admin created");
            Ok(*user)
        }
        FirstAdmin::Exists => Err(Problem::Conflict("there is an admin already; sign in instead".to_owned())),
        FirstAdmin::BadToken => Err(BAD_LINK),
    }
}
