//! C30, C31 and C34: what outlives its series, what begins anew, and what an edit keeps.

use serde_json::json;
use vigil_tests::labels;

use crate::lab::cpu;

lines! {
    async fn c30_keep_firing_for_keeps_a_firing_alert_and_only_that(lab) {
        let rule = lab.rule("Busy", "cpu", json!({"for": "1s", "keep_firing_for": "3s"})).await;
        assert_eq!(lab.life(&rule, "x.").await, "p-", "pending is not kept");
        assert_eq!(lab.life(&rule, "xx....").await, "pFkkk-", "while it is gone for less than that");
        assert_eq!(lab.life(&rule, "xx..x....").await, "pFkkFkkk-", "a return starts over");
        let resolved = lab.events(&rule).await.pop().expect("events");
        assert_eq!((resolved.state.as_str(), resolved.evaluated_at), ("resolved", lab.now()));
        assert_eq!(lab.heard(), 4, "two that fired, two ends");
    }

    /// Value and annotations are those of the last evaluation that saw it.
    async fn c30_what_is_kept_is_frozen(lab) {
        let more = json!({"keep_firing_for": "1h", "annotations": {"v": "{{ $value }}"}});
        let rule = lab.rule("Busy", "cpu", more).await;
        lab.has([cpu("a", 1.0)]);
        lab.step().await;
        let firing = lab.alert(&rule).await;
        assert_eq!(firing.keep_firing_since, None);
        lab.has([]);
        lab.step().await;
        let since = lab.now();
        for _ in 0..3 {
            let kept = lab.alert(&rule).await;
            assert_eq!(kept.keep_firing_since, Some(since));
            assert_eq!((kept.value.as_str(), kept.annotations["v"].as_str()), ("1e+00", "1"));
            assert_eq!((kept.state.as_str(), kept.starts_at), ("firing", firing.starts_at));
            assert_eq!(lab.found(r#"ALERTS{alertstate="firing"}"#).await.len(), 1);
            lab.step().await;
        }
        lab.has([cpu("a", 2.0)]);
        lab.step().await;
        let back = lab.alert(&rule).await;
        assert_eq!((back.keep_firing_since, back.value.as_str(), back.starts_at), (None, "2e+00", firing.starts_at));
    }

    /// What resolved is then not spoken of any more. (A channel of Vigil hears of each beginning and each end once; only an
    /// Alertmanager is told for 15 minutes.)
    async fn c31_what_fires_again_is_a_new_alert(lab) {
        let rule = lab.rule("Busy", "cpu", json!({"for": "1s"})).await;
        assert_eq!(lab.life(&rule, "xx.").await, "pF-");
        let resolved = lab.events(&rule).await.pop().expect("events");
        assert_eq!(lab.life(&rule, "xx").await, "pF");
        let again = lab.alert(&rule).await;
        assert_eq!((again.active_at, again.starts_at), (lab.ago(1), Some(lab.now())));
        assert!(resolved.starts_at < again.starts_at);
        lab.steps(3).await;
        assert_eq!(lab.heard(), 3, "{:?}", lab.app.heard());
    }

    async fn c34_an_edited_expression_for_or_annotation_keeps_the_alert(lab) {
        let rule = lab.rule("Busy", "cpu > 90", json!({"for": "1s", "annotations": {"s": "old"}})).await;
        assert_eq!(lab.life(&rule, "xx").await, "pF");
        let before = lab.alert(&rule).await;
        for change in [
            json!({"expr": "cpu > 80"}),
            json!({"for": "0s"}),
            json!({"keep_firing_for": "5s"}),
            json!({"annotations": {"s": "new"}}),
        ] {
            lab.edit(&rule, change).await;
            assert_eq!(lab.life(&rule, "x").await, "F");
        }
        let after = lab.alert(&rule).await;
        assert_eq!((after.active_at, after.starts_at), (before.active_at, before.starts_at));
        assert_eq!(after.annotations["s"], "new");
        assert_eq!((lab.events(&rule).await.len(), lab.heard()), (2, 1));
    }

    /// What the rule was called before is not kept, whatever `keep_firing_for` says.
    async fn c34_keep_firing_for_keeps_nothing_under_a_former_name(lab) {
        let rule = lab.rule("Busy", "cpu", json!({"keep_firing_for": "1h"})).await;
        assert_eq!(lab.life(&rule, "x").await, "F");
        lab.edit(&rule, json!({"name": "Busier"})).await;
        assert_eq!(lab.alerts(&rule).await, [], "it is over with the edit");
        assert_eq!(lab.life(&rule, "x").await, "F");
        assert_eq!(lab.alert(&rule).await.labels, labels! {alertname = "Busier", instance = "a"});
        assert_eq!(lab.life(&rule, ".").await, "k");
    }

    /// Prometheus forgets the old alert without a word; for Vigil it ends with the edit, which is an event and is told.
    async fn c34_an_edited_name_or_label_begins_anew(lab) {
        let rule = lab.rule("Busy", "cpu", json!({"labels": {"team": "a"}})).await;
        assert_eq!(lab.life(&rule, "x").await, "F");
        for (change, old, new) in [
            (json!({"labels": {"team": "b"}}), r#"{team="a"}"#, r#"{team="b"}"#),
            (json!({"name": "Busier"}), r#"{alertname="Busy"}"#, r#"{alertname="Busier"}"#),
        ] {
            lab.edit(&rule, change).await;
            assert_eq!(lab.life(&rule, "x").await, "F");
            let alert = lab.alert(&rule).await;
            assert_eq!((alert.active_at, alert.starts_at), (lab.now(), Some(lab.now())), "{new}");
            for metric in ["ALERTS", "ALERTS_FOR_STATE"] {
                assert_eq!(lab.found(&format!("{metric}{old}")).await, [], "stale");
                assert_eq!(lab.found_at(&format!("{metric}{old}"), lab.ago(1)).await.len(), 1);
                assert_eq!(lab.found(&format!("{metric}{new}")).await.len(), 1);
            }
        }
        let events = lab.events(&rule).await;
        let ended = events.into_iter().filter(|event| event.state == "resolved" && event.reason == "rule_changed");
        let expected = ["a", "b"].map(|team| labels! {alertname = "Busy", instance = "a", team = team});
        assert_eq!(ended.map(|event| event.labels).collect::<Vec<_>>(), expected);
    }
}
