//! Whether everything happened that had to, once, and nothing else. Pure: it judges a [`Record`] against the [`World`].
//!
//! - Alerts: every alert's events follow each other legally, at rising slots, and each was true when it was seen.
//! - Notifications: replaying the events of a rule gives exactly the notifications it has.
//! - Deliveries: each notification arrived in time. One that is not marked arrived once; one that is marked arrived at
//!   least once, and no more often than its attempts can have sent it.

use super::record::{Event, Heard, Notification, Record};
use super::world::{Watched, World};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What is still acceptable.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// From the decision to the arrival, but for the time in which the database was away.
    pub lateness: Duration,
    /// What each attempt before the last may cost beside: how long a worker sleeps over one.
    pub nap: Duration,
    /// From when to when the database was away.
    pub away: &'a [(DateTime<Utc>, DateTime<Utc>)],
}

/// Everything that is wrong; empty when nothing is.
pub fn faults(record: &Record, world: &World, limits: &Limits<'_>) -> Vec<String> {
    faults_of(record, &world.rules, limits)
}

fn faults_of(record: &Record, rules: &[Watched], limits: &Limits<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    for rule in rules {
        let events: Vec<&Event> = record.events.iter().filter(|event| event.rule_id == rule.id).collect();
        let told = record.notifications.iter().filter(|n| n.rule_id.as_ref() == Some(&rule.id));
        let told: Vec<&Notification> = told.collect();
        let heard: Vec<bool> =
            record.heard.iter().filter(|heard| heard.subject == rule.name).map(|heard| heard.resolved).collect();
        let mut found = lives(rule, &events, record);
        found.extend(decisions(&events, &told));
        found.extend(arrivals(&told, &heard));
        faults.extend(found.into_iter().map(|fault| format!("{}: {fault}", rule.name)));
    }
    faults.extend(record.notifications.iter().flat_map(|notification| ends(notification, limits)));
    faults.extend(about_the_source(record));
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let strange = |heard: &&Heard| !known.contains(heard.subject.as_str()) && !heard.subject.contains("DATA SOURCE");
    faults.extend(record.heard.iter().filter(strange).map(|heard| format!("a message about {}", heard.subject)));
    faults
}

/// The life of every alert of a rule, from its events.
fn lives(rule: &Watched, events: &[&Event], record: &Record) -> Vec<String> {
    let mut faults = Vec::new();
    let mut by_alert: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events {
        by_alert.entry(&event.fingerprint).or_default().push(event);
    }
    for (fingerprint, mut events) in by_alert {
        events.sort_by_key(|event| (event.evaluated_at, event.created_at));
        let mut state = "inactive";
        let mut slot = None;
        for event in events {
            let (next, at) = (event.state.as_str(), event.evaluated_at);
            let first = if rule.hold > 0 { "pending" } else { "firing" };
            let legal = match state {
                "inactive" | "resolved" => next == first,
                "pending" => ["firing", "inactive"].contains(&next),
                _ => next == "resolved",
            };
            if !legal {
                faults.push(format!("{fingerprint} went from {state} to {next} at {at}"));
            }
            if slot >= Some(at) {
                faults.push(format!("{fingerprint} changed twice at {at} or before"));
            }
            let present = ["pending", "firing"].contains(&next);
            if !rule.may_have_been(present, at, event.created_at) {
                faults.push(format!("{fingerprint} became {next} at {at}, which was never true"));
            }
            if next == "firing" && (at - event.active_at).num_seconds() < i64::from(rule.hold) {
                faults.push(format!("{fingerprint} fired at {at} though it was active since {}", event.active_at));
            }
            (state, slot) = (next, Some(at));
        }
        let open = record.alerts.iter().find(|alert| alert.rule_id == rule.id && alert.fingerprint == fingerprint);
        let open = open.map_or("none", |alert| alert.state.as_str());
        if (open == "none") != ["inactive", "resolved"].contains(&state) || open != "none" && open != state {
            faults.push(format!("{fingerprint} is {open} and its last event says {state}"));
        }
    }
    faults
}

/// What a slot of a rule must have led to: why, and which alerts fired and ended.
type Decision<'a> = (&'a str, BTreeSet<(&'a str, &'a str)>);

/// Replays a rule's events and compares with its notifications.
fn decisions(events: &[&Event], told: &[&Notification]) -> Vec<String> {
    let mut slots: BTreeMap<_, Vec<&Event>> = BTreeMap::new();
    for event in events {
        slots.entry(event.evaluated_at).or_default().push(event);
    }
    let mut firing: BTreeSet<&str> = BTreeSet::new();
    let mut wanted: Vec<Decision<'_>> = Vec::new();
    for events in slots.values() {
        let known = !firing.is_empty();
        let with = |state: &str| -> Vec<&str> {
            events.iter().filter(|event| event.state == state).map(|event| event.fingerprint.as_str()).collect()
        };
        let (new, ended) = (with("firing"), with("resolved"));
        firing.extend(&new);
        firing.retain(|fingerprint| !ended.contains(fingerprint));
        let reason = match (new.is_empty(), ended.is_empty()) {
            (true, true) => continue,
            (false, _) if known => "new_alerts",
            (false, _) => "first",
            (true, false) => "resolved",
        };
        let lines = firing.iter().map(|alert| (*alert, "firing")).chain(ended.iter().map(|alert| (*alert, "resolved")));
        wanted.push((reason, lines.collect()));
    }
    let lines = |told: &Notification| -> Vec<(String, String)> {
        told.alerts.iter().map(|line| (line.fingerprint.clone(), line.state.clone())).collect()
    };
    let mut told: Vec<_> = told.iter().map(|told| (told.created_at, told.reason.as_str(), lines(told))).collect();
    told.sort();
    let found: Vec<Decision<'_>> = told
        .iter()
        .map(|(_, reason, lines)| {
            (*reason, lines.iter().map(|(alert, state)| (alert.as_str(), state.as_str())).collect())
        })
        .collect();
    if found == wanted {
        return vec![];
    }
    let reasons =
        |decisions: &[Decision<'_>]| decisions.iter().map(|(reason, _)| *reason).collect::<Vec<_>>().join(" ");
    vec![format!("its events ask for the notifications [{}], it has [{}]", reasons(&wanted), reasons(&found))]
}

/// How often an end or a beginning must and may have arrived.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    resolved: bool,
    least: usize,
    most: usize,
}

