//! Evaluating a batch: groups side by side; the rules of one in their order, so that each sees what those before it wrote.

use std::time::Instant;

use futures::{StreamExt, stream};
use vigil_domain::{
    Sample, Span, Timestamp,
    alert::{Alerts, Evaluation, Naming, series, with_ends},
    forward::{Forwarding, Pace},
    id::{GroupId, RuleId},
    record::{Recorded, record},
    rule::RuleKind,
    sample::is_stale_marker,
    source::Outcome,
};
use vigil_store::{
    entity::rule_group,
    evaluation::{Batch, BatchRule, RuleOutcome},
};

use super::{
    ask::{Answer, Gate, ask},
    decide::{Decision, changed, decide, forwarding},
    span,
    stopwatch::Stopwatch,
};
use crate::Context;

/// Evaluates every rule of `batch` and says how the data source did.
pub(super) async fn work(
    ctx: &Context,
    batch: Batch,
    slot: Timestamp,
    stopwatch: &Stopwatch,
) -> (Vec<RuleOutcome>, Outcome) {
    let gate = Gate::new(batch.source.down_since.is_some());
    let side_by_side = if gate.probing { 1 } else { ctx.config.datasource.concurrency };
    let mut groups = Vec::with_capacity(batch.groups.len());
    for (group, rules) in batch.groups {
        groups.push(evaluate(ctx, (&gate, stopwatch), group, rules, slot));
    }
    let outcomes: Vec<Vec<RuleOutcome>> = stream::iter(groups).buffer_unordered(side_by_side.max(1)).collect().await;
    (outcomes.into_iter().flatten().collect(), gate.outcome())
}

async fn evaluate(
    ctx: &Context,
    (gate, stopwatch): (&Gate, &Stopwatch),
    group: rule_group::Model,
    rules: Vec<BatchRule>,
    slot: Timestamp,
) -> Vec<RuleOutcome> {
    let started = Instant::now();
    let mut outcomes = Vec::with_capacity(rules.len());
    let records = rules.iter().any(|batch| batch.rule.kind == RuleKind::Recording.as_str() && !batch.shadow.is_on());
    for rule in rules {
        // What the rules before it wrote at this very time must be seen, so an answer from before will not do.
        let fresh = records || (ctx.writes_alerts() && rule.rule.effective_expr.contains("ALERTS"));
        let (id, asked) = (RuleId(rule.rule.id), Instant::now());
        outcomes.push(evaluate_rule(ctx, (gate, fresh), &group, rule, slot).await);
        stopwatch.rule(GroupId(group.id), id, asked.elapsed());
    }
    stopwatch.group(GroupId(group.id), started.elapsed());
    outcomes
}

async fn evaluate_rule(
    ctx: &Context,
    (gate, fresh): (&Gate, bool),
    group: &rule_group::Model,
    batch: BatchRule,
    slot: Timestamp,
) -> RuleOutcome {
    let own_offset = group.query_offset_ms.map(Span::from_millis_i64);
    let offset = own_offset.unwrap_or_else(|| span(ctx.config.evaluation.query_offset()));
    let at = slot - offset.chrono();
    let answer = ask(ctx, gate, (&batch.rule.effective_expr, at), fresh).await;
    if batch.rule.kind == RuleKind::Recording.as_str() {
        return write_down(ctx, batch, limit(group), &answer, at).await;
    }
    alert(ctx, group, batch, &answer, (slot, at)).await
}

