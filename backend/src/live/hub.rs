//! What all live clients of this process share: seats, feeds, and the guard.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::sync::watch;

use super::{
    feed::{self, Key, News},
    guard::{Ground, Guard},
};
use crate::state::AppState;

/// The live clients of a process and what they share.
#[derive(Default)]
pub struct Hub {
    /// A feed's task holds the sender; without the task there is no feed.
    feeds: Mutex<HashMap<Key, Weak<watch::Sender<News>>>>,
    pub(super) guard: Guard,
    is_guarded: AtomicBool,
    clients: AtomicUsize,
}

impl Hub {
    /// A seat, if fewer than `most` are taken.
    pub(super) fn seat(self: &Arc<Self>, most: usize) -> Option<Seat> {
        let taken =
            self.clients.fetch_update(Ordering::AcqRel, Ordering::Acquire, |taken| (taken < most).then_some(taken + 1));
        taken.is_ok().then(|| {
            metrics::gauge!("vigil_ws_clients").increment(1.0);
            Seat(Arc::clone(self))
        })
    }

    /// Follows the answers to a question about a server, whoever else does.
    pub(super) fn follow(&self, state: &AppState, key: Key, ground: &watch::Receiver<Ground>) -> watch::Receiver<News> {
        let mut feeds = self.feeds();
        if let Some(sender) = feeds.get(&key).and_then(Weak::upgrade) {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(News::None);
        let sender = Arc::new(sender);
        feeds.insert(key.clone(), Arc::downgrade(&sender));
        state.shutdown.spawn("live feed", feed::run(state.clone(), key, sender, ground.clone()));
        receiver
    }

    /// Forgets a feed that nobody follows; false when somebody does again.
    pub(super) fn retire(&self, key: &Key, sender: &watch::Sender<News>) -> bool {
        let mut feeds = self.feeds();
        let is_idle = sender.receiver_count() == 0;
        if is_idle {
            feeds.remove(key);
        }
        is_idle
    }

    /// Forgets a feed, whoever follows it: the next follower gets a new one.
    pub(super) fn forget(&self, key: &Key) {
        self.feeds().remove(key);
    }

    /// Starts the guard with the first client.
    pub(super) fn post_guard(&self, state: &AppState) {
        if !self.is_guarded.swap(true, Ordering::AcqRel) {
            let guarded = state.clone();
            state.shutdown.spawn("live guard", async move { guarded.hub.guard.keep(&guarded).await });
        }
    }

    fn feeds(&self) -> MutexGuard<'_, HashMap<Key, Weak<watch::Sender<News>>>> {
        self.feeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One client's place, free again when it is dropped.
pub(crate) struct Seat(Arc<Hub>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::AcqRel);
        metrics::gauge!("vigil_ws_clients").decrement(1.0);
    }
}
