use super::*;

fn draft(expr: &str) -> RuleDraft {
    RuleDraft { name: "HighCpu".into(), expr: expr.into(), ..RuleDraft::default() }
}

fn mistakes(draft: RuleDraft) -> Vec<String> {
    draft.check().unwrap_err().into_iter().map(|mistake| mistake.field).collect()
}

#[test]
fn what_is_left_out_gets_its_default() {
    let spec = draft("up == 0").check().unwrap();
    assert_eq!((spec.hold, spec.keep_firing), (Span::ZERO, Span::ZERO));
    assert_eq!(spec.interval, Some(Span::from_secs(60)));
    assert_eq!(spec.repeat_interval, Span::from_secs(14_400));
    assert!(spec.is_active && spec.channel_ids.is_empty() && spec.severity().is_none());
    let spec = RuleDraft { interval: Some("0s".into()), ..draft("up") }.check().unwrap();
    assert_eq!(spec.interval, Some(Span::from_secs(60)));
}

#[test]
fn every_mistake_is_named_at_once() {
    let bad = RuleDraft {
        name: String::new(),
        expr: "sum(".into(),
        threshold: Some(ThresholdDraft { op: "=".into(), value: f64::NAN }),
        hold: Some("5 minutes".into()),
        keep_firing_for: Some("-1m".into()),
        interval: Some("1m".into()),
        group: Some("node".into()),
        labels: BTreeMap::from([("alertname".into(), "x".into()), ("9".into(), "x".into())]),
        repeat_interval: Some("0s".into()),
        ..RuleDraft::default()
    };
    let expected = [
        "name",
        "expr",
        "threshold.op",
        "threshold.value",
        "for",
        "keep_firing_for",
        "repeat_interval",
        "interval",
        "labels.9",
        "labels.alertname",
    ];
    assert_eq!(mistakes(bad), expected);
}

#[test]
fn a_text_that_is_no_template_is_named_with_what_is_wrong() {
    let texts = |text: &str| BTreeMap::from([("a".to_owned(), text.to_owned())]);
    let bad = RuleDraft { labels: texts("{{ .x"), annotations: texts("{{ nope }}"), ..draft("up") };
    let said: Vec<_> = bad.check().unwrap_err().into_iter().map(|mistake| (mistake.field, mistake.message)).collect();
    assert_eq!(said[0], ("labels.a".to_owned(), "template: __alert_HighCpu:1: unclosed action".to_owned()));
    let nope = "template: __alert_HighCpu:1: function \"nope\" not defined";
    assert_eq!(said[1..], [("annotations.a".to_owned(), nope.to_owned())]);
    let good = RuleDraft { annotations: texts("{{ $value | humanize }} of {{ $labels.job }}"), ..draft("up") };
    assert!(good.check().is_ok());
}

#[test]
fn a_templated_severity_is_each_alerts_own() {
    let severity = Some("{{ if gt $value 9.0 }}critical{{ else }}warning{{ end }}".to_owned());
    let spec = RuleDraft { severity: severity.clone(), ..draft("up") }.check().unwrap();
    assert_eq!((spec.severity(), spec.labels.get("severity")), (None, severity.as_deref()));
}

#[test]
fn severity_is_the_label() {
    let spec = RuleDraft { severity: Some("critical".into()), ..draft("up") }.check().unwrap();
    assert_eq!(spec.labels.get("severity"), Some("critical"));
    let labels = BTreeMap::from([("severity".to_owned(), "warning".to_owned())]);
    let spec = RuleDraft { labels: labels.clone(), ..draft("up") }.check().unwrap();
    assert_eq!(spec.severity(), Some("warning"));
    assert_eq!(mistakes(RuleDraft { labels, severity: Some("info".into()), ..draft("up") }), ["severity"]);
}

#[test]
fn a_threshold_compares_the_whole_expression() {
    let threshold = |value| Some(ThresholdDraft { op: ">".into(), value });
    for (expr, value, effective) in [
        ("cpu", 90.0, "(cpu) > 90"),
        ("a + b", -2.5, "(a + b) > -2.5"),
        ("a or b", 1e21, "(a or b) > 1000000000000000000000"),
        ("cpu # busy", 1.0, "(cpu) > 1"),
    ] {
        let spec = RuleDraft { threshold: threshold(value), ..draft(expr) }.check().unwrap();
        assert_eq!(spec.effective_expr(None).unwrap(), effective);
    }
}

#[test]
fn a_server_is_tied_inside_the_threshold() {
    let server = Labels::from([("instance", "web-1:9100")]);
    let rule = RuleDraft {
        threshold: Some(ThresholdDraft { op: ">=".into(), value: 1.0 }),
        server_id: Some(ServerId::random()),
        ..draft("a or b")
    };
    let effective = rule.check().unwrap().effective_expr(Some(&server)).unwrap();
    assert_eq!(effective, r#"(a{instance="web-1:9100"} or b{instance="web-1:9100"}) >= 1"#);
    assert_eq!(mistakes(RuleDraft { server_id: Some(ServerId::random()), ..draft("vector(1)") }), ["expr"]);
}

#[test]
fn a_range_vector_or_a_string_cannot_be_a_rule() {
    assert_eq!(mistakes(draft("x[5m]")), ["expr"]);
    assert_eq!(mistakes(draft("\"x\"")), ["expr"]);
}

#[test]
fn what_would_do_nothing_is_taken_when_prometheus_takes_it() {
    let labels = BTreeMap::from([("alertname".to_owned(), "Other".to_owned())]);
    for idle in [draft("x[5m]"), draft("\"x\""), RuleDraft { labels, ..draft("x") }] {
        assert!(idle.clone().check_with(Deviations::Dropped).is_ok(), "{idle:?}");
        assert!(idle.clone().check_with(Deviations::Kept).is_err(), "{idle:?}");
        assert_eq!(idle.clone().check(), idle.check_with(Deviations::Kept));
    }
    assert!(draft("sum(").check_with(Deviations::Dropped).is_err());
}

#[test]
fn a_label_without_text_is_kept_and_takes_the_series_own_away() {
    let labels = BTreeMap::from([("job".to_owned(), String::new())]);
    let spec = RuleDraft { labels: labels.clone(), ..draft("up") }.check().unwrap();
    assert_eq!(spec.labels.written(), &labels);
}

#[test]
fn intervals_have_bounds() {
    for (interval, good) in [("1s", true), ("500ms", false), ("1500ms", false), ("7d", true), ("8d", false)] {
        let checked = RuleDraft { interval: Some(interval.into()), ..draft("up") }.check();
        assert_eq!(checked.is_ok(), good, "{interval}");
    }
}

#[test]
fn a_group_is_checked_like_its_rules() {
    let group = GroupDraft { name: "node".into(), ..GroupDraft::default() }.check().unwrap();
    assert_eq!((group.interval, group.limit, group.query_offset), (DEFAULT_INTERVAL, 0, None));
    let zero = GroupDraft { name: "node".into(), interval: Some("0s".into()), ..GroupDraft::default() };
    assert_eq!(zero.check().unwrap().interval, DEFAULT_INTERVAL);
    let bad = GroupDraft {
        name: " ".into(),
        interval: Some("500ms".into()),
        limit: Some(-1),
        query_offset: Some("8d".into()),
        ..GroupDraft::default()
    };
    let fields: Vec<_> = bad.check().unwrap_err().into_iter().map(|mistake| mistake.field).collect();
    assert_eq!(fields, ["name", "interval", "limit", "query_offset"]);
}
