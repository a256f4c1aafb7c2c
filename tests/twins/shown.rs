//! What Prometheus' API shows of rules and of alerts, and what of it is compared. A field that is not known here is an
//! error, and so is one that is missing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use vigil_tests::fakes::Labels;

use crate::known::Known;

/// What the rule file is called, in both.
pub(crate) const FILE: &str = "differential.yml";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// In Prometheus with its directory.
    file: String,
    pub(crate) rules: Vec<Rule>,
    /// In seconds.
    pub(crate) interval: f64,
    limit: i64,
    pub(crate) evaluation_time: f64,
    pub(crate) last_evaluation: DateTime<Utc>,
}

/// A rule of either kind; what only alerting rules have is `None` for others.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(rename = "type")]
    kind: String,
    pub(crate) name: String,
    query: String,
    labels: Option<Labels>,
    annotations: Option<Labels>,
    state: Option<String>,
    duration: Option<f64>,
    keep_firing_for: Option<f64>,
    alerts: Option<Vec<Alert>>,
    pub(crate) health: String,
    last_error: Option<String>,
    pub(crate) evaluation_time: f64,
    pub(crate) last_evaluation: DateTime<Utc>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Alert {
    pub(crate) labels: Labels,
    annotations: Labels,
    state: String,
    pub(crate) active_at: DateTime<Utc>,
    pub(crate) keep_firing_since: Option<DateTime<Utc>>,
    value: String,
}

/// A series of an instant query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Found {
    #[serde(rename = "metric")]
    pub(crate) labels: Labels,
    /// Seconds, and the value as text.
    pub(crate) value: (f64, String),
}

/// A series of a range query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FoundRange {
    #[serde(rename = "metric")]
    pub(crate) labels: Labels,
    pub(crate) values: Vec<(f64, String)>,
}

/// Of a group, all but the times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupFace {
    interval: f64,
    limit: i64,
    /// Kinds and names, in order.
    rules: Vec<String>,
}

/// Of a rule, all but the times and its alerts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RuleFace {
    kind: String,
    query: String,
    labels: Option<Labels>,
    annotations: Option<Labels>,
    state: Option<String>,
    duration: Option<f64>,
    keep_firing_for: Option<f64>,
    health: String,
    last_error: Option<String>,
}

/// Of an alert, all but the times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AlertFace {
    state: String,
    value: String,
    is_kept: bool,
    annotations: Labels,
}

/// The groups of the file, from the data of `/api/v1/rules`.
pub(crate) fn groups(data: &Value) -> Vec<Group> {
    let groups: Vec<Group> = read(&data["groups"]);
    let is_ours = |group: &Group| group.file.rsplit('/').next() == Some(FILE);
    groups.into_iter().filter(is_ours).collect()
}

/// # Panics
/// When it is something else.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> T {
    T::deserialize(value).unwrap_or_else(|error| panic!("{error}: {value}"))
}

impl Group {
    pub(crate) fn face(&self) -> GroupFace {
        let rules = self.rules.iter().map(|rule| format!("{} {}", rule.kind, rule.name)).collect();
        GroupFace { interval: self.interval, limit: self.limit, rules }
    }
}

impl Rule {
    /// What is compared of it, and its alerts.
    pub(crate) fn face(self, known: &mut Known) -> (RuleFace, Vec<Alert>) {
        let Self { kind, name: _, query, labels, annotations, state, duration, keep_firing_for, alerts, .. } = self;
        let (health, last_error) = (self.health, self.last_error);
        let labels = if kind == "recording" { known.labels_of_recording(labels) } else { labels };
        let face = RuleFace { kind, query, labels, annotations, state, duration, keep_firing_for, health, last_error };
        (face, alerts.unwrap_or_default())
    }
}

impl Alert {
    pub(crate) fn face(self) -> AlertFace {
        let Self { annotations, state, value, keep_firing_since, .. } = self;
        AlertFace { state, value, is_kept: keep_firing_since.is_some(), annotations }
    }
}
