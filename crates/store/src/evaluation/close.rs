//! The end of rules that are deleted or switched off, or become others.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, prelude::Uuid};
use vigil_domain::{
    Deviations, Labels, Span, Timestamp,
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
    read::{BatchRule, lay_under, with_state},
};
use crate::entity::{rule, rule_group};

/// Why and when rules end, and who is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    pub reason: EventReason,
    pub now: Timestamp,
    pub deviations: Deviations,
}

/// Ends every open alert of `rules`, with that reason in history and a message to whoever was told. An evaluation of
/// them that is under way loses its claim, so it cannot bring them back. Answers the notifications to push.
///
/// Call it inside the transaction that deletes, deactivates or changes the rules, before they change.
pub async fn close_alerts(
    tx: &DatabaseTransaction,
    rules: &[rule::Model],
    ending: Ending,
) -> Result<Vec<NotificationId>, DbErr> {
    let groups: BTreeSet<Uuid> = rules.iter().map(|rule| rule.group_id).collect();
    let theirs = Condition::all().add(rule_group::Column::Id.is_in(groups));
    break_claims(tx, theirs.clone()).await?;
    let groups = rule_group::Entity::find().filter(theirs).all(tx).await?;
    let mut due = Vec::new();
    for batch in with_state(tx, as_evaluated(rules, &groups), &groups).await? {
        due.extend(end(tx, batch, ending).await?);
    }
    Ok(due)
}

/// The rules as they are evaluated, each with its group's labels under its own.
fn as_evaluated(rules: &[rule::Model], groups: &[rule_group::Model]) -> Vec<rule::Model> {
    let labels: BTreeMap<Uuid, &Labels> = groups.iter().map(|group| (group.id, &group.labels.0)).collect();
    let mut rules = rules.to_vec();
    for rule in &mut rules {
        if let Some(labels) = labels.get(&rule.group_id) {
            lay_under(labels, rule);
        }
    }
    rules
}

async fn end(
    tx: &DatabaseTransaction,
    mut batch: BatchRule,
    Ending { reason, now, deviations }: Ending,
) -> Result<Vec<NotificationId>, DbErr> {
    let line = batch.line();
    let (open, recorded) = (std::mem::take(&mut batch.alerts), std::mem::take(&mut batch.recorded));
    if line.is_shadow {
        forget_series(tx, line.id.0, &recorded).await?;
    } else {
        let under = deviations.under_series(&batch.rule.labels.0);
        end_series(tx, line.id.0, (&open, &under), recorded, now).await?;
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
    let forwarding = forward::close(batch.origin(&line), &evaluation.transitions, now, deviations);
    due.extend(forwarded(tx, &[(line.id, &forwarding)], now, now).await?);
    Ok(due)
}
