//! Sessions: families of refresh tokens. A token is used once; using it again ends the family.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseConnection,
    DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect, QueryTrait, sea_query::Expr,
};
use uuid::Uuid;
use vigil_domain::Timestamp;

use super::locked_user;
use crate::{
    db,
    entity::{refresh_token, user},
};

/// A refresh token to be stored.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub hash: String,
    pub expires_at: Timestamp,
}

/// What came of a refresh token.
#[derive(Clone, Debug, PartialEq)]
pub enum Renewal {
    /// It was the newest of its family and has been replaced.
    Renewed { user: Box<user::Model>, family: Uuid },
    /// It had been used before: somebody has a copy, and the family has been revoked.
    Reused { user_id: Uuid },
    /// It is unknown, expired, revoked, or its user may not sign in.
    Refused,
}

/// Begins a session of the user whose password was checked; `None` when the user has changed in between.
pub async fn begin(
    db: &DatabaseConnection,
    checked: &user::Model,
    token: NewToken,
    now: Timestamp,
) -> Result<Option<Uuid>, DbErr> {
    let tx = db::write(db).await?;
    let user = locked_user(&tx, checked.id).await?;
    let unchanged = |user: &user::Model| {
        user.is_active && user.token_version == checked.token_version && user.password_hash == checked.password_hash
    };
    if !user.as_ref().is_some_and(unchanged) {
        return Ok(None);
    }
    let family = Uuid::now_v7();
    insert(&tx, checked.id, family, token, now).await?;
    tx.commit().await?;
    Ok(Some(family))
}

/// Replaces the refresh token with digest `hash` by `token`.
pub async fn renew(db: &DatabaseConnection, hash: &str, token: NewToken, now: Timestamp) -> Result<Renewal, DbErr> {
    let tx = db::write(db).await?;
    let Some(found) = by_hash(&tx, hash).await? else { return Ok(Renewal::Refused) };
    let user = locked_user(&tx, found.user_id).await?;
    // Read again: it may have been used or revoked while the lock was not ours.
    let Some(found) = by_hash(&tx, hash).await? else { return Ok(Renewal::Refused) };
    if found.revoked_at.is_some() || found.expires_at <= now {
        return Ok(Renewal::Refused);
    }
    if found.used_at.is_some() {
        revoke(&tx, refresh_token::Column::FamilyId.eq(found.family_id), now).await?;
        tx.commit().await?;
        return Ok(Renewal::Reused { user_id: found.user_id });
    }
    let Some(user) = user.filter(|user| user.is_active) else { return Ok(Renewal::Refused) };
    let family = found.family_id;
    let mut used: refresh_token::ActiveModel = found.into();
    used.used_at = Set(Some(now));
    used.update(&tx).await?;
    insert(&tx, user.id, family, token, now).await?;
    tx.commit().await?;
    Ok(Renewal::Renewed { user: Box::new(user), family })
}

/// Ends the session that the refresh token with digest `hash` belongs to; nothing when there is none.
pub async fn end_by_token(db: &DatabaseConnection, hash: &str, now: Timestamp) -> Result<(), DbErr> {
    match by_hash(db, hash).await? {
        Some(found) => end(db, found.user_id, found.family_id, now).await,
        None => Ok(()),
    }
}

/// Ends one session of a user.
pub async fn end(db: &DatabaseConnection, user_id: Uuid, family: Uuid, now: Timestamp) -> Result<(), DbErr> {
    let tx = db::write(db).await?;
    locked_user(&tx, user_id).await?;
    revoke(&tx, refresh_token::Column::FamilyId.eq(family), now).await?;
    tx.commit().await
}

/// Ends all sessions of a user whose row is locked, except `keep`.
pub(super) async fn revoke_all(
    tx: &DatabaseTransaction,
    user_id: Uuid,
    keep: Option<Uuid>,
    now: Timestamp,
) -> Result<(), DbErr> {
    let of_user = Condition::all().add(refresh_token::Column::UserId.eq(user_id));
    let others = keep.map(|family| refresh_token::Column::FamilyId.ne(family));
    revoke(tx, of_user.add_option(others), now).await
}

/// The user of a session, if both still stand: one read by primary key, with the session's newest token beside it.
pub async fn user_of<C: ConnectionTrait>(db: &C, user_id: Uuid, family: Uuid) -> Result<Option<user::Model>, DbErr> {
    let newest = refresh_token::Entity::find()
        .select_only()
        .column(refresh_token::Column::UserId)
        .filter(refresh_token::Column::FamilyId.eq(family))
        .filter(refresh_token::Column::UsedAt.is_null())
        .filter(refresh_token::Column::RevokedAt.is_null());
    user::Entity::find_by_id(user_id)
        .filter(user::Column::IsActive.eq(true))
        .filter(user::Column::Id.in_subquery(newest.into_query()))
        .one(db)
        .await
}

async fn by_hash<C: ConnectionTrait>(db: &C, hash: &str) -> Result<Option<refresh_token::Model>, DbErr> {
    refresh_token::Entity::find().filter(refresh_token::Column::TokenHash.eq(hash)).one(db).await
}

async fn insert(
    tx: &DatabaseTransaction,
    user_id: Uuid,
    family: Uuid,
    token: NewToken,
    now: Timestamp,
) -> Result<(), DbErr> {
    let row = refresh_token::ActiveModel {
        id: Set(Uuid::now_v7()),
        family_id: Set(family),
        user_id: Set(user_id),
        token_hash: Set(token.hash),
        expires_at: Set(token.expires_at),
        used_at: Set(None),
        revoked_at: Set(None),
        created_at: Set(now),
    };
    refresh_token::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

async fn revoke(
    tx: &DatabaseTransaction,
    which: impl sea_orm::sea_query::IntoCondition,
    now: Timestamp,
) -> Result<(), DbErr> {
    refresh_token::Entity::update_many()
        .col_expr(refresh_token::Column::RevokedAt, Expr::value(now))
        .filter(which.into_condition())
        .filter(refresh_token::Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}
