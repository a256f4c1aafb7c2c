//! A rule as it is shown, now and as it was.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{ToSchema, openapi::Object};
use uuid::Uuid;
use vigil_domain::{Labels, Span, alert::Annotations, rule::Threshold};
use vigil_store::{
    entity::rule_version,
    rules::{Change, RuleRow, Snapshot},
};

use super::{healths, input::comparisons, kinds, word};

/// What a client writes of a rule, with the defaults filled in.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleFields {
    #[schema(example = "HighCpu")]
    name: String,
    /// As written.
    #[schema(example = "node_load1")]
    expr: String,
    #[schema(required)]
    threshold: Option<ThresholdOut>,
    #[serde(rename = "for")]
    #[schema(value_type = String, example = "5m")]
    hold: Span,
    #[schema(value_type = String, example = "0s")]
    keep_firing_for: Span,
    /// The group's.
    #[schema(value_type = String, example = "1m")]
    interval: Span,
    #[schema(required)]
    group: Option<String>,
    #[schema(value_type = BTreeMap<String, String>, example = json!({"severity": "critical"}))]
    labels: Labels,
    #[schema(value_type = BTreeMap<String, String>, example = json!({"summary": "the CPU is busy"}))]
    annotations: Annotations,
    #[schema(required, example = "critical")]
    severity: Option<String>,
    #[schema(required)]
    server_id: Option<Uuid>,
    channel_ids: Vec<Uuid>,
    #[schema(value_type = String, example = "4h")]
    repeat_interval: Span,
    is_active: bool,
    /// By its own word; `in_shadow` says what comes of it, its group's and its namespace's.
    shadow: bool,
}

/// The plain condition.
#[derive(Serialize, ToSchema)]
pub(crate) struct ThresholdOut {
    #[schema(schema_with = comparisons)]
    op: &'static str,
    #[schema(example = 90)]
    value: f64,
}

impl From<Threshold> for ThresholdOut {
    fn from(Threshold { op, value }: Threshold) -> Self {
        Self { op: op.as_str(), value }
    }
}

impl From<Snapshot> for RuleFields {
    fn from(rule: Snapshot) -> Self {
        let Snapshot { name, expr, threshold, hold, keep_firing_for, interval, group, .. } = rule;
        let Snapshot {
            labels, annotations, severity, server_id, channel_ids, repeat_interval, is_active, shadow, ..
        } = rule;
        let threshold = threshold.map(ThresholdOut::from);
        Self {
            name,
            expr,
            threshold,
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
            shadow,
        }
    }
}

/// A rule.
#[derive(Serialize, ToSchema)]
#[schema(as = Rule)]
pub(crate) struct RuleOut {
    pub(super) id: Uuid,
    /// Recording rules come from rule files only.
    #[schema(schema_with = kinds)]
    kind: String,
    /// The rule file it came from; `vigil` for what the API made.
    #[schema(example = "vigil")]
    namespace: String,
    /// Whether its rule file owns it: then it is changed by importing that again.
    read_only: bool,
    /// Whether it is in shadow: by itself, its group or its namespace. Then nobody is told, and nothing is written to the
    /// data source.
    in_shadow: bool,
    #[serde(flatten)]
    fields: RuleFields,
    /// Who made it.
    #[schema(required)]
    owner_id: Option<Uuid>,
    /// What the data source is asked.
    #[schema(example = "(node_load1) > 90")]
    effective_expr: String,
    /// How its last evaluation went.
    #[schema(schema_with = healths)]
    health: String,
    /// Why that failed.
    #[schema(required)]
    last_error: Option<String>,
    /// When its group was last evaluated.
    #[schema(required)]
    last_evaluation: Option<DateTime<Utc>>,
    /// The worst of its alerts.
    #[schema(schema_with = states)]
    state: String,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

fn states() -> Object {
    word(["firing", "pending", "inactive", "unknown"])
}

impl From<RuleRow> for RuleOut {
    fn from(row: RuleRow) -> Self {
        let fields = Snapshot::of(&row.rule, &row.group).into();
        let RuleRow { rule, group, state, shadow } = row;
        let quiet = if rule.health == "unknown" { "unknown" } else { "inactive" };
        Self {
            id: rule.id,
            kind: rule.kind,
            namespace: group.namespace,
            read_only: group.from_file,
            in_shadow: shadow.is_on(),
            fields,
            owner_id: rule.owner_id,
            effective_expr: rule.effective_expr,
            health: rule.health,
            last_error: rule.last_error,
            last_evaluation: group.evaluated_at,
            state: state.unwrap_or_else(|| quiet.to_owned()),
            version: rule.version,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }
    }
}

/// A rule as one edit left it.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleVersion)]
pub(crate) struct VersionOut {
    pub(super) version: i32,
    #[schema(schema_with = changes)]
    change: String,
    /// Who did it.
    #[schema(required)]
    changed_by: Option<Uuid>,
    changed_at: DateTime<Utc>,
    rule: RuleFields,
}

fn changes() -> Object {
    word([Change::Created, Change::Updated, Change::Deleted].map(Change::as_str))
}

impl TryFrom<rule_version::Model> for VersionOut {
    type Error = serde_json::Error;

    fn try_from(row: rule_version::Model) -> Result<Self, Self::Error> {
        let rule = serde_json::from_value::<Snapshot>(row.snapshot)?.into();
        let rule_version::Model { version, change, changed_by, changed_at, .. } = row;
        Ok(Self { version, change, changed_by, changed_at, rule })
    }
}
