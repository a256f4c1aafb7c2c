//! A rule as it comes in: whole, or as changes to what is there.

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::{ToSchema, openapi::Object};
use vigil_domain::{
    Labels, Span,
    id::{ChannelId, ServerId},
    labels::SEVERITY,
    rule::{Comparison, RuleDraft, ThresholdDraft},
};
use vigil_store::rules::{RuleRow, Snapshot};

use super::word;
use crate::extract::{double_option, given};

/// `(expr) op value` makes the alert.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"op": ">", "value": 90}))]
pub(crate) struct ThresholdIn {
    #[schema(schema_with = comparisons)]
    op: String,
    value: f64,
}

pub(super) fn comparisons() -> Object {
    word(Comparison::ALL.iter().map(|op| op.as_str()))
}

impl From<ThresholdIn> for ThresholdDraft {
    fn from(ThresholdIn { op, value }: ThresholdIn) -> Self {
        Self { op, value }
    }
}

/// A rule.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "HighCpu", "expr": "100 * (1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m])))",
    "threshold": {"op": ">", "value": 90}, "for": "5m", "severity": "critical",
    "annotations": {"summary": "{{ $labels.instance }} is {{ $value | humanize }} % busy"}, "repeat_interval": "4h"
}))]
pub(crate) struct RuleIn {
    /// Becomes the label `alertname`.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// `PromQL`. Every series it returns is an alert, unless there is a threshold.
    #[schema(min_length = 1, max_length = 16384)]
    expr: String,
    /// The plain way to write a condition.
    #[serde(default)]
    threshold: Option<ThresholdIn>,
    /// How long a series must be present before its alert fires.
    #[serde(default, rename = "for")]
    #[schema(default = "0s", example = "5m")]
    hold: Option<String>,
    /// How long a firing alert outlives its series.
    #[serde(default)]
    #[schema(default = "0s", example = "10m")]
    keep_firing_for: Option<String>,
    /// How often it is evaluated: whole seconds, `1s` to `7d`, 1m when left out. Not together with `group`.
    #[serde(default)]
    #[schema(example = "15s")]
    interval: Option<String>,
    /// The name of a rule group, which owns the interval.
    #[serde(default)]
    #[schema(max_length = 200)]
    group: Option<String>,
    /// Set on every alert, over the series' own.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Shown with every alert.
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    /// The label `severity`: any word; `critical`, `warning` and `info` are known.
    #[serde(default)]
    #[schema(max_length = 100, example = "critical")]
    severity: Option<String>,
    /// Ties every selector of `expr` to this server's series.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    server_id: Option<ServerId>,
    /// Who hears of it; nobody means Vigil's log.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>, max_items = 50)]
    channel_ids: Vec<ChannelId>,
    /// After how long an unchanged alert is mentioned again.
    #[serde(default)]
    #[schema(default = "4h", example = "4h")]
    repeat_interval: Option<String>,
    #[serde(default)]
    #[schema(default = true)]
    is_active: Option<bool>,
    /// Evaluated and recorded, while nobody is told and nothing is written to the data source.
    #[serde(default)]
    #[schema(default = false)]
    shadow: Option<bool>,
}

impl From<RuleIn> for RuleDraft {
    fn from(body: RuleIn) -> Self {
        let RuleIn { name, expr, threshold, hold, keep_firing_for, interval, group, .. } = body;
        let RuleIn {
            labels, annotations, severity, server_id, channel_ids, repeat_interval, is_active, shadow, ..
        } = body;
        Self {
            name,
            expr,
            threshold: threshold.map(ThresholdDraft::from),
            hold,
            keep_firing_for,
            interval,
            group,
            labels,
            annotations,
            severity,
            server_id,
            channel_ids,
            repeat_interval,
            is_active,
            is_shadow: shadow,
        }
    }
}

