//! Whether a channel must hear about a rule now, why, and when a failed delivery is tried again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Fingerprint, Span, Timestamp, event::words, id::NotificationId, labels::Fnv1a};

/// Alerts, by identity.
pub type Fingerprints = BTreeSet<Fingerprint>;

/// Why a notification is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotifyReason {
    /// The channel knew of nothing firing for this rule.
    First,
    /// More alerts of the rule fire than the channel knows of.
    NewAlerts,
    /// Nothing changed for as long as the rule's `repeat_interval`.
    Repeat,
    /// Alerts the channel knows of have ended.
    Resolved,
    /// Alerts of the rule fire or have ended, and an Alertmanager does not know it yet.
    Forward,
    /// An Alertmanager is due to hear of alerts of the rule again, and nothing else.
    ForwardAgain,
    /// The data source was declared down.
    SourceDown,
    /// The data source answers again.
    SourceUp,
    /// Somebody asked for a test message.
    Test,
}

words!(NotifyReason {
    First => "first", NewAlerts => "new_alerts", Repeat => "repeat", Resolved => "resolved", Forward => "forward",
    ForwardAgain => "forward_again", SourceDown => "source_down", SourceUp => "source_up", Test => "test",
});

impl NotifyReason {
    /// Whether it is for an Alertmanager, which hears of the same again and again.
    pub const fn is_forward(self) -> bool {
        matches!(self, Self::Forward | Self::ForwardAgain)
    }
}

/// Where a notification is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationStatus {
    /// Due, or waiting to be tried again.
    Pending,
    /// An attempt is under way.
    Sending,
    /// The peer has accepted it.
    Delivered,
    /// Given up; the last attempt says why.
    Failed,
    /// Written down only: its rule was in shadow when this was decided, and nobody is told.
    Shadow,
}

words!(NotificationStatus {
    Pending => "pending", Sending => "sending", Delivered => "delivered", Failed => "failed", Shadow => "shadow",
});

/// What a channel was last told about a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it believes is firing.
    pub firing: Fingerprints,
    /// The slot it was told for, or the time it arrived if that was much later.
    pub sent_at: Timestamp,
    /// The message is still on its way.
    pub in_flight: bool,
    /// It was told on paper only, as the rule was in shadow.
    pub is_shadow: bool,
}

/// How things stand with a rule at a slot.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Alerts that fire.
    pub firing: &'a Fingerprints,
    /// Alerts that were resolved at this slot.
    pub resolved: &'a Fingerprints,
    /// The rule's.
    pub repeat_interval: Span,
    /// The time of the evaluation.
    pub slot: Timestamp,
}

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub reason: NotifyReason,
    /// Every alert that fires.
    pub firing: Fingerprints,
    /// Alerts the channel believed firing that have ended.
    pub resolved: Fingerprints,
}

/// Whether a channel must hear about a rule at this slot. `None` is silence.
///
/// Alertmanager's `needsUpdate`: what is, against what the channel knows. An alert it was never told of is not
/// announced as resolved. Afterwards the channel knows exactly `situation.firing`, told or not.
pub fn plan(told: Option<&Told>, situation: Situation<'_>) -> Option<Plan> {
    let Situation { firing, resolved, repeat_interval, slot } = situation;
    let nothing = Fingerprints::new();
    let known = told.map_or(&nothing, |told| &told.firing);
    let ended: Fingerprints = resolved.intersection(known).copied().collect();
    let reason = if !firing.is_subset(known) {
        if known.is_empty() { NotifyReason::First } else { NotifyReason::NewAlerts }
    } else if !ended.is_empty() {
        NotifyReason::Resolved
    } else {
        let told = told.filter(|told| !firing.is_empty() && !told.in_flight)?;
        if Span::between(told.sent_at, slot) < repeat_interval {
            return None;
        }
        NotifyReason::Repeat
    };
    Some(Plan { reason, firing: firing.clone(), resolved: ended })
}

/// How an attempt failed. The variant decides what follows; texts are for people and hold no secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It did not arrive; later it may.
    #[error("{0}")]
    Transient(String),
    /// The request left, but no answer came: it may have arrived.
    #[error("{0}")]
    Unknown(String),
    /// The peer asks for patience.
    #[error("the peer asks to wait {wait}: {message}")]
    RateLimited { wait: Span, message: String },
    /// It will never arrive this way.
    #[error("{0}")]
    Permanent(String),
    /// Nothing will ever arrive through this channel until somebody mends it.
    #[error("{0}")]
    ChannelBroken(String),
}

/// How often and how long a delivery is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first wait; each one doubles.
    pub base: Span,
    /// The longest wait, unless the peer asks for more.
    pub longest: Span,
    /// Attempts in all.
    pub attempts: u32,
    /// No attempt begins from this time on.
    pub until: Option<Timestamp>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { base: Span::from_secs(10), longest: Span::from_secs(900), attempts: 12, until: None }
    }
}

/// How many times more often a peer may ask for patience than it may fail.
pub const PATIENCE: u32 = 8;

