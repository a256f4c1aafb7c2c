//! The oracle finds what it is there to find.

use super::*;
use crate::cluster::record::{Alert, Attempt, Line};
use chrono::TimeDelta;

const LIMITS: Limits<'_> = Limits { lateness: Duration::from_secs(15), nap: Duration::ZERO, away: &[] };

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

/// The commit follows the slot.
fn committed(second: i64) -> DateTime<Utc> {
    at(second) + TimeDelta::milliseconds(300)
}

fn event(state: &str, second: i64) -> Event {
    Event {
        rule_id: "r".into(),
        fingerprint: "f".into(),
        state: state.into(),
        active_at: at(second),
        starts_at: None,
        evaluated_at: at(second),
        created_at: committed(second),
    }
}

fn notification(reason: &str, state: &str, second: i64, attempts: &[&str]) -> Notification {
    Notification {
        id: second.to_string(),
        rule_id: Some("r".into()),
        reason: reason.into(),
        status: "delivered".into(),
        maybe_duplicate: attempts.contains(&"unknown"),
        alerts: vec![Line { fingerprint: "f".into(), state: state.into() }],
        attempts: attempts.iter().map(|status| Attempt { status: (*status).to_owned() }).collect(),
        last_error: None,
        created_at: committed(second),
        delivered_at: Some(committed(second + 1)),
    }
}

fn heard(resolved: bool) -> Heard {
    Heard { subject: "flip".into(), resolved }
}

/// A rule whose series was there from second 10 to second 20, and what follows from that.
fn story() -> (Record, Vec<Watched>) {
    let mut rule = Watched::new("r", "flip", 0, 1, at(0));
    rule.flipped(true, at(10), at(10));
    rule.flipped(false, at(20), at(20));
    let record = Record {
        events: vec![event("firing", 10), event("resolved", 20)],
        notifications: vec![
            notification("first", "firing", 10, &["delivered"]),
            notification("resolved", "resolved", 20, &["delivered"]),
        ],
        alerts: vec![],
        heard: vec![heard(false), heard(true)],
    };
    (record, vec![rule])
}

/// The one fault of the story after `change`.
fn fault(change: impl FnOnce(&mut Record)) -> String {
    let (mut record, rules) = story();
    change(&mut record);
    let faults = faults_of(&record, &rules, &LIMITS);
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.into_iter().next().unwrap()
}

#[test]
fn a_story_without_faults_has_none() {
    let (record, rules) = story();
    assert_eq!(faults_of(&record, &rules, &LIMITS), Vec::<String>::new());
}

#[test]
fn a_message_that_did_not_arrive_is_a_fault() {
    let fault = fault(|record| drop(record.heard.pop()));
    assert!(fault.contains("has [firing 1]"), "{fault}");
}

#[test]
fn a_message_that_arrived_twice_is_a_fault_unless_it_is_marked() {
    let twice = |record: &mut Record| record.heard.insert(0, heard(false));
    assert!(fault(twice).contains("has [firing 2, resolved 1]"));
    let (mut record, rules) = story();
    twice(&mut record);
    record.notifications[0] = notification("first", "firing", 10, &["unknown", "delivered"]);
    assert_eq!(faults_of(&record, &rules, &LIMITS), Vec::<String>::new());
    twice(&mut record);
    assert_eq!(faults_of(&record, &rules, &LIMITS).len(), 1, "two attempts do not send three messages");
}

#[test]
fn an_uncertain_attempt_that_is_not_marked_is_a_fault() {
    let fault = fault(|record| {
        record.notifications[0] = notification("first", "firing", 10, &["unknown", "delivered"]);
        record.notifications[0].maybe_duplicate = false;
    });
    assert!(fault.contains("is not marked"), "{fault}");
}

#[test]
fn messages_in_the_wrong_order_are_a_fault() {
    assert!(fault(|record| record.heard.reverse()).contains("has [resolved 1, firing 1]"));
}

#[test]
fn a_change_nobody_was_told_of_is_a_fault() {
    let fault = fault(|record| {
        record.notifications.pop();
        record.heard.pop();
    });
    assert!(fault.contains("ask for the notifications [first resolved], it has [first]"), "{fault}");
}

#[test]
fn an_end_that_was_never_true_is_a_fault() {
    let fault = fault(|record| {
        record.events[1].evaluated_at = at(18);
        record.events[1].created_at = committed(18);
        record.notifications[1] = notification("resolved", "resolved", 18, &["delivered"]);
    });
    assert!(fault.contains("became resolved") && fault.contains("never true"), "{fault}");
}

#[test]
fn an_illegal_step_and_a_slot_with_two_changes_are_faults() {
    let (mut record, rules) = story();
    record.events.push(event("resolved", 20));
    let faults = faults_of(&record, &rules, &LIMITS).join("\n");
    assert!(faults.contains("from resolved to resolved") && faults.contains("changed twice"), "{faults}");
}

#[test]
fn an_alert_that_is_open_against_its_history_is_a_fault() {
    let open = Alert {
        rule_id: "r".into(),
        fingerprint: "f".into(),
        state: "firing".into(),
        active_at: at(10),
        starts_at: Some(at(10)),
    };
    assert!(fault(|record| record.alerts.push(open)).contains("is firing and its last event says resolved"));
}

#[test]
fn what_is_late_or_given_up_is_a_fault() {
    assert!(fault(|record| record.notifications[0].delivered_at = Some(at(40))).contains("arrived 29.7s after"));
    let given_up = fault(|record| {
        record.notifications[1].status = "failed".into();
        record.notifications[1].last_error = Some("403".into());
        record.notifications[1].delivered_at = None;
    });
    assert!(given_up.contains("is failed: 403"), "{given_up}");
}

#[test]
fn each_attempt_that_was_slept_over_may_cost_its_nap() {
    let (mut record, rules) = story();
    let mut late = |attempts: &[&str]| {
        record.notifications[0] = notification("first", "firing", 10, attempts);
        record.notifications[0].delivered_at = Some(at(32));
        faults_of(&record, &rules, &Limits { nap: Duration::from_secs(4), ..LIMITS }).concat()
    };
    assert_eq!(late(&["failed", "unknown", "delivered"]), "");
    assert!(late(&["unknown", "delivered"]).contains("arrived 21.7s after"));
}

#[test]
fn while_the_database_is_away_nothing_gets_late() {
    let (mut record, rules) = story();
    record.notifications[0].delivered_at = Some(at(40));
    let late = |away: &[(i64, i64)]| {
        let away: Vec<_> = away.iter().map(|&(from, to)| (at(from), at(to))).collect();
        faults_of(&record, &rules, &Limits { away: &away, ..LIMITS }).concat()
    };
    assert_eq!(late(&[(0, 5), (12, 25), (38, 50)]), "");
    assert!(late(&[(0, 11), (12, 25), (41, 50)]).contains("arrived 16s after"));
}

#[test]
fn more_messages_about_the_source_than_notifications_are_a_fault() {
    let down = || Heard { subject: "🔴 DATA SOURCE DOWN".into(), resolved: false };
    assert!(fault(|record| record.heard.push(down())).contains("should have received 0..=0 and has 1"));
}
