//! A message seen as a whole: its counts, the order of its alerts, and what they have in common.

use std::collections::BTreeSet;

use crate::{
    Span, Timestamp,
    labels::{ALERT_NAME, SEVERITY},
    message::{AlertLine, Message},
    notification::NotifyReason,
};

/// The label that names the target Prometheus scraped.
const INSTANCE: &str = "instance";

/// What every part of the layout asks about a message.
pub(super) struct View<'a> {
    pub(super) message: &'a Message,
    pub(super) now: Timestamp,
    /// In the order of their importance here.
    pub(super) alerts: Vec<&'a AlertLine>,
    /// Whether the message is about exactly one alert.
    pub(super) single: bool,
    /// The server or instance that all alerts are about.
    pub(super) target: Option<&'a str>,
    /// Labels worth showing with each alert, by name.
    pub(super) telling: Vec<&'a str>,
}

impl<'a> View<'a> {
    pub(super) fn new(message: &'a Message, now: Timestamp) -> Self {
        let alerts = in_order(message);
        let single = message.firing() + message.resolved() == 1 && alerts.len() == 1;
        let server = message.rule.as_ref().and_then(|rule| rule.server.as_deref());
        let target = server.or_else(|| common(&alerts, |alert| alert.labels.get(INSTANCE)));
        let telling = telling(&alerts);
        Self { message, now, alerts, single, target, telling }
    }

    /// The rule's severity, or what the alerts' labels agree on.
    pub(super) fn severity(&self) -> Option<&'a str> {
        let of_rule = self.message.rule.as_ref().and_then(|rule| rule.severity.as_deref());
        of_rule.or_else(|| common(&self.alerts, |alert| alert.labels.get(SEVERITY))).filter(|word| !word.is_empty())
    }

    /// An annotation that all alerts share.
    pub(super) fn shared(&self, annotation: &str) -> Option<&'a str> {
        common(&self.alerts, |alert| alert.annotations.get(annotation).map(String::as_str))
    }

    /// How long the oldest firing alert has been firing.
    pub(super) fn oldest(&self) -> Option<Span> {
        let firing = self.alerts.iter().filter(|alert| alert.ended_at.is_none());
        firing.map(|alert| Span::between(alert.starts_at, self.now)).max()
    }
}

/// What the message is sent for comes first: ended alerts if it tells of an end, else firing ones; among the firing
/// the newest first if it tells of new ones.
fn in_order(message: &Message) -> Vec<&AlertLine> {
    let mut alerts: Vec<&AlertLine> = message.alerts.iter().collect();
    let ended_first = message.reason == NotifyReason::Resolved;
    alerts.sort_by_key(|alert| alert.ended_at.is_some() != ended_first);
    if message.reason == NotifyReason::NewAlerts {
        alerts.sort_by_key(|alert| (alert.ended_at.is_some(), std::cmp::Reverse(alert.starts_at)));
    }
    alerts
}

/// What `read` finds in all alerts, if it is the same and there is one at all.
fn common<'a>(alerts: &[&'a AlertLine], read: impl Fn(&'a AlertLine) -> Option<&'a str>) -> Option<&'a str> {
    let (first, rest) = alerts.split_first()?;
    let value = read(first)?;
    rest.iter().all(|alert| read(alert) == Some(value)).then_some(value)
}

/// Of several alerts the labels that differ. A lone alert has nothing to differ from: all but those the headline shows.
fn telling<'a>(alerts: &[&'a AlertLine]) -> Vec<&'a str> {
    let names: BTreeSet<&str> = alerts.iter().flat_map(|alert| alert.labels.iter().map(|(name, _)| name)).collect();
    let lone = alerts.len() == 1;
    names
        .into_iter()
        .filter(|name| match lone {
            true => ![ALERT_NAME, SEVERITY, INSTANCE].contains(name),
            false => common(alerts, |alert| alert.labels.get(name)).is_none(),
        })
        .collect()
}
