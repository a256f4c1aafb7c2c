//! Rules: what somebody wrote, checked, and the expression that follows from it.

mod texts;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    Deviations, FieldError, Labels, Mistakes, Span,
    alert::{Annotations, is_plain},
    event::words,
    group::{DEFAULT_INTERVAL, LONGEST_INTERVAL, SHORTEST_INTERVAL},
    id::{ChannelId, ServerId},
    labels::SEVERITY,
    number,
    promql::{self, ExprError},
    server::check_name,
};

use texts::{check_annotations, check_rule_labels, check_templates};

/// How long after a notification an unchanged alert is mentioned again, unless the rule says otherwise.
pub const DEFAULT_REPEAT_INTERVAL: Span = Span::from_secs(4 * 3_600);

/// A rule as somebody wrote it: texts unparsed, defaults not filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleDraft {
    pub name: String,
    pub expr: String,
    pub threshold: Option<ThresholdDraft>,
    pub hold: Option<String>,
    pub keep_firing_for: Option<String>,
    pub interval: Option<String>,
    pub group: Option<String>,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub severity: Option<String>,
    pub server_id: Option<ServerId>,
    pub channel_ids: Vec<ChannelId>,
    pub repeat_interval: Option<String>,
    pub is_active: Option<bool>,
    pub is_shadow: Option<bool>,
}

/// What a rule makes of the series its expression returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// An alert of each.
    Alerting,
    /// A metric, written back.
    Recording,
}

words!(RuleKind { Alerting => "alerting", Recording => "recording" });

/// `{op, value}` as somebody wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdDraft {
    pub op: String,
    pub value: f64,
}

/// A comparison of PromQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Comparison {
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
}

words!(Comparison {
    Greater => ">", GreaterOrEqual => ">=", Less => "<", LessOrEqual => "<=", Equal => "==", NotEqual => "!=",
});

/// The plain way to write a condition: alert when the expression's value compares so.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    pub op: Comparison,
    /// Finite.
    pub value: f64,
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.op, number::format(self.value))
    }
}

/// A checked rule. Only [`RuleDraft::check`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleSpec {
    pub name: String,
    /// As written, for people.
    pub expr: String,
    pub threshold: Option<Threshold>,
    pub hold: Span,
    pub keep_firing: Span,
    /// `None` when the rule belongs to a named group, which owns the interval.
    pub interval: Option<Span>,
    pub group: Option<String>,
    /// With `severity` written in, if there is one.
    pub labels: Labels,
    pub annotations: Annotations,
    pub server_id: Option<ServerId>,
    /// In the order given, each once.
    pub channel_ids: Vec<ChannelId>,
    pub repeat_interval: Span,
    pub is_active: bool,
    /// By its own word: see [`Shadow`](crate::shadow::Shadow).
    pub is_shadow: bool,
}

impl RuleSpec {
    /// The label `severity`, unless it is a template: then each alert has its own.
    pub fn severity(&self) -> Option<&str> {
        self.labels.get(SEVERITY).filter(|text| !text.is_empty() && is_plain(text))
    }

    /// What is sent to the data source; see [`effective_expr`].
    pub fn effective_expr(&self, server: Option<&Labels>) -> Result<String, ExprError> {
        effective_expr(&self.expr, self.threshold, server)
    }
}

/// What is sent to the data source: `(expr) op value`, tied to the server whose matchers are given, normalised.
pub fn effective_expr(expr: &str, threshold: Option<Threshold>, server: Option<&Labels>) -> Result<String, ExprError> {
    let tied = match server {
        Some(matchers) => promql::scope(expr, matchers)?.text,
        None => expr.to_owned(),
    };
    let whole = match threshold {
        Some(threshold) => format!("({tied}\n) {threshold}"),
        None => tied,
    };
    promql::parse(&whole).map(|parsed| parsed.text)
}

impl RuleDraft {
    /// Every mistake at once; the expression is parsed, not asked.
    pub fn check(self) -> Result<RuleSpec, Vec<FieldError>> {
        self.check_with(Deviations::default())
    }

    /// The same, where Prometheus' way may be the one.
    pub fn check_with(self, deviations: Deviations) -> Result<RuleSpec, Vec<FieldError>> {
        let mut mistakes = Mistakes::default();
        check_name(&self.name, &mut mistakes);
        check_expr(&self.expr, self.server_id.is_some(), deviations, &mut mistakes);
        let threshold = self.threshold.and_then(|draft| check_threshold(&draft, &mut mistakes));
        let hold = span("for", self.hold.as_deref(), Span::ZERO, &mut mistakes);
        let keep_firing = span("keep_firing_for", self.keep_firing_for.as_deref(), Span::ZERO, &mut mistakes);
        let repeat = self.repeat_interval.as_deref();
        let repeat_interval = span("repeat_interval", repeat, DEFAULT_REPEAT_INTERVAL, &mut mistakes);
        if repeat_interval < Span::from_secs(1) {
            mistakes.add("repeat_interval", "must be at least 1s");
        }
        let group = self.group.filter(|group| !group.is_empty());
        let interval = check_interval(self.interval.as_deref(), group.as_deref(), &mut mistakes);
        let labels = check_rule_labels(self.labels, self.severity, deviations, &mut mistakes);
        check_annotations(&self.annotations, &mut mistakes);
        check_templates(&self.name, &labels, &self.annotations, &mut mistakes);
        let mut channel_ids = self.channel_ids;
        let mut known = std::collections::BTreeSet::new();
        channel_ids.retain(|id| known.insert(*id));
        if channel_ids.len() > 50 {
            mistakes.add("channel_ids", "names more than 50 channels");
        }
        mistakes.or(RuleSpec {
            name: self.name,
            expr: self.expr.trim().to_owned(),
            threshold,
            hold,
            keep_firing,
            interval,
            group,
            labels,
            annotations: self.annotations,
            server_id: self.server_id,
            channel_ids,
            repeat_interval,
            is_active: self.is_active.unwrap_or(true),
            is_shadow: self.is_shadow.unwrap_or_default(),
        })
    }
}

