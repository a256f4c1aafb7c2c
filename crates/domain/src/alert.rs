//! The life of an alert: one evaluation of a rule applied to its open alerts.
//!
//! [`step`] is the whole decision, Prometheus' `AlertingRule.Eval` without its query and its clock. What it leaves open:
//!
//! - *A failed query is not absence.* It gives no [`Vector`], so there is nothing to step with and nothing changes.
//! - *An edited rule is not an event.* The next slot is evaluated with the new rule against the open alerts: a longer
//!   `for` sends a firing alert back to pending. Under a new name or with new labels it is another rule: see [`close`].
//! - *Missed slots are not replayed.* After a gap only the current slot is evaluated; `for` counts from `active_at`.
//! - *Inactive is absence.* What is neither pending nor firing is not stored; its history is its events.

mod naming;
mod series;

use std::collections::BTreeMap;

use crate::{
    Fingerprint, Labels, Span, Timestamp,
    event::{EventReason, EventState},
};

pub use naming::{Answers, Installation, Named, Naming, check_template, is_plain, name};
pub use series::{ALERT_STATE, ALERTS, is_alert_metric, is_alert_series, series, with_ends};

/// Annotations by name.
pub type Annotations = BTreeMap<String, String>;
/// The alerts of one rule that are pending or firing.
pub type Alerts = BTreeMap<Fingerprint, Alert>;
/// What one evaluation saw, by the identity each series has as an alert.
pub type Vector = BTreeMap<Fingerprint, Seen>;

/// One series of one rule that is pending or firing.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The series' labels under the rule's, with `alertname`; without `__name__`.
    pub labels: Labels,
    /// As of the last evaluation that saw the series.
    pub annotations: Annotations,
    /// As of the last evaluation that saw the series; may be `NaN` or infinite.
    pub value: f64,
    /// Where in its life it is.
    pub state: AlertState,
}

/// Where in its life an open alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// Seen, but not yet for as long as `for` asks.
    Pending {
        /// The slot that first saw it.
        active_at: Timestamp,
    },
    /// People have been told.
    Firing {
        /// The slot that first saw it.
        active_at: Timestamp,
        /// The slot at which pending became firing: its `starts_at`.
        fired_at: Timestamp,
        /// The slot that first missed it, while `keep_firing_for` keeps it.
        absent_since: Option<Timestamp>,
    },
}

impl AlertState {
    /// The slot that first saw the alert.
    pub const fn active_at(self) -> Timestamp {
        match self {
            Self::Pending { active_at } | Self::Firing { active_at, .. } => active_at,
        }
    }

    /// The slot since which it fires, if it does.
    pub const fn fired_at(self) -> Option<Timestamp> {
        match self {
            Self::Pending { .. } => None,
            Self::Firing { fired_at, .. } => Some(fired_at),
        }
    }

    /// Whether it fires, kept or not.
    pub const fn is_firing(self) -> bool {
        matches!(self, Self::Firing { .. })
    }
}

/// One element of a query's result, named as an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub labels: Labels,
    pub annotations: Annotations,
    pub value: f64,
}

/// What a rule asks of its alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// The rule's `for`.
    pub hold: Span,
    /// The rule's `keep_firing_for`.
    pub keep_firing: Span,
    /// The group's `limit` on pending and firing alerts together; zero is none.
    pub limit: u32,
}

/// Why an evaluation has no usable outcome. The texts are Prometheus' own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    #[error("rule result is not a vector or scalar")]
    NotAVector,
    #[error("vector contains metrics with the same labelset after applying alert labels")]
    DuplicateLabelSet,
    #[error("exceeded limit of {limit} with {alerts} alerts")]
    LimitExceeded { limit: u32, alerts: usize },
}

/// One change of state, decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub fingerprint: Fingerprint,
    pub to: EventState,
    pub reason: EventReason,
    /// The alert as it is now, or as it was when it ended.
    pub alert: Alert,
}

/// What a storage has to do about one alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Opened,
    /// More than its value differs.
    Updated,
    /// Only its value differs.
    Revalued,
    /// It is no longer open.
    Closed,
}

/// The outcome of one step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// The open alerts afterwards.
    pub alerts: Alerts,
    /// What differs from before, in fingerprint order.
    pub changes: Vec<(Fingerprint, Change)>,
    /// What happened, in fingerprint order.
    pub transitions: Vec<Transition>,
    /// Set when the rule made too many alerts; all of them were dropped.
    pub error: Option<EvaluationError>,
}

/// Applies one evaluation at `slot` to a rule's open alerts.
pub fn step(conditions: Conditions, open: Alerts, mut vector: Vector, slot: Timestamp) -> Evaluation {
    let mut after = Evaluation::default();
    for (fingerprint, alert) in open {
        let seen = vector.remove(&fingerprint);
        let (state, transition) = next(conditions, Some(alert.state), seen.is_some(), slot);
        after.take(fingerprint, Some(alert), seen, state, transition);
    }
    for (fingerprint, seen) in vector {
        let (state, transition) = next(conditions, None, true, slot);
        after.take(fingerprint, None, Some(seen), state, transition);
    }
    after.changes.sort_unstable_by_key(|(fingerprint, _)| *fingerprint);
    after.transitions.sort_by_key(|transition| transition.fingerprint);
    after.within(conditions.limit)
}

