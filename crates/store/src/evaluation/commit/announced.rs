//! What channels are told, and what they believe from then on.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    prelude::Uuid,
    sea_query::{Expr, OnConflict},
};
use vigil_domain::{
    Timestamp,
    announce::Announcement,
    id::{ChannelId, NotificationId},
    message::RuleLine,
    notification::Fingerprints,
};

use crate::{
    entity::{stored::StoredFingerprints, told},
    outbox::{self, NewNotification},
};

/// Writes notifications and what each channel believes, or would in shadow. Answers the notifications that are due, at
/// once.
pub(in crate::evaluation) async fn announced(
    tx: &DatabaseTransaction,
    said: Vec<(&RuleLine, Announcement)>,
    slot: Timestamp,
    now: Timestamp,
) -> Result<Vec<NotificationId>, DbErr> {
    let (mut beliefs, mut spoken, mut new) = (Vec::new(), Vec::new(), Vec::new());
    for (rule, Announcement { channel, believes, message }) in said {
        match message {
            Some(message) => {
                spoken.push((rule, channel, believes));
                new.push(NewNotification {
                    channel_id: channel,
                    rule_id: Some(rule.id),
                    stream: format!("rule:{}:{channel}", rule.id),
                    reason: message.reason,
                    message,
                    due_at: now,
                });
            }
            None => beliefs.push((rule, channel, believes)),
        }
    }
    let written = outbox::insert(tx, &new, now).await?;
    for ((rule, channel, believes), notification) in spoken.into_iter().zip(&written) {
        write(tx, rule, channel, believes, slot, *notification).await?;
    }
    for (rule, channel, believes) in beliefs {
        believe(tx, rule, channel, believes).await?;
    }
    let due = written.into_iter().zip(&new).filter(|(_, new)| !new.message.is_shadow());
    Ok(due.map(|(id, _)| id).collect())
}

async fn write(
    tx: &DatabaseTransaction,
    rule: &RuleLine,
    channel: ChannelId,
    believes: Fingerprints,
    slot: Timestamp,
    notification: NotificationId,
) -> Result<(), DbErr> {
    if believes.is_empty() {
        return forget(tx, rule, channel).await;
    }
    let row = told::ActiveModel {
        rule_id: Set(rule.id.0),
        channel_id: Set(channel.0),
        firing: Set(StoredFingerprints(believes)),
        sent_at: Set(slot),
        notification_id: Set(Uuid::from(notification)),
        is_shadow: Set(rule.is_shadow),
    };
    let replace = OnConflict::columns([told::Column::RuleId, told::Column::ChannelId])
        .update_columns([
            told::Column::Firing,
            told::Column::SentAt,
            told::Column::NotificationId,
            told::Column::IsShadow,
        ])
        .to_owned();
    told::Entity::insert(row).on_conflict(replace).exec_without_returning(tx).await.map(|_| ())
}

/// Changes what a channel believes without a word: alerts that were dropped or went back to pending, or a shadow fell.
async fn believe(
    tx: &DatabaseTransaction,
    rule: &RuleLine,
    channel: ChannelId,
    believes: Fingerprints,
) -> Result<(), DbErr> {
    if believes.is_empty() {
        return forget(tx, rule, channel).await;
    }
    told::Entity::update_many()
        .col_expr(told::Column::Firing, Expr::value(serde_json::to_value(&believes).expect("fingerprints are JSON")))
        .col_expr(told::Column::IsShadow, Expr::value(rule.is_shadow))
        .filter(told::Column::RuleId.eq(rule.id.0))
        .filter(told::Column::ChannelId.eq(channel.0))
        .exec(tx)
        .await
        .map(|_| ())
}

async fn forget(tx: &DatabaseTransaction, rule: &RuleLine, channel: ChannelId) -> Result<(), DbErr> {
    told::Entity::delete_many()
        .filter(told::Column::RuleId.eq(rule.id.0))
        .filter(told::Column::ChannelId.eq(channel.0))
        .exec(tx)
        .await
        .map(|_| ())
}
