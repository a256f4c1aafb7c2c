//! Ending an attempt.

use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, UpdateMany,
    prelude::Uuid, sea_query::Expr,
};
use vigil_domain::{Span, Timestamp, id::NotificationId, notification::NotificationStatus};

use super::{
    attempt::mark_maybe_duplicate,
    attempt_status::{DELIVERED, FAILED, UNKNOWN},
};
use crate::{
    db,
    entity::{notification, notification_attempt, told},
};

/// A notification that took longer counts as told when it arrived, not when it was decided.
const LATE: Span = Span::from_secs(60);

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The peer accepted it, in its words.
    Delivered { peer_response: Option<String> },
    /// It did not work, or nobody knows (`perhaps_arrived`); it is tried again.
    Retry { at: Timestamp, error: String, perhaps_arrived: bool },
    /// It is given up.
    Failed { error: String, perhaps_arrived: bool },
}

/// What the end of an attempt changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// The attempt and its notification.
    Recorded,
    /// The attempt only: its lease had run out and somebody else has the notification, or has ended it.
    LeaseLost,
}

/// Writes down how the attempt `token` ended, and what that means for its notification, in one transaction.
pub async fn finish_attempt(
    db: &DatabaseConnection,
    token: Uuid,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<Finished, DbErr> {
    let tx = db::write(db).await?;
    let attempt = notification_attempt::Entity::find_by_id(token).one(&tx).await?;
    let Some(attempt) = attempt else { return Ok(Finished::LeaseLost) };
    let id = NotificationId(attempt.notification_id);
    // The notification before the attempt, as whoever takes over has it: else each might wait for the other.
    let changed = conclude(id, token, outcome, now).exec(&tx).await?.rows_affected > 0;
    record(token, outcome, now).exec(&tx).await?;
    if changed {
        match outcome {
            Outcome::Delivered { .. } => tell(&tx, id, now).await?,
            Outcome::Retry { perhaps_arrived: true, .. } => mark_maybe_duplicate(&tx, id).await?,
            Outcome::Retry { .. } | Outcome::Failed { .. } => {}
        }
    }
    tx.commit().await?;
    Ok(if changed { Finished::Recorded } else { Finished::LeaseLost })
}

fn record(token: Uuid, outcome: &Outcome, now: Timestamp) -> UpdateMany<notification_attempt::Entity> {
    use notification_attempt::{Column, Entity};
    let (status, error, response) = match outcome {
        Outcome::Delivered { peer_response } => (DELIVERED, None, peer_response.clone()),
        Outcome::Retry { error, perhaps_arrived, .. } | Outcome::Failed { error, perhaps_arrived } => {
            (if *perhaps_arrived { UNKNOWN } else { FAILED }, Some(error.clone()), None)
        }
    };
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::FinishedAt, Expr::value(now))
        .col_expr(Column::Error, Expr::value(error))
        .col_expr(Column::PeerResponse, Expr::value(response))
        .filter(Column::Id.eq(token))
}

/// Only the holder of the lease decides. Except that what is known to have arrived is not sent again, when it only
/// waits to be.
fn conclude(id: NotificationId, token: Uuid, outcome: &Outcome, now: Timestamp) -> UpdateMany<notification::Entity> {
    use notification::{Column, Entity};
    let ours = Column::LeaseToken.eq(token);
    let update = Entity::update_many()
        .col_expr(Column::LeaseToken, Expr::value(None::<Uuid>))
        .col_expr(Column::LeaseExpiresAt, Expr::value(None::<Timestamp>))
        .filter(Column::Id.eq(id.0));
    match outcome {
        Outcome::Delivered { .. } => update
            .col_expr(Column::Status, Expr::value(NotificationStatus::Delivered.as_str()))
            .col_expr(Column::LastError, Expr::value(None::<String>))
            .col_expr(Column::DeliveredAt, Expr::value(now))
            .col_expr(Column::FinishedAt, Expr::value(now))
            .filter(Condition::any().add(ours).add(Column::Status.eq(NotificationStatus::Pending.as_str()))),
        Outcome::Retry { at, error, .. } => update
            .col_expr(Column::Status, Expr::value(NotificationStatus::Pending.as_str()))
            .col_expr(Column::LastError, Expr::value(error.clone()))
            .col_expr(Column::DueAt, Expr::value(*at))
            .filter(ours),
        Outcome::Failed { error, .. } => update
            .col_expr(Column::Status, Expr::value(NotificationStatus::Failed.as_str()))
            .col_expr(Column::LastError, Expr::value(error.clone()))
            .col_expr(Column::FinishedAt, Expr::value(now))
            .filter(ours),
    }
}

/// The repeat interval of what arrived late is counted from its arrival.
async fn tell(tx: &DatabaseTransaction, id: NotificationId, now: Timestamp) -> Result<(), DbErr> {
    let found = notification::Entity::find_by_id(id.0).one(tx).await?;
    if found.is_none_or(|found| Span::between(found.created_at, now) <= LATE) {
        return Ok(());
    }
    told::Entity::update_many()
        .col_expr(told::Column::SentAt, Expr::value(now))
        .filter(told::Column::NotificationId.eq(id.0))
        .exec(tx)
        .await
        .map(|_| ())
}
