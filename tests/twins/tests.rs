//! A comparison that finds nothing has to be one that would: each kind of difference, planted in what one side shows.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use vigil_tests::{
    fakes::{
        Labels,
        alertmanager::{Post, Posted},
    },
    labels,
};

use crate::{
    compare::{compare, unmet},
    evidence::{Evidence, Look},
    known::Side,
    pace::{LOOK, Pace},
    report::Report,
    shown::groups,
    timeline::Millis,
};

/// How long the other side is behind.
const SHIFT: Millis = 1_400;
const END: Millis = 40_000;

fn zero() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000).expect("a time")
}

fn moment(at: Millis) -> DateTime<Utc> {
    zero() + TimeDelta::milliseconds(at)
}

/// What there is at a moment: an alert that is pending from 10 s to 14 s, fires until 24 s, and is kept until 28 s.
fn look(at: Millis, shift: Millis) -> Look {
    let (active, since) = (10_000 + shift, 24_000 + shift);
    let state = match at - shift {
        10_000..14_000 => Some("pending"),
        14_000..28_000 => Some("firing"),
        _ => None,
    };
    let labels = json!({"alertname": "Busy", "series": "plain"});
    let alerts: Vec<Value> = state
        .map(|state| {
            let mut alert = json!({"labels": labels, "annotations": {"summary": "at 95"}, "state": state,
                "activeAt": moment(active), "value": "9.5e+01"});
            if at >= since {
                alert["keepFiringSince"] = json!(moment(since));
            }
            alert
        })
        .into_iter()
        .collect();
    let evaluated = moment(at - at.rem_euclid(2_000));
    let busy = json!({"type": "alerting", "name": "Busy", "query": "level > 90", "duration": 4, "keepFiringFor": 4,
        "labels": {"severity": "page"}, "annotations": {"summary": "at {{ $value }}"}, "alerts": alerts,
        "state": state.unwrap_or("inactive"), "health": "ok", "evaluationTime": 0.01, "lastEvaluation": evaluated});
    let record = json!({"type": "recording", "name": "level:max", "query": "max(level)", "labels": {}, "health": "err",
        "lastError": "no", "evaluationTime": 0.01, "lastEvaluation": evaluated});
    let rules = json!({"groups": [
        {"name": "levels", "file": "/etc/differential.yml", "rules": [busy, record], "interval": 2, "limit": 0,
            "evaluationTime": 0.02, "lastEvaluation": evaluated},
        {"name": "other", "file": "other.yml", "rules": [], "interval": 2, "limit": 0, "evaluationTime": 0.0,
            "lastEvaluation": evaluated},
    ]});
    let mut series = vec![json!({"metric": {"__name__": "level:max"}, "value": [0, "95"]})];
    if let Some(state) = state {
        let common = |name: &str| json!({"__name__": name, "alertname": "Busy", "series": "plain"});
        let mut alerts = common("ALERTS");
        alerts["alertstate"] = json!(state);
        series.push(json!({"metric": alerts, "value": [0, "1"]}));
        let seconds = (moment(active).timestamp_millis() / 1_000).to_string();
        series.push(json!({"metric": common("ALERTS_FOR_STATE"), "value": [0, seconds]}));
    }
    Look { at: moment(at), rules, alerts: json!({"alerts": alerts}), series: Value::Array(series) }
}

/// The evidence of one side, with what `plant` changes in each look.
fn evidence(side: Side, shift: Millis, plant: &impl Fn(&mut Look)) -> Evidence {
    let mut evidence = Evidence::new(side, zero());
    let mut at = 0;
    while at < END {
        let mut look = look(at, shift);
        plant(&mut look);
        evidence.look(&look);
        at += LOOK;
    }
    evidence
}

fn pace() -> Pace {
    Pace::of(&groups(&look(0, 0).rules))
}

fn kinds(report: &Report) -> Vec<&'static str> {
    report.kinds().into_iter().collect()
}

/// The rule `Busy` of a look.
fn busy(look: &mut Look) -> &mut Value {
    &mut look.rules["groups"][0]["rules"][0]
}

/// Its alert in the answer about rules, if there is one.
fn shown(look: &mut Look) -> Option<&mut Value> {
    busy(look)["alerts"].get_mut(0)
}

/// The alert in the answer about alerts, if there is one.
fn listed(look: &mut Look) -> Option<&mut Value> {
    look.alerts["alerts"].get_mut(0)
}

fn set(place: Option<&mut Value>, field: &str, value: Value) {
    if let Some(place) = place {
        place[field] = value;
    }
}

/// The series of that name, if it is there.
fn series<'a>(look: &'a mut Look, name: &str) -> Option<&'a mut Value> {
    let all = look.series.as_array_mut().expect("a list");
    all.iter_mut().find(|series| series["metric"]["__name__"] == name)
}

