//! Series of rules that are gone: kept until the data source has been told that they ended.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::Uuid,
};
use vigil_domain::{
    Labels, Span, Timestamp,
    alert::{Alerts, series},
    record::Recorded,
};

use crate::entity::{
    ended_series::{ActiveModel, Column, Entity, Model},
    recorded,
};

/// Notes that the series of a rule's alerts, with what lies under their labels, and what it recorded ended at `now`.
pub(super) async fn end_series<C: ConnectionTrait>(
    tx: &C,
    rule: Uuid,
    (open, under): (&Alerts, &Labels),
    recorded: Recorded,
    now: Timestamp,
) -> Result<(), DbErr> {
    forget_series(tx, rule, &recorded).await?;
    let mut all = recorded;
    all.extend(series(open, &Alerts::new(), under).into_iter().map(|sample| sample.labels));
    if all.is_empty() {
        return Ok(());
    }
    // An evaluation may have written something at this very millisecond.
    let ended_at = now + Span::from_millis(1).chrono();
    let row = ActiveModel { id: Set(Uuid::now_v7()), series: Set(all.into()), ended_at: Set(ended_at) };
    Entity::insert(row).exec_without_returning(tx).await.map(|_| ())
}

/// Leaves the series that a rule wrote to whoever writes them now.
pub(super) async fn forget_series<C: ConnectionTrait>(tx: &C, rule: Uuid, recorded: &Recorded) -> Result<(), DbErr> {
    if !recorded.is_empty() {
        recorded::Entity::delete_by_id(rule).exec(tx).await?;
    }
    Ok(())
}

/// At most `limit` rules' series that ended, oldest first.
pub async fn ended_series<C: ConnectionTrait>(db: &C, limit: u64) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(Column::Id).limit(limit).all(db).await
}

/// Forgets these: the data source knows, or nobody looks back so far any more.
pub async fn forget_ended<C: ConnectionTrait>(db: &C, ids: Vec<Uuid>) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(db).await.map(|_| ())
}
