//! Alerts forwarded to Alertmanagers: what Vigil adds to what Prometheus' notifier does, which `tests/conformance` holds it
//! to.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vigil_tests::{
    app::{TestApp, items, text},
    fakes::{FakeAlertmanager, alertmanager::Posted},
    labels,
};

/// Makes a channel to these Alertmanagers and answers its id.
async fn channel(app: &TestApp, name: &str, alertmanagers: &[&FakeAlertmanager]) -> String {
    let urls: Vec<_> = alertmanagers.iter().map(|alertmanager| alertmanager.url()).collect();
    let channel = json!({"name": name, "kind": "alertmanager", "config": {"urls": urls}});
    app.api.create("/channels", channel).await
}

/// The rule `up == 0`, which tells one Alertmanager; `more` goes over one without `for` that is evaluated each minute.
async fn down(app: &TestApp, channel: &str, more: Value) -> String {
    let mut rule = json!({"channel_ids": [channel]});
    rule.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    app.rule("Down", "up == 0", rule).await
}

fn is_down(app: &TestApp, instances: &[&str]) {
    app.prometheus.answers("up == 0", instances.iter().map(|instance| (labels! { instance = *instance }, 0.0)));
}

/// The newest slot.
fn slot(app: &TestApp) -> DateTime<Utc> {
    app.prometheus.asked().last().and_then(|asked| asked.time).expect("something was asked")
}

/// What this step made arrive.
async fn tick(app: &TestApp, alertmanager: &FakeAlertmanager, by: &str) -> Vec<Posted> {
    alertmanager.clear();
    app.tick(by).await;
    alertmanager.alerts()
}

/// The same for several steps, one character each: `F` firing, `R` ended, `-` nothing.
async fn ticks(app: &TestApp, alertmanager: &FakeAlertmanager, by: &str, count: usize) -> String {
    let mut drawn = String::new();
    for _ in 0..count {
        drawn.push(match tick(app, alertmanager, by).await.as_slice() {
            [] => '-',
            [alert] if alert.ends_at > slot(app) => 'F',
            [_] => 'R',
            more => panic!("{more:?}"),
        });
    }
    drawn
}