fn second(look: &Look) -> i64 {
    (look.at - zero()).num_seconds()
}

#[test]
fn the_same_at_another_phase_is_the_same() {
    let prometheus = evidence(Side::Prometheus, 0, &|_| {});
    for shift in [0, SHIFT, -SHIFT, 4_000] {
        let report = compare(&evidence(Side::Vigil, shift, &|_| {}), &prometheus, &pace());
        assert!(report.is_clean(), "{shift}: {report}");
    }
    let late = compare(&evidence(Side::Vigil, 6_000, &|_| {}), &prometheus, &pace());
    assert!(!late.is_clean(), "later than an interval, a scrape and what a machine may take");
}

/// What is changed in one side's looks, what has to be found then, and the change.
type Plant = (&'static str, &'static str, fn(&mut Look));

const PLANTS: [Plant; 27] = [
    ("the name of a rule", "states of rules", |look| busy(look)["name"] = json!("Busier")),
    ("a rule more", "states of groups", |look| {
        let mut more = busy(look).clone();
        more["name"] = json!("More");
        more["alerts"] = json!([]);
        look.rules["groups"][0]["rules"].as_array_mut().expect("rules").push(more);
    }),
    ("the order of rules", "states of groups", |look| {
        look.rules["groups"][0]["rules"].as_array_mut().expect("rules").reverse();
    }),
    ("a group that is missing", "states of groups", |look| look.rules["groups"] = json!([])),
    ("the interval", "states of groups", |look| look.rules["groups"][0]["interval"] = json!(3)),
    ("the limit", "states of groups", |look| look.rules["groups"][0]["limit"] = json!(1)),
    ("the query", "states of rules", |look| busy(look)["query"] = json!("level > 91")),
    ("`for`", "states of rules", |look| busy(look)["duration"] = json!(5)),
    ("`keep_firing_for`", "states of rules", |look| busy(look)["keepFiringFor"] = json!(0)),
    ("labels of a rule", "states of rules", |look| busy(look)["labels"] = json!({})),
    ("annotations of a rule", "states of rules", |look| busy(look)["annotations"] = json!({"summary": "at 95"})),
    ("the state", "states of rules", |look| busy(look)["state"] = json!("inactive")),
    ("the health", "states of rules", |look| busy(look)["health"] = json!("err")),
    ("an error", "states of rules", |look| look.rules["groups"][0]["rules"][1]["lastError"] = json!("yes")),
    ("labels of an alert", "states of alerts of rules", |look| {
        set(shown(look), "labels", json!({"alertname": "Busy"}));
    }),
    ("annotations of an alert", "states of alerts of rules", |look| set(shown(look), "annotations", json!({}))),
    ("the state of an alert", "states of alerts of rules", |look| set(shown(look), "state", json!("pending"))),
    ("the value of an alert", "states of alerts of rules", |look| set(shown(look), "value", json!("9.6e+01"))),
    ("an alert that is missing", "states of alerts of rules", |look| busy(look)["alerts"] = json!([])),
    ("an alert that is listed", "states of alerts", |look| set(listed(look), "value", json!("NaN"))),
    ("an alert that is not listed", "states of alerts", |look| look.alerts = json!({"alerts": []})),
    ("`activeAt`", "times of alerts", |look| set(listed(look), "activeAt", json!(moment(2_000)))),
    ("`keepFiringSince`", "times of alerts", |look| {
        let kept = listed(look).filter(|alert| alert.get("keepFiringSince").is_some());
        set(kept, "keepFiringSince", json!(moment(34_000)));
    }),
    ("a value that is recorded", "states of series", |look| {
        set(series(look, "level:max"), "value", json!([0, "96"]));
    }),
    ("a series that is missing", "states of series", |look| {
        look.series.as_array_mut().expect("a list").retain(|series| series["metric"]["__name__"] != "ALERTS");
    }),
    ("a label of a series", "states of series", |look| {
        if let Some(series) = series(look, "ALERTS") {
            series["metric"]["more"] = json!("x");
        }
    }),
    ("the time in a series", "times of alerts", |look| {
        set(series(look, "ALERTS_FOR_STATE"), "value", json!([0, "1800000003"]));
    }),
];

#[test]
fn every_difference_in_what_is_shown_is_found() {
    let prometheus = evidence(Side::Prometheus, 0, &|_| {});
    for (what, expected, plant) in PLANTS {
        let report = compare(&evidence(Side::Vigil, SHIFT, &plant), &prometheus, &pace());
        assert!(kinds(&report).contains(&expected), "{what}: {report}");
        let swapped = compare(&prometheus, &evidence(Side::Vigil, SHIFT, &plant), &pace());
        assert!(kinds(&swapped).contains(&expected), "{what}, the other way round: {swapped}");
    }
}

