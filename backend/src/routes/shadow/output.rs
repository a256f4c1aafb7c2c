//! A comparison as it is shown.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{Object, Type, schema::SchemaType},
};
use uuid::Uuid;
use vigil_domain::{
    Labels, Span,
    id::RuleId,
    shadow::{Episode, Finding, Reason, Report, Scope, Tally, Verdict, tolerance},
};
use vigil_store::rules::{RuleRow, interval_of};

use super::states;
use crate::routes::events::word;

/// How the alerts of rules in shadow agree with those of the Prometheus that still pages.
#[derive(Serialize, ToSchema)]
#[schema(as = ShadowReport)]
pub(crate) struct ReportOut {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// Which state was compared.
    #[schema(schema_with = states)]
    state: &'static str,
    /// How many rules were compared.
    #[schema(minimum = 0)]
    rules_compared: usize,
    /// Those of which nothing differs.
    #[schema(minimum = 0)]
    rules_clean: usize,
    /// All alerts together.
    summary: TallyOut,
    /// Rules of which an alert was in the state on either side.
    rules: Vec<ComparedOut>,
    /// Each time an alert was in the state, on either side or both: by rule, then by labels, then by time.
    alerts: Vec<FindingOut>,
    /// Without a filter: names of alerts that are there and that no rule here has.
    unknown: Vec<UnknownOut>,
    /// What the data source has to say about its answer.
    warnings: Vec<String>,
}

/// How often each verdict was given.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = ShadowTally)]
pub(crate) struct TallyOut {
    #[schema(minimum = 0)]
    same: usize,
    /// On both sides, but not at the same time.
    #[schema(minimum = 0)]
    shifted: usize,
    #[schema(minimum = 0)]
    only_here: usize,
    #[schema(minimum = 0)]
    only_there: usize,
}

/// A rule that was compared.
#[derive(Serialize, ToSchema)]
#[schema(as = ShadowRule)]
pub(crate) struct ComparedOut {
    rule_id: Uuid,
    #[schema(example = "HighCpu")]
    name: String,
    #[schema(example = "node.yml")]
    namespace: String,
    #[schema(required, example = "node")]
    group: Option<String>,
    /// How far apart two beginnings, or two ends, of the same may be.
    #[schema(value_type = String, example = "2m1s")]
    tolerance: Span,
    alerts: TallyOut,
}

/// One time that an alert was in the state.
#[derive(Serialize, ToSchema)]
#[schema(as = ShadowAlert)]
pub(crate) struct FindingOut {
    rule_id: Uuid,
    /// Those that count.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"alertname": "HighCpu", "instance": "web-1:9100"}))]
    labels: Labels,
    #[schema(schema_with = verdicts)]
    verdict: &'static str,
    /// When it was in the state here.
    #[schema(required)]
    here: Option<EpisodeOut>,
    /// When it was there.
    #[schema(required)]
    there: Option<EpisodeOut>,
    /// How much later it began here, in seconds; `null` when it did on one side only, or before `from` on both.
    #[schema(required, example = -3.25)]
    began_later_seconds: Option<f64>,
    /// How much later it ended here, in seconds; `null` unless it ended on both sides.
    #[schema(required, example = 11.75)]
    ended_later_seconds: Option<f64>,
    /// Why they differ, if they do.
    #[schema(schema_with = reasons, required = true)]
    reason: Option<&'static str>,
    /// The same in words.
    #[schema(required, example = "the other side has it with other values of instance")]
    detail: Option<String>,
}

/// A time within `from` and `to`.
#[derive(Serialize, ToSchema)]
#[schema(as = ShadowEpisode)]
pub(crate) struct EpisodeOut {
    /// `from` for what began before; there the first sample.
    begin: DateTime<Utc>,
    /// `null`: it still was in the state at `to`. There an interval after the last sample.
    #[schema(required)]
    end: Option<DateTime<Utc>>,
}

/// A name that no rule here has.
#[derive(Serialize, ToSchema)]
#[schema(as = ShadowUnknown)]
pub(crate) struct UnknownOut {
    #[schema(example = "Watchdog")]
    name: String,
    /// How many alerts of that name there are.
    #[schema(minimum = 1)]
    alerts: usize,
}

