//! People who can sign in.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr,
    EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;
use vigil_domain::{Timestamp, role::Role};

use super::{AccountError, locked_user, sessions};
use crate::{
    db,
    entity::{api_key, refresh_token, user, ws_ticket},
};

/// A user to be made. The name is unique as it stands: bring it to one case before.
#[derive(Clone, Debug)]
pub struct NewUser {
    pub username: String,
    pub password_hash: String,
    pub role: Role,
    pub is_active: bool,
}

/// What to change; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    pub username: Option<String>,
    /// Also ends all sessions.
    pub password_hash: Option<String>,
    pub role: Option<Role>,
    /// `false` also ends all sessions.
    pub is_active: Option<bool>,
}

/// Adds a user. A name that is taken is a unique violation.
pub async fn create<C: ConnectionTrait>(db: &C, new: NewUser, now: Timestamp) -> Result<user::Model, DbErr> {
    let NewUser { username, password_hash, role, is_active } = new;
    let user = user::ActiveModel {
        id: Set(Uuid::now_v7()),
        username: Set(username),
        password_hash: Set(password_hash),
        role: Set(role.as_str().to_owned()),
        is_active: Set(is_active),
        token_version: Set(1),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    user.insert(db).await
}

/// The user with this id.
pub async fn by_id<C: ConnectionTrait>(db: &C, id: Uuid) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find_by_id(id).one(db).await
}

/// The user with exactly this name.
pub async fn by_username<C: ConnectionTrait>(db: &C, username: &str) -> Result<Option<user::Model>, DbErr> {
    user::Entity::find().filter(user::Column::Username.eq(username)).one(db).await
}

/// At most `rows` users, newest first, below the id `after`.
pub async fn list<C: ConnectionTrait>(db: &C, after: Option<Uuid>, rows: u64) -> Result<Vec<user::Model>, DbErr> {
    let mut query = user::Entity::find().order_by_desc(user::Column::Id).limit(rows);
    if let Some(after) = after {
        query = query.filter(user::Column::Id.lt(after));
    }
    query.all(db).await
}

/// Whether anybody can administer the installation.
pub async fn has_admin<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    let admins = user::Entity::find().filter(user::Column::Role.eq(Role::Admin.as_str()));
    Ok(admins.filter(user::Column::IsActive.eq(true)).count(db).await? > 0)
}

/// Changes a user whose version is `version` (`None`: whatever it is).
///
/// # Errors
/// See [`AccountError`]; a name that is taken is a unique violation.
pub async fn change(
    db: &DatabaseConnection,
    id: Uuid,
    change: UserChange,
    version: Option<i32>,
    now: Timestamp,
) -> Result<user::Model, AccountError> {
    let UserChange { username, password_hash, role, is_active } = change;
    let tx = db::write(db).await?;
    let admins = locked_admins(&tx).await?;
    let user = expect_version(&tx, id, version).await?;
    let stays_admin = role.is_none_or(|role| role == Role::Admin) && is_active.unwrap_or(true);
    if admins == [id] && !stays_admin {
        return Err(AccountError::LastAdmin);
    }
    let ends_sessions = password_hash.is_some() || is_active == Some(false);
    let next_version = user.version + 1;
    let next_token_version = user.token_version + i32::from(ends_sessions);
    let mut row: user::ActiveModel = user.into();
    row.username = username.map_or(row.username, Set);
    row.password_hash = password_hash.map_or(row.password_hash, Set);
    row.role = role.map_or(row.role, |role| Set(role.as_str().to_owned()));
    row.is_active = is_active.map_or(row.is_active, Set);
    row.token_version = Set(next_token_version);
    row.version = Set(next_version);
    row.updated_at = Set(now);
    let user = row.update(&tx).await?;
    if ends_sessions {
        sessions::revoke_all(&tx, id, None, now).await?;
    }
    tx.commit().await?;
    Ok(user)
}

/// Sets a user's own new password, if the old hash is still the one that was checked; ends all sessions but `keep`.
pub async fn change_password(
    db: &DatabaseConnection,
    checked: &user::Model,
    new_hash: String,
    keep: Option<Uuid>,
    now: Timestamp,
) -> Result<(), AccountError> {
    let tx = db::write(db).await?;
    let user = locked_user(&tx, checked.id).await?.ok_or(AccountError::NotFound)?;
    if user.password_hash != checked.password_hash {
        return Err(AccountError::Stale);
    }
    let version = user.version + 1;
    let mut row: user::ActiveModel = user.into();
    row.password_hash = Set(new_hash);
    row.version = Set(version);
    row.updated_at = Set(now);
    row.update(&tx).await?;
    sessions::revoke_all(&tx, checked.id, keep, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Stores the same password hashed with other work, unless the password has changed meanwhile.
pub async fn replace_hash(db: &DatabaseConnection, checked: &user::Model, new_hash: String) -> Result<(), DbErr> {
    let same = user::Entity::update_many()
        .col_expr(user::Column::PasswordHash, new_hash.into())
        .filter(user::Column::Id.eq(checked.id))
        .filter(user::Column::PasswordHash.eq(checked.password_hash.as_str()));
    same.exec(db).await?;
    Ok(())
}

/// Deletes a user with all sessions and keys.
///
/// # Errors
/// See [`AccountError`].
pub async fn delete(db: &DatabaseConnection, id: Uuid, version: Option<i32>) -> Result<(), AccountError> {
    let tx = db::write(db).await?;
    let admins = locked_admins(&tx).await?;
    expect_version(&tx, id, version).await?;
    if admins == [id] {
        return Err(AccountError::LastAdmin);
    }
    refresh_token::Entity::delete_many().filter(refresh_token::Column::UserId.eq(id)).exec(&tx).await?;
    ws_ticket::Entity::delete_many().filter(ws_ticket::Column::UserId.eq(id)).exec(&tx).await?;
    api_key::Entity::delete_many().filter(api_key::Column::UserId.eq(id)).exec(&tx).await?;
    user::Entity::delete_by_id(id).exec(&tx).await?;
    tx.commit().await?;
    Ok(())
}

/// The active admins. Until the transaction ends nobody else can take one away, so two that each take the
/// other's cannot both succeed.
async fn locked_admins(tx: &DatabaseTransaction) -> Result<Vec<Uuid>, DbErr> {
    let admins = user::Entity::find()
        .filter(user::Column::Role.eq(Role::Admin.as_str()))
        .filter(user::Column::IsActive.eq(true))
        .order_by_asc(user::Column::Id)
        .lock_exclusive();
    Ok(admins.all(tx).await?.into_iter().map(|admin| admin.id).collect())
}

async fn expect_version(tx: &DatabaseTransaction, id: Uuid, version: Option<i32>) -> Result<user::Model, AccountError> {
    let user = locked_user(tx, id).await?.ok_or(AccountError::NotFound)?;
    if version.is_some_and(|version| version != user.version) {
        return Err(AccountError::Stale);
    }
    Ok(user)
}
