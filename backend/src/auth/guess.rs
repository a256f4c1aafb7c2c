//! Password checks with a limit to guessing, per account and per address.

use vigil_store::{accounts::users, entity::user};

use super::address::ClientAddress;
use crate::{
    problem::{Problem, Result},
    state::AppState,
};

/// What a wrong guess counts against.
pub(crate) struct Limits {
    account: String,
    place: String,
}

impl Limits {
    /// For sign-in: `username` as it is looked up, whether there is such a user or not.
    pub(crate) fn sign_in(username: &str, address: ClientAddress) -> Self {
        Self { account: format!("sign-in:account:{username}"), place: format!("sign-in:place:{}", address.place()) }
    }

    /// For somebody who is signed in and must show the password again: their guesses do not lock the owner out.
    pub(crate) fn confirm(user: &user::Model, address: ClientAddress) -> Self {
        Self { account: format!("confirm:account:{}", user.id), place: format!("sign-in:place:{}", address.place()) }
    }
}

/// The user, if `password` is theirs and they are active; an unknown or inactive user costs the same time.
///
/// # Errors
/// [`Problem::TooMany`] when the account or the address has used up its wrong guesses. That is looked at again once a
/// core is ours, so that guesses sent side by side gain no more than one per core.
pub(crate) async fn check(
    state: &AppState,
    limits: &Limits,
    user: Option<user::Model>,
    password: &str,
) -> Result<Option<user::Model>> {
    refuse_too_many(state, limits).await?;
    let turn = state.passwords.turn().await.map_err(Problem::internal)?;
    refuse_too_many(state, limits).await?;
    let hash = user.as_ref().map(|user| user.password_hash.as_str());
    let is_right = turn.verify(password, hash).await.map_err(Problem::internal)?;
    let Some(mut user) = user.filter(|user| is_right && user.is_active) else {
        metrics::counter!("vigil_sign_in_failures_total").increment(1);
        let window = state.config.auth.login_window();
        state.throttle.hit(&limits.account, window).await;
        state.throttle.hit(&limits.place, window).await;
        return Ok(None);
    };
    state.throttle.clear(&limits.account).await;
    if turn.is_outdated(&user.password_hash) {
        let hash = turn.hash(password).await.map_err(Problem::internal)?;
        users::replace_hash(&state.db, &user, hash.clone()).await?;
        user.password_hash = hash;
    }
    Ok(Some(user))
}

async fn refuse_too_many(state: &AppState, limits: &Limits) -> Result<()> {
    let allowed = u64::from(state.config.auth.login_attempts);
    for key in [&limits.account, &limits.place] {
        if let Some(retry_after) = state.throttle.retry_after(key, allowed).await {
            return Err(Problem::TooMany { retry_after });
        }
    }
    Ok(())
}
