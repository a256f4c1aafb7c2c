//! The judgement: what the evidence of both sides has in common, and what it has not.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use vigil_tests::fakes::Labels;

use crate::{
    evidence::{Evidence, Time, Upkeep},
    known::{Deviation, Side},
    pace::Pace,
    posts,
    report::Report,
    timeline::{Millis, Timelines, Unlike},
    times::{alike, intervals_alike},
};

/// Compares everything; nothing is taken from one side alone.
pub(crate) fn compare(vigil: &Evidence, prometheus: &Evidence, pace: &Pace) -> Report {
    let mut report = Report::default();
    report.count("looks", vigil.looks.min(prometheus.looks));
    shown(vigil, prometheus, pace, &mut report);
    times(vigil, prometheus, pace, &mut report);
    intervals(vigil, prometheus, pace, &mut report);
    for (side, evidence) in [(Side::Vigil, vigil), (Side::Prometheus, prometheus)] {
        upkeep(side, &evidence.upkeep, pace, &mut report);
    }
    posts::compare(&vigil.episodes, &prometheus.episodes, pace, &mut report);
    if vigil.ways != prometheus.ways {
        report.differ("path and headers", &"posts", &vigil.ways, &prometheus.ways);
    }
    if vigil.forms != prometheus.forms {
        report.differ("fields of posted alerts", &"posts", &vigil.forms, &prometheus.forms);
    }
    report
}

/// Tells which known differences were met; one that was not is a difference.
pub(crate) fn unmet(vigil: &Evidence, prometheus: &Evidence, report: &mut Report) {
    for deviation in Deviation::ALL {
        report.met(vigil.known.met(deviation) + prometheus.known.met(deviation), deviation.reason());
    }
}

/// What look after look saw.
fn shown(vigil: &Evidence, prometheus: &Evidence, pace: &Pace, report: &mut Report) {
    let of_group = |group: &String| pace.tolerance(group);
    let of_rule = |rule: &String| pace.tolerance_of_rule(rule);
    let of_rule_and_labels = |(rule, _): &(String, Labels)| pace.tolerance_of_rule(rule);
    let of_labels = |labels: &Labels| pace.tolerance_of_rule(writer(labels));
    let names = ["groups", "states of groups"];
    timelines(report, names, (&vigil.groups, &prometheus.groups), &of_group);
    let names = ["rules", "states of rules"];
    timelines(report, names, (&vigil.rules, &prometheus.rules), &of_rule);
    let names = ["alerts of rules", "states of alerts of rules"];
    timelines(report, names, (&vigil.alerts_of_rules, &prometheus.alerts_of_rules), &of_rule_and_labels);
    let names = ["alerts", "states of alerts"];
    timelines(report, names, (&vigil.alerts, &prometheus.alerts), &of_labels);
    let names = ["series", "states of series"];
    timelines(report, names, (&vigil.series, &prometheus.series), &of_labels);
}

/// Whatever one saw, the other has seen too. `names` are those of the things and of their states.
fn timelines<K: Ord + Debug, V: PartialEq + Debug>(
    report: &mut Report,
    [things, states]: [&'static str; 2],
    (vigil, prometheus): (&Timelines<K, V>, &Timelines<K, V>),
    tolerance: &impl Fn(&K) -> Millis,
) {
    report.count(things, prometheus.things());
    report.count(states, prometheus.states());
    for unlike in prometheus.unlike(vigil, tolerance) {
        let (place, theirs, ours) = told(&unlike);
        report.tell(states, place, ours, theirs);
    }
    for unlike in vigil.unlike(prometheus, tolerance) {
        let (place, ours, theirs) = told(&unlike);
        report.tell(states, place, ours, theirs);
    }
}

/// What it is and since when, what one saw, and what the other did.
fn told<K: Debug, V: Debug>(unlike: &Unlike<'_, K, V>) -> (String, String, String) {
    let seconds = unlike.at as f64 / 1e3;
    let text = |value: &Option<&V>| value.map_or("nothing".to_owned(), |value| format!("{value:?}"));
    let instead: Vec<String> = unlike.instead.iter().map(text).collect();
    (format!("{:?} at {seconds} s", unlike.thing), text(&unlike.value), instead.join(", then "))
}

/// The times that each alert had, since the story began.
fn times(vigil: &Evidence, prometheus: &Evidence, pace: &Pace, report: &mut Report) {
    let of = |evidence: &Evidence, key: &(Time, Labels)| -> Vec<Millis> {
        evidence.times.get(key).into_iter().flatten().copied().filter(|at| *at >= 0).collect()
    };
    let keys: BTreeSet<&(Time, Labels)> = vigil.times.keys().chain(prometheus.times.keys()).collect();
    for key in keys {
        let (ours, theirs) = (of(vigil, key), of(prometheus, key));
        report.count("times of alerts", theirs.len());
        if !alike(&ours, &theirs, pace.tolerance_of_rule(writer(&key.1))) {
            report.differ("times of alerts", key, &ours, &theirs);
        }
    }
}

/// When each series of `ALERTS` was there.
fn intervals(vigil: &Evidence, prometheus: &Evidence, pace: &Pace, report: &mut Report) {
    let keys: BTreeSet<&Labels> = vigil.intervals.keys().chain(prometheus.intervals.keys()).collect();
    for labels in keys {
        let of = |evidence: &Evidence| evidence.intervals.get(labels).cloned().unwrap_or_default();
        let (ours, theirs) = (of(vigil), of(prometheus));
        report.count("intervals of ALERTS", theirs.len());
        if !intervals_alike(&ours, &theirs, pace.tolerance_of_rule(writer(labels))) {
            report.differ("intervals of ALERTS", labels, &ours, &theirs);
        }
    }
}

/// No group may have stood still, nor take so long that the other side could not be met any more.
fn upkeep(side: Side, groups: &BTreeMap<String, Upkeep>, pace: &Pace, report: &mut Report) {
    report.count("groups that keep up", groups.len());
    for (group, Upkeep { stalest, slowest }) in groups {
        let (interval, longest) = (pace.interval(group), pace.tolerance(group));
        if *stalest > longest {
            report.wrong(side, "lastEvaluation", group, format!("{stalest} ms ago, evaluated every {interval} ms"));
        }
        if *slowest * 1e3 > longest as f64 || *slowest < 0.0 {
            report.wrong(side, "evaluationTime", group, format!("{slowest} s, evaluated every {interval} ms"));
        }
    }
}

/// The rule that a series, or an alert, is of.
fn writer(labels: &Labels) -> &str {
    let name = labels.get("__name__").filter(|name| name.contains(':'));
    name.or_else(|| labels.get("alertname")).map_or("", String::as_str)
}
