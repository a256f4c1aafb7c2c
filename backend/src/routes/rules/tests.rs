use uuid::Uuid;
use vigil_domain::{Labels, Span, alert::Annotations, id::ChannelId, rule::RuleDraft, shadow::Shadow};

use super::*;

fn row(group: Option<&str>) -> RuleRow {
    let now: vigil_domain::Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    let id = Uuid::nil();
    RuleRow {
        rule: vigil_store::entity::rule::Model {
            id,
            group_id: id,
            position: 0,
            kind: "alerting".to_owned(),
            name: "HighCpu".to_owned(),
            expr: "cpu".to_owned(),
            effective_expr: "(cpu) > 90".to_owned(),
            threshold_op: Some(">".to_owned()),
            threshold_value: Some(90.0),
            hold_ms: 300_000,
            keep_firing_ms: 0,
            labels: Labels::from([("severity", "critical"), ("team", "shop")]).into(),
            annotations: Annotations::new().into(),
            severity: Some("critical".to_owned()),
            server_id: None,
            channel_ids: vec![id].into(),
            repeat_interval_ms: 14_400_000,
            is_active: true,
            is_shadow: false,
            owner_id: None,
            health: "unknown".to_owned(),
            last_error: None,
            version: 1,
            created_at: now,
            updated_at: now,
        },
        group: vigil_store::entity::rule_group::Model {
            id,
            namespace: "vigil".to_owned(),
            name: group.map(str::to_owned),
            from_file: false,
            is_shadow: false,
            position: 0,
            interval_ms: 30_000,
            interval_given: true,
            query_offset_ms: None,
            alert_limit: 0,
            labels: Labels::default().into(),
            phase_ms: 0,
            rule_count: 1,
            next_slot_ms: 0,
            evaluated_slot_ms: None,
            evaluated_at: None,
            evaluation_us: None,
            rule_times: None,
            missed_slots: 0,
            claim_slot_ms: None,
            claim_token: None,
            claim_expires_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        },
        state: None,
        shadow: Shadow { namespace: true, ..Shadow::default() },
    }
}

fn patched(body: serde_json::Value, group: Option<&str>) -> RuleDraft {
    serde_json::from_value::<RulePatch>(body).unwrap().applied_to(&row(group))
}

#[test]
fn an_empty_change_changes_nothing() {
    let spec = patched(serde_json::json!({}), None).check().unwrap();
    assert_eq!((spec.name.as_str(), spec.expr.as_str()), ("HighCpu", "cpu"));
    assert_eq!(spec.threshold.map(|threshold| threshold.to_string()).as_deref(), Some("> 90"));
    assert_eq!((spec.hold, spec.interval), (Span::from_secs(300), Some(Span::from_secs(30))));
    assert_eq!(spec.labels, Labels::from([("severity", "critical"), ("team", "shop")]));
    assert_eq!(spec.channel_ids, [ChannelId(Uuid::nil())]);
    assert_eq!(spec.repeat_interval, Span::from_secs(14_400));
}

#[test]
fn null_clears_to_the_default() {
    let body = serde_json::json!({"threshold": null, "for": null, "severity": null, "channel_ids": null,
        "repeat_interval": null, "interval": null});
    let spec = patched(body, None).check().unwrap();
    assert_eq!((spec.threshold, spec.hold), (None, Span::ZERO));
    assert_eq!(spec.labels, Labels::from([("team", "shop")]));
    assert!(spec.channel_ids.is_empty());
    assert_eq!(spec.interval, Some(Span::from_secs(60)));
}

#[test]
fn severity_stays_when_other_labels_are_replaced() {
    let severity = |body| patched(body, None).check().map(|spec| spec.severity().map(str::to_owned));
    assert_eq!(severity(serde_json::json!({"labels": {"team": "ops"}})), Ok(Some("critical".to_owned())));
    assert_eq!(severity(serde_json::json!({"labels": {"severity": "info"}})), Ok(Some("info".to_owned())));
    assert_eq!(severity(serde_json::json!({"severity": "warning"})), Ok(Some("warning".to_owned())));
    assert_eq!(severity(serde_json::json!({"severity": null, "labels": {}})), Ok(None));
    let twice = severity(serde_json::json!({"severity": "a", "labels": {"severity": "b"}}));
    assert_eq!(twice.unwrap_err()[0].field, "severity");
}

#[test]
fn an_interval_beside_a_group_is_refused_and_moving_between_groups_is_not() {
    let mistakes = patched(serde_json::json!({"interval": "15s"}), Some("node")).check().unwrap_err();
    assert_eq!(mistakes[0].field, "interval");
    let joined = patched(serde_json::json!({"group": "node"}), None).check().unwrap();
    assert_eq!((joined.group.as_deref(), joined.interval), (Some("node"), None));
    let left = patched(serde_json::json!({"group": null, "interval": "15s"}), Some("node")).check().unwrap();
    assert_eq!((left.group, left.interval), (None, Some(Span::from_secs(15))));
}

#[test]
fn a_name_cannot_be_cleared_and_unknown_fields_are_refused() {
    assert!(serde_json::from_value::<RulePatch>(serde_json::json!({"name": null})).is_err());
    assert!(serde_json::from_value::<RulePatch>(serde_json::json!({"version": 3})).is_err());
}

#[test]
fn a_change_of_shadow_alone_is_known_from_others() {
    let only = |body| serde_json::from_value::<RulePatch>(body).unwrap().only_shadow();
    assert_eq!(only(serde_json::json!({"shadow": true})), Some(true));
    assert_eq!(only(serde_json::json!({"shadow": false, "for": null})), None);
    assert_eq!(only(serde_json::json!({})), None);
    assert!(patched(serde_json::json!({"shadow": true, "for": "1m"}), None).check().unwrap().is_shadow);
    assert!(serde_json::from_value::<RulePatch>(serde_json::json!({"shadow": null})).is_err());
}

#[test]
fn a_rule_shows_its_own_word_and_what_comes_of_all() {
    let shown = serde_json::to_value(RuleOut::from(row(None))).unwrap();
    assert_eq!((&shown["shadow"], &shown["in_shadow"]), (&serde_json::json!(false), &serde_json::json!(true)));
}

#[test]
fn a_rule_never_evaluated_is_of_unknown_state() {
    let shown = serde_json::to_value(RuleOut::from(row(Some("node")))).unwrap();
    for (field, value) in [
        ("state", "unknown"),
        ("for", "5m"),
        ("interval", "30s"),
        ("group", "node"),
        ("repeat_interval", "4h"),
        ("severity", "critical"),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert_eq!(shown["threshold"], serde_json::json!({"op": ">", "value": 90.0}));
    let firing = RuleOut::from(RuleRow { state: Some("firing".to_owned()), ..row(None) });
    assert_eq!(serde_json::to_value(firing).unwrap()["state"], "firing");
}
