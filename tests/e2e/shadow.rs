//! Rules in shadow: evaluated and recorded, never delivered.

use serde_json::{Value, json};
use vigil_tests::{
    app::{TestApp, items, text},
    fakes::FakeAlertmanager,
    labels,
};

/// Reason and status of every notification, oldest first.
async fn said(app: &TestApp) -> Vec<(String, String)> {
    app.notifications().await.iter().map(|said| (text(said, "reason"), text(said, "status"))).collect()
}

fn of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(reason, status)| ((*reason).to_owned(), (*status).to_owned())).collect()
}

/// The condition of `up == 0` holds of the instance `a`, or of nothing.
fn is_down(app: &TestApp, down: bool) {
    app.prometheus.answers("up == 0", down.then(|| (labels! { instance = "a" }, 0.0)));
}

async fn set_shadow(app: &TestApp, path: &str, shadow: bool) -> Value {
    app.api.patch(path, json!({"shadow": shadow})).await.ok()
}

const FILE: &str = "groups:\n- name: g\n  rules:\n  - {alert: Down, expr: up == 0}\n";

stories! {
    /// Everything happens but the telling; what would have been said is written down.
    async fn nothing_of_a_rule_in_shadow_is_delivered(app) {
        let ops = app.telegram_channel("ops").await;
        let more = json!({"for": "1m", "channel_ids": [ops], "shadow": true, "repeat_interval": "2m"});
        let rule = app.rule("Down", "up == 0", more).await;
        is_down(&app, true);
        for _ in 0..4 {
            app.tick("1m").await;
        }
        let alert = app.alerts(&rule).await[0].clone();
        assert_eq!((&alert["state"], &alert["shadow"]), (&json!("firing"), &json!(true)));
        let shown = app.api.prometheus("/alerts", &[]).await.ok();
        assert_eq!(shown["data"]["alerts"][0]["state"], "firing");
        assert_eq!(shown["data"]["alerts"][0].get("shadow"), None, "with nothing that is not Prometheus'");
        is_down(&app, false);
        app.tick("1m").await;
        assert_eq!(app.states(&rule).await, ["pending", "firing", "resolved"]);
        let events = app.api.get(&format!("/events?rule_id={rule}&shadow=true")).await.ok();
        assert_eq!(items(&events).len(), 3);
        assert_eq!(app.heard(), [""; 0]);
        assert_eq!(said(&app).await, of(&[("first", "shadow"), ("repeat", "shadow"), ("resolved", "shadow")]));
        let on_paper = app.api.get("/notifications?status=shadow&reason=first").await.ok();
        let first = &items(&on_paper)[0];
        assert_eq!((&first["channel_id"], &first["rule_id"]), (&json!(ops), &json!(rule)));
        assert_eq!((&first["attempts"], &first["alerts"][0]["labels"]["instance"]), (&json!([]), &json!("a")));
    }

    /// What fires when a rule comes out of shadow is told once, and so is its end.
    async fn what_fires_as_the_shadow_ends_is_told_as_new(app) {
        let ops = app.telegram_channel("ops").await;
        let rule = app.rule("Down", "up == 0", json!({"channel_ids": [ops], "shadow": true})).await;
        is_down(&app, true);
        app.tick("1m").await;
        let lit = set_shadow(&app, &format!("/rules/{rule}"), false).await;
        assert_eq!((&lit["state"], &lit["in_shadow"]), (&json!("firing"), &json!(false)));
        app.deliver().await;
        assert_eq!(app.heard().len(), 0, "the evaluation tells, not the change");
        for _ in 0..2 {
            app.tick("1m").await;
        }
        assert_eq!(app.heard().len(), 1, "{:?}", app.heard());
        is_down(&app, false);
        app.tick("1m").await;
        assert_eq!(said(&app).await, of(&[("first", "shadow"), ("first", "delivered"), ("resolved", "delivered")]));
        assert_eq!(app.states(&rule).await, ["firing", "resolved"], "it is one alert all the time");

        // What ends in shadow ends for those who were told as well: without a word.
        is_down(&app, true);
        app.tick("1m").await;
        assert_eq!(app.heard().len(), 3);
        set_shadow(&app, &format!("/rules/{rule}"), true).await;
        is_down(&app, false);
        app.tick("1m").await;
        set_shadow(&app, &format!("/rules/{rule}"), false).await;
        app.tick("1m").await;
        assert_eq!(app.heard().len(), 3, "{:?}", app.heard());
        assert_eq!(said(&app).await.last(), of(&[("resolved", "shadow")]).last());
    }

    /// A namespace, a group and a rule each have a word, and one is enough.
    async fn a_namespace_a_group_or_a_rule_may_be_in_shadow(app) {
        let ops = app.telegram_channel("ops").await;
        is_down(&app, true);
        app.api.import("g.yml", &format!("&shadow=true&channel_id={ops}"), FILE).await.ok();
        let rule = text(&items(&app.api.get("/rules").await.ok())[0], "id");
        let group = text(&items(&app.api.get("/rule-groups").await.ok())[0], "id");
        let (file, group, rule) = ("/rule-files/g.yml", format!("/rule-groups/{group}"), format!("/rules/{rule}"));
        app.tick("1m").await;
        for (into, out) in [(group.as_str(), file), (rule.as_str(), group.as_str())] {
            set_shadow(&app, into, true).await;
            set_shadow(&app, out, false).await;
            app.tick("1m").await;
            assert_eq!(app.heard().len(), 0, "by {into}");
        }
        app.api.import("g.yml", "", &FILE.replace("up == 0", "up < 1")).await.ok();
        app.prometheus.answers("up < 1", [(labels! { instance = "a" }, 0.0)]);
        app.tick("1m").await;
        assert_eq!(app.heard().len(), 0, "an import has no word for it");
        set_shadow(&app, &rule, false).await;
        app.tick("1m").await;
        assert_eq!(app.heard().len(), 1);
        // Removed in shadow, it ends without a word.
        set_shadow(&app, file, true).await;
        app.api.delete("/rule-files/g.yml").await.ok();
        app.deliver().await;
        assert_eq!(app.heard().len(), 1);
    }

    /// Alertmanagers get nothing in shadow and everything after it.
    async fn nothing_is_forwarded_in_shadow(app) {
        let alertmanager = FakeAlertmanager::start();
        let config = json!({"url": alertmanager.url()});
        let am = app.api.create("/channels", json!({"name": "am", "kind": "alertmanager", "config": config})).await;
        let rule = app.rule("Down", "up == 0", json!({"channel_ids": [am], "shadow": true})).await;
        is_down(&app, true);
        for _ in 0..3 {
            app.tick("1m").await;
        }
        assert!(alertmanager.posts().is_empty());
        assert_eq!(said(&app).await, of(&[("first", "shadow")]));
        set_shadow(&app, &format!("/rules/{rule}"), false).await;
        app.tick("1m").await;
        assert_eq!(alertmanager.alerts().len(), 1);
        set_shadow(&app, &format!("/rules/{rule}"), true).await;
        is_down(&app, false);
        app.tick("1m").await;
        assert_eq!(alertmanager.alerts().len(), 1, "it ends the alert by itself when it no longer hears of it");
    }

    /// A data source that only rules in shadow ask is nobody's trouble.
    async fn a_dead_data_source_is_not_told_for_rules_in_shadow(app) {
        let ops = app.telegram_channel("ops").await;
        app.rule("Down", "up == 0", json!({"channel_ids": [ops], "shadow": true})).await;
        app.prometheus.down();
        for _ in 0..6 {
            app.tick("1m").await;
        }
        app.prometheus.up();
        for _ in 0..3 {
            app.tick("1m").await;
        }
        assert_eq!((app.heard(), said(&app).await), (vec![], vec![]));
    }
}

