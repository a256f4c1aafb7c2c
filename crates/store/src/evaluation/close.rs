//! The end of rules that are deleted or switched off.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, DbErr, prelude::Uuid};
use vigil_domain::{
    Span, Timestamp,
    alert::{Alerts, close},
    announce::{Audience, announce},
    event::EventReason,
    forward,
    id::NotificationId,
};

use super::{
    claim::break_claims,
    commit::{announced, events, forwarded, remove_alerts},
    ended::{end_series, forget_series},
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
    let groups: BTreeSet<Uuid> = rules.iter().map(|rule| rule.group_id).collect();
    break_claims(tx, Condition::all().add(rule_group::Column::Id.is_in(groups))).await?;
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
    let (open, recorded) = (std::mem::take(&mut batch.alerts), std::mem::take(&mut batch.recorded));
    if line.is_shadow {
        forget_series(tx, line.id.0, &recorded).await?;
    } else {
        end_series(tx, line.id.0, &open, recorded, now).await?;
    }
    let evaluation = close(open, reason);
    let removed: Vec<_> = evaluation.changes.iter().map(|(fingerprint, _)| (line.id, *fingerprint)).collect();
    remove_alerts(tx, &removed).await?;
    let happened: Vec<_> = evaluation.transitions.iter().map(|transition| (&line, transition)).collect();
    events(tx, &happened, now, now).await?;
    let audience = Audience { channels: &batch.listeners.people, told: &batch.told };
    let repeat_interval = Span::from_millis_i64(batch.rule.repeat_interval_ms);
    let said = announce(&line, repeat_interval, audience, &Alerts::new(), &evaluation.transitions, now);
    let mut due = announced(tx, said.into_iter().map(|said| (&line, said)).collect(), now, now).await?;
    let forwarding = forward::close(batch.origin(&line), &evaluation.transitions, now);
    due.extend(forwarded(tx, &[(line.id, &forwarding)], now, now).await?);
    Ok(due)
}
