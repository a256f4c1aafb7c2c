//! Prometheus rule files: what is in one, read with every mistake at once and written back without loss.
//!
//! A file that is read and written again means the same: the text of each `expr` byte for byte, the order of groups
//! and rules, an explicit `query_offset: 0s` as opposed to none, and a group's labels apart from its rules'. Not kept,
//! because Prometheus does not see it either: comments, anchors, the order of labels (they are sorted, as Prometheus'
//! own tools write them) and how a duration was spelled (`90s` comes back as `1m30s`).
//!
//! [`RuleFile::parse`] refuses what Prometheus refuses, [`RuleFile::parse_to_run`] what Vigil cannot run besides, such
//! as an interval of half a second. [`plan()`] says what becomes of the rules that are there.
//!
//! Source: prometheus/prometheus `model/rulefmt/rulefmt.go`.

use std::collections::BTreeMap;

use crate::{Span, rule::RuleKind};

mod check;
mod duration;
mod expected;
mod field;
mod finding;
mod lint;
mod order;
mod places;
mod plan;
mod read;
mod runnable;
mod scalar;
mod target;
mod tree;
mod unit_test;
mod write;

pub use check::{NameScheme, TemplateCheck, TemplateOf, TemplatePart};
pub use expected::{Expected, Known, Missing, scrape_interval};
pub use finding::{Finding, Position, RuleAt};
pub use lint::{Lint, LintOptions, Remark, Severity, lint};
pub use places::{GroupPlaces, RulePlaces, places};
pub use plan::{Action, Counts, Difference, GroupPlan, Plan, PresentGroup, PresentRule, RulePlan, Step, plan};
pub use read::{ParseOptions, UnknownFields};
pub use target::{PrometheusVersion, VersionError};
pub use tree::LARGEST_FILE;
pub use unit_test::{AlertTest, ExpectedAlert, ExpectedSample, ExpressionTest, InputSeries, UnitTest, UnitTestFile};
pub use write::namespaces_to_yaml;

/// A rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFile {
    /// In file order; names are unique.
    pub groups: Vec<FileGroup>,
}

/// A group of a rule file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileGroup {
    /// Never empty.
    pub name: String,
    /// Zero is the same as no interval: the global one.
    pub interval: Span,
    /// `None` leaves it to the global `rule_query_offset`; an explicit zero overrides that.
    pub query_offset: Option<Span>,
    /// The most alerts or series one rule may yield; zero or negative is no limit.
    pub limit: i64,
    /// Added to every rule; a rule's own label of the same name wins.
    pub labels: BTreeMap<String, String>,
    /// In file order.
    pub rules: Vec<FileRule>,
}

/// A rule of a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRule {
    /// What the rule is for.
    pub kind: FileRuleKind,
    /// `PromQL` exactly as written, blank lines and comments included.
    pub expr: String,
    /// Templates in an alerting rule, plain text in a recording rule. An empty value removes the label.
    pub labels: BTreeMap<String, String>,
}

/// What a rule is for, and what only that kind of rule has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRuleKind {
    /// Alerts on every series of the result.
    Alert {
        /// The alert's name, never empty.
        name: String,
        /// `for`: how long a series must be there before it fires.
        hold: Span,
        /// `keep_firing_for`: how long a firing alert outlives its series.
        keep_firing: Span,
        /// Templates.
        annotations: BTreeMap<String, String>,
    },
    /// Writes the result back as a metric.
    Record {
        /// The metric's name, never empty.
        name: String,
    },
}

impl FileGroup {
    /// The labels that a rule of the group gives to its alerts or its series: its own over the group's.
    pub fn labels_of(&self, rule: &FileRule) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.extend(rule.labels.clone());
        labels
    }
}

impl FileRule {
    /// What the rule makes.
    pub const fn kind(&self) -> RuleKind {
        match self.kind {
            FileRuleKind::Alert { .. } => RuleKind::Alerting,
            FileRuleKind::Record { .. } => RuleKind::Recording,
        }
    }

    /// The alert's or the metric's name.
    pub fn name(&self) -> &str {
        match &self.kind {
            FileRuleKind::Alert { name, .. } | FileRuleKind::Record { name } => name,
        }
    }
}

#[cfg(test)]
mod tests;
