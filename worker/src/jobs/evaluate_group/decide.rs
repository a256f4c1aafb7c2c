//! From answers to what is committed: the domain's decisions, rule by rule. Nothing in here acts.

use std::{collections::HashMap, sync::Arc};

use vigil_datasource::QueryError;
use vigil_domain::{
    QueryValue, Span, Timestamp,
    alert::{Conditions, Naming, name, step},
    announce::{Audience, announce},
    id::RuleId,
    source::Outcome,
};
use vigil_store::evaluation::{Batch, BatchRule, RuleOutcome};

use super::ask::Answer;

/// Decides a whole batch.
pub(super) fn decide(
    batch: Batch,
    mut answers: HashMap<RuleId, Answer>,
    slot: Timestamp,
) -> (Vec<RuleOutcome>, Outcome) {
    let source = outcome(answers.values());
    let mut outcomes = Vec::new();
    for (group, rules) in batch.groups {
        let limit = u32::try_from(group.alert_limit).unwrap_or_default();
        for rule in rules {
            let Some(answer) = answers.remove(&RuleId(rule.rule.id)) else { continue };
            let answer = Arc::try_unwrap(answer).unwrap_or_else(|shared| shared.as_ref().clone());
            outcomes.push(decide_rule(rule, limit, answer, slot));
        }
    }
    (outcomes, source)
}

/// A batch without a single answer says that the source is failing; one without rules says nothing bad.
fn outcome<'a>(answers: impl Iterator<Item = &'a Answer>) -> Outcome {
    let mut failure = None;
    for answer in answers {
        match answer.as_ref() {
            Err(error) if error.is_source_failure() => failure = Some(error.to_string()),
            Ok(_) | Err(_) => return Outcome::Answered,
        }
    }
    failure.map_or(Outcome::Answered, Outcome::Failed)
}

fn decide_rule(batch: BatchRule, limit: u32, answer: Result<QueryValue, QueryError>, slot: Timestamp) -> RuleOutcome {
    let line = batch.line();
    let channels = batch.channels();
    let BatchRule { rule, alerts, told, .. } = batch;
    let naming = Naming { rule_name: &rule.name, labels: &rule.labels.0, annotations: &rule.annotations.0 };
    let vector = answer.map_err(|error| error.to_string()).and_then(|value| {
        name(naming, value).map_err(|error| error.to_string()) //
    });
    let (evaluation, announcements, health) = match vector {
        Err(error) => (None, Vec::new(), Err(error)),
        Ok(vector) => {
            let hold = Span::from_millis_i64(rule.hold_ms);
            let conditions = Conditions { hold, keep_firing: Span::from_millis_i64(rule.keep_firing_ms), limit };
            let evaluation = step(conditions, alerts, vector, slot);
            let audience = Audience { channels: &channels, told: &told };
            let repeat_interval = Span::from_millis_i64(rule.repeat_interval_ms);
            let (alerts, transitions) = (&evaluation.alerts, &evaluation.transitions);
            let said = announce(&line, repeat_interval, audience, alerts, transitions, slot);
            let health = evaluation.error.as_ref().map_or(Ok(()), |error| Err(error.to_string()));
            (Some(evaluation), said, health)
        }
    };
    let unchanged = match &health {
        Ok(()) => rule.health == "ok",
        Err(error) => rule.health == "err" && rule.last_error.as_ref() == Some(error),
    };
    RuleOutcome { rule: line, evaluation, announcements, health: Some(health).filter(|_| !unchanged) }
}
