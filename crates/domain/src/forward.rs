//! What Alertmanagers are sent of a rule's alerts, and when: Prometheus' `needsSending` and `sendAlerts`.
//!
//! An Alertmanager ends an alert that it no longer hears of, so each is sent again and again: while it fires, and for a
//! quarter of an hour after its end. What was sent counts as sent whether it arrived or not; the next time is soon.

use std::collections::BTreeMap;

use crate::{
    Deviations, Fingerprint, Labels, Span, Timestamp,
    alert::{Alert, Annotations, Evaluation, Transition},
    event::EventState,
    id::ChannelId,
    labels::ALERT_NAME,
    message::{Forward, ForwardedAlert, Message, RuleLine},
    notification::NotifyReason,
};

/// For how long an alert that ended is sent again.
const RETENTION: Span = Span::from_secs(15 * 60);
/// After so many missed times an Alertmanager ends an alert by itself.
const PATIENCE: u64 = 4;
/// What a channel's test is called, and how long it lasts.
const TEST: (&str, Span) = ("VigilTest", Span::from_secs(60));

/// What was sent of one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// The slot it was last sent for.
    pub last_sent_at: Timestamp,
    /// Once it has ended: what is sent again.
    pub ended: Option<ForwardedAlert>,
}

/// What was sent of a rule's alerts and may have to be sent again.
pub type Memory = BTreeMap<Fingerprint, Forwarded>;

/// What becomes of the memory of one alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is this now, known or not.
    Written(Forwarded),
    /// Only the time it was last sent for differs: it is the present one.
    SentAgain,
    /// It is gone.
    Forgotten,
}

/// A rule as far as forwarding is concerned.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    pub rule: &'a RuleLine,
    /// What the data source is asked.
    pub expr: &'a str,
    /// Its Alertmanagers; without any nothing is remembered.
    pub channels: &'a [ChannelId],
    pub memory: &'a Memory,
}

/// How often alerts are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The group's.
    pub interval: Span,
    /// An alert is sent again at the first slot that is more than this after the last time.
    pub resend_delay: Span,
}

/// What follows for a rule's Alertmanagers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarding {
    pub channels: Vec<ChannelId>,
    /// What each of them is sent, if anything.
    pub message: Option<Message>,
    pub changes: Vec<(Fingerprint, Change)>,
}

/// What is sent after an evaluation, and remembered. After one that could not be made, nothing is, and nothing is forgotten.
///
/// A firing alert is sent when it is new or due again, a pending one never; one that went back to pending, or was
/// dropped with all others of its rule, is forgotten without a word. One that ended is sent at once with its end, and
/// again until it has been over for more than 15 minutes, or fires anew.
pub fn forward(origin: Origin<'_>, evaluation: &Evaluation, pace: Pace, slot: Timestamp) -> Forwarding {
    if origin.channels.is_empty() || evaluation.error.is_some() {
        return Draft::new(slot).forgetting(origin).finish(origin);
    }
    let mut draft = Draft::new(slot);
    for (fingerprint, alert) in &evaluation.alerts {
        draft.open(*fingerprint, alert, origin.memory.get(fingerprint), pace);
    }
    let gone = origin.memory.iter().filter(|(fingerprint, _)| !evaluation.alerts.contains_key(fingerprint));
    for (fingerprint, sent) in gone {
        match &sent.ended {
            Some(alert) => draft.over(*fingerprint, sent.last_sent_at, alert, pace),
            None => draft.left(*fingerprint, ended(&evaluation.transitions, *fingerprint)),
        }
    }
    draft.finish(origin)
}

/// What is sent when a rule goes or becomes another: the end of what was sent as firing. Nothing is remembered.
///
/// Prometheus forgets it without a word.
pub fn close(origin: Origin<'_>, transitions: &[Transition], at: Timestamp, deviations: Deviations) -> Forwarding {
    let mut draft = Draft::new(at).forgetting(origin);
    if !deviations.forward_ends_of_rules() {
        return draft.finish(origin);
    }
    let firing = origin.memory.iter().filter(|(_, sent)| sent.ended.is_none());
    let ends = firing.filter_map(|(fingerprint, _)| ended(transitions, *fingerprint));
    draft.alerts.extend(ends.map(|alert| forwarded(alert, at)));
    draft.finish(origin)
}

/// The alert that a channel's test sends.
pub fn test_alert(at: Timestamp) -> ForwardedAlert {
    let (name, lasts) = TEST;
    let summary = ("summary".to_owned(), "This is a test from Vigil. The channel works.".to_owned());
    ForwardedAlert {
        labels: Labels::from([(ALERT_NAME, name)]),
        annotations: Annotations::from([summary]),
        starts_at: at,
        ends_at: at + lasts.chrono(),
    }
}

