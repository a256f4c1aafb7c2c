//! Speaks to Redis for the jobs a worker holds: that they are in good hands, and that they have ended.
//!
//! It outlives every outage: endings are kept until Redis has taken them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::stream::Stream;
use crate::redis::{Backoff, RedisError};

/// Endings or holds sent in one round trip.
const CHUNK: usize = 500;

/// What happened to a job, by its entry id.
pub(super) enum Word {
    /// The handler has ended; the job is over.
    Finished(String),
    /// The worker let go of it; whoever wants it may have it.
    Dropped(String),
    /// The worker stops: settle everything, give back what was not started, answer.
    Close(oneshot::Sender<()>),
}

/// The entry ids one worker holds, shared by its reader and its keeper.
#[derive(Clone, Default)]
pub(super) struct Held(Arc<Mutex<HashSet<String>>>);

impl Held {
    /// Adds an id. False when it is held already.
    pub(super) fn insert(&self, id: &str) -> bool {
        self.lock().insert(id.to_owned())
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.lock().contains(id)
    }

    fn remove<'a>(&self, ids: impl IntoIterator<Item = &'a String>) {
        let mut held = self.lock();
        for id in ids {
            held.remove(id);
        }
    }

    fn all(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keeper of one worker's jobs.
pub(super) struct Keeper {
    stream: Arc<Stream>,
    consumer: Arc<str>,
    held: Held,
    ended: Vec<String>,
    backoff: Backoff,
    retry_at: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(stream: Arc<Stream>, consumer: Arc<str>, held: Held) -> Self {
        Self { stream, consumer, held, ended: Vec::new(), backoff: Backoff::new(), retry_at: None }
    }

    /// Keeps until told to close, or until nobody is left to tell it anything.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Word>) {
        let mut beat = interval(self.stream.min_idle / 4);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut words = Vec::with_capacity(CHUNK);
        loop {
            let retry_at = self.retry_at;
            let retry = async move {
                match retry_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                received = inbox.recv_many(&mut words, CHUNK) => {
                    if received == 0 {
                        return;
                    }
                    if let Some(closed) = self.take(&mut words) {
                        self.close().await;
                        let _ = closed.send(());
                        return;
                    }
                    if self.retry_at.is_none() {
                        self.settle().await;
                    }
                }
                () = retry => self.settle().await,
                _ = beat.tick() => self.hold().await,
            }
        }
    }

    /// Notes what was said. Answers the one who asked to close, if anybody did.
    fn take(&mut self, words: &mut Vec<Word>) -> Option<oneshot::Sender<()>> {
        let mut close = None;
        for word in words.drain(..) {
            match word {
                Word::Finished(id) => self.ended.push(id),
                Word::Dropped(id) => self.held.remove([&id]),
                Word::Close(closed) => close = Some(closed),
            }
        }
        close
    }

    /// Tells Redis what has ended; later again when it does not listen.
    async fn settle(&mut self) {
        self.retry_at = match self.settle_all().await {
            Ok(()) => {
                self.backoff.reset();
                None
            }
            Err(_) => Some(Instant::now() + self.backoff.next()),
        };
    }

    async fn settle_all(&mut self) -> Result<(), RedisError> {
        while !self.ended.is_empty() {
            let chunk = &self.ended[..self.ended.len().min(CHUNK)];
            self.stream.settle(chunk).await?;
            self.held.remove(chunk);
            self.ended.drain(..self.ended.len().min(CHUNK));
        }
        Ok(())
    }

    /// Renews the hold on everything held. A failure is made good by the next beat.
    async fn hold(&self) {
        for chunk in self.held.all().chunks(CHUNK) {
            if self.stream.hold(&self.consumer, chunk).await.is_err() {
                return;
            }
        }
    }

    /// Settles, gives back what was never started, and leaves the group. The caller bounds how long it may take.
    async fn close(&mut self) {
        while self.settle_all().await.is_err() {
            sleep(Duration::from_millis(200)).await;
        }
        match self.leave().await {
            Err(error) if !error.lost_group() => {
                tracing::debug!(
                    queue = self.stream.queue,
                    error = &error as &dyn std::error::Error,
                    "left without goodbye"
                );
            }
            Ok(()) | Err(_) => {}
        }
    }

    async fn leave(&self) -> Result<(), RedisError> {
        // Nothing runs any more, so whatever is still ours was never started.
        while self.stream.give_back(&self.consumer).await? > 0 {}
        self.stream.forget_consumer(&self.consumer).await
    }
}
