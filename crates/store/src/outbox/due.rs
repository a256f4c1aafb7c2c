//! Which notifications may be tried, and which are done with.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, ExprTrait, QueryFilter,
    QueryOrder, QuerySelect,
    prelude::Uuid,
    sea_query::{Alias, Expr, Query},
};
use vigil_domain::{
    Timestamp,
    id::NotificationId,
    notification::{NotificationStatus, NotifyReason},
};

use crate::{
    db,
    entity::{
        notification::{Column, Entity},
        notification_attempt,
    },
};

/// What has not ended.
pub(super) const OPEN: [&str; 2] = [NotificationStatus::Pending.as_str(), NotificationStatus::Sending.as_str()];

/// Its time has come, or its worker vanished.
pub(super) fn ready(now: Timestamp) -> Condition {
    let pending = Column::Status.eq(NotificationStatus::Pending.as_str()).and(Column::DueAt.lte(now));
    let abandoned = Column::Status.eq(NotificationStatus::Sending.as_str()).and(Column::LeaseExpiresAt.lt(now));
    Condition::any().add(pending).add(abandoned)
}

/// No earlier one of its stream is open.
pub(super) fn first_of_stream() -> Expr {
    let earlier = Alias::new("earlier");
    let column = |column: Column| Expr::col((earlier.clone(), column));
    let open_before = Query::select()
        .expr(Expr::val(1))
        .from_as(Entity, earlier.clone())
        .and_where(column(Column::Stream).equals((Entity, Column::Stream)))
        .and_where(column(Column::Id).lt(Expr::col((Entity, Column::Id))))
        .and_where(column(Column::Status).is_in(OPEN))
        .take();
    Expr::not_exists(open_before)
}

/// Notifications that can be begun now, those due longest first; at most `limit`.
pub async fn due<C: ConnectionTrait>(db: &C, now: Timestamp, limit: u64) -> Result<Vec<NotificationId>, DbErr> {
    let ids = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(ready(now))
        .filter(first_of_stream())
        .order_by_asc(Column::DueAt)
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple::<Uuid>()
        .all(db)
        .await?;
    Ok(ids.into_iter().map(NotificationId).collect())
}

/// The next open notification of the stream in which `id` is.
pub async fn next_in_stream<C: ConnectionTrait>(db: &C, id: NotificationId) -> Result<Option<NotificationId>, DbErr> {
    let stream = Query::select().column(Column::Stream).from(Entity).and_where(Column::Id.eq(id.0)).take();
    let next = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Stream.in_subquery(stream))
        .filter(Column::Id.gt(id.0))
        .filter(Column::Status.is_in(OPEN))
        .order_by_asc(Column::Id)
        .limit(1)
        .into_tuple::<Uuid>()
        .one(db)
        .await?;
    Ok(next.map(NotificationId))
}

/// How many notifications are open, by status; both are always there.
pub async fn open_counts<C: ConnectionTrait>(db: &C) -> Result<BTreeMap<NotificationStatus, u64>, DbErr> {
    let found = Entity::find()
        .select_only()
        .column(Column::Status)
        .column_as(Column::Id.count(), "count")
        .filter(Column::Status.is_in(OPEN))
        .group_by(Column::Status)
        .into_tuple::<(String, i64)>()
        .all(db)
        .await?;
    let mut counts = BTreeMap::from([(NotificationStatus::Pending, 0), (NotificationStatus::Sending, 0)]);
    for (status, count) in found {
        if let Ok(status) = status.parse() {
            counts.insert(status, count.unsigned_abs());
        }
    }
    Ok(counts)
}

/// Sets the gauge `vigil_notifications_open`, by status.
pub async fn report<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    for (status, count) in open_counts(db).await? {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        metrics::gauge!("vigil_notifications_open", "status" => status.as_str()).set(count);
    }
    Ok(())
}

/// Deletes at most `limit` notifications that were created before `before` and have ended, with their attempts.
/// Answers how many.
pub async fn prune(db: &DatabaseConnection, before: Timestamp, limit: u64) -> Result<u64, DbErr> {
    delete(db, Condition::all().add(Column::CreatedAt.lt(before)), limit).await
}

/// The same, of one reason only.
pub async fn prune_reason(
    db: &DatabaseConnection,
    reason: NotifyReason,
    before: Timestamp,
    limit: u64,
) -> Result<u64, DbErr> {
    let of_reason = Column::Reason.eq(reason.as_str());
    delete(db, Condition::all().add(of_reason).add(Column::CreatedAt.lt(before)), limit).await
}

async fn delete(db: &DatabaseConnection, which: Condition, limit: u64) -> Result<u64, DbErr> {
    let tx = db::write(db).await?;
    let ids = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(which)
        .filter(Column::Status.is_not_in(OPEN))
        .order_by_asc(Column::CreatedAt)
        .limit(limit)
        .into_tuple::<Uuid>()
        .all(&tx)
        .await?;
    notification_attempt::Entity::delete_many()
        .filter(notification_attempt::Column::NotificationId.is_in(ids.iter().copied()))
        .exec(&tx)
        .await?;
    let deleted = Entity::delete_many().filter(Column::Id.is_in(ids)).exec(&tx).await?.rows_affected;
    tx.commit().await?;
    Ok(deleted)
}
