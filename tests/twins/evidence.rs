//! All that one side showed, wrote and sent during the story, as far as it is compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

use chrono::{DateTime, Utc};
use serde_json::Value;
use vigil_tests::fakes::{Labels, alertmanager::Post};

use crate::{
    known::{Known, Side},
    posts::{Episodes, Form, Sent},
    shown::{Alert, AlertFace, Found, FoundRange, Group, GroupFace, RuleFace, groups, read},
    timeline::{Millis, Timelines},
    times::{Interval, intervals},
};

/// What one side shows at one moment, in the words of its API.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) at: DateTime<Utc>,
    /// The data of `/api/v1/rules`.
    pub(crate) rules: Value,
    /// The data of `/api/v1/alerts`.
    pub(crate) alerts: Value,
    /// The result of an instant query for everything that rules write.
    pub(crate) series: Value,
}

/// Which time of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Time {
    /// `activeAt` in `/api/v1/rules`.
    Active,
    /// `activeAt` in `/api/v1/alerts`.
    ActiveOfAlerts,
    KeepFiringSince,
    /// The value of `ALERTS_FOR_STATE`.
    ForState,
}

/// How well a group kept up, at the worst look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Upkeep {
    /// Since the oldest `lastEvaluation` among the group's and its rules'.
    pub(crate) stalest: Millis,
    /// The longest `evaluationTime`, in seconds.
    pub(crate) slowest: f64,
}

/// The evidence of one side. Times are since the story began.
#[derive(Debug)]
pub(crate) struct Evidence {
    pub(crate) known: Known,
    zero: DateTime<Utc>,
    pub(crate) looks: usize,
    pub(crate) groups: Timelines<String, GroupFace>,
    pub(crate) rules: Timelines<String, RuleFace>,
    /// By rule and labels.
    pub(crate) alerts_of_rules: Timelines<(String, Labels), AlertFace>,
    pub(crate) alerts: Timelines<Labels, AlertFace>,
    /// What rules wrote; of `ALERTS_FOR_STATE` only that it is there, as its value is a time.
    pub(crate) series: Timelines<Labels, String>,
    /// Each time that an alert had, once.
    pub(crate) times: BTreeMap<(Time, Labels), Vec<Millis>>,
    pub(crate) upkeep: BTreeMap<String, Upkeep>,
    /// When each series of `ALERTS` was there.
    pub(crate) intervals: BTreeMap<Labels, Vec<Interval>>,
    pub(crate) episodes: Episodes,
    /// How posts were made: path and headers.
    pub(crate) ways: BTreeSet<(String, Labels)>,
    /// Which fields posted alerts had.
    pub(crate) forms: BTreeSet<Form>,
}

impl Evidence {
    pub(crate) fn new(side: Side, zero: DateTime<Utc>) -> Self {
        Self {
            known: Known::of(side),
            zero,
            looks: 0,
            groups: Timelines::default(),
            rules: Timelines::default(),
            alerts_of_rules: Timelines::default(),
            alerts: Timelines::default(),
            series: Timelines::default(),
            times: BTreeMap::new(),
            upkeep: BTreeMap::new(),
            intervals: BTreeMap::new(),
            episodes: Episodes::default(),
            ways: BTreeSet::new(),
            forms: BTreeSet::new(),
        }
    }

    /// Adds what was shown at one moment, later than those before.
    pub(crate) fn look(&mut self, look: &Look) {
        let at = self.since(look.at);
        self.look_at_rules(at, groups(&look.rules));
        self.look_at_alerts(at, read(&look.alerts["alerts"]));
        self.look_at_series(at, read(&look.series));
        self.looks += 1;
    }