/// Ends every open alert of a rule that is deleted, switched off, or given another name or other labels.
pub fn close(open: Alerts, reason: EventReason) -> Evaluation {
    let mut after = Evaluation::default();
    for (fingerprint, alert) in open {
        let to = if alert.state.is_firing() { EventState::Resolved } else { EventState::Inactive };
        after.changes.push((fingerprint, Change::Closed));
        after.transitions.push(Transition { fingerprint, to, reason, alert });
    }
    after
}

type Next = (Option<AlertState>, Option<(EventState, EventReason)>);

/// One alert's transition table: every row is one arm.
fn next(conditions: Conditions, state: Option<AlertState>, present: bool, slot: Timestamp) -> Next {
    use AlertState::{Firing, Pending};
    let held = |active_at| Span::between(active_at, slot) >= conditions.hold;
    let fires = |active_at| Some(Firing { active_at, fired_at: slot, absent_since: None });
    match (state, present) {
        (None, false) => (None, None),
        (None, true) if held(slot) => (fires(slot), Some((EventState::Firing, EventReason::ConditionMet))),
        (None, true) => (Some(Pending { active_at: slot }), Some((EventState::Pending, EventReason::ConditionMet))),
        (Some(Pending { .. }), false) => (None, Some((EventState::Inactive, EventReason::ConditionGone))),
        (Some(Pending { active_at }), true) if held(active_at) => {
            (fires(active_at), Some((EventState::Firing, EventReason::HeldLongEnough)))
        }
        (Some(Pending { .. }), true) => (state, None),
        (Some(Firing { active_at, fired_at, absent_since }), false) => {
            let since = absent_since.unwrap_or(slot);
            if Span::between(since, slot) >= conditions.keep_firing {
                let kept = absent_since.is_some();
                let reason = if kept { EventReason::KeepFiringElapsed } else { EventReason::ConditionGone };
                (None, Some((EventState::Resolved, reason)))
            } else {
                still_firing(held(active_at), active_at, fired_at, Some(since))
            }
        }
        (Some(Firing { active_at, fired_at, .. }), true) => still_firing(held(active_at), active_at, fired_at, None),
    }
}

/// A firing alert stays so, unless `for` was raised beyond the time it has been active.
fn still_firing(held: bool, active_at: Timestamp, fired_at: Timestamp, absent_since: Option<Timestamp>) -> Next {
    if held {
        (Some(AlertState::Firing { active_at, fired_at, absent_since }), None)
    } else {
        (Some(AlertState::Pending { active_at }), Some((EventState::Pending, EventReason::ForRaised)))
    }
}

impl Evaluation {
    fn take(
        &mut self,
        fingerprint: Fingerprint,
        before: Option<Alert>,
        seen: Option<Seen>,
        state: Option<AlertState>,
        transition: Option<(EventState, EventReason)>,
    ) {
        let Some(last_state) = state.or(before.as_ref().map(|alert| alert.state)) else { return };
        let after = match (seen, &before) {
            (Some(Seen { labels, annotations, value }), _) => Alert { labels, annotations, value, state: last_state },
            (None, Some(before)) => Alert { state: last_state, ..before.clone() },
            (None, None) => return,
        };
        if let Some((to, reason)) = transition {
            self.transitions.push(Transition { fingerprint, to, reason, alert: after.clone() });
        }
        let change = if state.is_some() { difference(before.as_ref(), &after) } else { Some(Change::Closed) };
        self.changes.extend(change.map(|change| (fingerprint, change)));
        if state.is_some() {
            self.alerts.insert(fingerprint, after);
        }
    }

    /// Drops everything, as Prometheus does, when there are more alerts than `limit`: nobody is told of an end, and
    /// alerts that were never stored leave no trace.
    fn within(mut self, limit: u32) -> Self {
        let alerts = self.alerts.len();
        if limit == 0 || alerts <= limit as usize {
            return self;
        }
        let opened: Vec<_> = self.changes.iter().filter(|(_, c)| *c == Change::Opened).map(|(f, _)| *f).collect();
        let closed = self.changes.iter().filter(|(_, change)| *change == Change::Closed).map(|(f, _)| *f);
        let stored: Vec<_> = closed.chain(self.alerts.keys().filter(|f| !opened.contains(f)).copied()).collect();
        self.transitions.retain(|transition| !self.alerts.contains_key(&transition.fingerprint));
        for (fingerprint, alert) in std::mem::take(&mut self.alerts) {
            if stored.contains(&fingerprint) {
                let (to, reason) = (EventState::Inactive, EventReason::LimitExceeded);
                self.transitions.push(Transition { fingerprint, to, reason, alert });
            }
        }
        self.transitions.sort_by_key(|transition| transition.fingerprint);
        self.changes = stored.into_iter().map(|fingerprint| (fingerprint, Change::Closed)).collect();
        self.error = Some(EvaluationError::LimitExceeded { limit, alerts });
        self
    }
}

fn difference(before: Option<&Alert>, after: &Alert) -> Option<Change> {
    let Some(before) = before else { return Some(Change::Opened) };
    if before.state != after.state || before.annotations != after.annotations || before.labels != after.labels {
        Some(Change::Updated)
    } else {
        (before.value.to_bits() != after.value.to_bits()).then_some(Change::Revalued)
    }
}

#[cfg(test)]
mod tests;