fn check_expr(expr: &str, tied: bool, deviations: Deviations, mistakes: &mut Mistakes) {
    match promql::parse(expr) {
        Err(error) => mistakes.add("expr", error.to_string()),
        Ok(parsed) if !parsed.usable_by_rule && deviations.refuse_idle_rules() => {
            mistakes.add("expr", ExprError::NotEvaluable.to_string());
        }
        Ok(parsed) if tied && parsed.selectors == 0 => mistakes.add("expr", ExprError::NoSelector.to_string()),
        Ok(_) => {}
    }
}

fn check_threshold(draft: &ThresholdDraft, mistakes: &mut Mistakes) -> Option<Threshold> {
    let op = mistakes.keep("threshold.op", Comparison::from_str(&draft.op));
    if !draft.value.is_finite() {
        mistakes.add("threshold.value", "must be a finite number");
    }
    Some(Threshold { op: op?, value: draft.value })
}

fn span(field: &str, text: Option<&str>, default: Span, mistakes: &mut Mistakes) -> Span {
    let Some(text) = text else { return default };
    mistakes.keep(field, text.parse()).unwrap_or(default)
}

fn check_interval(text: Option<&str>, group: Option<&str>, mistakes: &mut Mistakes) -> Option<Span> {
    if let Some(group) = group {
        if group.trim().is_empty() || group.chars().count() > 200 || group.chars().any(char::is_control) {
            mistakes.add("group", "must be at most 200 characters, not only spaces, without control characters");
        }
        if text.is_some() {
            mistakes.add("interval", "belongs to the group; leave it out, or change the group's interval");
        }
        return None;
    }
    Some(group_interval(text, mistakes))
}

/// As in Prometheus, zero is the same as none.
fn group_interval(text: Option<&str>, mistakes: &mut Mistakes) -> Span {
    let interval = span("interval", text, DEFAULT_INTERVAL, mistakes);
    let interval = if interval == Span::ZERO { DEFAULT_INTERVAL } else { interval };
    check_group_interval(interval, mistakes);
    interval
}

/// A group's interval: whole seconds from 1 s to 7 days.
pub fn check_group_interval(interval: Span, mistakes: &mut Mistakes) {
    if interval < SHORTEST_INTERVAL {
        mistakes.add("interval", format!("must be at least {SHORTEST_INTERVAL}"));
    } else if interval > LONGEST_INTERVAL {
        mistakes.add("interval", format!("must be at most {LONGEST_INTERVAL}"));
    } else if !interval.millis().is_multiple_of(1_000) {
        mistakes.add("interval", "must be whole seconds");
    }
}

/// A named rule group as somebody wrote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupDraft {
    pub name: String,
    pub interval: Option<String>,
    pub limit: Option<i64>,
    pub query_offset: Option<String>,
    pub is_shadow: Option<bool>,
}

/// A checked rule group. Only [`GroupDraft::check`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    pub name: String,
    pub interval: Span,
    /// The most alerts one rule may have; zero is none.
    pub limit: i64,
    /// How far before the slot the data source is asked for.
    pub query_offset: Option<Span>,
    /// By its own word: whether all its rules are in shadow.
    pub is_shadow: bool,
}

impl GroupDraft {
    /// Every mistake at once.
    pub fn check(self) -> Result<GroupSpec, Vec<FieldError>> {
        let mut mistakes = Mistakes::default();
        check_name(&self.name, &mut mistakes);
        let interval = group_interval(self.interval.as_deref(), &mut mistakes);
        let limit = self.limit.unwrap_or(0);
        if limit < 0 {
            mistakes.add("limit", "must not be negative; 0 is no limit");
        }
        let offset = self.query_offset.as_deref().map(str::parse);
        let query_offset = offset.and_then(|offset| mistakes.keep("query_offset", offset));
        if query_offset.is_some_and(|offset| offset > LONGEST_INTERVAL) {
            mistakes.add("query_offset", format!("must be at most {LONGEST_INTERVAL}"));
        }
        let is_shadow = self.is_shadow.unwrap_or_default();
        mistakes.or(GroupSpec { name: self.name, interval, limit, query_offset, is_shadow })
    }
}

#[cfg(test)]
mod tests;
