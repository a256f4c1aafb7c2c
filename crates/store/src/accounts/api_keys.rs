//! Keys for machines.

use chrono::TimeDelta;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, SimpleExpr},
};
use uuid::Uuid;
use vigil_domain::{Timestamp, role::Role};

use crate::entity::{api_key, user};

/// How exactly the last use is kept: writing it with every request would make every read a write.
const LAST_USE_PRECISION: TimeDelta = TimeDelta::minutes(1);

/// A key to be stored.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub user_id: Uuid,
    pub name: String,
    /// Digest of the key.
    pub hash: String,
    /// The beginning of the key, by which people tell theirs apart.
    pub prefix: String,
    pub role: Role,
    pub expires_at: Option<Timestamp>,
}

/// Stores a key.
pub async fn create<C: ConnectionTrait>(db: &C, new: NewKey, now: Timestamp) -> Result<api_key::Model, DbErr> {
    let NewKey { user_id, name, hash, prefix, role, expires_at } = new;
    let key = api_key::ActiveModel {
        id: Set(Uuid::now_v7()),
        user_id: Set(user_id),
        name: Set(name),
        key_hash: Set(hash),
        prefix: Set(prefix),
        role: Set(role.as_str().to_owned()),
        expires_at: Set(expires_at),
        last_used_at: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    key.insert(db).await
}

/// At most `rows` keys of `owner` (`None`: of everybody), newest first, below the id `after`.
pub async fn list<C: ConnectionTrait>(
    db: &C,
    owner: Option<Uuid>,
    after: Option<Uuid>,
    rows: u64,
) -> Result<Vec<api_key::Model>, DbErr> {
    let wanted = Condition::all()
        .add_option(owner.map(|owner| api_key::Column::UserId.eq(owner)))
        .add_option(after.map(|after| api_key::Column::Id.lt(after)));
    api_key::Entity::find().filter(wanted).order_by_desc(api_key::Column::Id).limit(rows).all(db).await
}

/// The key with this id.
pub async fn by_id<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<Option<api_key::Model>, DbErr> {
    api_key::Entity::find_by_id(id).one(db).await
}

/// The key with this digest and its user, if neither has expired or been deactivated.
pub async fn valid<C: ConnectionTrait>(
    db: &C,
    hash: &str,
    now: Timestamp,
) -> Result<Option<(api_key::Model, user::Model)>, DbErr> {
    with_user(db, api_key::Column::KeyHash.eq(hash), now).await
}

/// As [`valid`], by the key's id.
pub async fn valid_by_id<C: ConnectionTrait>(
    db: &C,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<(api_key::Model, user::Model)>, DbErr> {
    with_user(db, api_key::Column::Id.eq(id), now).await
}

/// In one round trip: every request with a key asks.
async fn with_user<C: ConnectionTrait>(
    db: &C,
    which: SimpleExpr,
    now: Timestamp,
) -> Result<Option<(api_key::Model, user::Model)>, DbErr> {
    let found = api_key::Entity::find().filter(which).find_also_related(user::Entity).one(db).await?;
    let Some((key, Some(user))) = found else { return Ok(None) };
    let good = user.is_active && key.expires_at.is_none_or(|end| end > now);
    Ok(good.then_some((key, user)))
}

/// Notes that the key was used, at most once a minute.
pub async fn touch<C: ConnectionTrait>(db: &C, key: &api_key::Model, now: Timestamp) -> Result<(), DbErr> {
    let before = now - LAST_USE_PRECISION;
    if key.last_used_at.is_some_and(|last| last > before) {
        return Ok(());
    }
    let unused = api_key::Column::LastUsedAt.is_null().or(api_key::Column::LastUsedAt.lte(before));
    api_key::Entity::update_many()
        .col_expr(api_key::Column::LastUsedAt, Expr::value(now))
        .filter(api_key::Column::Id.eq(key.id))
        .filter(unused)
        .exec(db)
        .await?;
    Ok(())
}

/// Deletes a key; `false` when there is none.
pub async fn delete<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<bool, DbErr> {
    Ok(api_key::Entity::delete_by_id(id).exec(db).await?.rows_affected > 0)
}
