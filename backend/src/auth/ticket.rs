//! Tickets: how a browser, which cannot send a header with a WebSocket, shows who it is without a token in the address.

use chrono::TimeDelta;
use uuid::Uuid;
use vigil_store::{
    accounts::{api_keys, sessions, tickets},
    entity::ws_ticket,
};

use super::{Caller, Credential, stored_role, token};
use crate::{
    problem::{Problem, Result},
    state::AppState,
};

/// How long a ticket can be used.
const LIFETIME: TimeDelta = TimeDelta::seconds(30);

/// A ticket that was just made.
#[derive(Debug)]
pub struct Ticket {
    pub ticket: String,
    /// Seconds.
    pub expires_in: u64,
}

/// Makes a ticket for the caller: good once, for 30 seconds, and as long as what the caller showed is.
///
/// # Errors
/// When the database does not answer.
pub async fn issue_ticket(state: &AppState, caller: &Caller) -> Result<Ticket> {
    let ticket = token::random()?;
    let credential_id = match caller.credential {
        Credential::Session { family, .. } => family,
        Credential::ApiKey { id, .. } => id,
    };
    let row = ws_ticket::Model {
        ticket_hash: token::digest(&ticket),
        user_id: caller.user_id.0,
        role: caller.role.as_str().to_owned(),
        credential_id: Some(credential_id),
        expires_at: state.now() + LIFETIME,
        session_expires_at: caller.credential.expires_at(),
    };
    tickets::create(&state.db, row).await?;
    Ok(Ticket { ticket, expires_in: LIFETIME.num_seconds().unsigned_abs() })
}

/// Who holds this ticket. It cannot be used again.
///
/// # Errors
/// [`Problem::Unauthenticated`] when it is unknown, used or expired, or its holder may not call any more.
pub async fn redeem_ticket(state: &AppState, ticket: &str) -> Result<Caller> {
    let now = state.now();
    let row = tickets::take(&state.db, &token::digest(ticket), now).await?.ok_or(Problem::Unauthenticated)?;
    let credential_id = row.credential_id.ok_or(Problem::Unauthenticated)?;
    if row.session_expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::Unauthenticated);
    }
    let mut caller = holder(state, &row, credential_id).await?;
    caller.role = caller.role.min(stored_role(&row.role)?);
    Ok(caller)
}

/// A ticket was made with an access token, which expires, or with an API key.
async fn holder(state: &AppState, row: &ws_ticket::Model, credential_id: Uuid) -> Result<Caller> {
    if let Some((key, user)) = api_keys::valid_by_id(&state.db, credential_id, state.now()).await? {
        return Caller::by_key(&key, user);
    }
    let user = sessions::user_of(&state.db, row.user_id, credential_id).await?;
    match (user, row.session_expires_at) {
        (Some(user), Some(expires_at)) => Caller::by_session(user, credential_id, expires_at),
        _ => Err(Problem::Unauthenticated),
    }
}