    fn look_at_rules(&mut self, at: Millis, groups: Vec<Group>) {
        let (mut of_groups, mut of_rules, mut of_alerts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for group in groups {
            self.note_upkeep(at, &group);
            put(&mut of_groups, group.name.clone(), group.face());
            for rule in group.rules {
                let name = rule.name.clone();
                let (face, alerts) = rule.face(&mut self.known);
                for alert in alerts {
                    self.note(Time::Active, &alert.labels, self.since(alert.active_at));
                    put(&mut of_alerts, (name.clone(), alert.labels.clone()), alert.face());
                }
                put(&mut of_rules, name, face);
            }
        }
        self.groups.look(at, of_groups);
        self.rules.look(at, of_rules);
        self.alerts_of_rules.look(at, of_alerts);
    }

    fn look_at_alerts(&mut self, at: Millis, alerts: Vec<Alert>) {
        let mut faces = BTreeMap::new();
        for alert in alerts {
            self.note(Time::ActiveOfAlerts, &alert.labels, self.since(alert.active_at));
            if let Some(since) = alert.keep_firing_since {
                self.note(Time::KeepFiringSince, &alert.labels, self.since(since));
            }
            put(&mut faces, alert.labels.clone(), alert.face());
        }
        self.alerts.look(at, faces);
    }

    fn look_at_series(&mut self, at: Millis, found: Vec<Found>) {
        let mut values = BTreeMap::new();
        for Found { labels, value: (_, value) } in found {
            let labels = self.known.labels_of_series(labels);
            if labels.get("__name__").is_some_and(|name| name == "ALERTS_FOR_STATE") {
                let seconds: f64 = value.parse().unwrap_or_else(|_| panic!("{labels:?} is {value}, which is no time"));
                let since = seconds_to_millis(seconds) - self.zero.timestamp_millis();
                self.note(Time::ForState, &labels, since);
                put(&mut values, labels, "a time".to_owned());
            } else {
                put(&mut values, labels, value);
            }
        }
        self.series.look(at, values);
    }

    /// Adds the points of `ALERTS` from a range query with this step, for which it was asked until `end`.
    pub(crate) fn range(&mut self, matrix: &Value, step: Millis, end: DateTime<Utc>) {
        let (found, end): (Vec<FoundRange>, Millis) = (read(matrix), self.since(end));
        for FoundRange { labels, values } in found {
            let zero = self.zero.timestamp_millis();
            let points: Vec<Millis> = values.iter().map(|(at, _)| seconds_to_millis(*at) - zero).collect();
            let labels = self.known.labels_of_series(labels);
            put(&mut self.intervals, labels, intervals(&points, step, end));
        }
    }

    /// Adds what an Alertmanager received.
    pub(crate) fn sent(&mut self, posts: &[Post]) {
        for post in posts {
            let headers = self.known.headers(&post.headers);
            self.ways.insert((post.path.clone(), headers));
            for alert in &post.alerts {
                self.forms.insert(Form::of(&alert.raw));
                let sent = Sent {
                    received: self.since(post.received_at),
                    ends: self.since(alert.ends_at),
                    annotations: alert.annotations.clone(),
                    link: alert.generator_url.clone(),
                };
                self.episodes.add(&alert.labels, self.since(alert.starts_at), sent);
            }
        }
    }

    fn since(&self, moment: DateTime<Utc>) -> Millis {
        (moment - self.zero).num_milliseconds()
    }

    fn note(&mut self, time: Time, labels: &Labels, at: Millis) {
        let times = self.times.entry((time, labels.clone())).or_default();
        if times.last() != Some(&at) {
            times.push(at);
        }
    }

    fn note_upkeep(&mut self, at: Millis, group: &Group) {
        let times = group.rules.iter().map(|rule| (rule.last_evaluation, rule.evaluation_time));
        for (last, took) in times.chain([(group.last_evaluation, group.evaluation_time)]) {
            let stale = at - self.since(last);
            let upkeep = self.upkeep.entry(group.name.clone()).or_default();
            upkeep.stalest = upkeep.stalest.max(stale);
            upkeep.slowest = upkeep.slowest.max(took);
        }
    }
}

/// # Panics
/// When there is one already: nothing is shown twice.
fn put<K: Ord + Debug, V>(into: &mut BTreeMap<K, V>, thing: K, value: V) {
    assert!(!into.contains_key(&thing), "{thing:?} is there twice");
    into.insert(thing, value);
}

fn seconds_to_millis(seconds: f64) -> Millis {
    (seconds * 1e3).round() as Millis
}
