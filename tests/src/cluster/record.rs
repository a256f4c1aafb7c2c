//! Everything that Vigil has written down, as its API shows it, and everything that Telegram has received.

use super::Cluster;
use crate::fakes::SentMessage;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An open alert.
#[derive(Clone, Debug, Deserialize)]
pub struct Alert {
    pub rule_id: String,
    pub fingerprint: String,
    pub state: String,
    pub active_at: DateTime<Utc>,
    pub starts_at: Option<DateTime<Utc>>,
}

/// A change of state.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub rule_id: String,
    pub fingerprint: String,
    pub state: String,
    pub active_at: DateTime<Utc>,
    pub starts_at: Option<DateTime<Utc>>,
    /// The slot.
    pub evaluated_at: DateTime<Utc>,
    /// When it was committed: the same for everything that was committed with it.
    pub created_at: DateTime<Utc>,
}

/// A message to the channel.
#[derive(Clone, Debug, Deserialize)]
pub struct Notification {
    pub id: String,
    pub rule_id: Option<String>,
    pub reason: String,
    pub status: String,
    pub maybe_duplicate: bool,
    pub alerts: Vec<Line>,
    pub attempts: Vec<Attempt>,
    pub last_error: Option<String>,
    pub created_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
}

/// An alert in a message.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    pub fingerprint: String,
    pub state: String,
}

/// A try to deliver.
#[derive(Clone, Debug, Deserialize)]
pub struct Attempt {
    pub status: String,
}

/// A message as Telegram received it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What it is about: a rule's name, or the first line of a message about no rule.
    pub subject: String,
    /// It tells of ends only.
    pub resolved: bool,
}

impl From<&SentMessage> for Heard {
    /// The first line is `🔵 ALERT · rule · target`, `🟢 RESOLVED · …`, or a headline of its own.
    fn from(message: &SentMessage) -> Self {
        let headline = message.plain.lines().next().unwrap_or_default();
        let subject = headline.split(" · ").nth(1).unwrap_or(headline);
        Self { subject: subject.to_owned(), resolved: headline.contains("RESOLVED") }
    }
}

/// All of it, each list oldest first.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub events: Vec<Event>,
    pub notifications: Vec<Notification>,
    pub alerts: Vec<Alert>,
    pub heard: Vec<Heard>,
}

impl Record {
    /// Notifications with this reason.
    pub fn because(&self, reason: &str) -> Vec<&Notification> {
        self.notifications.iter().filter(|notification| notification.reason == reason).collect()
    }

    /// How many notifications are marked as perhaps sent twice.
    pub fn marked(&self) -> usize {
        self.notifications.iter().filter(|notification| notification.maybe_duplicate).count()
    }

    /// How many messages Telegram received beyond one for each notification.
    pub fn doubled(&self) -> usize {
        self.heard.len().saturating_sub(self.notifications.len())
    }
}

impl Cluster {
    /// Everything, as soon as the API tells it.
    ///
    /// # Panics
    /// When it does not.
    pub async fn record(&self) -> Record {
        let read = async || {
            let complaint = || "the API does not tell".to_owned();
            let mut events: Vec<Event> = self.pages("/events", "").await.ok_or_else(complaint)?;
            let mut notifications: Vec<Notification> = self.pages("/notifications", "").await.ok_or_else(complaint)?;
            let alerts = self.alerts().await.ok_or_else(complaint)?;
            events.reverse();
            notifications.reverse();
            Ok((events, notifications, alerts))
        };
        let (events, notifications, alerts) = super::eventually(self.waits.settle(), read).await;
        let heard = self.telegram.sent().iter().map(Heard::from).collect();
        Record { events, notifications, alerts, heard }
    }

    /// The open alerts; `None` while the API cannot tell.
    pub async fn alerts(&self) -> Option<Vec<Alert>> {
        self.pages("/alerts", "").await
    }

    /// How many notifications have not ended; `None` while the API cannot tell.
    pub async fn unfinished(&self) -> Option<usize> {
        let pending: Vec<Notification> = self.pages("/notifications", "&status=pending").await?;
        let sending: Vec<Notification> = self.pages("/notifications", "&status=sending").await?;
        Some(pending.len() + sending.len())
    }

    /// Every page of a list; `None` when one of them was refused because a server is away.
    ///
    /// # Panics
    /// When the API does not answer, or refuses for another reason.
    pub async fn pages<T: DeserializeOwned>(&self, path: &str, filter: &str) -> Option<Vec<T>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = self.api.get(&format!("{path}?limit=500{filter}{cursor}")).await;
            if answer.status.is_server_error() {
                return None;
            }
            let page = answer.ok();
            let new: Vec<T> = serde_json::from_value(page["items"].clone())
                .unwrap_or_else(|error| panic!("{path} has other fields than expected: {error}"));
            items.extend(new);
            match page["next_cursor"].as_str() {
                None => return Some(items),
                Some(next) => cursor = format!("&cursor={next}"),
            }
        }
    }
}
