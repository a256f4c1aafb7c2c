//! Everything a batch decided, in one transaction: alerts, events, notifications, health, and the end of the claim.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, ExprTrait,
    QueryFilter, prelude::Uuid, sea_query::Expr,
};
use vigil_domain::{
    Fingerprint, Timestamp,
    alert::{Alerts, Change, Evaluation, Transition},
    announce::Announcement,
    forward::Forwarding,
    id::{GroupId, NotificationId, RuleId},
    message::RuleLine,
    record::Recorded,
    source::{Outcome, SourcePolicy},
};

use super::{claim::Claim, source};
use crate::{
    db,
    entity::{rule, rule_group},
};

mod announced;
mod forwarded;
mod rows;
mod took;

pub(super) use announced::announced;
pub(super) use forwarded::forwarded;
pub(super) use rows::{events, remove_alerts};
pub use took::Took;

/// What one rule's evaluation came to.
#[derive(Clone, Debug)]
pub struct RuleOutcome {
    pub rule: RuleLine,
    /// `None` when nothing could be evaluated: its alerts stay as they are.
    pub evaluation: Option<Evaluation>,
    pub announcements: Vec<Announcement>,
    pub forwarding: Forwarding,
    /// Set when the series that the rule has to end are others than before.
    pub recorded: Option<Recorded>,
    /// Set when the rule's health changes: the error, or that it is gone.
    pub health: Option<Result<(), String>>,
}

/// Everything that is to be committed for a claim.
#[derive(Clone, Debug)]
pub struct Commit {
    pub rules: Vec<RuleOutcome>,
    pub source: Outcome,
    pub source_policy: SourcePolicy,
    /// How long it took, by group.
    pub took: BTreeMap<GroupId, Took>,
    /// The time of the commit.
    pub now: Timestamp,
}

/// Writes everything, or nothing if the claim was lost: then somebody else evaluates the slot, or a rule of the batch
/// was deleted or switched off meanwhile. Answers the notifications to push.
pub async fn commit(
    db: &DatabaseConnection,
    claim: &Claim,
    commit: Commit,
) -> Result<Option<Vec<NotificationId>>, DbErr> {
    let tx = db::write(db).await?;
    if !close(&tx, claim, &commit).await? {
        tx.rollback().await?;
        return Ok(None);
    }
    let Commit { rules, source, source_policy, now, .. } = commit;
    let slot = claim.slot;
    write_alerts(&tx, &rules).await?;
    let happened: Vec<(&RuleLine, &Transition)> = rules
        .iter()
        .flat_map(|rule| rule.evaluation.iter().flat_map(|e| &e.transitions).map(|transition| (&rule.rule, transition)))
        .collect();
    events(&tx, &happened, slot, now).await?;
    let said = rules.iter().flat_map(|rule| rule.announcements.iter().map(|said| (&rule.rule, said.clone())));
    let mut due = announced(&tx, said.collect(), slot, now).await?;
    let sent: Vec<(RuleId, &Forwarding)> = rules.iter().map(|rule| (rule.rule.id, &rule.forwarding)).collect();
    due.extend(forwarded(&tx, &sent, slot, now).await?);
    rows::record(&tx, &rules).await?;
    write_health(&tx, &rules).await?;
    if source::is_heeded(&tx, &rules, &source).await? {
        due.extend(source::record(&tx, &source, slot, now, source_policy).await?);
    }
    tx.commit().await?;
    Ok(Some(due))
}

/// Ends the claim and counts the slots that nobody evaluated. `false` if any of its groups is no longer ours.
async fn close(tx: &DatabaseTransaction, claim: &Claim, commit: &Commit) -> Result<bool, DbErr> {
    use rule_group::Column;
    let slot_ms = claim.slot.timestamp_millis();
    let missed = Expr::value(slot_ms).sub(Expr::col(Column::NextSlotMs)).div(Expr::col(Column::IntervalMs));
    let times = took::Times::new(tx.get_database_backend(), &commit.took);
    let closed = rule_group::Entity::update_many()
        .col_expr(Column::EvaluatedSlotMs, Expr::value(slot_ms))
        .col_expr(Column::EvaluatedAt, Expr::value(commit.now))
        .col_expr(Column::EvaluationUs, times.group())
        .col_expr(Column::RuleTimes, times.rules())
        .col_expr(Column::MissedSlots, Expr::col(Column::MissedSlots).add(missed))
        .col_expr(Column::NextSlotMs, Expr::col(Column::IntervalMs).add(slot_ms))
        .col_expr(Column::ClaimToken, Expr::value(None::<Uuid>))
        .col_expr(Column::ClaimExpiresAt, Expr::value(None::<Timestamp>))
        .filter(Column::ClaimToken.eq(claim.token))
        .exec(tx)
        .await?;
    Ok(closed.rows_affected == claim.groups.len() as u64)
}

async fn write_alerts(tx: &DatabaseTransaction, rules: &[RuleOutcome]) -> Result<(), DbErr> {
    let (mut written, mut revalued, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for RuleOutcome { rule, evaluation, .. } in rules {
        let Some(Evaluation { alerts, changes, .. }) = evaluation else { continue };
        for (fingerprint, change) in changes {
            match change {
                Change::Opened | Change::Updated => written.extend(open(rule, alerts, *fingerprint)),
                Change::Revalued => revalued.extend(open(rule, alerts, *fingerprint)),
                Change::Closed => removed.push((rule.id, *fingerprint)),
            }
        }
    }
    remove_alerts(tx, &removed).await?;
    rows::write(tx, &written).await?;
    rows::revalue(tx, &revalued).await
}

fn open<'a>(rule: &'a RuleLine, alerts: &'a Alerts, fingerprint: Fingerprint) -> Option<rows::Open<'a>> {
    alerts.get(&fingerprint).map(|alert| rows::Open { rule, fingerprint, alert })
}

/// Health is written when it changes only; rules with one new text are written together.
async fn write_health(tx: &DatabaseTransaction, rules: &[RuleOutcome]) -> Result<(), DbErr> {
    let mut by_text: BTreeMap<Option<&str>, Vec<Uuid>> = BTreeMap::new();
    for RuleOutcome { rule, health, .. } in rules {
        match health {
            Some(Ok(())) => by_text.entry(None).or_default().push(rule.id.0),
            Some(Err(error)) => by_text.entry(Some(error)).or_default().push(rule.id.0),
            None => {}
        }
    }
    for (error, ids) in by_text {
        let health = if error.is_some() { "err" } else { "ok" };
        rule::Entity::update_many()
            .col_expr(rule::Column::Health, Expr::value(health))
            .col_expr(rule::Column::LastError, Expr::value(error))
            .filter(Condition::all().add(rule::Column::Id.is_in(ids)))
            .exec(tx)
            .await?;
    }
    Ok(())
}
