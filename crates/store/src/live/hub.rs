//! The topics this process listens to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::broadcast;

/// Frames a subscriber may be behind before it skips.
const BEHIND: usize = 16;

/// Local subscribers by topic.
#[derive(Debug, Default)]
pub(super) struct Hub(Mutex<HashMap<Arc<str>, broadcast::Sender<Bytes>>>);

impl Hub {
    /// Adds a subscriber. `joined` runs before any other change of the topics.
    pub(super) fn join(&self, topic: &str, joined: impl FnOnce()) -> broadcast::Receiver<Bytes> {
        let mut topics = self.lock();
        let sender = topics.entry(topic.into()).or_insert_with(|| broadcast::channel(BEHIND).0);
        let receiver = sender.subscribe();
        joined();
        receiver
    }

    /// Removes a subscriber whose receiver still exists. `emptied` runs when it was the topic's last.
    pub(super) fn leave(&self, topic: &str, emptied: impl FnOnce()) {
        let mut topics = self.lock();
        if topics.get(topic).is_some_and(|sender| sender.receiver_count() <= 1) {
            topics.remove(topic);
            emptied();
        }
    }

    /// Sends a frame to the topic's subscribers here, if there are any.
    pub(super) fn send(&self, topic: &str, frame: Bytes) {
        if let Some(sender) = self.lock().get(topic) {
            // Fails only without receivers, which is nobody's loss.
            let _ = sender.send(frame);
        }
    }

    pub(super) fn contains(&self, topic: &str) -> bool {
        self.lock().contains_key(topic)
    }

    pub(super) fn topics(&self) -> Vec<Arc<str>> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, broadcast::Sender<Bytes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
