//! The first admin: made once, whoever tries at the same time.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, QueryFilter, sea_query::Expr,
};
use vigil_domain::{Timestamp, role::Role};

use super::users::{self, NewUser};
use crate::{
    db,
    entity::{setup_token, user},
};

/// What came of an attempt to make the first admin.
#[derive(Clone, Debug, PartialEq)]
pub enum FirstAdmin {
    Created(Box<user::Model>),
    /// There is an admin already.
    Exists,
    /// The link is unknown, used or expired.
    BadToken,
}

/// Stores the digest of a one-time setup link.
pub async fn add_token<C: ConnectionTrait>(
    db: &C,
    hash: String,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), DbErr> {
    let row = setup_token::ActiveModel {
        token_hash: Set(hash),
        expires_at: Set(expires_at),
        used_at: Set(None),
        created_at: Set(now),
    };
    setup_token::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Whether a setup link still works.
pub async fn is_valid<C: ConnectionTrait>(db: &C, hash: &str, now: Timestamp) -> Result<bool, DbErr> {
    let token = setup_token::Entity::find_by_id(hash.to_owned()).one(db).await?;
    Ok(token.is_some_and(|token| token.used_at.is_none() && token.expires_at > now))
}

/// Makes the first admin, by a setup link (its digest) or by configuration (`None`).
///
/// A link is used up only when an admin was made. A name that another user has is a unique violation.
pub async fn create_first_admin(
    db: &DatabaseConnection,
    token_hash: Option<&str>,
    (username, password_hash): (String, String),
    now: Timestamp,
) -> Result<FirstAdmin, DbErr> {
    let tx = db::write(db).await?;
    lock_users(&tx).await?;
    if let Some(hash) = token_hash
        && !use_token(&tx, hash, now).await?
    {
        return Ok(FirstAdmin::BadToken);
    }
    if users::has_admin(&tx).await? {
        return Ok(FirstAdmin::Exists);
    }
    let new = NewUser { username, password_hash, role: Role::Admin, is_active: true };
    let user = users::create(&tx, new, now).await?;
    tx.commit().await?;
    Ok(FirstAdmin::Created(Box::new(user)))
}

/// Nobody else adds users until the transaction ends. SQLite's write lock, held already, does the same.
async fn lock_users(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").await?;
    }
    Ok(())
}

async fn use_token(tx: &DatabaseTransaction, hash: &str, now: Timestamp) -> Result<bool, DbErr> {
    let used = setup_token::Entity::update_many()
        .col_expr(setup_token::Column::UsedAt, Expr::value(now))
        .filter(setup_token::Column::TokenHash.eq(hash))
        .filter(setup_token::Column::UsedAt.is_null())
        .filter(setup_token::Column::ExpiresAt.gt(now))
        .exec(tx)
        .await?;
    Ok(used.rows_affected == 1)
}
