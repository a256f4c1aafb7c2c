//! When: each second the groups that are due, in batches, to the queue. And the sweep, which finds what was lost.

use std::collections::HashMap;

use sea_orm::prelude::Uuid;
use vigil_domain::{Span, Timestamp, group::slot_at, id::GroupId, job::EvaluateGroups};
use vigil_store::{
    evaluation::{DueGroup, due_groups},
    lease,
};

use crate::{Context, jobs};

const LEASE: &str = "scheduler";
/// How long a scheduler may be silent before another takes over.
const LEASE_TTL: Span = Span::from_secs(5);
/// How late a group must be for the sweep to evaluate it without the queue.
const OVERDUE: Span = Span::from_secs(3);

/// Sends due groups to the queue, each slot once. Only whoever holds the lease does; if two did, claims keep it right.
#[derive(Debug, Default)]
pub struct Scheduler {
    /// The newest slot sent, by group.
    sent: HashMap<Uuid, i64>,
}

impl Scheduler {
    /// Whether this process schedules at `now`.
    pub async fn leads(&mut self, ctx: &Context, now: Timestamp) -> anyhow::Result<bool> {
        let leads = lease::acquire(&ctx.db, LEASE, &ctx.instance, now, LEASE_TTL).await?;
        if !leads {
            self.sent.clear();
        }
        Ok(leads)
    }

    /// Sends what is due. Answers how many jobs were sent.
    pub async fn tick(&mut self, ctx: &Context, now: Timestamp) -> anyhow::Result<usize> {
        let due = due_groups(&ctx.db, now, now).await?;
        let unsent = due.into_iter().filter(|group| self.sent.get(&group.id) != Some(&slot_ms(group, now))).collect();
        let jobs = batches(unsent, now, ctx.config.evaluation.batch_rules);
        let count = jobs.len();
        self.sent.retain(|_, slot| *slot > now.timestamp_millis() - 3_600_000);
        for job in &jobs {
            self.sent.extend(job.groups.iter().map(|group| (group.0, job.slot_ms)));
        }
        if !jobs.is_empty()
            && let Err(error) = ctx.queue.push_evaluate(jobs.clone()).await
        {
            tracing::warn!(%error, jobs = count, "queue unreachable: evaluating here");
            jobs::evaluate_here(ctx, jobs).await;
        }
        Ok(count)
    }

    /// Gives the lease up, so that another takes over at once.
    pub async fn resign(&self, ctx: &Context) {
        if let Err(error) = lease::release(&ctx.db, LEASE, &ctx.instance).await {
            tracing::debug!(%error, "could not give up the scheduler's lease");
        }
    }
}

/// Evaluates groups that are overdue, whatever became of their jobs. Answers how many there were.
pub async fn sweep_groups(ctx: &Context, now: Timestamp) -> anyhow::Result<usize> {
    let overdue = due_groups(&ctx.db, now - OVERDUE.chrono(), now).await?;
    let count = overdue.len();
    jobs::evaluate_here(ctx, batches(overdue, now, ctx.config.evaluation.batch_rules)).await;
    Ok(count)
}

/// Evaluates everything due now, in this process. For tests, which move the clock by hand.
pub async fn evaluate_due(ctx: &Context, now: Timestamp) -> anyhow::Result<()> {
    let due = due_groups(&ctx.db, now, now).await?;
    for job in batches(due, now, ctx.config.evaluation.batch_rules) {
        jobs::evaluate_group::run(ctx, job).await?;
    }
    Ok(())
}

fn slot_ms(group: &DueGroup, now: Timestamp) -> i64 {
    let (interval, phase) = (Span::from_millis_i64(group.interval_ms), Span::from_millis_i64(group.phase_ms));
    slot_at(now, interval, phase).timestamp_millis()
}

/// Cuts due groups into jobs of about `rules` rules that share a slot, oldest slot first. A group is never split.
fn batches(due: Vec<DueGroup>, now: Timestamp, rules: usize) -> Vec<EvaluateGroups> {
    let mut by_slot: std::collections::BTreeMap<i64, Vec<DueGroup>> = std::collections::BTreeMap::new();
    for group in due {
        by_slot.entry(slot_ms(&group, now)).or_default().push(group);
    }
    let mut jobs = Vec::new();
    for (slot_ms, groups) in by_slot {
        let (mut batch, mut size) = (Vec::new(), 0);
        for group in groups {
            let more = usize::try_from(group.rule_count).unwrap_or_default();
            if size > 0 && size + more > rules {
                jobs.push(EvaluateGroups { slot_ms, groups: std::mem::take(&mut batch) });
                size = 0;
            }
            batch.push(GroupId(group.id));
            size += more;
        }
        jobs.push(EvaluateGroups { slot_ms, groups: batch });
    }
    jobs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(phase_ms: i64, rule_count: i32) -> DueGroup {
        DueGroup { id: Uuid::now_v7(), interval_ms: 15_000, phase_ms, rule_count }
    }

    #[test]
    fn groups_of_one_slot_travel_together_up_to_the_size() {
        let now = Timestamp::from_timestamp_millis(30_000).unwrap();
        let due = vec![group(0, 1), group(0, 1), group(0, 1), group(5_000, 1)];
        let jobs = batches(due, now, 2);
        let shape: Vec<_> = jobs.iter().map(|job| (job.slot_ms, job.groups.len())).collect();
        assert_eq!(shape, [(20_000, 1), (30_000, 2), (30_000, 1)]);
    }

    #[test]
    fn a_group_larger_than_a_batch_stays_whole() {
        let now = Timestamp::from_timestamp_millis(30_000).unwrap();
        let jobs = batches(vec![group(0, 1), group(0, 500), group(0, 1)], now, 100);
        assert_eq!(jobs.iter().map(|job| job.groups.len()).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
