//! C36 to C42, and what other lines say of it: what Alertmanagers are sent, and when.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use serde_json::{Value, json};
use vigil_tests::{
    app::{merge, text},
    fakes::{FakeAlertmanager, alertmanager::Posted},
    labels,
};

use crate::lab::{Lab, cpu, series};

/// Makes a channel to these Alertmanagers and answers its id.
async fn channel(lab: &Lab, name: &str, alertmanagers: &[&FakeAlertmanager]) -> String {
    let urls: Vec<_> = alertmanagers.iter().map(|alertmanager| alertmanager.url()).collect();
    let channel = json!({"name": name, "kind": "alertmanager", "config": {"urls": urls}});
    lab.app.api.create("/channels", channel).await
}

/// A rule on `cpu` that tells one channel, evaluated each second unless `more` says otherwise.
async fn busy(lab: &Lab, channel: &str, more: Value) -> String {
    let mut rule = json!({"channel_ids": [channel]});
    merge(&mut rule, more);
    lab.rule("Busy", "cpu", rule).await
}

/// What a leap of so many seconds makes arrive.
async fn sent(lab: &Lab, alertmanager: &FakeAlertmanager, seconds: u64) -> Vec<Posted> {
    alertmanager.clear();
    lab.leap(seconds).await;
    alertmanager.alerts()
}

/// The same for several leaps, one character each: `F` firing, `R` ended, `-` nothing.
async fn drawn(lab: &Lab, alertmanager: &FakeAlertmanager, seconds: u64, leaps: usize) -> String {
    let mut drawn = String::new();
    for _ in 0..leaps {
        drawn.push(match sent(lab, alertmanager, seconds).await.as_slice() {
            [] => '-',
            [alert] if alert.ends_at > lab.now() => 'F',
            [_] => 'R',
            more => panic!("{more:?}"),
        });
    }
    drawn
}

/// The first alert that arrives, second by second: it is then the rule's slot, and further ones are leaps of the rule's
/// interval away.
async fn first(lab: &Lab, alertmanager: &FakeAlertmanager) -> Posted {
    for _ in 0..600 {
        if let Some(alert) = sent(lab, alertmanager, 1).await.pop() {
            return alert;
        }
    }
    panic!("nothing arrives");
}

/// Removes a rule, and tells whoever heard of it.
async fn remove(lab: &Lab, rule: &str) {
    assert_eq!(lab.app.api.delete(&format!("/rules/{rule}")).await.status, 204);
    lab.app.deliver().await;
}

fn minutes(count: i64) -> TimeDelta {
    TimeDelta::minutes(count)
}

