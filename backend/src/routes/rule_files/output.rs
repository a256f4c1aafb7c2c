//! What an import does, and which files there are.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{ToSchema, openapi::Object};
use uuid::Uuid;
use vigil_domain::{
    rule::RuleKind,
    rule_file::{Action, Difference, Finding, GroupPlan, Plan, RulePlan},
};
use vigil_store::rules::files::FileRow;

use crate::routes::events::word;

/// A namespace of rule groups.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleFile)]
pub(crate) struct FileOut {
    #[schema(example = "node.yml")]
    namespace: String,
    /// Rule groups; a rule without a named group is one of its own.
    #[schema(minimum = 0)]
    groups: i64,
    /// All of them.
    #[schema(minimum = 0)]
    rules: i64,
    #[schema(minimum = 0)]
    alerting_rules: i64,
    #[schema(minimum = 0)]
    recording_rules: i64,
    /// Whether only the next import changes them.
    read_only: bool,
    /// Whether all its rules are in shadow: evaluated and recorded, while nobody is told.
    shadow: bool,
    /// The last import.
    #[schema(required)]
    imported_at: Option<DateTime<Utc>>,
    /// Who did it.
    #[schema(required)]
    imported_by: Option<Uuid>,
    created_at: DateTime<Utc>,
}

impl From<FileRow> for FileOut {
    fn from(FileRow { file, groups, alerting, recording, is_read_only }: FileRow) -> Self {
        Self {
            namespace: file.namespace,
            groups,
            rules: alerting + recording,
            alerting_rules: alerting,
            recording_rules: recording,
            read_only: is_read_only,
            shadow: file.is_shadow,
            imported_at: file.imported_at,
            imported_by: file.imported_by,
            created_at: file.created_at,
        }
    }
}

/// What an import changed, or would.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleFilePlan)]
pub(crate) struct PlanOut {
    #[schema(example = "node.yml")]
    namespace: String,
    /// Whether nothing was changed.
    dry_run: bool,
    #[schema(minimum = 0)]
    groups_added: usize,
    /// Those that are not as they were, or stand elsewhere, whatever happens to their rules.
    #[schema(minimum = 0)]
    groups_changed: usize,
    #[schema(minimum = 0)]
    groups_removed: usize,
    #[schema(minimum = 0)]
    groups_unchanged: usize,
    #[schema(minimum = 0)]
    rules_added: usize,
    /// Those that only moved among them.
    #[schema(minimum = 0)]
    rules_changed: usize,
    #[schema(minimum = 0)]
    rules_removed: usize,
    #[schema(minimum = 0)]
    rules_unchanged: usize,
    /// What differs of the namespace itself: `shadow`.
    diff: Vec<DifferenceOut>,
    /// Groups, each before its rules, in the file's order; then what goes.
    changes: Vec<ChangeOut>,
    /// What the file says that nobody heeds.
    warnings: Vec<WarningOut>,
}

/// What happens to a group or a rule.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleFileChange)]
pub(crate) struct ChangeOut {
    #[schema(example = "node")]
    group: String,
    /// `null` when it is the group itself.
    #[schema(required, example = "HighCpu")]
    rule: Option<String>,
    #[schema(schema_with = kinds)]
    kind: &'static str,
    #[schema(schema_with = actions)]
    action: &'static str,
    /// What differs of something that stays.
    diff: Vec<DifferenceOut>,
}

/// A field that changes.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleFileDifference)]
pub(crate) struct DifferenceOut {
    /// As in the file; `labels.severity`, `annotations.summary` and so on one by one. Besides `position` from 1, and
    /// what a file has no word for: `channel_ids`, `is_active`.
    #[schema(example = "expr")]
    field: String,
    #[schema(required, example = "up == 0")]
    before: Option<String>,
    #[schema(required, example = "up < 1")]
    after: Option<String>,
}

/// Something in a file that does nothing.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleFileWarning)]
pub(crate) struct WarningOut {
    /// From 1.
    #[schema(minimum = 1)]
    line: usize,
    /// From 1, in characters.
    #[schema(minimum = 1)]
    column: usize,
    #[schema(required)]
    group: Option<String>,
    #[schema(required)]
    rule: Option<String>,
    message: String,
}

const GROUP: &str = "group";

fn kinds() -> Object {
    word([GROUP, RuleKind::Alerting.as_str(), RuleKind::Recording.as_str()])
}

fn actions() -> Object {
    word(Action::ALL.map(Action::as_str))
}

impl PlanOut {
    pub(super) fn new(namespace: String, dry_run: bool, plan: &Plan, warnings: &[Finding]) -> Self {
        let (groups, rules) = (plan.groups(), plan.rules());
        Self {
            namespace,
            dry_run,
            groups_added: groups.added,
            groups_changed: groups.changed,
            groups_removed: groups.removed,
            groups_unchanged: groups.unchanged,
            rules_added: rules.added,
            rules_changed: rules.changed,
            rules_removed: rules.removed,
            rules_unchanged: rules.unchanged,
            diff: differences(&plan.diff),
            changes: plan.groups.iter().flat_map(changes).collect(),
            warnings: warnings.iter().map(WarningOut::from).collect(),
        }
    }
}

fn changes(group: &GroupPlan) -> impl Iterator<Item = ChangeOut> {
    let itself = group.action().map(|action| ChangeOut {
        group: group.name.clone(),
        rule: None,
        kind: GROUP,
        action: action.as_str(),
        diff: differences(&group.diff),
    });
    let rules = group.rules.iter().filter_map(|rule| change(group, rule));
    itself.into_iter().chain(rules)
}

fn change(group: &GroupPlan, rule: &RulePlan) -> Option<ChangeOut> {
    Some(ChangeOut {
        group: group.name.clone(),
        rule: Some(rule.name.clone()),
        kind: rule.kind.as_str(),
        action: rule.action()?.as_str(),
        diff: differences(&rule.diff),
    })
}

fn differences(diff: &[Difference]) -> Vec<DifferenceOut> {
    let out = |Difference { field, before, after }: &Difference| DifferenceOut {
        field: field.clone(),
        before: before.clone(),
        after: after.clone(),
    };
    diff.iter().map(out).collect()
}

impl From<&Finding> for WarningOut {
    fn from(Finding { line, column, group, rule, message }: &Finding) -> Self {
        Self {
            line: *line,
            column: *column,
            group: group.clone(),
            rule: rule.as_ref().map(|rule| rule.name.clone()),
            message: message.clone(),
        }
    }
}