/// Where people find what `expr` comes to. `base_url` has no slash at its end.
pub fn generator_url(base_url: &str, expr: &str) -> String {
    format!("{base_url}{}", vigil_template::table_link(expr))
}

impl Pace {
    fn is_due(self, last_sent_at: Timestamp, slot: Timestamp) -> bool {
        Span::between(last_sent_at, slot) > self.resend_delay
    }

    /// Until when an alert that was sent at `slot` may be taken to fire.
    fn valid_until(self, slot: Timestamp) -> Timestamp {
        let longest = self.interval.max(self.resend_delay).millis();
        slot + Span::from_millis(longest.saturating_mul(PATIENCE)).chrono()
    }
}

/// A [`Forwarding`] under construction.
struct Draft {
    slot: Timestamp,
    alerts: Vec<ForwardedAlert>,
    changes: Vec<(Fingerprint, Change)>,
}

impl Draft {
    fn new(slot: Timestamp) -> Self {
        Self { slot, alerts: Vec::new(), changes: Vec::new() }
    }

    /// Everything goes.
    fn forgetting(mut self, origin: Origin<'_>) -> Self {
        self.changes.extend(origin.memory.keys().map(|fingerprint| (*fingerprint, Change::Forgotten)));
        self
    }

    /// An alert that is pending or firing, and what was sent of it or of another before it.
    fn open(&mut self, fingerprint: Fingerprint, alert: &Alert, sent: Option<&Forwarded>, pace: Pace) {
        if !alert.state.is_firing() {
            self.changes.extend(sent.map(|_| (fingerprint, Change::Forgotten)));
            return;
        }
        let change = match sent.filter(|sent| sent.ended.is_none()) {
            None => Change::Written(Forwarded { last_sent_at: self.slot, ended: None }),
            Some(sent) if pace.is_due(sent.last_sent_at, self.slot) => Change::SentAgain,
            Some(_) => return,
        };
        self.alerts.push(forwarded(alert, pace.valid_until(self.slot)));
        self.changes.push((fingerprint, change));
    }

    /// An alert that was sent as firing and is no longer open; `ended` if that is an end.
    fn left(&mut self, fingerprint: Fingerprint, ended: Option<&Alert>) {
        let change = match ended.map(|alert| forwarded(alert, self.slot)) {
            Some(alert) => {
                self.alerts.push(alert.clone());
                Change::Written(Forwarded { last_sent_at: self.slot, ended: Some(alert) })
            }
            None => Change::Forgotten,
        };
        self.changes.push((fingerprint, change));
    }

    /// An alert whose end was sent.
    fn over(&mut self, fingerprint: Fingerprint, last_sent_at: Timestamp, alert: &ForwardedAlert, pace: Pace) {
        if Span::between(alert.ends_at, self.slot) > RETENTION {
            self.changes.push((fingerprint, Change::Forgotten));
        } else if pace.is_due(last_sent_at, self.slot) {
            self.alerts.push(alert.clone());
            self.changes.push((fingerprint, Change::SentAgain));
        }
    }

    /// A message that only repeats says so.
    fn reason(&self) -> NotifyReason {
        let has = |wanted: fn(&Change) -> bool| self.changes.iter().any(|(_, change)| wanted(change));
        let repeats = has(|change| matches!(change, Change::SentAgain));
        let tells = has(|change| matches!(change, Change::Written(_)));
        if repeats && !tells { NotifyReason::ForwardAgain } else { NotifyReason::Forward }
    }

    fn finish(self, origin: Origin<'_>) -> Forwarding {
        let reason = self.reason();
        let Self { slot, alerts, changes } = self;
        let message = (!alerts.is_empty()).then(|| Message {
            reason,
            at: slot,
            rule: Some(origin.rule.clone()),
            alerts: Vec::new(),
            more_firing: 0,
            more_resolved: 0,
            source: None,
            forward: Some(Forward { expr: origin.expr.to_owned(), alerts }),
        });
        Forwarding { channels: origin.channels.to_vec(), message, changes }
    }
}

/// The alert as it was when it ended, if it did. Transitions are in the order of fingerprints.
fn ended(transitions: &[Transition], fingerprint: Fingerprint) -> Option<&Alert> {
    let found = transitions.binary_search_by_key(&fingerprint, |transition| transition.fingerprint).ok()?;
    Some(&transitions[found]).filter(|transition| transition.to == EventState::Resolved).map(|ended| &ended.alert)
}

fn forwarded(alert: &Alert, ends_at: Timestamp) -> ForwardedAlert {
    ForwardedAlert {
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        starts_at: alert.state.fired_at().unwrap_or_else(|| alert.state.active_at()),
        ends_at,
    }
}

#[cfg(test)]
mod tests;
