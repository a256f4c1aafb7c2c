//! Changing things while they are in use.

use std::collections::BTreeMap;

use serde_json::json;
use vigil_tests::app::{items, text};

fn labels(instance: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("instance".to_owned(), instance.to_owned())])
}

stories! {
    /// A rule tied to a server asks for that server's series only, wherever the selector stands.
    async fn a_rule_of_a_server_asks_only_for_its_series(app) {
        let server = json!({"name": "web-1", "instance": "web-1:9100", "selector": {"job": "node"}});
        let server = app.api.create("/servers", server).await;
        let threshold = json!({"server_id": server, "threshold": {"op": ">", "value": 90}});
        let rule = app.rule("HighCpu", "cpu or absent(cpu2)", threshold).await;
        app.tick("1m").await;
        let tied = r#"instance="web-1:9100",job="node""#;
        let asked = app.prometheus.asked().pop().expect("a query").expr;
        assert_eq!(asked, format!("(cpu{{{tied}}} or absent(cpu2{{{tied}}})) > 90"));
        app.api.patch(&format!("/servers/{server}"), json!({"instance": "web-2:9100"})).await.ok();
        app.tick("1m").await;
        let asked = app.prometheus.asked().pop().expect("a query").expr;
        assert!(asked.contains(r#"instance="web-2:9100""#), "{asked}");
        let refused = app.api.post("/rules", json!({"name": "x", "expr": "vector(1)", "server_id": server})).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec!["expr"]));
        let in_use = app.api.delete(&format!("/servers/{server}")).await;
        assert_eq!(in_use.status, 409, "{}", in_use.text);
        assert!(in_use.text.contains("HighCpu"), "{} names the rule {rule}", in_use.text);
    }

    /// Editing expression, `for` or annotations keeps what is open; every edit is a version.
    async fn an_edited_rule_keeps_its_alerts_and_its_history(app) {
        app.prometheus.answers("up == 0", [(labels("a"), 0.0)]);
        app.prometheus.answers("up < 1", [(labels("a"), 0.0)]);
        let rule = app.rule("Down", "up == 0", json!({"for": "2m"})).await;
        app.tick("1m").await;
        let before = app.alerts(&rule).await[0].clone();
        let path = format!("/rules/{rule}");
        let edited = app.api.patch(&path, json!({"expr": "up < 1", "annotations": {"summary": "it is down"}})).await.ok();
        assert_eq!(edited["version"], 2, "{edited}");
        app.tick("1m").await;
        let after = app.alerts(&rule).await[0].clone();
        assert_eq!((&after["active_at"], &after["state"]), (&before["active_at"], &json!("pending")));
        assert_eq!(after["annotations"]["summary"], "it is down");
        app.tick("1m").await;
        app.api.patch(&path, json!({"for": "1h"})).await.ok();
        app.tick("1m").await;
        assert_eq!(app.states(&rule).await, ["pending", "firing", "pending"], "back without being resolved");
        let versions = app.api.get(&format!("{path}/versions")).await.ok();
        assert_eq!(items(&versions).len(), 3, "{versions}");
    }

    /// Under another name or with other labels it is another rule: what the old one had firing ends with the edit, is not
    /// kept, and is told.
    async fn another_name_or_label_makes_another_rule(app) {
        let ops = app.telegram_channel("ops").await;
        app.prometheus.answers("up == 0", [(labels("a"), 0.0)]);
        let more = json!({"channel_ids": [ops], "keep_firing_for": "1h", "labels": {"team": "a"}});
        let rule = app.rule("Down", "up == 0", more).await;
        let path = format!("/rules/{rule}");
        for (change, heard) in [(json!({"name": "Downer"}), 2), (json!({"labels": {"team": "b"}}), 4)] {
            app.tick("1m").await;
            assert_eq!(app.alerts(&rule).await.len(), 1);
            let edited = app.api.patch(&path, change).await.ok();
            assert_eq!((app.alerts(&rule).await.len(), &edited["state"]), (0, &json!("inactive")), "{edited}");
            app.deliver().await;
            assert_eq!(app.heard().len(), heard, "{:?}", app.heard());
            let events = app.api.get(&format!("/events?rule_id={rule}")).await.ok();
            let newest = &items(&events)[0];
            assert_eq!((text(newest, "state"), text(newest, "reason")), ("resolved".into(), "rule_changed".into()));
        }
        app.tick("1m").await;
        app.api.patch(&path, json!({"name": "Downer", "labels": {"team": "b"}, "for": "0s"})).await.ok();
        assert_eq!(app.states(&rule).await, ["firing", "resolved", "firing", "resolved", "firing"], "the same is no change");
    }

    /// A stale edit is refused, a wrong one names every mistake, and neither changes anything.
    async fn a_refused_edit_changes_nothing(app) {
        let rule = app.rule("Down", "up == 0", json!({})).await;
        let path = format!("/rules/{rule}");
        let bad = json!({"expr": "sum(", "for": "soon", "threshold": {"op": "~", "value": 1}});
        let refused = app.api.patch(&path, bad).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        let mut fields = refused.fields();
        fields.sort_unstable();
        assert_eq!(fields, ["expr", "for", "threshold.op"]);
        assert_eq!(refused.headers["content-type"], "application/problem+json");
        let unknown = app.api.patch(&path, json!({"colour": "red"})).await;
        assert!(unknown.status.is_client_error() && unknown.text.contains("colour"), "{}", unknown.text);
        let client = reqwest::Client::new();
        let request = client.patch(format!("{}/api/v1{path}", app.api.url)).bearer_auth(app.api.token.as_ref().expect("signed in"));
        let stale = request.header("if-match", "\"7\"").json(&json!({"for": "1m"})).send().await.expect("an answer");
        assert_eq!(stale.status(), 412);
        let shown = app.api.get(&path).await.ok();
        assert_eq!((&shown["version"], text(&shown, "for")), (&json!(1), "0s".to_owned()));
    }

    /// A deactivated server's rules rest, and what they had firing is resolved.
    async fn a_deactivated_server_rests(app) {
        let ops = app.telegram_channel("ops").await;
        let server = app.api.create("/servers", json!({"name": "web-1", "instance": "web-1:9100"})).await;
        app.prometheus.answers(r#"up{instance="web-1:9100"} == 0"#, [(labels("web-1:9100"), 0.0)]);
        let rule = app.rule("Down", "up == 0", json!({"server_id": server, "channel_ids": [ops]})).await;
        app.tick("1m").await;
        assert_eq!(app.heard().len(), 1);
        app.api.patch(&format!("/servers/{server}"), json!({"is_active": false})).await.ok();
        app.deliver().await;
        assert_eq!(app.heard().len(), 2);
        let asked = app.prometheus.count();
        app.tick("5m").await;
        assert_eq!(app.prometheus.count(), asked, "its rules are not evaluated");
        app.api.patch(&format!("/servers/{server}"), json!({"is_active": true})).await.ok();
        app.tick("1m").await;
        assert_eq!(app.states(&rule).await, ["firing", "resolved", "firing"]);
    }

    /// A preview shows what would alert, and leaves nothing behind.
    async fn a_preview_shows_what_would_alert(app) {
        app.prometheus.answers("(cpu) > 90", [(labels("a"), 97.0), (labels("b"), f64::NAN)]);
        let rule = json!({"name": "HighCpu", "expr": "cpu", "threshold": {"op": ">", "value": 90}, "severity": "critical"});
        let preview = app.api.post("/rules/preview", rule).await.ok();
        let alerts = preview["alerts"].as_array().expect("alerts");
        assert_eq!(alerts.len(), 2, "{preview}");
        assert!(alerts.iter().any(|alert| alert["value"] == "97" && alert["labels"]["alertname"] == "HighCpu"));
        assert!(alerts.iter().any(|alert| alert["value"] == "NaN"), "{preview}");
        assert_eq!(items(&app.api.get("/rules").await.ok()).len(), 0);
        app.prometheus.down();
        let refused = app.api.post("/rules/preview", json!({"name": "x", "expr": "up"})).await;
        assert_eq!(refused.status, 502, "{}", refused.text);
    }
}
