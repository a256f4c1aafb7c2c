//! Asking the data source: rules of a group one after the other, groups side by side, equal questions once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{StreamExt, stream};
use moka::future::Cache;
use vigil_datasource::QueryError;
use vigil_domain::{QueryValue, Span, Timestamp, id::RuleId};
use vigil_store::{
    entity::rule_group,
    evaluation::{Batch, BatchRule},
};

use crate::Context;

/// What a rule's query came to.
pub(crate) type Answer = Arc<Result<QueryValue, QueryError>>;

/// Answers of the last moments by expression and time, shared by every batch of this process, so that an expression
/// that many rules have is asked once a slot.
#[derive(Clone, Debug)]
pub struct Answers(Cache<(String, i64), Answer>);

impl Default for Answers {
    fn default() -> Self {
        let cache = Cache::builder()
            .weigher(|_, answer: &Answer| match answer.as_ref() {
                Ok(QueryValue::Vector(samples)) => u32::try_from(samples.len()).unwrap_or(u32::MAX).saturating_add(1),
                Ok(QueryValue::Scalar(_) | QueryValue::String(_) | QueryValue::Matrix) | Err(_) => 1,
            })
            .max_capacity(100_000)
            .time_to_live(Duration::from_secs(2));
        Self(cache.build())
    }
}

/// Asks every rule's expression at its time. Rules that cannot be asked because the source is gone share its error.
pub(super) async fn ask(ctx: &Context, batch: &Batch, slot: Timestamp) -> HashMap<RuleId, Answer> {
    let gate = Gate::new(batch.source.down_since.is_some());
    let side_by_side = if gate.probing { 1 } else { ctx.config.datasource.concurrency };
    let mut groups = Vec::with_capacity(batch.groups.len());
    for (group, rules) in &batch.groups {
        groups.push(ask_group(ctx, &gate, group, rules, slot));
    }
    let answers: Vec<Vec<(RuleId, Answer)>> =
        stream::iter(groups).buffer_unordered(side_by_side.max(1)).collect().await;
    answers.into_iter().flatten().collect()
}

async fn ask_group(
    ctx: &Context,
    gate: &Gate,
    group: &rule_group::Model,
    rules: &[BatchRule],
    slot: Timestamp,
) -> Vec<(RuleId, Answer)> {
    let at = slot - Span::from_millis_i64(group.query_offset_ms.unwrap_or_default()).chrono();
    let mut answers = Vec::with_capacity(rules.len());
    for BatchRule { rule, .. } in rules {
        let answer = match gate.closed() {
            Some(error) => Arc::new(Err(error)),
            None => ask_once(ctx, &rule.effective_expr, at).await,
        };
        gate.note(&answer);
        answers.push((RuleId(rule.id), answer));
    }
    answers
}

async fn ask_once(ctx: &Context, expr: &str, at: Timestamp) -> Answer {
    let key = (expr.to_owned(), at.timestamp_millis());
    let asked = async { Arc::new(ctx.datasource.instant(expr, at).await.map(|answer| answer.value)) };
    ctx.answers.0.get_with(key, asked).await
}

/// Closes when the source is clearly gone, so that two thousand rules do not wait for two thousand time-outs.
struct Gate {
    /// The source is known to be down: one question at a time until one is answered.
    probing: bool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    answered: bool,
    time_outs: u32,
    gone: Option<QueryError>,
}

impl Gate {
    /// Time-outs without any answer after which the rest is not asked.
    const PATIENCE: u32 = 3;

    fn new(probing: bool) -> Self {
        Self { probing, seen: Mutex::default() }
    }

    fn closed(&self) -> Option<QueryError> {
        let seen = self.seen.lock().expect("nobody panics while holding it");
        seen.gone.clone().filter(|_| !seen.answered)
    }

    fn note(&self, answer: &Answer) {
        let mut seen = self.seen.lock().expect("nobody panics while holding it");
        match answer.as_ref() {
            Err(error @ QueryError::Timeout(_)) => {
                seen.time_outs += 1;
                if self.probing || seen.time_outs >= Self::PATIENCE {
                    seen.gone = Some(error.clone());
                }
            }
            Err(error) if error.is_source_failure() => seen.gone = Some(error.clone()),
            Ok(_) | Err(_) => seen.answered = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> Answer {
        Arc::new(Err(QueryError::Unreachable("refused".into())))
    }

    #[test]
    fn a_source_that_refuses_connections_is_not_asked_again() {
        let gate = Gate::new(false);
        gate.note(&unreachable());
        assert_eq!(gate.closed(), Some(QueryError::Unreachable("refused".into())));
    }

    #[test]
    fn a_source_that_answered_once_is_asked_on() {
        let gate = Gate::new(false);
        gate.note(&Arc::new(Ok(QueryValue::Scalar(1.0))));
        gate.note(&unreachable());
        assert_eq!(gate.closed(), None);
    }

    #[test]
    fn a_refused_query_is_an_answer() {
        let gate = Gate::new(true);
        gate.note(&Arc::new(Err(QueryError::Rejected { kind: "bad_data".into(), message: "parse".into() })));
        gate.note(&unreachable());
        assert_eq!(gate.closed(), None);
    }

    #[test]
    fn one_slow_query_does_not_close_but_three_do() {
        let gate = Gate::new(false);
        let slow: Answer = Arc::new(Err(QueryError::Timeout(Duration::from_secs(10))));
        gate.note(&slow);
        gate.note(&slow);
        assert_eq!(gate.closed(), None);
        gate.note(&slow);
        assert!(gate.closed().is_some());
    }
}
