//! One queue as a Redis Stream with one consumer group: the commands, and nothing that loops.
//!
//! An entry is deleted when its job has ended, so the stream's length is the queue's depth and its memory goes back.

use std::{fmt, time::Duration};

use redis::{Script, Value, aio::MultiplexedConnection, cmd, pipe};

use super::{
    Job,
    reply::{self, Entry, PAYLOAD},
};
use crate::redis::{Redis, RedisError, within};

/// The consumer group all workers belong to.
const GROUP: &str = "vigil";
/// Entries a stream keeps at most, about 100 MB. Beyond it the oldest hints go; the sweep finds their work again.
const MAX_LENGTH: usize = 1_000_000;
/// Jobs sent in one round trip.
const PUSH_CHUNK: usize = 500;
/// How long a push may take. It is only a hint; whoever pushes has other things to do.
const PUSH_DEADLINE: Duration = Duration::from_secs(3);
/// Grace beyond a blocking read's own time.
const STEP_DEADLINE: Duration = Duration::from_secs(5);
/// A consumer without jobs is forgotten after this silence, in milliseconds.
const CONSUMER_IDLE_MS: u64 = 3_600_000;

/// Forgets a consumer unless it holds jobs; those would be forgotten with it.
const FORGET_CONSUMER: &str = "
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
  return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end
return 0";

/// A queue in Redis.
pub(super) struct Stream {
    pub(super) redis: Redis,
    /// The queue's name, for metrics and logs.
    pub(super) queue: &'static str,
    /// Silence after which a job's worker counts as dead.
    pub(super) min_idle: Duration,
    key: String,
}

impl Stream {
    pub(super) fn new<T: Job>(redis: Redis, min_idle: Duration) -> Self {
        let key = redis.key(format_args!("queue:{}", T::QUEUE));
        Self { redis, queue: T::QUEUE, min_idle, key }
    }

    /// A consumer name nobody else has: host, process, and a random part for every worker started.
    pub(super) fn new_consumer() -> String {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = match host.trim() {
            "" => "host",
            name => name,
        };
        format!("{host}-{}-{:08x}", std::process::id(), rand::random::<u32>())
    }

    /// Appends jobs. Not in one transaction, so that every blocked worker gets its share.
    pub(super) async fn push<T: Job>(&self, jobs: &[T]) -> Result<(), RedisError> {
        for chunk in jobs.chunks(PUSH_CHUNK) {
            let mut pipeline = pipe();
            for job in chunk {
                let payload = serde_json::to_vec(job).expect("jobs hold ids and numbers, which serialise");
                self.append(&mut pipeline, &payload);
            }
            let pushing = self.redis.ask::<()>(&pipeline);
            let pushed = tokio::time::timeout(PUSH_DEADLINE, pushing).await;
            pushed.unwrap_or(Err(RedisError::Silent(PUSH_DEADLINE)))?;
        }
        Ok(())
    }

    fn append(&self, pipeline: &mut redis::Pipeline, payload: &[u8]) {
        pipeline.cmd("XADD").arg(&self.key).arg("MAXLEN").arg("~").arg(MAX_LENGTH).arg("*").arg(PAYLOAD).arg(payload);
        pipeline.ignore();
    }

    /// Jobs that wait or run.
    pub(super) async fn depth(&self) -> Result<u64, RedisError> {
        self.redis.ask(cmd("XLEN").arg(&self.key)).await
    }

    /// Creates stream and group where they are missing. The group starts at the first entry there is.
    pub(super) async fn ensure_group(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let mut create = cmd("XGROUP");
        create.arg("CREATE").arg(&self.key).arg(GROUP).arg("0").arg("MKSTREAM");
        match within(STEP_DEADLINE, create.query_async::<()>(connection)).await {
            Err(RedisError::Command(error)) if error.code() == Some("BUSYGROUP") => Ok(()),
            other => other,
        }
    }

    /// Waits up to `block` for at most `count` jobs nobody has had yet.
    pub(super) async fn read(
        &self,
        connection: &mut MultiplexedConnection,
        consumer: &str,
        count: usize,
        block: Duration,
    ) -> Result<Vec<Entry>, RedisError> {
        // BLOCK 0 would wait for ever.
        let block_ms = block.as_millis().max(1) as u64;
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(GROUP).arg(consumer).arg("COUNT").arg(count).arg("BLOCK").arg(block_ms);
        read.arg("STREAMS").arg(&self.key).arg(">");
        let answer = within(block + STEP_DEADLINE, read.query_async::<Value>(connection)).await?;
        Ok(reply::read(refused(answer)?))
    }

