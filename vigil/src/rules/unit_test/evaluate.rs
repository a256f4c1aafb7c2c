//! The rules of a unit test, and what they remember from one evaluation to the next.
//!
//! Source: prometheus/prometheus `rules/group.go`, `Eval`.

use vigil_domain::{
    Deviations, Labels, QueryValue, Sample, Span, Timestamp,
    alert::{self, Alert, Alerts, Annotations, Answers, Conditions, EvaluationError, Installation, Named, Naming},
    record::{RecordError, Recorded, record},
    rule_file::{FileGroup, FileRule, FileRuleKind},
};
use vigil_promql::{Point, SeriesLabels, is_stale_marker};

use super::series::SeriesSet;

/// Groups of rules in the order they are evaluated in.
pub(super) struct Rules {
    groups: Vec<Group>,
    installation: Installation,
}

struct Group {
    limit: u32,
    query_offset: Span,
    rules: Vec<Rule>,
}

struct Rule {
    name: String,
    expr: String,
    kind: Kind,
}

enum Kind {
    Alert(Alerting),
    Record(Recording),
}

struct Alerting {
    labels: Labels,
    annotations: Annotations,
    conditions: Conditions,
    open: Alerts,
}

struct Recording {
    labels: Labels,
    /// The series of the last evaluation.
    written: Recorded,
}

/// One evaluation of one rule.
#[derive(Clone, Copy)]
struct Slot<'a> {
    at: Timestamp,
    limit: u32,
    query_offset: Span,
    installation: &'a Installation,
}

/// Why a rule could not be evaluated.
pub(super) struct RuleError {
    pub(super) rule: String,
    pub(super) error: String,
}

impl Rules {
    /// Rules that have not been evaluated yet.
    pub(super) fn new<'a>(groups: impl Iterator<Item = &'a FileGroup>, installation: Installation) -> Self {
        Self { groups: groups.map(Group::new).collect(), installation }
    }

    /// Evaluates every rule once. What one writes is there for the next. Says what went wrong with each.
    pub(super) fn evaluate(&mut self, series: &mut SeriesSet, at: Timestamp) -> Vec<RuleError> {
        let mut errors = Vec::new();
        for Group { limit, query_offset, rules } in &mut self.groups {
            let slot = Slot { at, limit: *limit, query_offset: *query_offset, installation: &self.installation };
            for rule in rules {
                if let Err(error) = rule.evaluate(series, slot) {
                    errors.push(RuleError { rule: rule.name.clone(), error });
                }
            }
        }
        errors
    }

    /// What fires under a name, whichever rule it is of.
    pub(super) fn firing(&self, alertname: &str) -> impl Iterator<Item = &Alert> {
        let rules = self.groups.iter().flat_map(|group| &group.rules).filter(move |rule| rule.name == alertname);
        let alerts = rules.flat_map(|rule| match &rule.kind {
            Kind::Alert(rule) => Some(rule.open.values()),
            Kind::Record(_) => None,
        });
        alerts.flatten().filter(|alert| alert.state.is_firing())
    }
}

impl Group {
    fn new(group: &FileGroup) -> Self {
        let limit = u32::try_from(group.limit.max(0)).unwrap_or(u32::MAX);
        let query_offset = group.query_offset.unwrap_or_default();
        let rules = group.rules.iter().map(|rule| Rule::new(rule, group, limit)).collect();
        Self { limit, query_offset, rules }
    }
}

impl Rule {
    fn new(rule: &FileRule, group: &FileGroup, limit: u32) -> Self {
        let labels = Labels::as_written(group.labels_of(rule));
        let kind = match &rule.kind {
            FileRuleKind::Alert { hold, keep_firing, annotations, .. } => Kind::Alert(Alerting {
                labels,
                annotations: annotations.clone(),
                conditions: Conditions { hold: *hold, keep_firing: *keep_firing, limit },
                open: Alerts::new(),
            }),
            FileRuleKind::Record { .. } => Kind::Record(Recording { labels, written: Recorded::new() }),
        };
        Self { name: rule.name().to_owned(), expr: rule.expr.clone(), kind }
    }

    fn evaluate(&mut self, series: &mut SeriesSet, slot: Slot<'_>) -> Result<(), String> {
        let at_ms = slot.at.timestamp_millis() - slot.query_offset.millis_i64();
        let value = series.instant(&self.expr, at_ms).map_err(|error| error.to_string())?;
        let samples = match &mut self.kind {
            Kind::Alert(rule) => rule.step(&self.name, &value, slot, series).map_err(|error| error.to_string())?,
            Kind::Record(rule) => rule.step(&self.name, value, slot.limit).map_err(|error| error.to_string())?,
        };
        write(series, samples, at_ms)
    }
}

impl Alerting {
    /// Goes on to the next state; answers with what is written.
    fn step(
        &mut self,
        name: &str,
        value: &QueryValue,
        slot: Slot<'_>,
        series: &SeriesSet,
    ) -> Result<Vec<Sample>, EvaluationError> {
        let Self { labels, annotations, conditions, open } = self;
        let naming = Naming { rule_name: name, labels, annotations, installation: slot.installation };
        let mut answers = Answers::new();
        let vector = loop {
            match alert::name(naming, value, slot.at, &answers)? {
                Named::Vector(vector) => break vector,
                Named::Needs(queries) => answers.extend(queries.into_iter().map(|expr| {
                    let answer = series.instant(&expr, slot.at.timestamp_millis());
                    (expr, answer.map_err(|error| error.to_string()))
                })),
            }
        };
        let evaluation = alert::step(*conditions, open.clone(), vector, slot.at);
        if let Some(error) = evaluation.error {
            return Err(error);
        }
        let samples = alert::series(open, &evaluation.alerts, &Deviations::default().under_series(labels));
        *open = evaluation.alerts;
        Ok(samples)
    }
}

impl Recording {
    /// What is written: the result under the rule's name, and the ends of series that are no longer in it.
    fn step(&mut self, name: &str, value: QueryValue, limit: u32) -> Result<Vec<Sample>, RecordError> {
        let samples = record(name, &self.labels, value, &self.written, limit)?;
        let there = samples.iter().filter(|sample| !is_stale_marker(sample.value));
        self.written = there.map(|sample| sample.labels.clone()).collect();
        Ok(samples)
    }
}

/// Adds what a rule writes. That a series cannot be ended is nobody's fault: another rule has it.
fn write(series: &mut SeriesSet, samples: Vec<Sample>, at_ms: i64) -> Result<(), String> {
    for Sample { labels, value } in samples {
        let appended = series.append(&SeriesLabels::from(&labels), Point { at_ms, value });
        if !is_stale_marker(value) {
            appended.map_err(|error| error.as_str().to_owned())?;
        }
    }
    Ok(())
}