async fn reasons(app: &TestApp) -> Vec<String> {
    app.notifications().await.iter().map(|notification| text(notification, "reason")).collect()
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

stories! {
    /// People and Alertmanagers hear of a rule in their own ways.
    async fn people_are_told_and_reminded_and_alertmanagers_are_sent_alerts(app) {
        let alertmanager = FakeAlertmanager::start();
        let (ops, am) = (app.telegram_channel("ops").await, channel(&app, "am", &[&alertmanager]).await);
        down(&app, &am, json!({"channel_ids": [ops, am], "repeat_interval": "3m"})).await;
        is_down(&app, &["a"]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 4).await, "F-F-");
        assert_eq!(app.heard().len(), 2, "{:?}", app.heard());
        app.prometheus.down();
        assert_eq!(ticks(&app, &alertmanager, "1m", 4).await, "----", "what failed is not absence");
        let told = app.notifications().await;
        let by_channel = |id: &str| told.iter().filter(|n| n["channel_id"] == id).map(|n| text(n, "reason")).collect::<Vec<_>>();
        assert_eq!(by_channel(&ops), ["first", "repeat", "source_down"]);
        assert_eq!(by_channel(&am), ["forward", "forward_again"]);
        app.prometheus.up();
        is_down(&app, &[]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 1).await, "R");
    }

    async fn an_exceeded_limit_sends_nothing_and_forgets(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        app.api.create("/rule-groups", json!({"name": "few", "interval": "1m", "limit": 2})).await;
        let rule = json!({"name": "Down", "expr": "up == 0", "group": "few", "channel_ids": [am]});
        app.api.create("/rules", rule).await;
        is_down(&app, &["a", "b"]);
        assert_eq!(tick(&app, &alertmanager, "1m").await.len(), 2);
        is_down(&app, &["a", "b", "c"]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 3).await, "---");
        is_down(&app, &["c"]);
        let new = tick(&app, &alertmanager, "1m").await;
        assert_eq!((new.len(), new[0].starts_at), (1, slot(&app)));
    }

    /// Prometheus leaves them to time out; Vigil says that they are over.
    async fn a_rule_that_goes_ends_its_alerts_once(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        let rule = down(&app, &am, json!({})).await;
        is_down(&app, &["a", "b"]);
        let fired = tick(&app, &alertmanager, "1m").await;
        alertmanager.clear();
        app.clock.advance(Duration::from_secs(7));
        app.api.patch(&format!("/rules/{rule}"), json!({"is_active": false})).await.ok();
        app.deliver().await;
        let ended = alertmanager.alerts();
        assert_eq!(ended.len(), 2);
        for (ended, fired) in ended.iter().zip(&fired) {
            assert_eq!((ended.starts_at, ended.ends_at), (fired.starts_at, app.clock.now()));
        }
        assert_eq!(ticks(&app, &alertmanager, "1m", 4).await, "----", "once");
        app.api.patch(&format!("/rules/{rule}"), json!({"is_active": true})).await.ok();
        assert_eq!(tick(&app, &alertmanager, "1m").await.len(), 2);
        assert_eq!(app.api.delete(&format!("/rules/{rule}")).await.status, 204);
        alertmanager.clear();
        app.deliver().await;
        assert_eq!(alertmanager.alerts().len(), 2);
    }

    /// An Alertmanager that joins a rule hears of what fires already; one that is switched off hears of nothing.
    async fn an_alertmanager_that_joins_hears_of_what_fires(app) {
        let (first, second) = (FakeAlertmanager::start(), FakeAlertmanager::start());
        let (one, two) = (channel(&app, "one", &[&first]).await, channel(&app, "two", &[&second]).await);
        let rule = app.rule("Down", "up == 0", json!({})).await;
        is_down(&app, &["a"]);
        app.tick("1m").await;
        let fired_at = slot(&app);
        app.api.patch(&format!("/rules/{rule}"), json!({"channel_ids": [one]})).await.ok();
        let sent = tick(&app, &first, "1m").await;
        assert_eq!((sent.len(), sent[0].starts_at), (1, fired_at));
        app.api.patch(&format!("/rules/{rule}"), json!({"channel_ids": [one, two]})).await.ok();
        app.api.patch(&format!("/channels/{one}"), json!({"is_active": false})).await.ok();
        first.clear();
        assert_eq!(ticks(&app, &second, "1m", 2).await, "-F", "with the next resend");
        assert_eq!(first.posts(), []);
        assert_eq!(reasons(&app).await.iter().filter(|reason| reason.starts_with("forward")).count(), 2);
    }

    async fn what_an_alertmanager_missed_is_tried_again_only_until_the_next_resend(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        down(&app, &am, json!({"interval": "5m"})).await;
        is_down(&app, &["a"]);
        alertmanager.down();
        app.tick("5m").await;
        for _ in 0..20 {
            app.clock.advance(Duration::from_secs(5));
            app.deliver().await;
        }
        let notification = app.notifications().await.remove(0);
        assert_eq!(notification["status"], "failed", "{notification}");
        let attempts = notification["attempts"].as_array().map_or(0, Vec::len);
        assert!((2..=4).contains(&attempts), "{notification}");
        assert_eq!(notification["maybe_duplicate"], false, "twice does no harm");
        alertmanager.up();
        app.clock.advance(Duration::from_secs(100));
        let again = tick(&app, &alertmanager, "100s").await;
        assert_eq!(again.len(), 1, "the next resend comes anyway");
        assert_eq!(again[0].starts_at, slot(&app) - minutes(5));
        let shown = app.api.get(&format!("/channels/{am}")).await.ok();
        assert_eq!((&shown["is_active"], &shown["disabled_reason"]), (&json!(true), &json!(null)));
    }

    async fn a_refusal_is_not_repeated_and_only_a_closed_door_switches_the_channel_off(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        down(&app, &am, json!({})).await;
        is_down(&app, &["a"]);
        alertmanager.refuses(400, "\"invalid label set\"");
        assert_eq!(ticks(&app, &alertmanager, "1m", 3).await, "F-F");
        let refused = app.notifications().await.remove(0);
        assert_eq!((text(&refused, "status"), refused["attempts"].as_array().map(Vec::len)), ("failed".into(), Some(1)));
        assert!(text(&refused, "last_error").contains("invalid label set"), "{refused}");
        assert_eq!(app.api.get(&format!("/channels/{am}")).await.ok()["is_active"], true);
        alertmanager.refuses(401, "");
        assert_eq!(ticks(&app, &alertmanager, "1m", 2).await, "-F");
        let shown = app.api.get(&format!("/channels/{am}")).await.ok();
        assert_eq!(shown["is_active"], false);
        assert!(text(&shown, "disabled_reason").contains("401"), "{shown}");
        alertmanager.recovers();
        assert_eq!(ticks(&app, &alertmanager, "1m", 3).await, "---");
        app.api.patch(&format!("/channels/{am}"), json!({"is_active": true})).await.ok();
        assert_eq!(ticks(&app, &alertmanager, "1m", 1).await, "F");
    }

    async fn one_signs_in_and_nobody_is_shown_how(app) {
        let alertmanager = FakeAlertmanager::start();
        let config = json!({"url": alertmanager.url(), "username": "vigil", "password": "s3cret-s3cret"});
        let am = app.api.create("/channels", json!({"name": "am", "kind": "alertmanager", "config": config})).await;
        down(&app, &am, json!({})).await;
        is_down(&app, &["a"]);
        app.tick("1m").await;
        assert_eq!(alertmanager.posts()[0].headers["authorization"], "Basic dmlnaWw6czNjcmV0LXMzY3JldA==");
        let shown = app.api.get(&format!("/channels/{am}")).await;
        assert!(!shown.text.contains("s3cret"), "{}", shown.text);
        let expected = json!({"url": alertmanager.url(), "username": "vigil", "password": null, "password_set": true,
            "bearer_token": null, "bearer_token_set": false});
        assert_eq!(shown.body["config"], expected);
        let change = json!({"config": {"username": null, "bearer_token": "t0ken"}});
        app.api.patch(&format!("/channels/{am}"), change).await.ok();
        alertmanager.clear();
        app.tick("2m").await;
        assert_eq!(alertmanager.posts()[0].headers["authorization"], "Bearer t0ken");
        let wrong = json!({"name": "x", "kind": "alertmanager", "config": {"url": "http://a:b@am", "timeout": 3}});
        assert_eq!(app.api.post("/channels", wrong).await.fields(), ["config.timeout", "config.url"]);
    }

    /// The test button posts a short alert and says what the peer said.
    async fn a_channels_test_arrives_as_an_alert(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        let working = tokio::spawn({
            let ctx = app.ctx.clone();
            async move {
                loop {
                    vigil_worker::jobs::deliver_notification::sweep(&ctx).await;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        });
        let good = app.api.post(&format!("/channels/{am}/test"), json!({})).await.ok();
        assert_eq!(good, json!({"delivered": true, "error": null}));
        let alert = alertmanager.alerts().remove(0);
        assert_eq!(alert.labels["alertname"], "VigilTest");
        assert_eq!(alert.ends_at - alert.starts_at, minutes(1));
        alertmanager.refuses(422, "{\"code\":602,\"message\":\"labels in body is required\"}");
        let bad = app.api.post(&format!("/channels/{am}/test"), json!({})).await.ok();
        assert_eq!(bad["delivered"], false);
        assert!(text(&bad, "error").contains("labels in body is required"), "{bad}");
        working.abort();
        assert_eq!(items(&app.api.get("/notifications?reason=test").await.ok()).len(), 2);
    }
}

/// What is sent with `evaluation.strict_prometheus`, where Vigil on its own does otherwise.
mod strict_prometheus {
    use vigil_tests::app::Mode;

    use super::*;

    async fn story(mode: Mode) {
        let strict = |config: &mut vigil_runtime::Config| {
            config.evaluation.strict_prometheus = true;
            // This data source takes no samples.
            config.evaluation.write_alerts = Some(false);
        };
        let app = TestApp::configured(mode, strict).await;
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        let rule = down(&app, &am, json!({})).await;
        is_down(&app, &["a"]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 3).await, "F-F");
        c34_another_name_ends_nothing_aloud(&app, &alertmanager, &rule).await;
        c40_what_is_missed_comes_with_the_next_resend(&app, &alertmanager).await;
        a_rule_that_goes_ends_nothing_aloud(&app, &alertmanager, &rule).await;
    }

    async fn c34_another_name_ends_nothing_aloud(app: &TestApp, alertmanager: &FakeAlertmanager, rule: &str) {
        alertmanager.clear();
        app.api.patch(&format!("/rules/{rule}"), json!({"name": "Downer"})).await.ok();
        app.deliver().await;
        assert_eq!(alertmanager.alerts(), [], "nothing is said of the end");
        assert_eq!(app.alerts(rule).await.len(), 0);
        let fired = tick(app, alertmanager, "1m").await;
        assert_eq!((fired.len(), fired[0].labels["alertname"].as_str()), (1, "Downer"));
        assert_eq!(app.states(rule).await, ["firing", "resolved", "firing"], "the history has it all the same");
    }

    async fn c40_what_is_missed_comes_with_the_next_resend(app: &TestApp, alertmanager: &FakeAlertmanager) {
        alertmanager.down();
        app.tick("2m").await;
        let notification = app.notifications().await.pop().expect("one");
        let (reason, status) = (text(&notification, "reason"), text(&notification, "status"));
        assert_eq!((reason.as_str(), status.as_str()), ("forward_again", "failed"), "{notification}");
        assert_eq!(notification["attempts"].as_array().map(Vec::len), Some(1));
        alertmanager.up();
        assert_eq!(ticks(app, alertmanager, "1m", 2).await, "-F");
    }

    async fn a_rule_that_goes_ends_nothing_aloud(app: &TestApp, alertmanager: &FakeAlertmanager, rule: &str) {
        alertmanager.clear();
        assert_eq!(app.api.delete(&format!("/rules/{rule}")).await.status, 204);
        app.deliver().await;
        assert_eq!(alertmanager.alerts(), []);
        assert_eq!(app.states(rule).await, ["firing", "resolved", "firing", "resolved"]);
    }

    in_both_modes!(story);
}
