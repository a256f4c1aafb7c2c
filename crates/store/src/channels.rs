//! Queries on channels. Secrets come in sealed and stay so.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, ExprTrait, QueryFilter,
    QueryOrder, QuerySelect,
    prelude::{Json, Uuid},
    sea_query::{Alias, Expr},
};
use vigil_domain::{FieldError, Timestamp, channel::ChannelKind, id::ChannelId};

use crate::{
    db,
    entity::{
        channel::{ActiveModel, Column, Entity, Model},
        rule,
    },
    evaluation::LOG_CHANNEL,
    rules,
    write::{WriteError, contains, expect_version, listed},
};

/// What is kept of a channel.
#[derive(Clone, PartialEq)]
pub struct Kept {
    pub name: String,
    pub kind: ChannelKind,
    /// Without secrets.
    pub config: Json,
    /// Sealed for this channel.
    pub secret: Option<String>,
    pub is_active: bool,
}

/// Which channels a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub kind: Option<ChannelKind>,
    pub is_active: Option<bool>,
    /// Part of the name, whatever the case.
    pub name_contains: Option<String>,
}

/// One page of channels, newest first, beginning after `after`.
pub async fn list(
    db: &DatabaseConnection,
    filter: &Filter,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let condition = Condition::all()
        .add_option(filter.kind.map(|kind| Column::Kind.eq(kind.as_str())))
        .add_option(filter.is_active.map(|is_active| Column::IsActive.eq(is_active)))
        .add_option(filter.name_contains.as_ref().map(|text| contains(Column::Name, text)))
        .add_option(after.map(|after| Column::Id.lt(after)));
    Entity::find().filter(condition).order_by_desc(Column::Id).limit(limit).all(db).await
}

/// One channel.
pub async fn find<C: ConnectionTrait>(db: &C, id: ChannelId) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id.0).one(db).await
}

/// Adds a channel under the id its secret was sealed for.
pub async fn insert(db: &DatabaseConnection, id: ChannelId, kept: Kept, now: Timestamp) -> Result<Model, DbErr> {
    let row = ActiveModel { id: Set(id.0), version: Set(1), created_at: Set(now), ..written(kept, now) };
    Entity::insert(row).exec_with_returning(db).await
}

/// Changes a channel to what `change` makes of it. One that is active afterwards is no longer disabled.
pub async fn update(
    db: &DatabaseConnection,
    id: ChannelId,
    expected: Option<i32>,
    now: Timestamp,
    change: impl FnOnce(&Model) -> Result<Kept, Vec<FieldError>>,
) -> Result<Model, WriteError> {
    let tx = db::write(db).await?;
    let before = find_locked(&tx, id).await?;
    expect_version(expected, before.version)?;
    let kept = change(&before)?;
    let disabled_reason = before.disabled_reason.filter(|_| !kept.is_active);
    let row = ActiveModel {
        id: Set(before.id),
        disabled_reason: Set(disabled_reason),
        version: Set(before.version + 1),
        ..written(kept, now)
    };
    let after = Entity::update(row).exec(&tx).await?;
    tx.commit().await?;
    Ok(after)
}

/// Removes a channel; refused while rules name it, and for the one that rules without channels go to.
pub async fn delete(db: &DatabaseConnection, id: ChannelId, expected: Option<i32>) -> Result<(), WriteError> {
    let tx = db::write(db).await?;
    let channel = find_locked(&tx, id).await?;
    expect_version(expected, channel.version)?;
    if id == LOG_CHANNEL {
        let why = "rules without channels go to this one; it stays".to_owned();
        return Err(WriteError::InUse(why));
    }
    let names = rules::names(&tx, naming(id)).await?;
    if !names.is_empty() {
        let rules = listed(&names);
        return Err(WriteError::InUse(format!("the channel is used by the rules {rules}; take it from them first")));
    }
    Entity::delete_by_id(id.0).exec(&tx).await?;
    tx.commit().await?;
    Ok(())
}

async fn find_locked<C: ConnectionTrait>(tx: &C, id: ChannelId) -> Result<Model, WriteError> {
    Entity::find_by_id(id.0).lock_exclusive().one(tx).await?.ok_or(WriteError::Missing)
}

/// Rules whose list of channels has `id` in it; the text of an id is in no other JSON than its own.
fn naming(id: ChannelId) -> Condition {
    let list = Expr::col(rule::Column::ChannelIds).cast_as(Alias::new("text"));
    Condition::all().add(list.like(format!("%{id}%")))
}

fn written(kept: Kept, now: Timestamp) -> ActiveModel {
    let Kept { name, kind, config, secret, is_active } = kept;
    ActiveModel {
        name: Set(name),
        kind: Set(kind.as_str().to_owned()),
        config: Set(config),
        secret: Set(secret),
        is_active: Set(is_active),
        updated_at: Set(now),
        ..ActiveModel::default()
    }
}
