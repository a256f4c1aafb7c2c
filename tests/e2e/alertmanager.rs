//! Alerts forwarded to Alertmanagers, as Prometheus' notifier does it. Names begin with the line of the checklist that
//! they hold Vigil to.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vigil_tests::{
    app::{Mode, TestApp, items, text},
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
    async fn c28_an_end_has_the_slot_that_missed_it_and_the_original_beginning(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        let rule = down(&app, &am, json!({"annotations": {"summary": "{{ $labels.instance }} is down"}})).await;
        is_down(&app, &["a"]);
        let fired = tick(&app, &alertmanager, "1m").await.remove(0);
        let fired_at = slot(&app);
        assert_eq!(fired.starts_at, fired_at);
        is_down(&app, &[]);
        let ended = tick(&app, &alertmanager, "1m").await.remove(0);
        assert_eq!((ended.starts_at, ended.ends_at), (fired_at, slot(&app)));
        assert_eq!((&ended.labels, &ended.annotations), (&fired.labels, &fired.annotations));
        assert_eq!(ended.annotations["summary"], "a is down");
        assert_eq!(app.alerts(&rule).await.len(), 0);
        assert_eq!(app.states(&rule).await, ["firing", "resolved"]);
    }

    async fn c29_an_alert_starts_when_it_fires_not_when_it_is_first_seen(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        let rule = down(&app, &am, json!({"for": "2m"})).await;
        is_down(&app, &["a"]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 2).await, "--");
        let fired = tick(&app, &alertmanager, "1m").await.remove(0);
        assert_eq!(fired.starts_at, slot(&app));
        let active_at = text(&app.alerts(&rule).await[0], "active_at");
        assert_eq!(active_at.parse::<DateTime<Utc>>().expect("a time"), slot(&app) - minutes(2));
    }

    async fn c30_what_is_kept_firing_is_sent_on_as_it_was(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        let annotations = json!({"value": "{{ $value }}"});
        down(&app, &am, json!({"keep_firing_for": "3m", "annotations": annotations})).await;
        app.prometheus.answers("up == 0", [(labels! { instance = "a" }, 7.0)]);
        let first = tick(&app, &alertmanager, "1m").await.remove(0);
        is_down(&app, &[]);
        assert_eq!(tick(&app, &alertmanager, "1m").await, []);
        let kept = tick(&app, &alertmanager, "1m").await.remove(0);
        assert_eq!((kept.starts_at, &kept.annotations), (first.starts_at, &first.annotations));
        assert_eq!(kept.ends_at, slot(&app) + minutes(4));
        assert_eq!(ticks(&app, &alertmanager, "1m", 2).await, "-R");
    }

    async fn c31_what_fires_anew_is_new_and_its_former_end_is_no_longer_sent(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        down(&app, &am, json!({})).await;
        is_down(&app, &["a"]);
        tick(&app, &alertmanager, "1m").await;
        is_down(&app, &[]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 3).await, "R-R");
        is_down(&app, &["a"]);
        let again = tick(&app, &alertmanager, "1m").await;
        assert_eq!((again.len(), again[0].starts_at), (1, slot(&app)));
        assert_eq!(ticks(&app, &alertmanager, "1m", 4).await, "-F-F", "no end among them");
    }

    async fn c32_an_end_is_sent_again_for_a_quarter_of_an_hour(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        down(&app, &am, json!({})).await;
        is_down(&app, &["a"]);
        tick(&app, &alertmanager, "1m").await;
        is_down(&app, &[]);
        let ended = tick(&app, &alertmanager, "1m").await.remove(0);
        assert_eq!(ticks(&app, &alertmanager, "1m", 13).await, "-R-R-R-R-R-R-");
        let last = tick(&app, &alertmanager, "1m").await;
        assert_eq!(last.first(), Some(&ended), "14 minutes later it is sent as it was");
        assert_eq!(ticks(&app, &alertmanager, "1m", 10).await, "----------");
    }

    async fn c36_a_beginning_and_an_end_are_sent_by_the_evaluation_that_finds_them(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        down(&app, &am, json!({"interval": "15s"})).await;
        is_down(&app, &["a"]);
        assert_eq!(ticks(&app, &alertmanager, "15s", 2).await, "F-");
        is_down(&app, &[]);
        assert_eq!(ticks(&app, &alertmanager, "15s", 1).await, "R", "30 s after it was last sent");
        assert_eq!(reasons(&app).await, ["forward", "forward"], "and nobody else is told, not the log either");
    }

    async fn c37_an_alert_is_sent_again_when_strictly_more_than_the_delay_has_passed(app) {
        for (interval, drawn) in [("30s", "F--F--F"), ("1m", "F-F-F-F"), ("15s", "F----F-")] {
            let alertmanager = FakeAlertmanager::start();
            let am = channel(&app, interval, &[&alertmanager]).await;
            let rule = down(&app, &am, json!({"interval": interval})).await;
            is_down(&app, &["a"]);
            assert_eq!(ticks(&app, &alertmanager, interval, 7).await, drawn, "{interval}");
            assert_eq!(app.api.delete(&format!("/rules/{rule}")).await.status, 204);
            app.deliver().await;
        }
    }

    async fn c38_a_firing_alert_is_valid_for_four_times_the_longer_of_interval_and_delay(app) {
        for (interval, valid) in [("30s", minutes(4)), ("1m", minutes(4)), ("5m", minutes(20))] {
            let alertmanager = FakeAlertmanager::start();
            let am = channel(&app, interval, &[&alertmanager]).await;
            let rule = down(&app, &am, json!({"interval": interval})).await;
            is_down(&app, &["a"]);
            let fired = tick(&app, &alertmanager, interval).await.remove(0);
            assert_eq!(fired.ends_at, slot(&app) + valid, "{interval}");
            assert_eq!(app.api.delete(&format!("/rules/{rule}")).await.status, 204);
            app.deliver().await;
        }
    }

    async fn c39_the_request_is_prometheus_own(app) {
        let alertmanager = FakeAlertmanager::start();
        let config = json!({"url": format!("{}/prefix/", alertmanager.url())});
        let am = app.api.create("/channels", json!({"name": "am", "kind": "alertmanager", "config": config})).await;
        let server = app.api.create("/servers", json!({"name": "web", "instance": "web-1:9100"})).await;
        let threshold = json!({"op": ">", "value": 90});
        let more = json!({"threshold": threshold, "server_id": server, "severity": "warning", "channel_ids": [am]});
        app.rule("Busy", "cpu{mode=~\"a|b\"}", more).await;
        app.prometheus.answers(vigil_tests::fakes::Question::any(), [(labels! { instance = "web-1:9100" }, 97.0)]);
        app.tick("1m").await;
        let post = alertmanager.posts().remove(0);
        assert_eq!(post.path, "/prefix/api/v2/alerts");
        assert_eq!(post.headers["content-type"], "application/json");
        assert!(post.headers["user-agent"].starts_with("vigil/"), "{:?}", post.headers);
        let alert = &post.alerts[0];
        let expected = json!({"alertname": "Busy", "instance": "web-1:9100", "severity": "warning"});
        assert_eq!(alert.raw["labels"], expected);
        assert!(alert.raw.get("annotations").is_none(), "{}", alert.raw);
        for time in ["startsAt", "endsAt"] {
            let written = text(&alert.raw, time);
            assert!(written.len() == "2006-01-02T15:04:05.000Z".len() && written.ends_with(".000Z"), "{written}");
        }
        let url: reqwest::Url = alert.generator_url.parse().expect("a URL");
        assert!(alert.generator_url.starts_with(&format!("{}/graph?g0.expr=", app.state.config.http.base_url())));
        let parameters: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(parameters["g0.expr"], app.prometheus.asked()[0].expr, "what the data source is asked");
        assert_eq!(parameters["g0.tab"], "1");
        assert_eq!(post.headers.get("authorization"), None);
    }

    async fn c40_all_get_everything_256_at_a_time_and_one_that_hangs_delays_no_other(app) {
        let [one, other, silent] = [(); 3].map(|()| FakeAlertmanager::start());
        silent.hangs();
        let two = channel(&app, "two", &[&silent, &one]).await;
        let third = channel(&app, "third", &[&other]).await;
        let names: Vec<String> = (0..600).map(|n| n.to_string()).collect();
        is_down(&app, &names.iter().map(String::as_str).collect::<Vec<_>>());
        app.rule("Down", "up == 0", json!({"channel_ids": [two, third]})).await;
        let began = Instant::now();
        let moved = app.tick("1m");
        let arrived = async {
            let patience = Duration::from_secs(30);
            let posts = [one.wait_for(3, patience).await, other.wait_for(3, patience).await];
            (posts, began.elapsed())
        };
        let ((), (posts, after)) = tokio::join!(moved, arrived);
        for posts in posts {
            let sizes: Vec<_> = posts.iter().map(|post| post.alerts.len()).collect();
            assert_eq!(sizes, [256, 256, 88]);
            let instances: std::collections::BTreeSet<_> =
                posts.iter().flat_map(|post| &post.alerts).map(|alert| alert.labels["instance"].clone()).collect();
            assert_eq!(instances.len(), 600);
        }
        assert!(after < Duration::from_secs(10), "{after:?}");
        let notifications = app.notifications().await;
        assert_eq!(notifications.len(), 2, "{notifications:?}");
        for notification in &notifications {
            assert_eq!(notification["status"], "delivered", "{notification}");
            assert_eq!(notification["alerts"].as_array().map(Vec::len), Some(200), "the list people see is cut");
        }
        let told = notifications.iter().map(|n| text(&n["attempts"][0], "peer_response")).collect::<Vec<_>>();
        let expected = format!("accepted by 1 of 2; {}: no answer in time", silent.url());
        assert!(told.contains(&expected), "{told:?}");
        silent.recovers();
        is_down(&app, &[]);
        assert_eq!(tick(&app, &silent, "1m").await.len(), 600, "it hears of the rest as any other");
    }

    async fn c41_pending_is_never_sent(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        let rule = down(&app, &am, json!({"for": "3m"})).await;
        is_down(&app, &["a"]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 2).await, "--");
        is_down(&app, &[]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 2).await, "--");
        assert_eq!(app.states(&rule).await, ["pending", "inactive"]);
        is_down(&app, &["a"]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 4).await, "---F");
        app.api.patch(&format!("/rules/{rule}"), json!({"for": "10m"})).await.ok();
        assert_eq!(ticks(&app, &alertmanager, "1m", 2).await, "--", "a raised `for` is no end either");
        is_down(&app, &[]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 2).await, "--");
    }

    async fn c42_a_hundred_rules_arrive_in_time(app) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        is_down(&app, &["a", "b", "c"]);
        for n in 0..100 {
            app.rule(&format!("Down{n}"), "up == 0", json!({"channel_ids": [am]})).await;
        }
        let began = Instant::now();
        let arrived = tick(&app, &alertmanager, "1m").await;
        assert_eq!(arrived.len(), 300);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }

    /// People and Alertmanagers hear of a rule in their own ways.
    async fn people_are_told_and_reminded_and_alertmanagers_are_sent_alerts(app) {
        let alertmanager = FakeAlertmanager::start();
        let (ops, am) = (app.telegram_channel("ops").await, channel(&app, "am", &[&alertmanager]).await);
        down(&app, &am, json!({"channel_ids": [ops, am], "repeat_interval": "3m"})).await;
        is_down(&app, &["a"]);
        assert_eq!(ticks(&app, &alertmanager, "1m", 4).await, "F-F-");
        assert_eq!(app.heard().len(), 2, "{:?}", app.heard());
        app.prometheus.down();
        assert_eq!(ticks(&app, &alertmanager, "1m", 4).await, "F-F-", "what failed is not absence");
        let told = app.notifications().await;
        let by_channel = |id: &str| told.iter().filter(|n| n["channel_id"] == id).map(|n| text(n, "reason")).collect::<Vec<_>>();
        assert_eq!(by_channel(&ops), ["first", "repeat", "source_down"]);
        assert_eq!(by_channel(&am), ["forward", "forward_again", "forward_again", "forward_again"]);
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

mod c17_external_labels_are_in_what_is_sent_and_nowhere_else {
    use super::*;

    async fn story(mode: Mode) {
        let app = TestApp::configured(mode, |config| {
            let labels = [("region", "eu"), ("cluster", "c1")];
            config.evaluation.external_labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        })
        .await;
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&app, "am", &[&alertmanager]).await;
        let annotations = json!({"where": "{{ $externalLabels.region }}"});
        let rule = down(&app, &am, json!({"annotations": annotations, "labels": {"cluster": "own"}})).await;
        is_down(&app, &["a"]);
        let sent = tick(&app, &alertmanager, "1m").await.remove(0);
        let expected = labels! { alertname = "Down", instance = "a", cluster = "own", region = "eu" };
        assert_eq!((sent.labels, sent.annotations["where"].as_str()), (expected, "eu"));
        let own = json!({"alertname": "Down", "instance": "a", "cluster": "own"});
        assert_eq!(app.alerts(&rule).await[0]["labels"], own);
        assert_eq!(app.notifications().await[0]["alerts"][0]["labels"], own);
        assert_eq!(app.api.get(&format!("/rules/{rule}")).await.ok()["labels"], json!({"cluster": "own"}));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn embedded() {
        story(Mode::Embedded).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn distributed() {
        story(Mode::Distributed).await;
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
        c10_a_failed_query_sends_nothing(&app, &alertmanager).await;
        c34_another_name_ends_nothing_aloud(&app, &alertmanager, &rule).await;
        c40_what_is_missed_comes_with_the_next_resend(&app, &alertmanager).await;
        a_rule_that_goes_ends_nothing_aloud(&app, &alertmanager, &rule).await;
    }

    async fn c10_a_failed_query_sends_nothing(app: &TestApp, alertmanager: &FakeAlertmanager) {
        is_down(app, &["a"]);
        assert_eq!(ticks(app, alertmanager, "1m", 3).await, "F-F");
        app.prometheus.down();
        assert_eq!(ticks(app, alertmanager, "1m", 6).await, "------");
        app.prometheus.up();
        assert_eq!(ticks(app, alertmanager, "1m", 1).await, "F");
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

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn embedded() {
        story(Mode::Embedded).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn distributed() {
        story(Mode::Distributed).await;
    }
}
