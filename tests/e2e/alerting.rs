//! From a rule to messages: the main job.

use std::collections::BTreeMap;

use serde_json::json;
use vigil_tests::app::{CHAT, items, text};

fn web(instance: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("instance".to_owned(), instance.to_owned())])
}

stories! {
    /// Pending, firing, one message, silence, one reminder, one end.
    async fn a_firing_alert_reaches_telegram_once(app) {
        let ops = app.telegram_channel("ops").await;
        let more = json!({"for": "5m", "repeat_interval": "1h", "severity": "critical", "channel_ids": [ops]});
        let rule = app.rule("HighCpu", "cpu > 90", more).await;
        app.prometheus.answers("cpu > 90", [(web("web-1"), 97.0)]);

        app.tick("1m").await;
        assert_eq!(app.heard(), Vec::<String>::new(), "pending is not said");
        assert_eq!(text(&app.alerts(&rule).await[0], "state"), "pending");

        for _ in 0..6 {
            app.tick("1m").await;
        }
        let heard = app.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        for part in ["CRITICAL", "HighCpu", "web-1", "97"] {
            assert!(heard[0].contains(part), "{part} in {}", heard[0]);
        }
        assert_eq!(app.telegram.sent()[0].chat_id, CHAT);
        let alert = &app.alerts(&rule).await[0];
        assert_eq!((text(alert, "state"), text(alert, "value")), ("firing".into(), "97".into()));

        for _ in 0..58 {
            app.tick("1m").await;
        }
        assert_eq!(app.heard().len(), 1, "nothing within the repeat interval");
        app.tick("2m").await;
        assert_eq!(app.heard().len(), 2, "one reminder after it");
        assert_eq!(app.notifications().await[1]["reason"], "repeat");

        app.prometheus.answers("cpu > 90", []);
        app.tick("1m").await;
        app.tick("1m").await;
        let heard = app.heard();
        assert_eq!(heard.len(), 3, "{heard:?}");
        assert!(heard[2].to_lowercase().contains("resolved"), "{}", heard[2]);
        assert_eq!(app.states(&rule).await, ["pending", "firing", "resolved"]);
        let notifications = app.notifications().await;
        let said: Vec<_> = notifications.iter().map(|n| (text(n, "reason"), text(n, "status"))).collect();
        let delivered = |reason: &str| (reason.to_owned(), "delivered".to_owned());
        assert_eq!(said, [delivered("first"), delivered("repeat"), delivered("resolved")]);
    }

    /// The alerts of one slot are one message; a new one and an end are told when they come.
    async fn alerts_of_one_slot_are_one_message(app) {
        let ops = app.telegram_channel("ops").await;
        let rule = app.rule("Down", "up == 0", json!({"channel_ids": [ops]})).await;
        app.prometheus.answers("up == 0", [(web("a"), 0.0), (web("b"), 0.0)]);
        app.tick("1m").await;
        assert_eq!(app.heard().len(), 1);
        app.prometheus.answers("up == 0", [(web("b"), 0.0), (web("c"), 0.0)]);
        app.tick("1m").await;
        let notifications = app.notifications().await;
        assert_eq!(notifications.len(), 2);
        assert_eq!(notifications[1]["reason"], "new_alerts");
        assert_eq!(notifications[1]["alerts"].as_array().map(Vec::len), Some(3), "two fire, one has ended");
        assert_eq!(app.alerts(&rule).await.len(), 2);
    }

    /// A failed query is not absence: the alert stays, nothing is said, the rule's health tells.
    async fn a_failed_query_freezes_the_alerts(app) {
        let ops = app.telegram_channel("ops").await;
        let rule = app.rule("Down", "up == 0", json!({"channel_ids": [ops]})).await;
        app.prometheus.answers("up == 0", [(web("a"), 0.0)]);
        app.tick("1m").await;
        app.prometheus.rejects("up == 0", "too many samples");
        app.tick("1m").await;
        let shown = app.api.get(&format!("/rules/{rule}")).await.ok();
        assert_eq!(shown["health"], "err");
        assert!(text(&shown, "last_error").contains("too many samples"), "{shown}");
        assert_eq!(app.alerts(&rule).await.len(), 1);
        assert_eq!(app.heard().len(), 1);
        app.prometheus.answers("up == 0", [(web("a"), 0.0)]);
        app.tick("1m").await;
        let shown = app.api.get(&format!("/rules/{rule}")).await.ok();
        assert_eq!((&shown["health"], &shown["last_error"]), (&json!("ok"), &json!(null)));
        assert_eq!(app.states(&rule).await, ["firing"]);
    }

    /// A dead data source is one incident, whatever number of rules depends on it.
    async fn a_dead_data_source_is_one_message_and_one_return(app) {
        let ops = app.telegram_channel("ops").await;
        for n in 0..25 {
            app.rule(&format!("Rule{n}"), &format!("m{n} > 1"), json!({"channel_ids": [ops]})).await;
        }
        app.prometheus.answers("m1 > 1", [(web("a"), 2.0)]);
        app.tick("1m").await;
        assert_eq!(app.heard().len(), 1);
        app.prometheus.down();
        for _ in 0..6 {
            app.tick("1m").await;
        }
        let reasons = |all: Vec<serde_json::Value>| all.iter().map(|n| text(n, "reason")).collect::<Vec<_>>();
        assert_eq!(reasons(app.notifications().await), ["first", "source_down"]);
        app.prometheus.up();
        for _ in 0..3 {
            app.tick("1m").await;
        }
        assert_eq!(reasons(app.notifications().await), ["first", "source_down", "source_up"]);
        assert_eq!(app.heard().len(), 3);
        assert_eq!(items(&app.api.get("/events?state=resolved").await.ok()).len(), 0, "no false resolve");
    }

    /// The rules of a server that rests ask nothing, and that is no sign of life of the data source.
    async fn what_asks_nothing_does_not_end_an_outage(app) {
        let ops = app.telegram_channel("ops").await;
        let server = app.api.create("/servers", json!({"name": "web-1", "instance": "web-1:9100"})).await;
        app.rule("Rests", "up == 0", json!({"server_id": server, "interval": "1s"})).await;
        app.api.patch(&format!("/servers/{server}"), json!({"is_active": false})).await.ok();
        app.rule("Asks", "m > 1", json!({"interval": "10s", "channel_ids": [ops]})).await;
        let reasons = async || app.notifications().await.iter().map(|n| text(n, "reason")).collect::<Vec<_>>();
        app.prometheus.down();
        for _ in 0..12 {
            app.tick("10s").await;
        }
        assert_eq!(reasons().await, ["source_down"]);
        app.prometheus.up();
        app.tick("10s").await;
        assert_eq!(reasons().await, ["source_down", "source_up"]);
    }

    /// Deleting or disabling a rule resolves what it had firing, with that reason.
    async fn a_rule_that_goes_resolves_its_alerts(app) {
        let ops = app.telegram_channel("ops").await;
        app.prometheus.answers("up == 0", [(web("a"), 0.0)]);
        let disabled = app.rule("Disabled", "up == 0", json!({"channel_ids": [ops]})).await;
        let deleted = app.rule("Deleted", "up == 0", json!({"channel_ids": [ops]})).await;
        app.tick("1m").await;
        assert_eq!(app.heard().len(), 2);
        app.api.patch(&format!("/rules/{disabled}"), json!({"is_active": false})).await.ok();
        assert_eq!(app.api.delete(&format!("/rules/{deleted}")).await.status, 204);
        app.deliver().await;
        assert_eq!(app.heard().len(), 4);
        for (rule, reason) in [(&disabled, "rule_disabled"), (&deleted, "rule_deleted")] {
            let events = app.api.get(&format!("/events?rule_id={rule}")).await.ok();
            let newest = &items(&events)[0];
            assert_eq!((text(newest, "state"), text(newest, "reason")), ("resolved".into(), reason.into()));
            assert_eq!(app.alerts(rule).await.len(), 0);
        }
        app.tick("1m").await;
        assert_eq!(app.heard().len(), 4, "a disabled rule is not evaluated");
        app.api.patch(&format!("/rules/{disabled}"), json!({"is_active": true})).await.ok();
        app.tick("1m").await;
        assert_eq!(app.states(&disabled).await, ["firing", "resolved", "firing"]);
    }

    /// A slot is evaluated once, with its own time, whoever asks again.
    async fn a_slot_is_evaluated_once_with_its_own_time(app) {
        app.rule("Up", "up", json!({"interval": "30s"})).await;
        for _ in 0..4 {
            app.tick("30s").await;
            app.evaluate().await;
        }
        let times: Vec<i64> =
            app.prometheus.asked().iter().map(|asked| asked.time.expect("a time").timestamp_millis()).collect();
        assert_eq!(times.len(), 4);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 30_000), "{times:?}");
    }

    /// Missed slots are counted, never replayed.
    async fn missed_slots_are_counted_not_replayed(app) {
        let rule = json!({"name": "Up", "expr": "up == 0", "group": "node"});
        app.api.create("/rules", rule).await;
        app.tick("1m").await;
        app.tick("10m").await;
        assert_eq!(app.prometheus.count(), 2);
        let groups = app.api.get("/rule-groups").await.ok();
        assert_eq!(items(&groups)[0]["missed_slots"], 9, "{groups}");
    }
}
