//! Lines where Vigil does otherwise on its own, to the letter with `evaluation.strict_prometheus`. What only an Alertmanager sees
//! of it is in `tests/e2e/alertmanager.rs`.

use serde_json::json;
use vigil_runtime::Config;
use vigil_tests::labels;

use crate::lab::cpu;

/// As somebody sets it who wants Prometheus: nothing is said of what is written back.
fn strict(config: &mut Config) {
    config.evaluation.strict_prometheus = true;
    config.evaluation.write_alerts = None;
}

/// As `lines!`, in labs that are strict.
macro_rules! strict_lines {
    ($($(#[$doc:meta])* async fn $name:ident($lab:ident) $body:block)+) => {
        $(mod $name {
            use super::*;

            $(#[$doc])*
            async fn line($lab: crate::lab::Lab) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn prometheus() {
                line(crate::lab::Lab::prometheus_with(strict).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                line(crate::lab::Lab::embedded_with(strict).await).await;
            }
        })+
    };
}

strict_lines! {
    /// Such a rule is taken, and each of its evaluations fails.
    async fn c9_a_matrix_or_a_string_is_an_error_of_the_rule(lab) {
        lab.has([cpu("a", 1.0)]);
        for (name, expr) in [("Range", "cpu[5m]"), ("Text", "\"text\"")] {
            let rule = lab.rule(name, expr, json!({})).await;
            lab.step().await;
            let shown = lab.shown(&rule).await;
            let reason = "rule result is not a vector or scalar";
            assert_eq!((shown.health.as_str(), shown.last_error.as_deref()), ("err", Some(reason)), "{expr}");
            assert_eq!(lab.alerts(&rule).await, [], "{expr}");
        }
    }

    /// It is taken, and does nothing.
    async fn c14_a_label_alertname_is_overridden_by_the_name_of_the_rule(lab) {
        let rule = lab.rule("Busy", "cpu", json!({"labels": {"alertname": "Other"}})).await;
        lab.has([cpu("a", 1.0)]);
        lab.step().await;
        assert_eq!(lab.alert(&rule).await.labels, labels! {alertname = "Busy", instance = "a"});
        let shown = lab.rule_of_prometheus_api("Busy").await;
        assert_eq!(shown["labels"], json!({"alertname": "Other"}));
        assert_eq!(lab.found("ALERTS").await[0].labels["alertname"], "Busy");
    }

    /// The alert has no such label, but its series have the text of the template.
    async fn c15_a_label_that_expands_to_nothing_stands_on_the_series_as_it_is_written(lab) {
        let labels = json!({"none": "{{ $labels.nope }}", "job": "{{ $labels.instance }}", "empty": ""});
        let rule = lab.rule("Busy", "cpu", json!({"labels": labels})).await;
        lab.has([cpu("a", 1.0)]);
        lab.step().await;
        assert_eq!(lab.alert(&rule).await.labels, labels! {alertname = "Busy", instance = "a", job = "a"});
        for metric in ["ALERTS", "ALERTS_FOR_STATE"] {
            let mut found = lab.found(metric).await;
            assert_eq!(found.len(), 1, "{found:?}");
            found[0].labels.remove("alertstate");
            let expected = labels! {
                __name__ = metric, alertname = "Busy", instance = "a", job = "a", none = "{{ $labels.nope }}",
            };
            assert_eq!(found[0].labels, expected);
        }
        lab.has([]);
        lab.step().await;
        assert_eq!(lab.found("ALERTS").await, [], "it ends under the same name");
        assert_eq!(lab.found("ALERTS_FOR_STATE").await, []);
    }

    /// A group of a file is another place: there the rule is another rule.
    async fn c34_a_rule_that_moves_to_another_group_begins_anew(lab) {
        for group in ["one", "other"] {
            lab.group(group, json!({})).await;
        }
        let rule = lab.rule("Busy", "cpu", json!({"group": "one"})).await;
        assert_eq!(lab.life(&rule, "xx").await, "FF");
        lab.edit(&rule, json!({"group": "other"})).await;
        assert_eq!(lab.alerts(&rule).await, []);
        assert_eq!(lab.life(&rule, "x").await, "F");
        assert_eq!(lab.alert(&rule).await.active_at, lab.now());
    }

    /// Series are written without being asked for.
    async fn c43_alerts_are_written_back_as_a_matter_of_course(lab) {
        lab.rule("Busy", "cpu", json!({})).await;
        lab.has([cpu("a", 1.0)]);
        lab.step().await;
        assert_eq!(lab.found("ALERTS == 1").await.len(), 1);
    }

    /// A removed rule's series end as ever, named as they were.
    async fn c44_stale_markers_end_what_a_removed_rule_had(lab) {
        let labels = json!({"none": "{{ $labels.nope }}"});
        let rule = lab.rule("Busy", "cpu", json!({"labels": labels})).await;
        lab.has([cpu("a", 1.0)]);
        lab.steps(2).await;
        assert_eq!(lab.found("ALERTS").await.len(), 1);
        assert_eq!(lab.app.api.delete(&format!("/rules/{rule}")).await.status, 204);
        lab.steps(2).await;
        assert_eq!(lab.found("ALERTS").await, []);
        assert_eq!(lab.found("ALERTS_FOR_STATE").await, []);
    }
}
