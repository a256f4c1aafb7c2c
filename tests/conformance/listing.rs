//! C50 to C53, and what C55 says of it: rules and alerts as clients of Prometheus list them.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vigil_domain::Timestamp;
use vigil_tests::app::{TestApp, text};

use crate::lab::{cpu, series};

/// How long a start may take, with all before this line.
const PATIENCE: TimeDelta = TimeDelta::minutes(1);

/// Never, to Go.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// An expression that fails while there are both metrics of one instance.
const FAILING: &str = r#"{__name__=~"cpu|mem"} + cpu"#;

/// The data of a success in Prometheus' envelope.
async fn data(app: &TestApp, path: &str, parameters: &[(&str, &str)]) -> Value {
    let answer = app.api.prometheus(path, parameters).await;
    let kind = answer.headers["content-type"].to_str().ok();
    assert_eq!((answer.status.as_u16(), kind), (200, Some("application/json")), "{}", answer.text);
    assert_eq!(answer.body["status"], "success", "{}", answer.text);
    answer.body["data"].clone()
}

/// The text of a refusal.
async fn refusal(app: &TestApp, path: &str, parameters: &[(&str, &str)]) -> String {
    let answer = app.api.prometheus(path, parameters).await;
    assert_eq!(answer.status, 400, "{parameters:?}: {}", answer.text);
    assert_eq!((&answer.body["status"], &answer.body["errorType"]), (&json!("error"), &json!("bad_data")));
    text(&answer.body, "error")
}

async fn groups(app: &TestApp, parameters: &[(&str, &str)]) -> Vec<Value> {
    data(app, "/rules", parameters).await["groups"].as_array().expect("groups").clone()
}

fn rules(group: &Value) -> &[Value] {
    group["rules"].as_array().expect("rules")
}

/// What a client sees of them: `group: rule rule`.
async fn names(app: &TestApp, parameters: &[(&str, &str)]) -> Vec<String> {
    let of = |group: &Value| {
        let rules: Vec<_> = rules(group).iter().map(|rule| text(rule, "name")).collect();
        format!("{}: {}", text(group, "name"), rules.join(" "))
    };
    groups(app, parameters).await.iter().map(of).collect()
}

/// Takes the times that evaluations took out of what is shown, which differ each time, and answers them.
fn take_times(shown: &mut Value) -> Vec<f64> {
    let mut times = Vec::new();
    match shown {
        Value::Object(fields) => {
            times.extend(fields.remove("evaluationTime").map(|time| time.as_f64().expect("a number")));
            times.extend(fields.values_mut().flat_map(take_times));
        }
        Value::Array(items) => times.extend(items.iter_mut().flat_map(take_times)),
        _ => {}
    }
    times
}

/// Six rules: three in the group `node`, two without a group under one name, and one alone.
async fn six_rules(app: &TestApp) {
    for (name, severity) in [("Load", "page"), ("Disk", "info"), ("Memory", "page")] {
        let rule = json!({"name": name, "expr": "up == 0", "group": "node", "severity": severity});
        app.api.create("/rules", rule).await;
    }
    app.rule("twice", "up == 0", json!({"severity": "page"})).await;
    app.rule("twice", "up == 0", json!({"severity": "info"})).await;
    app.rule("Alone", "up == 0", json!({"labels": {"team": "{{ $labels.team }}"}})).await;
}

const SIX: [&str; 4] = ["Alone: Alone", "node: Load Disk Memory", "twice: twice", "twice: twice"];

