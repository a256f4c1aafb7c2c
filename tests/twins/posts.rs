//! What an Alertmanager was sent of each alert, one episode after the other: from the first time it is sent as firing
//! to the last time that its end is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vigil_tests::fakes::Labels;

use crate::{
    known::Side,
    pace::{Pace, RESEND},
    report::Report,
    timeline::Millis,
    times::is_near,
};

/// A post may come so long after the slot it is for.
const LATE: Millis = 5_000;

/// Which fields a posted alert has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Form(Vec<String>);

/// One alert of one post. Times are since the story began.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) received: Millis,
    pub(crate) ends: Millis,
    pub(crate) annotations: Labels,
    /// Its `generatorURL`.
    pub(crate) link: String,
}

/// All that was sent of an alert with one `startsAt`, in the order of arrival.
#[derive(Clone, Debug, Default)]
struct Episode {
    firing: Vec<Sent>,
    ended: Vec<Sent>,
}

/// The episodes of each alert, by its labels and `startsAt`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Episodes(BTreeMap<Labels, BTreeMap<Millis, Episode>>);

/// An episode of an alert, and when it starts.
type Started<'a> = (Millis, &'a Episode);

impl Form {
    pub(crate) fn of(alert: &Value) -> Self {
        Self(alert.as_object().into_iter().flat_map(|fields| fields.keys().cloned()).collect())
    }
}

impl Episodes {
    /// Adds what arrived after everything that is there.
    pub(crate) fn add(&mut self, alert: &Labels, starts: Millis, sent: Sent) {
        let episode = self.0.entry(alert.clone()).or_default().entry(starts).or_default();
        // What fires ends in the future.
        if sent.ends > sent.received { episode.firing.push(sent) } else { episode.ended.push(sent) }
    }

    fn of(&self, alert: &Labels) -> Vec<Started<'_>> {
        self.0.get(alert).into_iter().flatten().map(|(starts, episode)| (*starts, episode)).collect()
    }
}

/// Compares the episodes of every alert in their order, and each side's with what it promises.
pub(crate) fn compare(vigil: &Episodes, prometheus: &Episodes, pace: &Pace, report: &mut Report) {
    let alerts: BTreeSet<&Labels> = vigil.0.keys().chain(prometheus.0.keys()).collect();
    report.count("alerts posted", prometheus.0.len());
    for alert in alerts {
        let rule = alert.get("alertname").map_or("", String::as_str);
        let (ours, theirs) = (vigil.of(alert), prometheus.of(alert));
        for (side, episodes) in [(Side::Vigil, &ours), (Side::Prometheus, &theirs)] {
            for (_, episode) in episodes {
                report.count("posts of alerts", episode.firing.len() + episode.ended.len());
                promises(side, alert, episode, (pace.validity(rule), pace.interval_of_rule(rule)), report);
            }
        }
        if ours.len() != theirs.len() {
            let starts = |episodes: &[Started<'_>]| episodes.iter().map(|(starts, _)| *starts).collect::<Vec<_>>();
            report.differ("episodes", alert, &starts(&ours), &starts(&theirs));
            continue;
        }
        report.count("episodes", theirs.len());
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            pair(alert, ours, theirs, pace.tolerance_of_rule(rule), report);
        }
    }
}

