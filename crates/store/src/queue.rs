//! The queue: the transport that says "look now", in this process or through Redis Streams.
//!
//! Jobs are hints. What is due stands in the database, so a lost job costs latency until the next sweep, and a job
//! that runs twice changes nothing the second time. That is why a failed job is acknowledged like a finished one,
//! and why a full queue drops its oldest hints.
//!
//! Workers are apalis workers over a [`QueueBackend`], the same type for both transports:
//!
//! ```text
//! WorkerBuilder::new("deliver").backend(queue.deliver_backend(16)).catch_panic().build(handler)
//! ```

mod backend;
mod keeper;
mod lease;
mod memory;
mod reader;
mod reply;
mod stream;

use std::{hash::Hash, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use vigil_domain::{
    id::{GroupId, NotificationId},
    job::{DeliverNotification, EvaluateGroups},
};

pub use self::backend::{LeaseLayer, LeaseService, QueueBackend};
use self::{backend::Source, memory::MemoryQueue, stream::Stream};
use crate::redis::{Redis, RedisError};

/// How long a job's worker may be silent before others take the job.
const MIN_IDLE: Duration = Duration::from_secs(10);

/// A kind of job with a queue of its own.
pub trait Job: Serialize + DeserializeOwned + Clone + Send + Sync + Unpin + 'static {
    /// Names the queue, in keys, metrics and logs.
    const QUEUE: &'static str;
    /// Two waiting jobs with the same key are one job.
    type Key: Eq + Hash + Send + Sync;
    /// The job's key.
    fn key(&self) -> Self::Key;
}

impl Job for EvaluateGroups {
    const QUEUE: &'static str = "evaluate";
    type Key = (i64, Vec<GroupId>);

    fn key(&self) -> Self::Key {
        (self.slot_ms, self.groups.clone())
    }
}

impl Job for DeliverNotification {
    const QUEUE: &'static str = "deliver";
    type Key = NotificationId;

    fn key(&self) -> Self::Key {
        self.notification
    }
}

/// Both queues of Vigil. Clones share them.
#[derive(Clone, Debug)]
pub enum Queue {
    /// In this process: gone when it ends, found again by the sweep. Waiting duplicates are one job.
    Memory(Arc<MemoryQueues>),
    /// In Redis, shared by all processes.
    Redis(Arc<RedisQueues>),
}

/// The queues of one process.
#[derive(Debug)]
pub struct MemoryQueues {
    evaluate: Arc<MemoryQueue<EvaluateGroups>>,
    deliver: Arc<MemoryQueue<DeliverNotification>>,
}

/// The queues in Redis.
#[derive(Debug)]
pub struct RedisQueues {
    redis: Redis,
    evaluate: Arc<Stream>,
    deliver: Arc<Stream>,
}

/// Jobs that have been pushed and have not ended: waiting and running together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Batches of rule groups.
    pub evaluate: u64,
    /// Notifications.
    pub deliver: u64,
}

impl Queue {
    /// Queues inside this process.
    pub fn memory() -> Self {
        Self::Memory(Arc::new(MemoryQueues {
            evaluate: Arc::new(MemoryQueue::new(memory::CAPACITY)),
            deliver: Arc::new(MemoryQueue::new(memory::CAPACITY)),
        }))
    }

    /// Queues in Redis. The job of a killed worker runs again within about 12 s.
    pub fn redis(redis: Redis) -> Self {
        Self::redis_with_min_idle(redis, MIN_IDLE)
    }

    /// As [`Queue::redis`], with another time of silence after which a worker counts as dead.
    pub fn redis_with_min_idle(redis: Redis, min_idle: Duration) -> Self {
        Self::Redis(Arc::new(RedisQueues {
            evaluate: Arc::new(Stream::new::<EvaluateGroups>(redis.clone(), min_idle)),
            deliver: Arc::new(Stream::new::<DeliverNotification>(redis.clone(), min_idle)),
            redis,
        }))
    }

    /// Asks workers to evaluate these batches.
    ///
    /// # Errors
    /// When Redis did not take them all; some may have been taken. Nothing is lost: the sweep pushes them again.
    pub async fn push_evaluate(&self, jobs: Vec<EvaluateGroups>) -> Result<(), RedisError> {
        match self {
            Self::Memory(queues) => queues.evaluate.push(jobs),
            Self::Redis(queues) => queues.evaluate.push(&jobs).await?,
        }
        Ok(())
    }

    /// Asks workers to look at these notifications.
    ///
    /// # Errors
    /// As [`Queue::push_evaluate`].
    pub async fn push_deliver(&self, notifications: Vec<NotificationId>) -> Result<(), RedisError> {
        let jobs: Vec<_> = notifications.into_iter().map(|notification| DeliverNotification { notification }).collect();
        match self {
            Self::Memory(queues) => queues.deliver.push(jobs),
            Self::Redis(queues) => queues.deliver.push(&jobs).await?,
        }
        Ok(())
    }

    /// How much is waiting or running, in all processes. Also sets the gauge `vigil_queue_depth`.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn depth(&self) -> Result<Depth, RedisError> {
        let depth = match self {
            Self::Memory(queues) => Depth { evaluate: queues.evaluate.depth(), deliver: queues.deliver.depth() },
            Self::Redis(queues) => {
                let (evaluate, deliver) = tokio::try_join!(queues.evaluate.depth(), queues.deliver.depth())?;
                Depth { evaluate, deliver }
            }
        };
        metrics::gauge!("vigil_queue_depth", "queue" => EvaluateGroups::QUEUE).set(as_gauge(depth.evaluate));
        metrics::gauge!("vigil_queue_depth", "queue" => DeliverNotification::QUEUE).set(as_gauge(depth.deliver));
        Ok(depth)
    }

    /// Answers when the queue can be reached, for readiness probes.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn ping(&self) -> Result<(), RedisError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Redis(queues) => queues.redis.ping().await,
        }
    }

    /// The source of one apalis worker that evaluates at most `slots` batches at a time. See [`QueueBackend`].
    pub fn evaluate_backend(&self, slots: usize) -> QueueBackend<EvaluateGroups> {
        QueueBackend::new(
            match self {
                Self::Memory(queues) => Source::Memory(Arc::clone(&queues.evaluate)),
                Self::Redis(queues) => Source::Redis(Arc::clone(&queues.evaluate)),
            },
            slots,
        )
    }

    /// The source of one apalis worker that delivers at most `slots` notifications at a time. See [`QueueBackend`].
    pub fn deliver_backend(&self, slots: usize) -> QueueBackend<DeliverNotification> {
        QueueBackend::new(
            match self {
                Self::Memory(queues) => Source::Memory(Arc::clone(&queues.deliver)),
                Self::Redis(queues) => Source::Redis(Arc::clone(&queues.deliver)),
            },
            slots,
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge; queues are far shorter than 2^52")]
fn as_gauge(depth: u64) -> f64 {
    depth as f64
}
