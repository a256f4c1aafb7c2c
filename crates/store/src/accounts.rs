//! Users, their sessions and API keys, the link that makes the first admin, and tickets for WebSockets.
//!
//! Everything that changes what a user may do locks the user's row first, so that a session cannot survive the change
//! that ends it. Secrets come in as digests; passwords as bcrypt hashes.

pub mod api_keys;
pub mod sessions;
pub mod setup;
pub mod tickets;
pub mod users;

use sea_orm::{ColumnTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;
use vigil_domain::Timestamp;

use crate::entity::{refresh_token, setup_token, user, ws_ticket};

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("the user does not exist")]
    NotFound,
    /// Somebody else changed it first.
    #[error("the user has changed since")]
    Stale,
    /// Nobody could administer the installation any more.
    #[error("the last active admin cannot be removed, demoted or deactivated")]
    LastAdmin,
    #[error(transparent)]
    Database(#[from] DbErr),
}

/// Deletes what has expired and so means nothing any more: refresh tokens, tickets and setup links.
pub async fn sweep(db: &DatabaseConnection, now: Timestamp) -> Result<(), DbErr> {
    refresh_token::Entity::delete_many().filter(refresh_token::Column::ExpiresAt.lt(now)).exec(db).await?;
    ws_ticket::Entity::delete_many().filter(ws_ticket::Column::ExpiresAt.lt(now)).exec(db).await?;
    setup_token::Entity::delete_many().filter(setup_token::Column::ExpiresAt.lt(now)).exec(db).await?;
    Ok(())
}

/// Reads a user and keeps it from changing until the transaction ends.
async fn locked_user(tx: &DatabaseTransaction, id: Uuid) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find_by_id(id).lock_exclusive().one(tx).await
}