lines! {
    /// A label of the series or of the rule wins over the external one of that name.
    async fn c17_external_labels_only_in_what_is_sent(lab) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&lab, "am", &[&alertmanager]).await;
        let rule = busy(&lab, &am, json!({"annotations": {"where": "{{ $externalLabels.region }}"}})).await;
        let own = json!({"channel_ids": [am], "labels": {"region": "own"}});
        lab.rule("Own", r#"cpu{instance="a"}"#, own).await;
        lab.has([cpu("a", 97.0), series([("__name__", "cpu"), ("instance", "b"), ("region", "us")], 97.0)]);
        let mut told = sent(&lab, &alertmanager, 1).await;
        told.sort_by(|one, other| one.labels.cmp(&other.labels));
        let expected = [
            labels! {alertname = "Busy", instance = "a", region = "eu"},
            labels! {alertname = "Busy", instance = "b", region = "us"},
            labels! {alertname = "Own", instance = "a", region = "own"},
        ];
        assert_eq!(told.iter().map(|alert| alert.labels.clone()).collect::<Vec<_>>(), expected);
        assert_eq!(told[0].annotations["where"], "eu");

        let without = labels! {alertname = "Busy", instance = "a"};
        assert_eq!(lab.alerts(&rule).await[0].labels, without);
        assert_eq!(lab.app.api.get(&format!("/rules/{rule}")).await.ok()["labels"], json!({}));
        assert_eq!(lab.rule_of_prometheus_api("Busy").await["labels"], json!({}));
        for metric in ["ALERTS", "ALERTS_FOR_STATE"] {
            let found = lab.found(metric).await;
            let regions: Vec<_> = found.iter().map(|series| series.labels.get("region").map(String::as_str)).collect();
            assert_eq!(regions, [None, Some("us"), Some("own")], "{found:?}");
        }
        let noted = lab.app.notifications().await;
        let mut noted = noted.iter().flat_map(|notification| notification["alerts"].as_array().into_iter().flatten());
        assert!(noted.any(|alert| alert["labels"] == json!(without)), "what people see of it has none either");
    }

    async fn c28_an_end_has_the_slot_that_missed_it_and_the_original_beginning(lab) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&lab, "am", &[&alertmanager]).await;
        let rule = busy(&lab, &am, json!({"annotations": {"summary": "{{ $labels.instance }} is busy"}})).await;
        lab.has([cpu("a", 97.0)]);
        let fired = sent(&lab, &alertmanager, 1).await.remove(0);
        let fired_at = lab.now();
        assert_eq!(fired.starts_at, fired_at);
        lab.has([]);
        let ended = sent(&lab, &alertmanager, 1).await.remove(0);
        assert_eq!((ended.starts_at, ended.ends_at), (fired_at, lab.now()));
        assert_eq!((&ended.labels, &ended.annotations), (&fired.labels, &fired.annotations));
        assert_eq!(ended.annotations["summary"], "a is busy");
        assert_eq!(lab.alerts(&rule).await, []);
        assert_eq!(lab.app.states(&rule).await, ["firing", "resolved"]);
    }

    async fn c29_an_alert_starts_when_it_fires_not_when_it_is_first_seen(lab) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&lab, "am", &[&alertmanager]).await;
        let rule = busy(&lab, &am, json!({"for": "2s"})).await;
        lab.has([cpu("a", 97.0)]);
        assert_eq!(drawn(&lab, &alertmanager, 1, 2).await, "--");
        let fired = sent(&lab, &alertmanager, 1).await.remove(0);
        assert_eq!(fired.starts_at, lab.now());
        assert_eq!(lab.alert(&rule).await.active_at, lab.ago(2));
    }

    async fn c30_what_is_kept_firing_is_sent_on_as_it_was(lab) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&lab, "am", &[&alertmanager]).await;
        let annotations = json!({"value": "{{ $value }}"});
        busy(&lab, &am, json!({"interval": "1m", "keep_firing_for": "3m", "annotations": annotations})).await;
        lab.has([cpu("a", 7.0)]);
        let fired = first(&lab, &alertmanager).await;
        lab.has([]);
        assert_eq!(drawn(&lab, &alertmanager, 60, 1).await, "-");
        let kept = sent(&lab, &alertmanager, 60).await.remove(0);
        assert_eq!((kept.starts_at, &kept.annotations), (fired.starts_at, &fired.annotations));
        assert_eq!(kept.ends_at, lab.now() + minutes(4));
        assert_eq!(drawn(&lab, &alertmanager, 60, 2).await, "-R");
    }

    async fn c31_what_fires_anew_is_new_and_its_former_end_is_no_longer_sent(lab) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&lab, "am", &[&alertmanager]).await;
        busy(&lab, &am, json!({"interval": "1m"})).await;
        lab.has([cpu("a", 97.0)]);
        first(&lab, &alertmanager).await;
        lab.has([]);
        assert_eq!(drawn(&lab, &alertmanager, 60, 3).await, "R-R");
        lab.has([cpu("a", 97.0)]);
        let again = sent(&lab, &alertmanager, 60).await;
        assert_eq!((again.len(), again[0].starts_at), (1, lab.now()));
        assert_eq!(drawn(&lab, &alertmanager, 60, 4).await, "-F-F", "no end among them");
    }

    async fn c32_an_end_is_sent_again_for_a_quarter_of_an_hour(lab) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&lab, "am", &[&alertmanager]).await;
        busy(&lab, &am, json!({"interval": "1m"})).await;
        lab.has([cpu("a", 97.0)]);
        first(&lab, &alertmanager).await;
        lab.has([]);
        let ended = sent(&lab, &alertmanager, 60).await.remove(0);
        assert_eq!(drawn(&lab, &alertmanager, 60, 13).await, "-R-R-R-R-R-R-");
        let last = sent(&lab, &alertmanager, 60).await;
        assert_eq!(last.first(), Some(&ended), "14 minutes later it is sent as it was");
        assert_eq!(drawn(&lab, &alertmanager, 60, 10).await, "----------");
    }

    async fn c36_a_beginning_and_an_end_are_sent_by_the_evaluation_that_finds_them(lab) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&lab, "am", &[&alertmanager]).await;
        busy(&lab, &am, json!({"interval": "15s"})).await;
        lab.has([cpu("a", 97.0)]);
        assert_eq!(first(&lab, &alertmanager).await.starts_at, lab.now());
        assert_eq!(drawn(&lab, &alertmanager, 15, 1).await, "-");
        lab.has([]);
        assert_eq!(drawn(&lab, &alertmanager, 15, 1).await, "R", "30 s after it was last sent");
        let notifications = lab.app.notifications().await;
        let reasons: Vec<_> = notifications.iter().map(|notification| text(notification, "reason")).collect();
        assert_eq!(reasons, ["forward", "forward"], "and nobody else is told, not the log either");
    }

    async fn c37_an_alert_is_sent_again_when_strictly_more_than_the_delay_has_passed(lab) {
        lab.has([cpu("a", 97.0)]);
        for (interval, seconds, then) in [("30s", 30, "--F--F"), ("1m", 60, "-F-F-F"), ("15s", 15, "----F-")] {
            let alertmanager = FakeAlertmanager::start();
            let am = channel(&lab, interval, &[&alertmanager]).await;
            let rule = busy(&lab, &am, json!({"interval": interval})).await;
            first(&lab, &alertmanager).await;
            assert_eq!(drawn(&lab, &alertmanager, seconds, 6).await, then, "{interval}");
            remove(&lab, &rule).await;
        }
    }

    async fn c38_a_firing_alert_is_valid_for_four_times_the_longer_of_interval_and_delay(lab) {
        lab.has([cpu("a", 97.0)]);
        lab.second().await;
        for (interval, seconds, valid) in [("30s", 30, minutes(4)), ("1m", 60, minutes(4)), ("5m", 300, minutes(20))] {
            let alertmanager = FakeAlertmanager::start();
            let am = channel(&lab, interval, &[&alertmanager]).await;
            let rule = busy(&lab, &am, json!({"interval": interval})).await;
            let fired = sent(&lab, &alertmanager, seconds).await.remove(0);
            assert_eq!(fired.ends_at, fired.starts_at + valid, "{interval}, whose slot it starts at");
            remove(&lab, &rule).await;
        }
    }

    async fn c39_the_request_is_prometheus_own(lab) {
        let alertmanager = FakeAlertmanager::start();
        let config = json!({"url": format!("{}/prefix/", alertmanager.url())});
        let am = lab.app.api.create("/channels", json!({"name": "am", "kind": "alertmanager", "config": config})).await;
        let server = lab.app.api.create("/servers", json!({"name": "web", "instance": "web-1:9100"})).await;
        let threshold = json!({"op": ">", "value": 90});
        let more = json!({"threshold": threshold, "server_id": server, "severity": "warning", "channel_ids": [am]});
        lab.rule("Busy", r#"cpu{mode=~"a|b"}"#, more).await;
        lab.has([series([("__name__", "cpu"), ("instance", "web-1:9100"), ("mode", "a")], 97.0)]);
        lab.step().await;
        let post = alertmanager.posts().remove(0);
        assert_eq!(post.path, "/prefix/api/v2/alerts");
        assert_eq!(post.headers["content-type"], "application/json");
        assert!(post.headers["user-agent"].starts_with("vigil/"), "{:?}", post.headers);
        assert_eq!(post.headers.get("authorization"), None);
        let alert = &post.alerts[0];
        let expected = json!({
            "alertname": "Busy", "instance": "web-1:9100", "mode": "a", "region": "eu", "severity": "warning",
        });
        assert_eq!(alert.raw["labels"], expected);
        assert!(alert.raw.get("annotations").is_none(), "{}", alert.raw);
        for time in ["startsAt", "endsAt"] {
            let written = text(&alert.raw, time);
            assert!(written.len() == "2006-01-02T15:04:05.000Z".len() && written.ends_with(".000Z"), "{written}");
        }
        let url: reqwest::Url = alert.generator_url.parse().expect("a URL");
        let base = lab.app.state.config.http.base_url();
        assert!(alert.generator_url.starts_with(&format!("{base}/graph?g0.expr=")), "{url}");
        let parameters: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        let asked = text(&lab.rule_of_prometheus_api("Busy").await, "query");
        assert_eq!((&parameters["g0.expr"], parameters["g0.tab"].as_str()), (&asked, "1"));
    }

    async fn c40_all_get_everything_256_at_a_time_and_one_that_hangs_delays_no_other(lab) {
        let [one, other, silent] = [(); 3].map(|()| FakeAlertmanager::start());
        silent.hangs();
        let two = channel(&lab, "two", &[&silent, &one]).await;
        let third = channel(&lab, "third", &[&other]).await;
        lab.has((0..600).map(|n| cpu(&n.to_string(), 97.0)));
        lab.rule("Busy", "cpu", json!({"channel_ids": [two, third]})).await;
        let began = Instant::now();
        let arrived = async {
            let patience = Duration::from_secs(30);
            let posts = [one.wait_for(3, patience).await, other.wait_for(3, patience).await];
            (posts, began.elapsed())
        };
        let ((), (posts, after)) = tokio::join!(lab.step(), arrived);
        for posts in posts {
            let sizes: Vec<_> = posts.iter().map(|post| post.alerts.len()).collect();
            assert_eq!(sizes, [256, 256, 88]);
            let alerts = posts.iter().flat_map(|post| &post.alerts);
            let instances: BTreeSet<_> = alerts.map(|alert| alert.labels["instance"].clone()).collect();
            assert_eq!(instances.len(), 600);
        }
        assert!(after < Duration::from_secs(10), "{after:?}");
        let notifications = lab.app.notifications().await;
        assert_eq!(notifications.len(), 2, "{notifications:?}");
        for notification in &notifications {
            assert_eq!(notification["status"], "delivered", "{notification}");
            assert_eq!(notification["alerts"].as_array().map(Vec::len), Some(200), "the list people see is cut");
        }
        let told = notifications.iter().map(|n| text(&n["attempts"][0], "peer_response")).collect::<Vec<_>>();
        let expected = format!("accepted by 1 of 2; {}: no answer in time", silent.url());
        assert!(told.contains(&expected), "{told:?}");
        silent.recovers();
        lab.has([]);
        assert_eq!(sent(&lab, &silent, 1).await.len(), 600, "it hears of the rest as any other");
    }

    async fn c41_pending_is_never_sent(lab) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&lab, "am", &[&alertmanager]).await;
        let rule = busy(&lab, &am, json!({"for": "3s"})).await;
        lab.has([cpu("a", 97.0)]);
        assert_eq!(drawn(&lab, &alertmanager, 1, 2).await, "--");
        lab.has([]);
        assert_eq!(drawn(&lab, &alertmanager, 1, 2).await, "--");
        assert_eq!(lab.app.states(&rule).await, ["pending", "inactive"]);
        lab.has([cpu("a", 97.0)]);
        assert_eq!(drawn(&lab, &alertmanager, 1, 4).await, "---F");
        lab.edit(&rule, json!({"for": "10m"})).await;
        assert_eq!(drawn(&lab, &alertmanager, 1, 2).await, "--", "a raised `for` is no end either");
        lab.has([]);
        assert_eq!(drawn(&lab, &alertmanager, 1, 2).await, "--");
    }

    async fn c42_a_hundred_rules_arrive_in_time(lab) {
        let alertmanager = FakeAlertmanager::start();
        let am = channel(&lab, "am", &[&alertmanager]).await;
        for n in 0..100 {
            lab.rule(&format!("Busy{n}"), "cpu", json!({"channel_ids": [am]})).await;
        }
        lab.has(["a", "b", "c"].map(|instance| cpu(instance, 97.0)));
        let began = Instant::now();
        assert_eq!(sent(&lab, &alertmanager, 1).await.len(), 300);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}