/// Compares what arrived about a rule, in order, with its notifications. Neighbours that look alike count together.
fn arrivals(told: &[&Notification], heard: &[bool]) -> Vec<String> {
    let mut runs: Vec<Run> = Vec::new();
    for notification in told {
        let resolved = !notification.alerts.iter().any(|line| line.state == "firing");
        let (least, most) = copies(notification);
        match runs.last_mut().filter(|run| run.resolved == resolved) {
            Some(run) => (run.least, run.most) = (run.least + least, run.most + most),
            None => runs.push(Run { resolved, least, most }),
        }
    }
    runs.retain(|run| run.most > 0);
    let received: Vec<(bool, usize)> = heard.chunk_by(PartialEq::eq).map(|chunk| (chunk[0], chunk.len())).collect();
    let matches = runs.len() == received.len()
        && runs.iter().zip(&received).all(|(run, (resolved, count))| {
            run.resolved == *resolved && (run.least..=run.most).contains(count) //
        });
    if matches {
        return vec![];
    }
    let word = |resolved: bool| if resolved { "resolved" } else { "firing" };
    let wanted: Vec<String> =
        runs.iter().map(|run| format!("{} {}..={}", word(run.resolved), run.least, run.most)).collect();
    let received: Vec<String> =
        received.iter().map(|(resolved, count)| format!("{} {count}", word(*resolved))).collect();
    vec![format!("Telegram should have received [{}] and has [{}]", wanted.join(", "), received.join(", "))]
}

/// How often a notification must and may have arrived: an attempt sends at most once.
fn copies(notification: &Notification) -> (usize, usize) {
    let with = |status: &str| notification.attempts.iter().filter(|attempt| attempt.status == status).count();
    let delivered = with("delivered");
    if notification.maybe_duplicate { (delivered, delivered + with("unknown")) } else { (delivered.min(1), 1) }
}

/// How a notification ended.
fn ends(notification: &Notification, limits: &Limits<'_>) -> Vec<String> {
    let Notification { id, reason, status, .. } = notification;
    let mut faults = Vec::new();
    let Some(delivered_at) = notification.delivered_at.filter(|_| status == "delivered") else {
        let why = notification.last_error.as_deref().unwrap_or("no reason");
        return vec![format!("{reason} {id} is {status}: {why}")];
    };
    let without = |(from, to): &(DateTime<Utc>, DateTime<Utc>)| {
        ((*to).min(delivered_at) - (*from).max(notification.created_at)).to_std().unwrap_or_default()
    };
    let away: Duration = limits.away.iter().map(without).sum();
    let late = (delivered_at - notification.created_at).to_std().unwrap_or_default().saturating_sub(away);
    let naps = u32::try_from(notification.attempts.len()).expect("few").saturating_sub(1);
    if late > limits.lateness + limits.nap * naps {
        faults.push(format!("{reason} {id} arrived {late:?} after it was decided"));
    }
    let unknown = notification.attempts.iter().any(|attempt| attempt.status == "unknown");
    let delivered = notification.attempts.iter().filter(|attempt| attempt.status == "delivered").count();
    if unknown && !notification.maybe_duplicate {
        faults.push(format!("{reason} {id} may have arrived twice and is not marked"));
    }
    if delivered != 1 && !notification.maybe_duplicate {
        faults.push(format!("{reason} {id} was delivered by {delivered} attempts and is not marked"));
    }
    if notification.attempts.iter().any(|attempt| attempt.status == "sending") {
        faults.push(format!("{reason} {id} is delivered and an attempt is still open"));
    }
    faults
}

/// Messages about the data source: as many as there are notifications.
fn about_the_source(record: &Record) -> Vec<String> {
    let mut faults = Vec::new();
    for (reason, headline) in [("source_down", "DATA SOURCE DOWN"), ("source_up", "DATA SOURCE UP")] {
        let told = record.because(reason);
        let received = record.heard.iter().filter(|heard| heard.subject.contains(headline)).count();
        let (least, most) = told.iter().map(|told| copies(told)).fold((0, 0), |sum, copies| {
            (sum.0 + copies.0, sum.1 + copies.1) //
        });
        if !(least..=most).contains(&received) {
            faults.push(format!("{headline}: Telegram should have received {least}..={most} and has {received}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests;
