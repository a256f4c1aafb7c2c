//! Whether the data source is up, judged by what evaluations met. A source that is down is one incident, however many
//! rules depend on it; their alerts stay as they are.

use serde::{Deserialize, Serialize};

use crate::{Span, Timestamp};

/// What is known of the data source. The default is one that works.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Slots in a row at which nothing could be asked.
    pub failed_slots: u32,
    /// When the first of them failed.
    pub failing_since: Option<Timestamp>,
    /// The newest of them, so that batches of one slot count once.
    pub last_failed_slot: Option<Timestamp>,
    /// When it was declared down.
    pub down_since: Option<Timestamp>,
    /// The slot that ended its last failure.
    pub answered_slot: Option<Timestamp>,
    /// The newest failure's text.
    pub last_error: Option<String>,
}

/// When a failing source is declared down: whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourcePolicy {
    /// Failed slots in a row.
    pub down_after_failures: u32,
    /// Time since the first of them.
    pub down_after: Span,
}

/// How the queries of one batch went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// At least one query was answered, even if by "your query is wrong".
    Answered,
    /// None was, with the last failure's text.
    Failed(String),
    /// There was none, which says nothing about the source.
    Unasked,
}

/// What has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// The source is down.
    Declared,
    /// It answers again.
    Ended {
        /// When it was declared down.
        declared_at: Timestamp,
        /// When it stopped answering.
        failing_since: Timestamp,
    },
}

/// Takes one batch's outcome into account. Answers the status afterwards and what has to be told, if anything.
///
/// A batch that took long tells of the past: an answer to a slot before the newest failure ends nothing, and a failure
/// at or before the slot that ended the last one begins nothing.
pub fn observe(
    status: &SourceStatus,
    outcome: &Outcome,
    slot: Timestamp,
    now: Timestamp,
    policy: SourcePolicy,
) -> (SourceStatus, Option<Incident>) {
    let error = match outcome {
        Outcome::Unasked => return (status.clone(), None),
        Outcome::Answered if status.last_failed_slot > Some(slot) => return (status.clone(), None),
        Outcome::Answered => {
            let answered_slot = if status.failing_since.is_some() { Some(slot) } else { status.answered_slot };
            return (SourceStatus { answered_slot, ..SourceStatus::default() }, ended(status));
        }
        Outcome::Failed(_) if status.answered_slot >= Some(slot) => return (status.clone(), None),
        Outcome::Failed(error) => error,
    };
    let new_slot = status.last_failed_slot.is_none_or(|last| slot > last);
    let failing_since = status.failing_since.unwrap_or(now);
    let failed_slots = status.failed_slots + u32::from(new_slot);
    let long_enough = Span::between(failing_since, now) >= policy.down_after;
    let declared = status.down_since.is_none() && (failed_slots >= policy.down_after_failures || long_enough);
    let after = SourceStatus {
        failed_slots,
        failing_since: Some(failing_since),
        last_failed_slot: status.last_failed_slot.max(Some(slot)),
        down_since: status.down_since.or(declared.then_some(now)),
        answered_slot: status.answered_slot,
        last_error: Some(error.clone()),
    };
    (after, declared.then_some(Incident::Declared))
}

fn ended(status: &SourceStatus) -> Option<Incident> {
    let declared_at = status.down_since?;
    Some(Incident::Ended { declared_at, failing_since: status.failing_since.unwrap_or(declared_at) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: SourcePolicy = SourcePolicy { down_after_failures: 3, down_after: Span::from_secs(60) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    /// Plays outcomes at seconds; answers the seconds at which something was told.
    fn play(outcomes: &[(i64, bool)]) -> Vec<(i64, &'static str)> {
        let prompt: Vec<_> = outcomes.iter().map(|(second, answered)| (*second, *second, *answered)).collect();
        play_late(&prompt)
    }

    /// Plays outcomes of slots (the first number) that are known later (the second).
    fn play_late(outcomes: &[(i64, i64, bool)]) -> Vec<(i64, &'static str)> {
        let (mut status, mut told) = (SourceStatus::default(), Vec::new());
        for (slot, second, answered) in outcomes {
            let outcome = if *answered { Outcome::Answered } else { Outcome::Failed("refused".into()) };
            let (after, incident) = observe(&status, &outcome, at(*slot), at(*second), POLICY);
            status = after;
            told.extend(incident.map(|incident| match incident {
                Incident::Declared => (*second, "down"),
                Incident::Ended { .. } => (*second, "up"),
            }));
        }
        told
    }

    #[test]
    fn a_batch_that_asks_nothing_neither_ends_nor_begins_a_failure() {
        let failed = Outcome::Failed("refused".into());
        let mut status = SourceStatus::default();
        for second in [0, 15, 30] {
            let (unasked, incident) = observe(&status, &Outcome::Unasked, at(second + 5), at(second + 5), POLICY);
            assert_eq!((&unasked, incident), (&status, None), "second {second}");
            status = observe(&status, &failed, at(second), at(second), POLICY).0;
        }
        assert_eq!((status.failed_slots, status.down_since), (3, Some(at(30))));
        assert_eq!(observe(&status, &Outcome::Unasked, at(60), at(60), POLICY), (status, None));
    }

    #[test]
    fn three_failed_slots_are_one_incident_and_one_return() {
        assert_eq!(
            play(&[(0, false), (15, false), (30, false), (45, false), (60, true), (75, true)]),
            [(30, "down"), (60, "up")]
        );
    }

    #[test]
    fn many_batches_of_one_slot_count_once() {
        assert_eq!(play(&[(0, false), (0, false), (0, false), (0, false), (15, true)]), []);
    }

    #[test]
    fn a_minute_of_failure_is_enough_with_slow_rules() {
        assert_eq!(play(&[(0, false), (60, false), (120, true)]), [(60, "down"), (120, "up")]);
    }

    #[test]
    fn one_answer_in_between_starts_over() {
        assert_eq!(play(&[(0, false), (15, false), (16, true), (30, false), (45, false), (46, true)]), []);
    }

    #[test]
    fn a_batch_that_was_answered_before_the_failure_does_not_end_it() {
        let late = [(1, 1, false), (2, 2, false), (3, 3, false), (0, 4, true), (4, 5, false), (6, 6, true)];
        assert_eq!(play_late(&late), [(3, "down"), (6, "up")]);
    }

    #[test]
    fn batches_that_failed_before_the_return_do_not_begin_another_failure() {
        let down = [(1, 1, false), (2, 2, false), (3, 3, false), (7, 7, true)];
        let late = [(4, 8, false), (5, 8, false), (6, 9, false), (7, 9, false), (8, 10, true)];
        assert_eq!(play_late(&[&down[..], &late[..]].concat()), [(3, "down"), (7, "up")]);
        let again = [(9, 11, false), (10, 12, false), (11, 13, false)];
        assert_eq!(play_late(&[&down[..], &late[..], &again[..]].concat()), [(3, "down"), (7, "up"), (13, "down")]);
    }
}