/// The same episode on both sides.
fn pair(alert: &Labels, vigil: Started<'_>, prometheus: Started<'_>, tolerance: Millis, report: &mut Report) {
    let ((began, ours), (also_began, theirs)) = (vigil, prometheus);
    // What fired before the story began did so since each was started.
    let from_before = began < 0 && also_began < 0;
    if !from_before && !is_near(began, also_began, tolerance) {
        report.differ("startsAt", alert, &began, &also_began);
    }
    let (end, also_end) = (ours.ended.first(), theirs.ended.first());
    let is_ended = match (end, also_end) {
        (Some(end), Some(also_end)) => is_near(end.ends, also_end.ends, tolerance),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !is_ended {
        report.differ("endsAt", alert, &end.map(|end| end.ends), &also_end.map(|end| end.ends));
    }
    // In between they are those of whatever evaluation a resend falls on.
    let firsts_and_lasts = [(ours.firing.first(), theirs.firing.first()), (end, also_end)];
    for (one, other) in firsts_and_lasts.into_iter().filter_map(|(one, other)| Some((one?, other?))) {
        if one.annotations != other.annotations {
            report.differ("posted annotations", alert, &one.annotations, &other.annotations);
        }
    }
    let (links, also_links) = (ours.links(), theirs.links());
    if links != also_links {
        report.differ("generatorURL", alert, &links, &also_links);
    }
    for (what, one, other) in [
        ("how often an alert was posted", &ours.firing, &theirs.firing),
        ("how often an end was posted", &ours.ended, &theirs.ended),
    ] {
        if one.len().abs_diff(other.len()) > 1 {
            report.differ(what, alert, &one.len(), &other.len());
        }
    }
}

/// What is sent as firing counts for so long after the slot it is for; and it is sent again at a later slot, more than
/// the delay after the last time.
fn promises(side: Side, alert: &Labels, sent: &Episode, (validity, interval): (Millis, Millis), report: &mut Report) {
    for one in &sent.firing {
        let after_slot = one.received - (one.ends - validity);
        if !(-1..=LATE).contains(&after_slot) {
            let said = format!("sent at {}, ends at {}, valid for {validity}", one.received, one.ends);
            report.wrong(side, "validity of what fires", alert, said);
        }
    }
    for pair in sent.firing.windows(2) {
        let gap = pair[1].ends - pair[0].ends;
        // Slots are exact, and written to the millisecond.
        let is_slots = (gap + 1).rem_euclid(interval.max(1)) <= 2;
        if gap <= RESEND || !is_slots {
            report.wrong(side, "resends", alert, format!("sent again {gap} later, evaluated every {interval}"));
        }
    }
}

impl Episode {
    fn links(&self) -> BTreeSet<&str> {
        self.firing.iter().chain(&self.ended).map(|sent| sent.link.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vigil_tests::labels;

    use super::*;
    use crate::shown::groups;

    /// What was posted of an alert: an episode that began before the story, and one in it.
    #[derive(Clone)]
    struct Posted {
        name: &'static str,
        starts: Millis,
        /// Slots at which it was sent as firing.
        firing: Vec<Millis>,
        ends: Option<Millis>,
        resent: usize,
        /// Between a slot and the post.
        late: Millis,
        validity: Millis,
        annotation: &'static str,
        last_annotation: &'static str,
        link: &'static str,
    }

    fn posted(shift: Millis) -> Posted {
        Posted {
            name: "Busy",
            starts: 12_000 + shift,
            firing: vec![12_000 + shift, 24_000 + shift],
            ends: Some(32_000 + shift),
            resent: 2,
            late: 150,
            validity: 40_000,
            annotation: "at 95",
            last_annotation: "at 97",
            link: "/graph?g0.expr=a",
        }
    }

    fn episodes(all: &[Posted]) -> Episodes {
        let mut episodes = Episodes::default();
        for one in all {
            let labels = labels! { alertname = one.name };
            let sent = |received, ends, text: &str| Sent {
                received,
                ends,
                annotations: labels! { summary = text },
                link: one.link.to_owned(),
            };
            for slot in &one.firing {
                episodes.add(&labels, one.starts, sent(slot + one.late, slot + one.validity, one.annotation));
            }
            let ended = one.ends.into_iter().flat_map(|ends| std::iter::repeat_n(ends, one.resent));
            for (index, ends) in ended.enumerate() {
                let received = ends + one.late + 12_000 * Millis::try_from(index).expect("few");
                episodes.add(&labels, one.starts, sent(received, ends, one.last_annotation));
            }
        }
        episodes
    }

    fn pace() -> Pace {
        let rule = |name: &str| {
            json!({"type": "alerting", "name": name, "query": "a", "health": "ok", "evaluationTime": 0.0,
                "lastEvaluation": "2026-01-01T00:00:00Z"})
        };
        let rules = [rule("Busy"), rule("Always")];
        Pace::of(&groups(&json!({"groups": [{"name": "levels", "file": "differential.yml", "interval": 2, "limit": 0,
            "rules": rules, "evaluationTime": 0.0, "lastEvaluation": "2026-01-01T00:00:00Z"}]})))
    }

    /// What differs between what Vigil posted, as `change` has it, and what Prometheus did.
    fn found(change: impl FnOnce(&mut Vec<Posted>)) -> Vec<&'static str> {
        let always = |starts| Posted {
            name: "Always",
            starts,
            firing: vec![6_000, 18_000, 30_000],
            ends: None,
            annotation: "",
            ..posted(0)
        };
        let mut ours = vec![posted(1_700), always(-60_000)];
        change(&mut ours);
        let mut report = Report::default();
        compare(&episodes(&ours), &episodes(&[posted(0), always(-5_000)]), &pace(), &mut report);
        report.kinds().into_iter().collect()
    }

    #[test]
    fn the_same_a_little_later_is_the_same() {
        assert_eq!(found(|_| {}), [""; 0]);
        let more = found(|ours| {
            ours[0].firing.push(36_000 + 1_700);
            ours[0].resent = 3;
        });
        assert_eq!(more, [""; 0], "one resend more or less depends on the phase");
    }

    #[test]
    fn every_difference_of_an_episode_is_found() {
        type Change = fn(&mut Vec<Posted>);
        let changes: [(&str, Change); 15] = [
            ("episodes", |ours| drop(ours.remove(0))),
            ("episodes", |ours| ours.push(Posted { name: "Other", ..posted(0) })),
            ("episodes", |ours| {
                ours.push(Posted { starts: 50_000, firing: vec![50_000], ends: None, ..posted(0) });
            }),
            ("startsAt", |ours| ours[0].starts += 6_000),
            ("startsAt", |ours| ours[1].starts = 6_000),
            ("endsAt", |ours| ours[0].ends = Some(39_500)),
            ("endsAt", |ours| ours[0].resent = 0),
            ("endsAt", |ours| (ours[1].ends, ours[1].resent) = (Some(36_000), 1)),
            ("posted annotations", |ours| ours[0].annotation = "at 96"),
            ("posted annotations", |ours| ours[0].last_annotation = "at 98"),
            ("generatorURL", |ours| ours[0].link = "/graph?g0.expr=b"),
            ("how often an alert was posted", |ours| ours[1].firing.truncate(1)),
            ("how often an end was posted", |ours| ours[0].resent = 5),
            ("validity of what fires", |ours| ours[0].validity = 48_000),
            ("resends", |ours| ours[1].firing = vec![6_000, 16_000, 28_000]),
        ];
        for (expected, change) in changes {
            let found = found(change);
            assert!(found.contains(&expected), "{expected}: {found:?}");
        }
        assert_eq!(found(|ours| ours[1].firing = vec![6_000, 18_500, 30_500]), ["resends"], "between two slots");
        assert_eq!(found(|ours| ours[0].late = 9_000), ["validity of what fires"]);
    }

    #[test]
    fn a_form_is_the_names_of_the_fields() {
        let [one, other] = [json!({"b": 1, "a": {}}), json!({"a": {}})].map(|alert| Form::of(&alert));
        assert_eq!(one, Form(vec!["a".to_owned(), "b".to_owned()]));
        assert_ne!(one, other);
    }
}
