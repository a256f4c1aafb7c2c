//! Fetches jobs from Redis for one worker: as many as can start now, and those of workers that have died.
//!
//! It never gives up: a lost connection is opened again, a lost group is made again.

use std::{convert::Infallible, sync::Arc, time::Duration};

use redis::aio::MultiplexedConnection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep},
};

use super::{
    Job,
    keeper::{Held, Word},
    lease::{Fetched, Holder, Lease},
    reply::Entry,
    stream::Stream,
};
use crate::redis::{Backoff, RedisError};

/// How long a read waits for jobs.
const BLOCK: Duration = Duration::from_secs(2);
/// Jobs taken in one read at most, so that one worker does not empty the queue before the others look.
const READ_AT_MOST: usize = 64;
/// A job that was handed out this often without ending kills its workers: it is given up.
const MAX_DELIVERIES: u64 = 5;
/// How often dead consumers are looked for.
const FORGET_EVERY: Duration = Duration::from_secs(600);

/// The reader of one worker.
pub(super) struct Reader<T: Job> {
    stream: Arc<Stream>,
    consumer: Arc<str>,
    slots: Arc<Semaphore>,
    held: Held,
    keeper: mpsc::UnboundedSender<Word>,
    out: mpsc::UnboundedSender<Fetched<T>>,
    cursor: String,
    claim_at: Instant,
    forget_at: Instant,
}

impl<T: Job> Reader<T> {
    pub(super) fn new(
        (stream, consumer): (Arc<Stream>, Arc<str>),
        (slots, held): (Arc<Semaphore>, Held),
        keeper: mpsc::UnboundedSender<Word>,
        out: mpsc::UnboundedSender<Fetched<T>>,
    ) -> Self {
        let now = Instant::now();
        let cursor = "0-0".to_owned();
        Self { stream, consumer, slots, held, keeper, out, cursor, claim_at: now, forget_at: now }
    }

    /// Fetches for ever.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new();
        loop {
            let Err(error) = self.session(&mut backoff).await;
            metrics::counter!("vigil_queue_interruptions_total", "queue" => T::QUEUE).increment(1);
            let _ = self.stream.redis.note::<()>(Err(error));
            sleep(backoff.next()).await;
        }
    }

    /// One connection's life.
    async fn session(&mut self, backoff: &mut Backoff) -> Result<Infallible, RedisError> {
        let mut connection = self.stream.redis.dedicated().await?;
        self.stream.ensure_group(&mut connection).await?;
        loop {
            match self.round(&mut connection).await {
                Err(error) if error.lost_group() => {
                    tracing::warn!(queue = T::QUEUE, "the queue was deleted in Redis, making it again");
                    self.stream.ensure_group(&mut connection).await?;
                }
                other => other?,
            }
            let _ = self.stream.redis.note(Ok(()));
            backoff.reset();
        }
    }

    async fn round(&mut self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let mut slots = self.free_slots().await;
        if Instant::now() >= self.claim_at {
            self.claim(connection, &mut slots).await?;
            self.claim_at = Instant::now() + self.claim_every();
        }
        if Instant::now() >= self.forget_at {
            self.stream.forget_dead_consumers().await?;
            self.forget_at = Instant::now() + FORGET_EVERY;
        }
        if slots.num_permits() == 0 {
            return Ok(());
        }
        let block = self.claim_at.saturating_duration_since(Instant::now()).min(BLOCK);
        for entry in self.stream.read(connection, &self.consumer, slots.num_permits(), block).await? {
            self.hand_over(entry, &mut slots);
        }
        Ok(())
    }

    /// Silence is noticed a fifth of its time late, at most two seconds.
    fn claim_every(&self) -> Duration {
        (self.stream.min_idle / 5).min(BLOCK)
    }

    /// Waits until a job could start, and takes what could start beside it.
    async fn free_slots(&self) -> OwnedSemaphorePermit {
        let first = Arc::clone(&self.slots).acquire_owned().await;
        let mut slots = first.expect("the slots are never closed");
        while slots.num_permits() < READ_AT_MOST {
            let Ok(another) = Arc::clone(&self.slots).try_acquire_owned() else { break };
            slots.merge(another);
        }
        slots
    }

    /// Takes over jobs of workers that have died.
    async fn claim(
        &mut self,
        connection: &mut MultiplexedConnection,
        slots: &mut OwnedSemaphorePermit,
    ) -> Result<(), RedisError> {
        let count = slots.num_permits();
        let (next, mut entries) = self.stream.claim(connection, &self.consumer, count, &self.cursor).await?;
        self.cursor = next;
        // Our own, when our heartbeat was late: they run already.
        entries.retain(|entry| !self.held.contains(&entry.id));
        if entries.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
        let deliveries = self.stream.deliveries(connection, &ids).await?;
        metrics::counter!("vigil_queue_reclaimed_total", "queue" => T::QUEUE).increment(entries.len() as u64);
        tracing::info!(queue = T::QUEUE, jobs = entries.len(), "took over jobs of a worker that went silent");
        for (entry, deliveries) in entries.into_iter().zip(deliveries) {
            if deliveries > MAX_DELIVERIES {
                self.give_up(entry.id, "deliveries");
            } else {
                self.hand_over(entry, slots);
            }
        }
        Ok(())
    }

    fn hand_over(&self, entry: Entry, slots: &mut OwnedSemaphorePermit) {
        let Entry { id, payload } = entry;
        let Some(job) = payload.and_then(|payload| serde_json::from_slice(&payload).ok()) else {
            self.give_up(id, "payload");
            return;
        };
        let Some(slot) = slots.split(1) else {
            // More than was asked for: left to be claimed when its time has come.
            return;
        };
        if self.held.insert(&id) {
            let holder = Holder::Stream { id: id.clone(), keeper: self.keeper.clone() };
            // A worker that is gone drops the lease, which says so to the keeper.
            let _ = self.out.send(Fetched { id, job, lease: Lease::new(holder, slot) });
        }
    }

    /// Ends a job that cannot be done. What it was about is found by the sweep, if it still matters.
    fn give_up(&self, id: String, reason: &'static str) {
        metrics::counter!("vigil_queue_poison_total", "queue" => T::QUEUE, "reason" => reason).increment(1);
        tracing::error!(queue = T::QUEUE, entry = id, reason, "job given up");
        let _ = self.keeper.send(Word::Finished(id));
    }
}
