//! Beginning an attempt: the lease that only one worker gets.

use std::time::Duration;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr,
    EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid, sea_query::Expr,
};
use vigil_domain::{Timestamp, id::NotificationId, notification::NotificationStatus};

use super::{
    attempt_status::{SENDING, UNKNOWN},
    due::{OPEN, first_of_stream, ready},
};
use crate::{
    db,
    entity::{channel, notification, notification_attempt},
};

const VANISHED: &str = "the worker vanished while sending; whether it arrived is unknown";

/// What came of the wish to deliver a notification.
#[derive(Clone, Debug)]
pub enum Begin {
    /// It is ours until the lease ends.
    Granted(Box<Granted>),
    /// Not before this time.
    NotDue(Timestamp),
    /// Another worker has it.
    Busy,
    /// It has ended, or is no longer there.
    Finished,
    /// This one of the same stream comes first.
    Blocked(NotificationId),
}

/// An attempt of ours.
#[derive(Clone, Debug)]
pub struct Granted {
    pub notification: notification::Model,
    /// `None`: deleted since.
    pub channel: Option<channel::Model>,
    /// The lease, and the id of the attempt's row.
    pub token: Uuid,
    /// It was taken over from a worker that vanished while sending: what it sent may have arrived.
    pub previous_uncertain: bool,
}

/// Takes the lease on a notification until `now + lease` and writes down that an attempt begins, in one transaction.
pub async fn begin_attempt(
    db: &DatabaseConnection,
    id: NotificationId,
    now: Timestamp,
    lease: Duration,
) -> Result<Begin, DbErr> {
    let (tx, token) = (db::write(db).await?, Uuid::now_v7());
    if !take(&tx, id, token, now, now + lease).await? {
        tx.rollback().await?;
        return why_not(db, id, now).await;
    }
    let previous_uncertain = give_up_abandoned(&tx, id, now).await?;
    let attempt = notification_attempt::ActiveModel {
        id: Set(token),
        notification_id: Set(id.0),
        at: Set(now),
        finished_at: Set(None),
        status: Set(SENDING.to_owned()),
        error: Set(None),
        peer_response: Set(None),
    };
    notification_attempt::Entity::insert(attempt).exec_without_returning(&tx).await?;
    let taken = notification::Entity::find_by_id(id.0).one(&tx).await?;
    let notification = taken.ok_or_else(|| DbErr::RecordNotFound(format!("notification {id}")))?;
    let channel = channel::Entity::find_by_id(notification.channel_id).one(&tx).await?;
    tx.commit().await?;
    Ok(Begin::Granted(Box::new(Granted { notification, channel, token, previous_uncertain })))
}

/// Gives an attempt back as if it had never begun; only before anything was sent. `false`: the lease was lost.
pub async fn release(db: &DatabaseConnection, token: Uuid, now: Timestamp) -> Result<bool, DbErr> {
    let tx = db::write(db).await?;
    let released = notification::Entity::update_many()
        .col_expr(notification::Column::Status, Expr::value(NotificationStatus::Pending.as_str()))
        .col_expr(notification::Column::DueAt, Expr::value(now))
        .col_expr(notification::Column::AttemptCount, Expr::col(notification::Column::AttemptCount).sub(1))
        .col_expr(notification::Column::LeaseToken, Expr::value(None::<Uuid>))
        .col_expr(notification::Column::LeaseExpiresAt, Expr::value(None::<Timestamp>))
        .filter(notification::Column::LeaseToken.eq(token))
        .exec(&tx)
        .await?;
    if released.rows_affected > 0 {
        notification_attempt::Entity::delete_by_id(token).exec(&tx).await?;
    }
    tx.commit().await?;
    Ok(released.rows_affected > 0)
}

/// Compare and set: whoever comes second changes no row.
async fn take(
    tx: &DatabaseTransaction,
    id: NotificationId,
    token: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, DbErr> {
    let taken = notification::Entity::update_many()
        .col_expr(notification::Column::Status, Expr::value(NotificationStatus::Sending.as_str()))
        .col_expr(notification::Column::AttemptCount, Expr::col(notification::Column::AttemptCount).add(1))
        .col_expr(notification::Column::LeaseToken, Expr::value(token))
        .col_expr(notification::Column::LeaseExpiresAt, Expr::value(until))
        .filter(notification::Column::Id.eq(id.0))
        .filter(ready(now))
        .filter(Condition::all().add(first_of_stream()))
        .exec(tx)
        .await?;
    Ok(taken.rows_affected > 0)
}

/// Closes attempts that nobody finished and marks the notification for it. Answers whether there were any.
async fn give_up_abandoned(tx: &DatabaseTransaction, id: NotificationId, now: Timestamp) -> Result<bool, DbErr> {
    let abandoned = notification_attempt::Entity::update_many()
        .col_expr(notification_attempt::Column::Status, Expr::value(UNKNOWN))
        .col_expr(notification_attempt::Column::FinishedAt, Expr::value(now))
        .col_expr(notification_attempt::Column::Error, Expr::value(VANISHED))
        .filter(notification_attempt::Column::NotificationId.eq(id.0))
        .filter(notification_attempt::Column::Status.eq(SENDING))
        .exec(tx)
        .await?;
    if abandoned.rows_affected == 0 {
        return Ok(false);
    }
    mark_maybe_duplicate(tx, id).await?;
    Ok(true)
}

/// Marks a notification that may arrive twice, and counts it the first time.
pub(super) async fn mark_maybe_duplicate<C: ConnectionTrait>(tx: &C, id: NotificationId) -> Result<(), DbErr> {
    let marked = notification::Entity::update_many()
        .col_expr(notification::Column::MaybeDuplicate, Expr::value(true))
        .filter(notification::Column::Id.eq(id.0))
        .filter(notification::Column::MaybeDuplicate.eq(false))
        .exec(tx)
        .await?;
    if marked.rows_affected > 0 {
        metrics::counter!("vigil_notifications_maybe_duplicate_total").increment(1);
    }
    Ok(())
}

async fn why_not(db: &DatabaseConnection, id: NotificationId, now: Timestamp) -> Result<Begin, DbErr> {
    let Some(found) = notification::Entity::find_by_id(id.0).one(db).await? else { return Ok(Begin::Finished) };
    match found.status.parse() {
        Ok(NotificationStatus::Delivered | NotificationStatus::Failed | NotificationStatus::Shadow) => {
            return Ok(Begin::Finished);
        }
        Ok(NotificationStatus::Pending) if found.due_at > now => return Ok(Begin::NotDue(found.due_at)),
        Ok(NotificationStatus::Pending) => {}
        Ok(NotificationStatus::Sending) | Err(_) => return Ok(Begin::Busy),
    }
    let earlier = notification::Entity::find()
        .select_only()
        .column(notification::Column::Id)
        .filter(notification::Column::Stream.eq(found.stream))
        .filter(notification::Column::Id.lt(id.0))
        .filter(notification::Column::Status.is_in(OPEN))
        .order_by_asc(notification::Column::Id)
        .limit(1)
        .into_tuple::<Uuid>()
        .one(db)
        .await?;
    Ok(earlier.map_or(Begin::Busy, |earlier| Begin::Blocked(NotificationId(earlier))))
}
