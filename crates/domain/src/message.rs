//! What a notification says, before any channel gives it a form.
//!
//! The model is stored with the notification, so that what is sent an hour late is what was decided then. Length is
//! cut here, by whole alerts, never in rendered markup.

mod layout;
pub mod plain;
pub mod telegram;
mod text;

use serde::{Deserialize, Serialize};

use crate::{
    Fingerprint, Labels, Span, Timestamp,
    alert::Annotations,
    id::{RuleId, ServerId},
    notification::NotifyReason,
};

/// The most alerts a message keeps in full; the rest is counted.
pub const MOST_ALERTS: usize = 200;

/// One message to one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Why it is sent.
    pub reason: NotifyReason,
    /// The slot it speaks of.
    pub at: Timestamp,
    /// The rule whose alerts it is about; none for messages about Vigil itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleLine>,
    /// What fires, then what has ended; at most [`MOST_ALERTS`].
    #[serde(default)]
    pub alerts: Vec<AlertLine>,
    /// Firing alerts that are not in `alerts`.
    #[serde(default)]
    pub more_firing: u32,
    /// Resolved alerts that are not in `alerts`.
    #[serde(default)]
    pub more_resolved: u32,
    /// The data source's trouble, for messages about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceLine>,
    /// What an Alertmanager is sent, whole; then `alerts` is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<Forward>,
}

impl Message {
    /// Firing alerts, those without a line of their own included.
    pub fn firing(&self) -> usize {
        let lines = self.alerts.iter().filter(|alert| alert.ended_at.is_none()).count();
        lines + self.more_firing as usize
    }

    /// Ended alerts, those without a line of their own included.
    pub fn resolved(&self) -> usize {
        let lines = self.alerts.iter().filter(|alert| alert.ended_at.is_some()).count();
        lines + self.more_resolved as usize
    }

    /// Whether it is about a rule in shadow: it is written down, and sent to nobody.
    pub fn is_shadow(&self) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.is_shadow)
    }

    /// Whether it only says that something is over, which need not wake anybody.
    pub fn is_quiet(&self) -> bool {
        match self.reason {
            NotifyReason::Resolved => self.firing() == 0,
            NotifyReason::SourceUp => true,
            NotifyReason::First
            | NotifyReason::NewAlerts
            | NotifyReason::Repeat
            | NotifyReason::SourceDown
            | NotifyReason::Forward
            | NotifyReason::ForwardAgain
            | NotifyReason::Test => false,
        }
    }
}

/// The rule, as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    pub id: RuleId,
    pub name: String,
    pub version: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// As written.
    pub expr: String,
    /// `op value`, if the rule has a threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<String>,
    #[serde(rename = "for")]
    pub hold: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_id: Option<ServerId>,
    /// The server's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Whether it was in shadow: then nobody is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_shadow: bool,
}

/// One alert of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertLine {
    pub fingerprint: Fingerprint,
    pub labels: Labels,
    #[serde(default)]
    pub annotations: Annotations,
    /// As of the last evaluation that saw it.
    pub value: String,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
}

/// Alerts of a rule as an Alertmanager gets them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forward {
    /// What the data source is asked: with the rule's threshold and its server's matchers.
    pub expr: String,
    pub alerts: Vec<ForwardedAlert>,
}

/// One alert as an Alertmanager gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForwardedAlert {
    pub labels: Labels,
    #[serde(default)]
    pub annotations: Annotations,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ended; of one that fires, until when it may be taken to fire without hearing of it again.
    pub ends_at: Timestamp,
}

impl Forward {
    /// The alerts that can still be sent at `now`. One that fired when this was decided at `at`, and whose time has
    /// run out since, would read as ended.
    pub fn current(&self, at: Timestamp, now: Timestamp) -> impl Iterator<Item = &ForwardedAlert> {
        self.alerts.iter().filter(move |alert| alert.is_over(at) || alert.ends_at > now)
    }
}

impl ForwardedAlert {
    /// Whether it had ended at `at`, the time it was decided to send it.
    pub fn is_over(&self, at: Timestamp) -> bool {
        self.ends_at <= at
    }
}

/// What is wrong, or was, with the data source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceLine {
    pub failing_since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    pub error: String,
    /// Rules whose alerts are frozen meanwhile.
    pub rules: u32,
}

#[cfg(test)]
mod tests;
