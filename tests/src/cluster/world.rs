//! What the data source has, and had: the truth that alerts are held against.

use super::record::Alert;
use crate::api::Api;
use crate::fakes::{FakePrometheus, Labels};
use crate::labels;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::json;
use std::collections::HashMap;
use std::ops::Range;
use std::time::SystemTime;

/// Rules made at once.
const AT_ONCE: usize = 16;

/// Rules to be made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub count: usize,
    /// Seconds between evaluations.
    pub interval: u32,
    /// Every how many-th rule has three series instead of one; 0 is none.
    pub wide_each: usize,
    /// Every how many-th rule must hold for two seconds before it fires; 0 is none.
    pub slow_each: usize,
    /// What those rules hold for, in seconds.
    pub hold: u32,
}

impl Plan {
    /// Rules that are evaluated each second: most simple, some with three series, some with a `for` of two seconds.
    pub fn lively(count: usize) -> Self {
        Self { count, interval: 1, wide_each: 7, slow_each: 5, hold: 2 }
    }

    /// Rules with one series each that fire at once.
    pub fn plain(count: usize, interval: u32) -> Self {
        Self { count, interval, wide_each: 0, slow_each: 0, hold: 0 }
    }
}

/// A rule, and whether its series are there.
#[derive(Clone, Debug)]
pub struct Watched {
    pub id: String,
    pub name: String,
    pub expr: String,
    /// Seconds.
    pub hold: u32,
    series: Vec<Labels>,
    flips: Vec<Flip>,
}

/// A change of what the data source has: it happened at some moment between the two.
#[derive(Clone, Copy, Debug)]
struct Flip {
    before: DateTime<Utc>,
    after: DateTime<Utc>,
    present: bool,
}

impl Watched {
    /// A rule whose series have never been there.
    pub fn new(id: &str, name: &str, hold: u32, series: usize, now: DateTime<Utc>) -> Self {
        let expr = format!("{} > 0", name.replace('-', "_"));
        let series = (0..series).map(|number| labels! { instance = format!("{name}-{number}") }).collect();
        let flips = vec![Flip { before: now, after: now, present: false }];
        Self { id: id.to_owned(), name: name.to_owned(), expr, hold, series, flips }
    }

    pub fn is_present(&self) -> bool {
        self.flips.last().is_some_and(|flip| flip.present)
    }

    /// Notes that the series came or went at some moment between the two.
    pub fn flipped(&mut self, present: bool, before: DateTime<Utc>, after: DateTime<Utc>) {
        self.flips.push(Flip { before, after, present });
    }

    /// Whether somebody who asked between the two moments may have seen it so.
    pub fn may_have_been(&self, present: bool, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.flips.iter().enumerate().any(|(index, flip)| {
            let ended = self.flips.get(index + 1).map_or(DateTime::<Utc>::MAX_UTC, |next| next.after);
            flip.present == present && flip.before <= to && from <= ended
        })
    }
}

/// The data source and every rule that watches it.
pub struct World {
    pub prometheus: FakePrometheus,
    pub rules: Vec<Watched>,
}

impl World {
    pub(super) fn new(prometheus: FakePrometheus) -> Self {
        Self { prometheus, rules: vec![] }
    }

    pub(super) async fn watch(&mut self, api: &Api, channel: &str, plan: Plan) -> Range<usize> {
        let first = self.rules.len();
        let each = |every: usize, number: usize| every > 0 && number % every == every - 1;
        let drafts = (0..plan.count).map(|number| {
            let hold = if each(plan.slow_each, number) { plan.hold } else { 0 };
            let series = if each(plan.wide_each, number) { 3 } else { 1 };
            Watched::new("", &format!("flip-{:04}", first + number), hold, series, now())
        });
        let made = drafts.map(async |mut rule| {
            let body = json!({
                "name": rule.name, "expr": rule.expr, "for": format!("{}s", rule.hold),
                "interval": format!("{}s", plan.interval), "channel_ids": [channel],
            });
            rule.id = api.create("/rules", body).await;
            rule
        });
        let made: Vec<Watched> = stream::iter(made).buffered(AT_ONCE).collect().await;
        self.rules.extend(made);
        first..self.rules.len()
    }

    /// Makes the series of a rule come or go; each time they come with another value.
    pub fn set(&mut self, rule: usize, present: bool) {
        let rule = &mut self.rules[rule];
        if rule.is_present() == present {
            return;
        }
        let value = f64::from(u32::try_from(rule.flips.len()).expect("a test flips seldom"));
        let series = rule.series.iter().filter(|_| present).map(|labels| (labels.clone(), value));
        let before = now();
        self.prometheus.answers(&rule.expr, series);
        rule.flipped(present, before, now());
    }

    pub fn set_all(&mut self, present: bool) {
        for rule in 0..self.rules.len() {
            self.set(rule, present);
        }
    }

    /// What is present goes, what is absent comes.
    pub fn flip_all(&mut self) {
        for rule in 0..self.rules.len() {
            self.set(rule, !self.rules[rule].is_present());
        }
    }

    /// Flips about a third of the rules.
    pub fn flip_some(&mut self, dice: &mut StdRng) {
        for rule in 0..self.rules.len() {
            if dice.random_range(0..3) == 0 {
                self.set(rule, !self.rules[rule].is_present());
            }
        }
    }

    /// Whether `open` are the alerts that are asked for: all series of present rules fire, and nothing else is open.
    ///
    /// # Errors
    /// A rule of which that is not so.
    pub fn compare(&self, open: &[Alert]) -> Result<(), String> {
        let mut firing: HashMap<&str, (usize, usize)> = HashMap::new();
        for alert in open {
            let (all, fires) = firing.entry(&alert.rule_id).or_default();
            *all += 1;
            *fires += usize::from(alert.state == "firing");
        }
        for rule in &self.rules {
            let wanted = if rule.is_present() { rule.series.len() } else { 0 };
            let (all, fires) = firing.get(rule.id.as_str()).copied().unwrap_or_default();
            if (all, fires) != (wanted, wanted) {
                return Err(format!(
                    "{} has {all} alerts, {fires} of them firing, and should have {wanted}",
                    rule.name
                ));
            }
        }
        Ok(())
    }
}

/// Tests of processes live in real time.
pub fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}