/// With the Prometheus that still pages.
mod report {
    use std::time::Duration;

    use serde_json::{Value, json};
    use vigil_runtime::Clock;
    use vigil_tests::{
        app::{Mode, TestApp, items, text},
        cluster::eventually,
        scratch::Scratch,
        services::{Prometheus, User},
    };

    const PATIENCE: Duration = Duration::from_secs(60);

    const THERE: &str = "groups:
- name: g
  rules:
  - {alert: Both, expr: vector(1)}
  - {alert: OnlyThere, expr: vector(1)}
  - {alert: Stranger, expr: vector(1)}
";

    const HERE: &str = "groups:
- name: g
  interval: 1s
  rules:
  - {alert: Both, expr: vector(1)}
  - {alert: OnlyHere, expr: vector(1)}
  - {alert: OnlyThere, expr: vector(1) > 2}
  - {record: 'only:here', expr: vector(1)}
";

    /// Brings Vigil's clock to the present, evaluates and delivers.
    async fn now(app: &TestApp) {
        let behind = Clock::System.now() - app.clock.now();
        app.clock.advance(behind.to_std().unwrap_or_default());
        app.evaluate().await;
        app.deliver().await;
    }

    /// The verdicts by the alert's name, with their reasons.
    fn verdicts(report: &Value) -> Vec<(String, String, Option<String>)> {
        let alerts = report["alerts"].as_array().into_iter().flatten();
        let verdict = |alert: &Value| {
            let reason = alert["reason"].as_str().map(str::to_owned);
            (text(&alert["labels"], "alertname"), text(alert, "verdict"), reason)
        };
        let mut verdicts: Vec<_> = alerts.map(verdict).collect();
        verdicts.sort();
        verdicts
    }