/// When to try a failed delivery again, or `None` to give up.
///
/// Waits `base`, twice that, … at most `longest`, ±10 % by the notification's identity, so that many failures do not
/// return together. A peer's own wait is kept to the letter and given [`PATIENCE`] times as many attempts, as it is an
/// answer, not a failure. `attempts` counts those made, this one included. What would begin too late is given up.
pub fn next_attempt(
    policy: RetryPolicy,
    notification: NotificationId,
    attempts: u32,
    error: &SendError,
    now: Timestamp,
) -> Option<Timestamp> {
    let asked = match error {
        SendError::Permanent(_) | SendError::ChannelBroken(_) => return None,
        SendError::RateLimited { wait, .. } => *wait,
        SendError::Transient(_) | SendError::Unknown(_) => Span::ZERO,
    };
    let allowed = if asked == Span::ZERO { policy.attempts } else { policy.attempts.saturating_mul(PATIENCE) };
    if attempts >= allowed {
        return None;
    }
    let doubled = policy.base.millis().saturating_mul(1_u64 << attempts.saturating_sub(1).min(32));
    let backoff = doubled.min(policy.longest.millis());
    let tenth = backoff / 10;
    let jitter = (2 * tenth).checked_add(1).map_or(0, |range| spread(notification, attempts) % range);
    let backoff = Span::from_millis(backoff - tenth + jitter);
    let wait = if asked == Span::ZERO { backoff } else { asked };
    Some(now + wait.chrono()).filter(|at| policy.until.is_none_or(|until| *at < until))
}

fn spread(notification: NotificationId, attempts: u32) -> u64 {
    let mut hash = Fnv1a::default();
    hash.write(notification.0.as_bytes());
    hash.write(&attempts.to_le_bytes());
    hash.0 ^ (hash.0 >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_timestamp(1_700_000_000 + 60 * minute, 0).unwrap()
    }

    fn set(fingerprints: &[u64]) -> Fingerprints {
        fingerprints.iter().copied().map(Fingerprint).collect()
    }

    #[test]
    fn a_channel_hears_what_it_does_not_know() {
        use NotifyReason::{First, NewAlerts, Repeat, Resolved};
        // (case, known and minute told, on its way, firing, resolved, minute) → reason
        for (case, told, in_flight, firing, resolved, minute, expected) in [
            ("nothing known, nothing fires", None, false, &[][..], &[][..], 0, None),
            ("nothing known, one fires", None, false, &[1], &[], 0, Some(First)),
            ("all ended before, one fires", Some((&[][..], 0)), false, &[1], &[], 1, Some(First)),
            ("one known, another joins", Some((&[1], 0)), false, &[1, 2], &[], 1, Some(NewAlerts)),
            ("one known and unchanged", Some((&[1], 0)), false, &[1], &[], 59, None),
            ("unchanged for the repeat interval", Some((&[1], 0)), false, &[1], &[], 60, Some(Repeat)),
            ("no reminder while the last is on its way", Some((&[1], 0)), true, &[1], &[], 60, None),
            ("one of two ends", Some((&[1, 2], 0)), false, &[1], &[2], 1, Some(Resolved)),
            ("the last ends", Some((&[1], 0)), false, &[], &[1], 1, Some(Resolved)),
            ("one ends as another begins", Some((&[1], 0)), false, &[2], &[1], 1, Some(NewAlerts)),
            ("what ends was never told", None, false, &[], &[1], 1, None),
            ("dropped without a word", Some((&[1], 0)), false, &[], &[], 90, None),
            ("an end is told though the first is on its way", Some((&[1], 0)), true, &[], &[1], 1, Some(Resolved)),
        ] {
            let told = told.map(|(firing, minute)| Told {
                firing: set(firing),
                sent_at: at(minute),
                in_flight,
                is_shadow: false,
            });
            let (firing, resolved) = (set(firing), set(resolved));
            let repeat_interval = Span::from_secs(3_600);
            let situation = Situation { firing: &firing, resolved: &resolved, repeat_interval, slot: at(minute) };
            let plan = plan(told.as_ref(), situation);
            assert_eq!(plan.as_ref().map(|plan| plan.reason), expected, "{case}");
        }
    }

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let error = SendError::Transient("no route".into());
        let id = NotificationId::random();
        for (attempts, low, high) in [(1, 9, 11), (2, 18, 22), (4, 72, 88), (11, 810, 990)] {
            let wait =
                (next_attempt(RetryPolicy::default(), id, attempts, &error, at(0)).unwrap() - at(0)).num_seconds();
            assert!((low..=high).contains(&wait), "{attempts}: {wait}");
        }
        assert_eq!(next_attempt(RetryPolicy::default(), id, 12, &error, at(0)), None);
    }

    #[test]
    fn the_peers_own_wait_is_kept_to_the_second() {
        let error = SendError::RateLimited { wait: Span::from_secs(37), message: "Too Many Requests".into() };
        let next = |attempts| next_attempt(RetryPolicy::default(), NotificationId::random(), attempts, &error, at(0));
        assert_eq!(next(1), Some(at(0) + Span::from_secs(37).chrono()));
        assert_eq!(next(40), Some(at(0) + Span::from_secs(37).chrono()));
        assert_eq!(next(96), None, "patience ends, too");
    }

    #[test]
    fn no_attempt_begins_when_it_is_too_late() {
        let error = SendError::Transient("no route".into());
        let policy = RetryPolicy { until: Some(at(1)), ..RetryPolicy::default() };
        let next = |attempts, now| next_attempt(policy, NotificationId::random(), attempts, &error, now);
        assert!(next(1, at(0)).is_some_and(|next| next < at(1)));
        assert_eq!(next(1, at(1) - Span::from_secs(9).chrono()), None, "10 s are more than 9 s, even 10 % less");
        assert_eq!(next(4, at(0)), None, "80 s are more than a minute");
    }

    #[test]
    fn what_cannot_succeed_is_not_tried_again() {
        for error in [SendError::Permanent("400".into()), SendError::ChannelBroken("403".into())] {
            assert_eq!(next_attempt(RetryPolicy::default(), NotificationId::random(), 1, &error, at(0)), None);
        }
    }
}