lines! {
    /// Fields and their form, before the first evaluation and after it.
    async fn c50_rules_have_the_fields_of_prometheus(lab) {
        lab.group("node", json!({"interval": "30s", "limit": 5})).await;
        let load = json!({"group": "node", "threshold": {"op": ">", "value": 5}, "for": "5m", "keep_firing_for": "90s",
            "severity": "critical", "annotations": {"summary": "load is {{ $value }}"}});
        let id = lab.rule("Load", "sum  by(job) (node_load1)", load).await;
        lab.rule("Disk", FAILING, json!({"group": "node", "for": "1500ms"})).await;

        let expected = |load: Value, disk: Value, at: &str| {
            let mut load_rule = json!({"name": "Load", "query": "(sum by (job) (node_load1)) > 5", "duration": 300,
                "keepFiringFor": 90, "labels": {"severity": "critical"},
                "annotations": {"summary": "load is {{ $value }}"}, "type": "alerting"});
            let mut disk_rule = json!({"name": "Disk", "query": FAILING, "duration": 1.5, "keepFiringFor": 0,
                "labels": {}, "annotations": {}, "type": "alerting"});
            for (rule, more) in [(&mut load_rule, load), (&mut disk_rule, disk)] {
                rule["lastEvaluation"] = json!(at);
                vigil_tests::app::merge(rule, more);
            }
            json!({"groups": [{"name": "node", "file": "vigil", "interval": 30, "limit": 5, "lastEvaluation": at,
                "rules": [load_rule, disk_rule]}]})
        };
        let unknown = json!({"state": "unknown", "health": "unknown", "alerts": []});
        let mut shown = data(&lab.app, "/rules", &[]).await;
        assert_eq!(take_times(&mut shown), [0.0; 3]);
        assert_eq!(shown, expected(unknown.clone(), unknown, NEVER));

        let node = series([("__name__", "node_load1"), ("job", "web"), ("instance", "a")], 11.0);
        lab.has([node, cpu("a", 1.0), series([("__name__", "mem"), ("instance", "a")], 1.0)]);
        lab.seconds(29).await;
        lab.step().await;
        let mut shown = data(&lab.app, "/rules", &[]).await;
        let times = take_times(&mut shown);
        assert!(times.len() == 3 && times.iter().all(|time| (1e-6..10.0).contains(time)), "{times:?}");
        assert!(times[0] + 1e-9 >= times[1] + times[2], "a group takes as long as its rules: {times:?}");
        let active_at = text(&lab.app.alerts(&id).await[0], "active_at");
        let alert = json!({"labels": {"alertname": "Load", "job": "web", "severity": "critical"},
            "annotations": {"summary": "load is 11"}, "state": "pending", "activeAt": active_at, "value": "1.1e+01"});
        let pending = json!({"state": "pending", "health": "ok", "alerts": [alert]});
        let error = text(&shown["groups"][0]["rules"][1], "lastError");
        assert!(error.contains("many-to-one matching must be explicit"), "{error}");
        let failed = json!({"state": "inactive", "health": "err", "lastError": error, "alerts": []});
        let at = text(&shown["groups"][0], "lastEvaluation");
        let after = at.parse::<Timestamp>().expect("a time") - lab.now();
        assert!((0..1_000).contains(&after.num_milliseconds()), "{at}, {after} after the slot");
        assert_eq!(shown, expected(pending, failed, &at));

        let excluded = groups(&lab.app, &[("exclude_alerts", "true")]).await;
        assert!(rules(&excluded[0]).iter().all(|rule| rule["alerts"].is_null()), "{excluded:?}");
        assert_eq!(text(&rules(&excluded[0])[0], "state"), "pending");
    }

    /// Groups by name, rules in the order of their evaluation, and only those that are evaluated.
    async fn c50_groups_are_sorted_and_rules_are_not(lab) {
        let app = &lab.app;
        six_rules(app).await;
        app.rule("Resting", "up == 0", json!({"is_active": false})).await;
        app.api.create("/rules", json!({"name": "Resting", "expr": "up == 0", "group": "node", "is_active": false})).await;
        app.api.create("/rule-groups", json!({"name": "empty"})).await;
        assert_eq!(names(app, &[]).await, SIX);
        let files: Vec<_> = groups(app, &[]).await.iter().map(|group| text(group, "file")).collect();
        assert_eq!(files, ["vigil"; 4]);
    }

    /// A failing rule keeps its state and alerts; an alert that is kept firing says since when.
    async fn c50_what_an_alert_goes_through_is_shown(lab) {
        lab.rule("Busy", r#"{__name__=~"cpu|mem"}"#, json!({"keep_firing_for": "10m"})).await;
        lab.has([cpu("a", f64::INFINITY)]);
        lab.step().await;
        let rule = async || rules(&groups(&lab.app, &[]).await[0])[0].clone();
        let firing = rule().await;
        assert_eq!((text(&firing, "state"), text(&firing["alerts"][0], "value")), ("firing".into(), "+Inf".into()));
        assert_eq!(firing["alerts"][0].get("keepFiringSince"), None);
        assert_eq!(firing.get("lastError"), None);

        lab.has([]);
        lab.step().await;
        let kept = rule().await;
        let alert = &kept["alerts"][0];
        assert_eq!((text(&kept, "state"), text(alert, "value")), ("firing".into(), "+Inf".into()));
        assert!(text(alert, "keepFiringSince") > text(alert, "activeAt"), "{alert}");
        assert_eq!(alert["activeAt"], firing["alerts"][0]["activeAt"]);

        // Two elements that would be one alert.
        lab.has([cpu("a", 1.0), series([("__name__", "mem"), ("instance", "a")], 2.0)]);
        lab.step().await;
        let failed = rule().await;
        assert_eq!((text(&failed, "state"), text(&failed, "health")), ("firing".into(), "err".into()));
        assert_eq!(failed["alerts"], kept["alerts"]);
        assert!(!text(&failed, "lastError").is_empty());
    }

    /// Every filter, alone and together with others.
    async fn c51_filters_leave_what_every_one_of_them_wants(lab) {
        let app = &lab.app;
        six_rules(app).await;
        let page = ("match[]", r#"{severity="page"}"#);
        for (parameters, expected) in [
            (vec![("type", "alert")], SIX.to_vec()),
            (vec![("type", "Alert"), ("file[]", "vigil"), ("file[]", "other")], SIX.to_vec()),
            (vec![("type", "record")], vec![]),
            (vec![("file[]", "other")], vec![]),
            (vec![("rule_group[]", "node")], vec![SIX[1]]),
            (vec![("rule_group[]", "node"), ("rule_group[]", "Alone")], vec![SIX[0], SIX[1]]),
            (vec![("rule_name[]", "Disk"), ("rule_name[]", "Alone")], vec!["Alone: Alone", "node: Disk"]),
            (vec![("rule_name[]", "Alone"), ("rule_group[]", "node")], vec![]),
            (vec![page], vec!["node: Load Memory", "twice: twice"]),
            (vec![page, ("match[]", r#"{team!=""}"#)], vec!["Alone: Alone", "node: Load Memory", "twice: twice"]),
            (vec![page, ("rule_name[]", "Memory"), ("type", "alert")], vec!["node: Memory"]),
            (vec![("match[]", r#"{team=~".*labels.team.*",severity=""}"#)], vec!["Alone: Alone"]),
            (vec![("match[]", r#"{alertname="Load"}"#)], vec![]),
            (vec![("limit_alerts", "1"), ("unknown", "x")], SIX.to_vec()),
        ] {
            assert_eq!(names(app, &parameters).await, expected, "{parameters:?}");
        }
    }

    /// Each mistake, in Prometheus' words.
    async fn c51_mistakes_are_refused_in_prometheus_words(lab) {
        let app = &lab.app;
        let limit = r#"invalid parameter "group_limit": group_limit needs to be"#;
        let token = r#"invalid parameter "group_next_token":"#;
        for (parameters, expected) in [
            (vec![("type", "foo")], r#"invalid parameter "type": not supported value "foo""#.to_owned()),
            (
                vec![("exclude_alerts", "maybe")],
                r#"invalid parameter "exclude_alerts": error converting exclude_alerts: strconv.ParseBool: parsing "maybe": invalid syntax"#
                    .to_owned(),
            ),
            (
                vec![("group_limit", "many")],
                format!(r#"{limit} a valid number: strconv.ParseInt: parsing "many": invalid syntax"#),
            ),
            (vec![("group_limit", "0")], format!("{limit} greater than 0")),
            (vec![("group_limit", "-1")], format!("{limit} greater than 0")),
            (
                vec![("group_next_token", "x")],
                format!("{token} group_limit needs to be present in order to paginate over the groups"),
            ),
            (
                vec![("group_next_token", "x"), ("group_limit", "1")],
                format!("{token} invalid group_next_token 'x'. were rule groups changed?"),
            ),
        ] {
            assert_eq!(refusal(app, "/rules", &parameters).await, expected);
        }
        for selector in ["{", "sum(up)", "{}", r#"{severity=~"("}"#] {
            refusal(app, "/rules", &[("match[]", selector)]).await;
        }
    }

    /// The pages together are the whole, whatever their size, and whatever is left out.
    async fn c52_pages_together_are_the_whole(lab) {
        let app = &lab.app;
        six_rules(app).await;
        for filter in [None, Some(("match[]", r#"{severity="page"}"#))] {
            let whole = groups(app, &Vec::from_iter(filter)).await;
            for limit in ["1", "2", "3", "4", "5"] {
                let (mut pages, mut next) = (Vec::new(), None::<String>);
                loop {
                    let mut parameters = Vec::from_iter(filter);
                    parameters.push(("group_limit", limit));
                    parameters.extend(next.as_deref().map(|token| ("group_next_token", token)));
                    let page = data(app, "/rules", &parameters).await;
                    pages.extend(page["groups"].as_array().expect("groups").clone());
                    assert!(pages.len() <= whole.len(), "{limit} at a time: {pages:?}");
                    next = page.get("groupNextToken").map(|token| token.as_str().expect("text").to_owned());
                    if next.is_none() {
                        break;
                    }
                }
                assert_eq!(pages, whole, "{limit} at a time");
            }
        }
    }

    /// A token is the SHA-256 of the next group's file and name.
    async fn c52_a_token_names_the_next_group(lab) {
        let app = &lab.app;
        for name in ["a", "b", "c"] {
            app.rule(name, "up == 0", json!({})).await;
        }
        let page = data(app, "/rules", &[("group_limit", "2")]).await;
        // Of `vigil;c`.
        let token = "ece110e04fe176df37c28bb5b84969d9f2fb5ec1480a71d688d2bcc3cbb5afc4";
        assert_eq!(page["groupNextToken"], token);
        let page = data(app, "/rules", &[("group_limit", "2"), ("group_next_token", token)]).await;
        assert_eq!((text(&page["groups"][0], "name"), page.get("groupNextToken")), ("c".to_owned(), None));
        assert_eq!(data(app, "/rules", &[("group_limit", "3")]).await.get("groupNextToken"), None);
    }

    /// What `/alerts` lists is what `/rules` shows of all rules, and no alert has an external label.
    async fn c53_alerts_are_those_of_all_rules(lab) {
        let load = |instance: &str, value: f64| series([("__name__", "load"), ("instance", instance)], value);
        lab.rule("Busy", "cpu", json!({})).await;
        lab.rule("Load", "load", json!({"for": "1h"})).await;
        lab.rule("Quiet", "quiet", json!({})).await;
        assert_eq!(data(&lab.app, "/alerts", &[]).await, json!({"alerts": []}));
        lab.has([cpu("b", 97.0), cpu("a", 97.0), load("a", 7.0), load("c", f64::NAN)]);
        lab.step().await;
        let listed = data(&lab.app, "/alerts", &[]).await["alerts"].as_array().expect("alerts").clone();
        let groups = groups(&lab.app, &[]).await;
        let of_rules = groups.iter().flat_map(rules).flat_map(|rule| rule["alerts"].as_array().expect("alerts"));
        let sorted = |mut alerts: Vec<Value>| {
            alerts.sort_by_key(Value::to_string);
            alerts
        };
        assert_eq!(sorted(listed.clone()), sorted(of_rules.cloned().collect()));
        let mut states: Vec<_> = listed.iter().map(|alert| text(alert, "state")).collect();
        states.sort_unstable();
        assert_eq!(states, ["firing", "firing", "pending", "pending"]);
        let names: Vec<_> = listed[0]["labels"].as_object().expect("labels").keys().collect();
        assert_eq!(names, ["alertname", "instance"]);
        lab.has([load("a", 7.0), load("c", f64::NAN)]);
        lab.step().await;
        let left = data(&lab.app, "/alerts", &[]).await;
        assert_eq!(left["alerts"].as_array().map(Vec::len), Some(2), "what ended is gone");
    }

    /// What tells Grafana that this is a Prometheus with a ruler, and what it asks beside.
    async fn c55_grafana_takes_it_for_a_prometheus(lab) {
        let app = &lab.app;
        let built = data(app, "/status/buildinfo", &[]).await;
        assert!(text(&built, "version").starts_with("2."), "{built}");
        assert_eq!(built["features"], json!({"ruler_config_api": "true"}));
        let none = json!({"activeAlertmanagers": [], "droppedAlertmanagers": []});
        assert_eq!(data(app, "/alertmanagers", &[]).await, none);
        let started = text(&data(app, "/status/runtimeinfo", &[]).await, "startTime");
        let started: Timestamp = started.parse().expect("a time");
        assert!(started <= app.clock.now() && app.clock.now() - started < PATIENCE, "{started}");
        let flags = app.api.prometheus("/status/flags", &[]).await;
        assert_eq!((flags.status.as_u16(), &flags.body["errorType"]), (404, &json!("not_found")));
    }
}
