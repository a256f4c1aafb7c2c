//! The end of rules that are deleted or switched off.

use sea_orm::{ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, prelude::Uuid, sea_query::Expr};
use vigil_domain::{
    Span, Timestamp,
    alert::{Alerts, close},
    announce::{Audience, announce},
    event::EventReason,
    id::{ChannelId, NotificationId},
};

use super::{
    LOG_CHANNEL,
    commit::{announced, events, remove_alerts},
    read::{BatchRule, with_state},
};
use crate::entity::{rule, rule_group};

/// Ends every open alert of `rules`, with that reason in history and a message to whoever was told. An evaluation of
/// them that is under way loses its claim, so it cannot bring them back. Answers the notifications to push.
///
/// Call it inside the transaction that deletes or deactivates the rules, before they change.
pub async fn close_alerts(
    tx: &DatabaseTransaction,
    rules: &[rule::Model],
    reason: EventReason,
    now: Timestamp,
) -> Result<Vec<NotificationId>, DbErr> {
    break_claims(tx, rules).await?;
    let mut due = Vec::new();
    for batch in with_state(tx, rules.to_vec()).await? {
        due.extend(end(tx, batch, reason, now).await?);
    }
    Ok(due)
}

async fn end(
    tx: &DatabaseTransaction,
    mut batch: BatchRule,
    reason: EventReason,
    now: Timestamp,
) -> Result<Vec<NotificationId>, DbErr> {
    let line = batch.line();
    let evaluation = close(std::mem::take(&mut batch.alerts), reason);
    let removed: Vec<_> = evaluation.changes.iter().map(|(fingerprint, _)| (line.id, *fingerprint)).collect();
    remove_alerts(tx, &removed).await?;
    let happened: Vec<_> = evaluation.transitions.iter().map(|transition| (&line, transition)).collect();
    events(tx, &happened, now, now).await?;
    let channels = channels(&batch.rule);
    let audience = Audience { channels: &channels, told: &batch.told };
    let repeat_interval = Span::from_millis_i64(batch.rule.repeat_interval_ms);
    let said = announce(&line, repeat_interval, audience, &Alerts::new(), &evaluation.transitions, now);
    announced(tx, said.into_iter().map(|said| (&line, said)).collect(), now, now).await
}

/// The channels that hear of a rule: its own, or Vigil's log.
pub(crate) fn channels(rule: &rule::Model) -> Vec<ChannelId> {
    if rule.channel_ids.0.is_empty() {
        return vec![LOG_CHANNEL];
    }
    rule.channel_ids.0.iter().copied().map(ChannelId).collect()
}

async fn break_claims(tx: &DatabaseTransaction, rules: &[rule::Model]) -> Result<(), DbErr> {
    let groups: std::collections::BTreeSet<Uuid> = rules.iter().map(|rule| rule.group_id).collect();
    rule_group::Entity::update_many()
        .col_expr(rule_group::Column::ClaimToken, Expr::value(None::<Uuid>))
        .col_expr(rule_group::Column::ClaimExpiresAt, Expr::value(None::<Timestamp>))
        .filter(rule_group::Column::Id.is_in(groups))
        .exec(tx)
        .await
        .map(|_| ())
}
