//! The outbox: messages that were decided, on their way to one channel each.
//!
//! A notification is written in the transaction that decided it. Whoever delivers it takes a lease on it first, which
//! is also a row about the attempt; a lease that runs out is taken over. Notifications of one *stream* (a rule in a
//! channel, say) are delivered one after the other, in the order of their ids.
//!
//! The one window that cannot be closed: the peer accepted a message and the worker died before it could write that
//! down. Whoever takes over marks the notification `maybe_duplicate` and counts it.

mod attempt;
mod channel;
mod due;
mod finish;

pub use attempt::{Begin, Granted, begin_attempt, release};
pub use channel::{disable_channel, migrate_chat};
pub use due::{due, next_in_stream, open_counts, prune, prune_reason, report};
pub use finish::{Finished, Outcome, finish_attempt};

use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait};
use vigil_domain::{
    Timestamp,
    id::{ChannelId, NotificationId, RuleId},
    message::Message,
    notification::{NotificationStatus, NotifyReason},
};

use crate::entity::{notification, stored::StoredMessage};

/// Rows per statement: `SQLite` takes 32,766 values in one.
const ROWS: usize = 500;

/// A message that was decided.
#[derive(Clone, Debug)]
pub struct NewNotification {
    pub channel_id: ChannelId,
    pub rule_id: Option<RuleId>,
    /// Notifications with the same text here are delivered in order: `rule:<id>:<channel>`, `source:<channel>`,
    /// `alertmanager:<channel>:<rule>`, …
    pub stream: String,
    pub reason: NotifyReason,
    pub message: Message,
    /// Not tried before.
    pub due_at: Timestamp,
}

/// Writes `new` in the caller's transaction. Answers their ids in the same order; push these once it is committed. What is
/// about a rule in shadow has ended with that: nobody is told.
pub async fn insert<C: ConnectionTrait>(
    tx: &C,
    new: &[NewNotification],
    now: Timestamp,
) -> Result<Vec<NotificationId>, DbErr> {
    let mut ids = Vec::with_capacity(new.len());
    for chunk in new.chunks(ROWS) {
        let rows: Vec<_> = chunk.iter().map(|new| row(new, now)).collect();
        ids.extend(rows.iter().map(|(id, _)| *id));
        let rows = rows.into_iter().map(|(_, row)| row);
        notification::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(ids)
}

fn row(new: &NewNotification, now: Timestamp) -> (NotificationId, notification::ActiveModel) {
    let id = NotificationId::random();
    let is_shadow = new.message.is_shadow();
    let status = if is_shadow { NotificationStatus::Shadow } else { NotificationStatus::Pending };
    let row = notification::ActiveModel {
        id: Set(id.0),
        channel_id: Set(new.channel_id.0),
        rule_id: Set(new.rule_id.map(|rule| rule.0)),
        stream: Set(new.stream.clone()),
        reason: Set(new.reason.to_string()),
        status: Set(status.to_string()),
        message: Set(StoredMessage(new.message.clone())),
        maybe_duplicate: Set(false),
        attempt_count: Set(0),
        due_at: Set(new.due_at),
        lease_token: Set(None),
        lease_expires_at: Set(None),
        last_error: Set(None),
        created_at: Set(now),
        delivered_at: Set(None),
        finished_at: Set(is_shadow.then_some(now)),
    };
    (id, row)
}

/// How an attempt went, as its row has it.
mod attempt_status {
    pub(super) const SENDING: &str = "sending";
    pub(super) const DELIVERED: &str = "delivered";
    pub(super) const FAILED: &str = "failed";
    pub(super) const UNKNOWN: &str = "unknown";
}

#[cfg(test)]
mod tests;