    /// Takes over at most `count` jobs of consumers that have been silent for `min_idle`, from `cursor` on.
    /// Answers the next cursor too.
    pub(super) async fn claim(
        &self,
        connection: &mut MultiplexedConnection,
        consumer: &str,
        count: usize,
        cursor: &str,
    ) -> Result<(String, Vec<Entry>), RedisError> {
        let mut claim = cmd("XAUTOCLAIM");
        claim.arg(&self.key).arg(GROUP).arg(consumer).arg(self.min_idle.as_millis() as u64);
        claim.arg(cursor).arg("COUNT").arg(count);
        let answer = within(STEP_DEADLINE, claim.query_async::<Value>(connection)).await?;
        let (next, entries) = reply::claimed(refused(answer)?);
        Ok((next.unwrap_or_else(|| "0-0".to_owned()), entries))
    }

    /// How often each of `ids` has been delivered, in their order.
    pub(super) async fn deliveries(
        &self,
        connection: &mut MultiplexedConnection,
        ids: &[&str],
    ) -> Result<Vec<u64>, RedisError> {
        let mut pipeline = pipe();
        for id in ids {
            pipeline.cmd("XPENDING").arg(&self.key).arg(GROUP).arg(id).arg(id).arg(1);
        }
        let answers = within(STEP_DEADLINE, pipeline.query_async::<Vec<Value>>(connection)).await?;
        Ok(answers.into_iter().map(reply::deliveries).collect())
    }

    /// Ends jobs: acknowledged and deleted.
    pub(super) async fn settle(&self, ids: &[String]) -> Result<(), RedisError> {
        let mut pipeline = pipe();
        pipeline.atomic();
        pipeline.cmd("XACK").arg(&self.key).arg(GROUP).arg(ids).ignore();
        pipeline.cmd("XDEL").arg(&self.key).arg(ids).ignore();
        self.redis.ask(&pipeline).await
    }

    /// Says that `consumer` is alive and still has these jobs, so that nobody claims them.
    pub(super) async fn hold(&self, consumer: &str, ids: &[String]) -> Result<(), RedisError> {
        let mut claim = cmd("XCLAIM");
        claim.arg(&self.key).arg(GROUP).arg(consumer).arg(0).arg(ids).arg("JUSTID");
        self.redis.ask::<Value>(&mut claim).await.map(drop)
    }

    /// Pushes jobs of `consumer` anew, up to a page of them. Answers how many there were.
    pub(super) async fn give_back(&self, consumer: &str) -> Result<usize, RedisError> {
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(GROUP).arg(consumer).arg("COUNT").arg(PUSH_CHUNK).arg("STREAMS").arg(&self.key).arg("0");
        let entries = reply::read(self.redis.ask::<Value>(&mut read).await?);
        if entries.is_empty() {
            return Ok(0);
        }
        let mut pipeline = pipe();
        pipeline.atomic();
        for payload in entries.iter().filter_map(|entry| entry.payload.as_deref()) {
            self.append(&mut pipeline, payload);
        }
        let ids: Vec<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
        pipeline.cmd("XACK").arg(&self.key).arg(GROUP).arg(&ids).ignore();
        pipeline.cmd("XDEL").arg(&self.key).arg(&ids).ignore();
        self.redis.ask::<()>(&pipeline).await?;
        Ok(entries.len())
    }

    /// Removes a consumer that holds no jobs.
    pub(super) async fn forget_consumer(&self, consumer: &str) -> Result<(), RedisError> {
        let script = Script::new(FORGET_CONSUMER);
        self.redis.ask::<u64>(script.key(&self.key).arg(GROUP).arg(consumer)).await.map(drop)
    }

    /// Removes consumers that hold no jobs and have been silent for an hour.
    pub(super) async fn forget_dead_consumers(&self) -> Result<(), RedisError> {
        let answer = self.redis.ask::<Value>(cmd("XINFO").arg("CONSUMERS").arg(&self.key).arg(GROUP)).await?;
        for consumer in reply::consumers(answer) {
            if consumer.pending == 0 && consumer.idle_ms > CONSUMER_IDLE_MS {
                self.forget_consumer(&consumer.name).await?;
                tracing::info!(queue = self.queue, consumer = consumer.name, "dead consumer forgotten");
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("key", &self.key).field("min_idle", &self.min_idle).finish_non_exhaustive()
    }
}

/// An error the server sent where data was expected.
fn refused(value: Value) -> Result<Value, RedisError> {
    value.extract_error().map_err(RedisError::from)
}