#[test]
fn what_differs_for_a_while_only_is_found() {
    let prometheus = evidence(Side::Prometheus, 0, &|_| {});
    let flickers = |from: i64, until: i64| {
        let plant = move |look: &mut Look| {
            if (from..until).contains(&second(look)) {
                busy(look)["health"] = json!("err");
            }
        };
        kinds(&compare(&evidence(Side::Vigil, SHIFT, &plant), &prometheus, &pace()))
    };
    assert_eq!(flickers(30, 31), ["states of rules"], "for a second");
    assert_eq!(flickers(30, 30), [""; 0]);
}

#[test]
fn an_episode_more_is_found_by_its_time() {
    let prometheus = evidence(Side::Prometheus, 0, &|_| {});
    let again = |look: &mut Look| {
        if second(look) >= 20 {
            set(shown(look), "activeAt", json!(moment(19_000)));
        }
    };
    let report = compare(&evidence(Side::Vigil, SHIFT, &again), &prometheus, &pace());
    assert_eq!(kinds(&report), ["times of alerts"]);
}

#[test]
fn a_group_that_stands_still_or_takes_too_long_is_found() {
    let prometheus = evidence(Side::Prometheus, 0, &|_| {});
    let stale = |look: &mut Look| busy(look)["lastEvaluation"] = json!(moment(0));
    let slow = |look: &mut Look| busy(look)["evaluationTime"] = json!(5.5);
    let of = |evidence: &Evidence| kinds(&compare(evidence, &prometheus, &pace()));
    assert_eq!(of(&evidence(Side::Vigil, 0, &stale)), ["lastEvaluation"]);
    assert_eq!(of(&evidence(Side::Vigil, 0, &slow)), ["evaluationTime"]);
}

#[test]
fn when_a_series_was_there_is_compared() {
    let point = |at: i64| json!([1_800_000_000 + at, "1"]);
    let with = |side, spans: &[(i64, i64)]| {
        let values: Vec<Value> = spans.iter().flat_map(|(from, until)| (*from..=*until).map(point)).collect();
        let metric = json!({"__name__": "ALERTS", "alertname": "Busy", "alertstate": "firing"});
        let mut evidence = evidence(side, 0, &|_| {});
        evidence.range(&json!([{"metric": metric, "values": values}]), 1_000, moment(END));
        evidence
    };
    let prometheus = with(Side::Prometheus, &[(0, 10), (20, 30)]);
    let like = compare(&with(Side::Vigil, &[(0, 12), (23, 29)]), &prometheus, &pace());
    assert!(like.is_clean(), "{like}");
    for spans in [
        vec![(0, 10)],
        vec![(0, 30)],
        vec![(0, 10), (20, 37)],
        vec![(0, 10), (20, 40)],
        vec![(7, 10), (20, 30)],
        vec![(0, 10), (15, 16), (20, 30)],
    ] {
        let report = compare(&with(Side::Vigil, &spans), &prometheus, &pace());
        assert_eq!(kinds(&report), ["intervals of ALERTS"], "{spans:?}: {report}");
    }
}

#[test]
fn how_alerts_are_posted_is_compared() {
    let prometheus = with_post(Side::Prometheus, "/api/v2/alerts", "generatorURL");
    let found = |path, field| kinds(&compare(&with_post(Side::Vigil, path, field), &prometheus, &pace()));
    assert_eq!(found("/api/v2/alerts", "generatorURL"), [""; 0]);
    assert_eq!(found("/api/v1/alerts", "generatorURL"), ["path and headers"]);
    assert_eq!(found("/api/v2/alerts", "generatorUrl"), ["fields of posted alerts"]);
}

/// Evidence with one post to that path, of an alert that has that field.
fn with_post(side: Side, path: &str, field: &str) -> Evidence {
    let alert = Posted {
        labels: labels! { alertname = "Busy" },
        annotations: Labels::new(),
        starts_at: moment(14_000),
        ends_at: moment(54_000),
        generator_url: "/graph".to_owned(),
        raw: json!({"labels": {}, "startsAt": "", "endsAt": "", field: ""}),
    };
    let headers = Labels::from([("content-type".to_owned(), "application/json".to_owned())]);
    let post = Post { received_at: moment(14_100), path: path.to_owned(), headers, alerts: vec![alert] };
    let mut evidence = evidence(side, 0, &|_| {});
    evidence.sent(&[post]);
    evidence
}

#[test]
fn known_differences_have_to_be_met() {
    let (vigil, prometheus) = (evidence(Side::Vigil, 0, &|_| {}), evidence(Side::Prometheus, 0, &|_| {}));
    let mut report = compare(&vigil, &prometheus, &pace());
    unmet(&vigil, &prometheus, &mut report);
    assert_eq!(kinds(&report), ["known differences"]);
}