fn verdicts() -> Object {
    word(Verdict::ALL.iter().map(|verdict| verdict.as_str()))
}

fn reasons() -> Object {
    let mut reasons = word(Reason::WORDS);
    reasons.schema_type = SchemaType::Array(vec![Type::String, Type::Null]);
    reasons.enum_values.get_or_insert_default().push(serde_json::Value::Null);
    reasons
}

impl ReportOut {
    pub(super) fn new(scope: &Scope, rules: &[RuleRow], report: Report, warnings: Vec<String>) -> Self {
        let (tally, tallies) = (report.tally(), report.by_rule());
        let known: BTreeMap<RuleId, &RuleRow> = rules.iter().map(|row| (RuleId(row.rule.id), row)).collect();
        let compared = tallies.iter().filter_map(|(id, tally)| Some(ComparedOut::new(known.get(id)?, *tally)));
        let differing = tallies.values().filter(|tally| !tally.is_clean()).count();
        let unknown = report.unknown.into_iter().map(|(name, alerts)| UnknownOut { name, alerts });
        Self {
            from: scope.window.from,
            to: scope.window.to,
            state: scope.watched.as_str(),
            rules_compared: rules.len(),
            rules_clean: rules.len() - differing,
            summary: tally.into(),
            rules: compared.collect(),
            alerts: report.findings.into_iter().map(FindingOut::from).collect(),
            unknown: unknown.collect(),
            warnings,
        }
    }
}

impl ComparedOut {
    fn new(row: &RuleRow, tally: Tally) -> Self {
        Self {
            rule_id: row.rule.id,
            name: row.rule.name.clone(),
            namespace: row.group.namespace.clone(),
            group: row.group.name.clone(),
            tolerance: tolerance(interval_of(&row.group)),
            alerts: tally.into(),
        }
    }
}

impl From<Tally> for TallyOut {
    fn from(Tally { same, shifted, only_here, only_there }: Tally) -> Self {
        Self { same, shifted, only_here, only_there }
    }
}

impl From<Finding> for FindingOut {
    fn from(finding: Finding) -> Self {
        let Finding { rule, labels, verdict, here, there, began_later_ms, ended_later_ms, reason } = finding;
        Self {
            rule_id: rule.0,
            labels,
            verdict: verdict.as_str(),
            here: here.map(EpisodeOut::from),
            there: there.map(EpisodeOut::from),
            began_later_seconds: began_later_ms.map(seconds),
            ended_later_seconds: ended_later_ms.map(seconds),
            reason: reason.as_ref().map(Reason::as_str),
            detail: reason.map(|reason| reason.to_string()),
        }
    }
}

impl From<Episode> for EpisodeOut {
    fn from(Episode { begin, end }: Episode) -> Self {
        Self { begin, end }
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finding(reason: Option<Reason>) -> Finding {
        let begin = "2026-01-01T00:00:00Z".parse().unwrap();
        Finding {
            rule: RuleId(Uuid::nil()),
            labels: Labels::from([("alertname", "Down")]),
            verdict: Verdict::OnlyHere,
            here: Some(Episode { begin, end: None }),
            there: None,
            began_later_ms: Some(-3_250),
            ended_later_ms: None,
            reason,
        }
    }

    #[test]
    fn every_field_of_a_finding_is_there() {
        let shown = |reason| serde_json::to_value(FindingOut::from(finding(reason))).unwrap();
        let mut expected = json!({
            "rule_id": "00000000-0000-0000-0000-000000000000", "labels": {"alertname": "Down"}, "verdict": "only_here",
            "here": {"begin": "2026-01-01T00:00:00Z", "end": null}, "there": null, "began_later_seconds": -3.25,
            "ended_later_seconds": null, "reason": null, "detail": null,
        });
        assert_eq!(shown(None), expected);
        expected["reason"] = json!("other_labels");
        expected["detail"] = json!("the other side has it with other values of instance");
        assert_eq!(shown(Some(Reason::OtherLabels(vec!["instance".to_owned()]))), expected);
    }
}