    async fn nothing_there(prometheus: &Prometheus, expr: &str) {
        let answer = prometheus.query(expr).await;
        assert_eq!(answer["data"]["result"], json!([]), "{expr}: {answer}");
    }

    /// A Prometheus with the rules of [`THERE`] that fire, and a Vigil beside it with those of [`HERE`], in shadow.
    async fn side_by_side(mode: Mode) -> (Prometheus, TestApp, Scratch) {
        let folder = Scratch::owned_by(User::for_server("prometheus"));
        let file = folder.write("rules.yml", THERE).display().to_string();
        let config = format!("global: {{evaluation_interval: 1s}}\nrule_files: [{file:?}]\n");
        let prometheus = Prometheus::configured(&config).await;
        for name in ["Both", "OnlyThere", "Stranger"] {
            prometheus.until_present(&format!("ALERTS{{alertname={name:?},alertstate=\"firing\"}}")).await;
        }
        let url = prometheus.url().to_owned();
        let configure = |config: &mut vigil_runtime::Config| {
            config.datasource.url = Some(url);
            config.datasource.timeout_seconds = 30.0;
            config.evaluation.write_alerts = Some(true);
        };
        let app = TestApp::configured(mode, configure).await;
        let ops = app.telegram_channel("ops").await;
        app.api.import("g.yml", &format!("&shadow=true&channel_id={ops}"), HERE).await.ok();
        (prometheus, app, folder)
    }

    /// Waits until the report is as it must be, from the time on that all fire that are to.
    async fn compared(app: &TestApp) {
        let first = async || {
            now(app).await;
            let alerts = app.api.get("/alerts").await.ok();
            if items(&alerts).len() == 2 { Ok(app.clock.now()) } else { Err(format!("not two alerts: {alerts}")) }
        };
        let from = eventually(PATIENCE, first).await;
        let expected = [
            ("Both", "same", None),
            ("OnlyHere", "only_here", Some("nothing_there")),
            ("OnlyThere", "only_there", Some("unexplained")),
        ];
        let expected =
            expected.map(|(name, verdict, reason)| (name.to_owned(), verdict.to_owned(), reason.map(str::to_owned)));
        let asked = format!("/shadow/report?from={}", from.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        let report = async || {
            now(app).await;
            let report = app.api.get(&asked).await.body;
            if verdicts(&report) == expected { Ok(report) } else { Err(report.to_string()) }
        };
        let report = eventually(PATIENCE, report).await;
        assert_eq!(report["summary"], json!({"same": 1, "shifted": 0, "only_here": 1, "only_there": 1}));
        assert_eq!((&report["rules_compared"], &report["rules_clean"]), (&json!(3), &json!(1)));
        assert_eq!(report["unknown"], json!([{"name": "Stranger", "alerts": 1}]));
        let of_one = app.api.get(&format!("{asked}&name=Both&namespace=g.yml&group=g")).await.ok();
        assert_eq!((&of_one["rules_compared"], &of_one["unknown"]), (&json!(1), &json!([])));
        assert_eq!(of_one["rules"][0]["tolerance"], "3s");
    }

    async fn both_sides_are_compared_and_nobody_is_told(mode: Mode) {
        let (prometheus, app, _folder) = side_by_side(mode).await;
        compared(&app).await;
        for expr in ["ALERTS{alertname=\"OnlyHere\"}", "ALERTS_FOR_STATE{alertname=\"OnlyHere\"}", "only:here"] {
            nothing_there(&prometheus, expr).await;
        }
        let recording = app.api.get("/rules?kind=recording").await.ok();
        assert_eq!(text(&items(&recording)[0], "health"), "ok");
        assert_eq!(app.heard(), [""; 0]);
        let on_paper = app.notifications().await;
        assert_eq!(on_paper.len(), 2);
        assert!(on_paper.iter().all(|said| said["status"] == "shadow" && said["reason"] == "first"), "{on_paper:?}");

        app.api.patch("/rule-files/g.yml", json!({"shadow": false})).await.ok();
        let told = async || {
            now(&app).await;
            let heard = app.heard();
            if heard.len() == 2 { Ok(heard) } else { Err(format!("{heard:?}")) }
        };
        let heard = eventually(PATIENCE, told).await;
        for name in ["Both", "OnlyHere"] {
            assert!(heard.iter().any(|text| text.contains(name)), "{name} in {heard:?}");
        }
        prometheus.until_present("ALERTS{alertname=\"OnlyHere\",alertstate=\"firing\"}").await;
        prometheus.until_present("only:here").await;
    }

    in_both_modes!(both_sides_are_compared_and_nobody_is_told);
}
