//! C13 to C17: what an alert is called.

use serde_json::json;
use vigil_tests::{app::text, labels};

use crate::lab::{cpu, series};

lines! {
    /// The metric's name is no label of the alert, but templates know it.
    async fn c13_the_name_of_the_metric_is_for_templates_only(lab) {
        let annotations = json!({"metric": "{{ $labels.__name__ }}"});
        let rule = lab.rule("Busy", "cpu", json!({"annotations": annotations})).await;
        lab.has([cpu("a", 1.0)]);
        lab.step().await;
        let alert = lab.alert(&rule).await;
        assert_eq!(alert.labels, labels! {alertname = "Busy", instance = "a"});
        assert_eq!(alert.annotations["metric"], "cpu");
    }

    /// The rule's labels over the series', the rule's name over everything.
    async fn c14_rule_labels_override_and_the_name_of_the_rule_wins(lab) {
        let labels = json!({"severity": "high", "team": "ops"});
        let rule = lab.rule("Busy", "cpu", json!({"labels": labels})).await;
        let names = [("__name__", "cpu"), ("alertname", "Theirs"), ("severity", "low"), ("instance", "a")];
        lab.has([series(names, 1.0)]);
        lab.step().await;
        let expected = labels! {alertname = "Busy", instance = "a", severity = "high", team = "ops"};
        assert_eq!(lab.alert(&rule).await.labels, expected);
    }

    /// A group's labels lie under its rules'.
    async fn c14_labels_of_a_group_apply_below_those_of_the_rule(lab) {
        let file = r#"groups:
- name: filed
  interval: 1s
  labels: {instance: group, team: group, tier: group}
  rules: [{alert: Filed, expr: cpu, labels: {tier: "{{ $labels.instance }}"}}]
"#;
        lab.app.api.import("filed", "", file).await.ok();
        let rules = lab.app.api.get("/rules?q=Filed").await.ok();
        lab.has([cpu("a", 1.0)]);
        lab.step().await;
        let alert = lab.alert(&text(&rules["items"][0], "id")).await;
        assert_eq!(alert.labels, labels! {alertname = "Filed", instance = "group", team = "group", tier = "a"});
    }

    /// A label of the rule without text takes the series' own away, as in a file.
    async fn c14_a_label_without_text_takes_the_series_own_away(lab) {
        let rule = lab.rule("Busy", "cpu", json!({"labels": {"instance": "", "none": ""}})).await;
        lab.has([cpu("a", 1.0)]);
        lab.step().await;
        assert_eq!(lab.alert(&rule).await.labels, labels! {alertname = "Busy"});
    }

    /// Prometheus takes a rule with a label `alertname` and ignores the label. Vigil refuses what would do nothing.
    async fn c14_a_rule_cannot_set_alertname(lab) {
        let rule = json!({"name": "Busy", "expr": "cpu", "labels": {"alertname": "Other"}});
        let refused = lab.app.api.post("/rules", rule).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec!["labels.alertname"]));
    }

    /// A label whose template comes to nothing is none, on the alert and on its series. (Prometheus writes the text of the
    /// template on `ALERTS`.)
    async fn c15_a_label_that_expands_to_nothing_is_absent(lab) {
        let labels = json!({"none": "{{ $labels.nope }}", "instance": "{{ $labels.nope }}", "job": "{{ $labels.instance }}"});
        let rule = lab.rule("Busy", "cpu", json!({"labels": labels})).await;
        lab.has([cpu("a", 1.0)]);
        lab.step().await;
        assert_eq!(lab.alert(&rule).await.labels, labels! {alertname = "Busy", job = "a"});
        for metric in ["ALERTS", "ALERTS_FOR_STATE"] {
            let mut found = lab.found(metric).await;
            assert_eq!(found.len(), 1, "{found:?}");
            found[0].labels.remove("alertstate");
            assert_eq!(found[0].labels, labels! {__name__ = metric, alertname = "Busy", job = "a"});
        }
    }

    /// A template sees the series as it was returned, whatever the rule's labels make of it.
    async fn c16_templates_see_the_labels_of_the_result_only(lab) {
        let more = json!({
            "labels": {"instance": "ours", "seen": "{{ $labels.instance }}", "team": "ops"},
            "annotations": {"seen": "{{ $labels.instance }}/{{ $labels.team }}/{{ $labels.alertname }}"},
        });
        let rule = lab.rule("Busy", "cpu", more).await;
        lab.has([cpu("theirs", 1.0)]);
        lab.step().await;
        let alert = lab.alert(&rule).await;
        assert_eq!(alert.labels, labels! {alertname = "Busy", instance = "ours", seen = "theirs", team = "ops"});
        assert_eq!(alert.annotations["seen"], "theirs//");
    }

    /// External labels are in `$externalLabels`, and nowhere on rules, alerts and series: these belong to what is sent.
    async fn c17_external_labels_are_not_on_rules_alerts_and_series(lab) {
        let more = json!({
            "labels": {"from": "{{ $externalLabels.region }}"},
            "annotations": {"regions": "{{ $labels.region }}/{{ $externalLabels.region }}/{{ .ExternalLabels.nope }}"},
        });
        let rule = lab.rule("Busy", "cpu", more).await;
        let of_region = series([("__name__", "cpu"), ("instance", "b"), ("region", "us")], 1.0);
        lab.has([cpu("a", 1.0), of_region]);
        lab.step().await;
        let alerts = lab.alerts(&rule).await;
        let expected = [
            labels! {alertname = "Busy", from = "eu", instance = "a"},
            labels! {alertname = "Busy", from = "eu", instance = "b", region = "us"},
        ];
        assert_eq!([&alerts[0].labels, &alerts[1].labels], [&expected[0], &expected[1]]);
        assert_eq!(alerts[0].annotations["regions"], "/eu/");
        assert_eq!(alerts[1].annotations["regions"], "us/eu/");
        let shown = lab.rule_of_prometheus_api("Busy").await;
        assert_eq!(shown["labels"], json!({"from": "{{ $externalLabels.region }}"}));
        for metric in ["ALERTS", "ALERTS_FOR_STATE"] {
            let found = lab.found(metric).await;
            let regions: Vec<_> = found.iter().map(|series| series.labels.get("region").map(String::as_str)).collect();
            assert_eq!(regions, [None, Some("us")], "{found:?}");
        }
    }
}