/// Changes to a rule: what is absent stays, `null` clears (to the default, where there is one).
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"for": "10m", "threshold": {"op": ">", "value": 95}}))]
pub(crate) struct RulePatch {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 16384)]
    expr: Option<String>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<ThresholdIn>, required = false)]
    threshold: Option<Option<ThresholdIn>>,
    #[serde(default, rename = "for", deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false)]
    hold: Option<Option<String>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false)]
    keep_firing_for: Option<Option<String>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false)]
    interval: Option<Option<String>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false, max_length = 200)]
    group: Option<Option<String>>,
    /// All of them; `severity` stays unless it is among them or in its own field.
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<BTreeMap<String, String>>, required = false)]
    labels: Option<Option<BTreeMap<String, String>>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<BTreeMap<String, String>>, required = false)]
    annotations: Option<Option<BTreeMap<String, String>>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false, max_length = 100)]
    severity: Option<Option<String>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<Uuid>, required = false)]
    server_id: Option<Option<ServerId>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<Vec<Uuid>>, required = false, max_items = 50)]
    channel_ids: Option<Option<Vec<ChannelId>>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false)]
    repeat_interval: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    is_active: Option<bool>,
    /// By itself this can be changed although a rule file owns the rule, which has no word for it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    shadow: Option<bool>,
}

impl RulePatch {
    /// What is to become of the rule's shadow, if nothing else changes.
    pub(super) fn only_shadow(&self) -> Option<bool> {
        match self {
            Self {
                name: None,
                expr: None,
                threshold: None,
                hold: None,
                keep_firing_for: None,
                interval: None,
                group: None,
                labels: None,
                annotations: None,
                severity: None,
                server_id: None,
                channel_ids: None,
                repeat_interval: None,
                is_active: None,
                shadow,
            } => *shadow,
            Self { .. } => None,
        }
    }

    /// The rule as it would be.
    pub(super) fn applied_to(self, row: &RuleRow) -> RuleDraft {
        let now = Snapshot::of(&row.rule, &row.group);
        let text = |change: Option<Option<String>>, kept: Span| change.unwrap_or_else(|| Some(kept.to_string()));
        let threshold = match self.threshold {
            Some(change) => change.map(ThresholdDraft::from),
            None => now.threshold.map(|kept| ThresholdDraft { op: kept.op.to_string(), value: kept.value }),
        };
        let group = self.group.unwrap_or_else(|| now.group.clone());
        // A rule that leaves its group keeps none of the group's interval.
        let kept_interval = Some(now.interval.to_string()).filter(|_| now.group.is_none() && group.is_none());
        let (labels, severity) = labels_after(self.labels, self.severity, &now.labels);
        let kept_channels = || now.channel_ids.iter().copied().map(ChannelId).collect();
        RuleDraft {
            name: self.name.unwrap_or(now.name),
            expr: self.expr.unwrap_or(now.expr),
            threshold,
            hold: text(self.hold, now.hold),
            keep_firing_for: text(self.keep_firing_for, now.keep_firing_for),
            interval: self.interval.unwrap_or(kept_interval),
            group,
            labels,
            annotations: self.annotations.map_or(now.annotations, Option::unwrap_or_default),
            severity,
            server_id: self.server_id.unwrap_or(now.server_id.map(ServerId)),
            channel_ids: self.channel_ids.map_or_else(kept_channels, Option::unwrap_or_default),
            repeat_interval: text(self.repeat_interval, now.repeat_interval),
            is_active: Some(self.is_active.unwrap_or(now.is_active)),
            is_shadow: Some(self.shadow.unwrap_or(now.shadow)),
        }
    }
}

/// `severity` is one of the labels and a field besides: what a change names wins, what it does not name stays.
fn labels_after(
    labels: Option<Option<BTreeMap<String, String>>>,
    severity: Option<Option<String>>,
    now: &Labels,
) -> (BTreeMap<String, String>, Option<String>) {
    let kept = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let names_labels = labels.is_some();
    let mut labels = labels.map_or_else(|| now.iter().map(kept).collect(), Option::unwrap_or_default);
    match severity {
        // Given in both places, they are compared by the rule's check.
        Some(severity) if names_labels => (labels, severity),
        Some(severity) => {
            labels.remove(SEVERITY);
            (labels, severity)
        }
        None => {
            let severity = labels.get(SEVERITY).cloned().or_else(|| now.get(SEVERITY).map(str::to_owned));
            (labels, severity)
        }
    }
}