/// A recording rule: what it came to is written under the rule's name, unless the rule is in shadow.
async fn write_down(ctx: &Context, batch: BatchRule, limit: u32, answer: &Answer, at: Timestamp) -> RuleOutcome {
    let (rule, before) = (&batch.rule, &batch.recorded);
    let samples = match answer.as_ref() {
        Ok(value) => {
            record(&rule.name, &rule.labels.0, value.clone(), before, limit).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.reason()),
    };
    let written = match samples {
        // Whoever writes these series now goes on with them.
        Ok(_) if batch.shadow.is_on() => Ok(Vec::new()),
        Ok(samples) => match ctx.datasource.write(&samples, at).await {
            Ok(()) => Ok(samples),
            Err(error) => Err(error.to_string()),
        },
        Err(error) => Err(error),
    };
    let (recorded, health) = match written {
        Ok(samples) => {
            let present = samples.into_iter().filter(|sample| !is_stale_marker(sample.value));
            (Some(present.map(|sample| sample.labels).collect::<Recorded>()), Ok(()))
        }
        Err(error) => (None, Err(error)),
    };
    RuleOutcome {
        rule: batch.line(),
        evaluation: None,
        announcements: Vec::new(),
        forwarding: Forwarding::default(),
        recorded: recorded.filter(|recorded| recorded != before),
        health: changed(rule, health),
    }
}

/// An alerting rule: what it came to is named, decided, and seen by the rules after it.
async fn alert(
    ctx: &Context,
    group: &rule_group::Model,
    mut batch: BatchRule,
    answer: &Answer,
    (slot, at): (Timestamp, Timestamp),
) -> RuleOutcome {
    let vector = match answer.as_ref() {
        Ok(value) => {
            let rule = &batch.rule;
            let naming = Naming {
                rule_name: &rule.name,
                labels: &rule.labels.0,
                annotations: &rule.annotations.0,
                installation: &ctx.installation,
            };
            // Templates ask at the evaluation's own time, as in Prometheus.
            ctx.datasource.name(naming, value, slot).await.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.reason()),
    };
    let line = batch.line();
    let open = std::mem::take(&mut batch.alerts);
    let before = (ctx.writes_alerts() && !line.is_shadow).then(|| open.clone());
    let Decision { evaluation, announcements, mut health } = decide(&batch, &line, limit(group), open, vector, slot);
    let forwarding = forwarding(&batch, &line, evaluation.as_ref(), pace(ctx, group), slot);
    // In shadow whoever writes the series of the rule's alerts ends them, too.
    let mut recorded = (line.is_shadow && !batch.recorded.is_empty()).then(Recorded::new);
    if let (Some(before), Some(evaluation)) = (before, &evaluation) {
        let (written, unended) = write_back(ctx, &batch, &before, evaluation, at).await;
        // What was decided stands; that others cannot see it is the rule's trouble.
        health = health.and(written);
        recorded = Some(unended).filter(|unended| *unended != batch.recorded);
    }
    let health = changed(&batch.rule, health);
    RuleOutcome { rule: line, evaluation, announcements, forwarding, recorded, health }
}

/// Writes a rule's alerts as series. Answers which series are still to be ended: those whose end could not be written,
/// and those of alerts that a limit dropped, of which nothing is written now.
async fn write_back(
    ctx: &Context,
    BatchRule { rule, recorded: unended, .. }: &BatchRule,
    before: &Alerts,
    evaluation: &Evaluation,
    at: Timestamp,
) -> (Result<(), String>, Recorded) {
    let names = |samples: Vec<Sample>| samples.into_iter().map(|sample| sample.labels);
    let under = ctx.deviations().under_series(&rule.labels.0);
    if evaluation.error.is_some() {
        return (Ok(()), unended.iter().cloned().chain(names(series(before, &Alerts::new(), &under))).collect());
    }
    let samples = with_ends(series(before, &evaluation.alerts, &under), unended);
    match ctx.datasource.write(&samples, at).await {
        Ok(()) => (Ok(()), Recorded::new()),
        Err(error) => {
            let ends = samples.into_iter().filter(|sample| is_stale_marker(sample.value)).collect();
            (Err(error.to_string()), names(ends).collect())
        }
    }
}

fn limit(group: &rule_group::Model) -> u32 {
    u32::try_from(group.alert_limit.max(0)).unwrap_or(u32::MAX)
}

fn pace(ctx: &Context, group: &rule_group::Model) -> Pace {
    let interval = Span::from_millis_i64(group.interval_ms);
    Pace { interval, resend_delay: span(ctx.config.evaluation.resend_delay()) }
}
