//! Short-lived answers that are expensive to get: asked once, shared by all requests, and by all replicas with Redis.
//!
//! Redis is a convenience here: without it every replica computes for itself.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use moka::{Expiry, future::Cache as Moka};
use redis::{cmd, pipe};
use ring::digest::{SHA256, digest};

use crate::redis::Redis;

/// Memory the cache of one process uses at most, in bytes.
const CAPACITY: u64 = 64 * 1024 * 1024;

/// A cache of bytes by key. Clones share it.
#[derive(Clone)]
pub struct Cache {
    local: Moka<String, Entry>,
    redis: Option<Redis>,
}

#[derive(Clone)]
struct Entry {
    value: Bytes,
    ttl: Duration,
}

struct PerEntry;

impl Expiry<String, Entry> for PerEntry {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.ttl)
    }

    fn expire_after_update(&self, _: &String, entry: &Entry, _: Instant, _: Option<Duration>) -> Option<Duration> {
        Some(entry.ttl)
    }
}

impl Cache {
    /// A cache of this process.
    pub fn memory() -> Self {
        let local = Moka::builder()
            .weigher(|key: &String, entry: &Entry| {
                u32::try_from(key.len() + entry.value.len() + 128).unwrap_or(u32::MAX)
            })
            .max_capacity(CAPACITY)
            .expire_after(PerEntry)
            .build();
        Self { local, redis: None }
    }

    /// A cache all processes share.
    pub fn redis(redis: Redis) -> Self {
        Self { redis: Some(redis), ..Self::memory() }
    }

    /// What is kept under `key`, if it is fresh.
    pub async fn get(&self, key: &str) -> Option<Bytes> {
        if let Some(entry) = self.local.get(key).await {
            return Some(entry.value);
        }
        let entry = self.fetch(key).await?;
        self.local.insert(key.to_owned(), entry.clone()).await;
        Some(entry.value)
    }

    /// Keeps `value` for `ttl`.
    pub async fn set(&self, key: &str, value: impl Into<Bytes>, ttl: Duration) {
        let entry = Entry { value: value.into(), ttl };
        self.share(key, &entry).await;
        self.local.insert(key.to_owned(), entry).await;
    }

    /// What is kept under `key`, or else what `compute` answers, kept for `ttl` from then on.
    ///
    /// However many ask at once in this process, one computes and the others wait for it. When that one is cancelled
    /// another takes over.
    ///
    /// # Errors
    /// What `compute` fails with, to everyone who waited for it. Failures are not kept.
    pub async fn get_or_compute<E>(
        &self,
        key: &str,
        ttl: Duration,
        compute: impl Future<Output = Result<Bytes, E>>,
    ) -> Result<Bytes, Arc<E>>
    where
        E: Send + Sync + 'static,
    {
        let make = async {
            if let Some(entry) = self.fetch(key).await {
                return Ok(entry);
            }
            let entry = Entry { value: compute.await?, ttl };
            self.share(key, &entry).await;
            Ok(entry)
        };
        self.local.try_get_with(key.to_owned(), make).await.map(|entry| entry.value)
    }

    async fn fetch(&self, key: &str) -> Option<Entry> {
        let redis = self.redis.as_ref()?;
        let name = shared_name(redis, key);
        let mut both = pipe();
        both.cmd("GET").arg(&name).cmd("PTTL").arg(&name);
        let (value, left): (Option<Vec<u8>>, i64) = redis.ask(&both).await.ok()?;
        // What is left, so that an answer does not live twice as long by being passed on.
        let ttl = Duration::from_millis(u64::try_from(left).ok().filter(|left| *left > 0)?);
        Some(Entry { value: value?.into(), ttl })
    }

    async fn share(&self, key: &str, entry: &Entry) {
        let Some(redis) = &self.redis else { return };
        let ttl = u64::try_from(entry.ttl.as_millis()).unwrap_or(u64::MAX / 2).max(1);
        let mut set = cmd("SET");
        set.arg(shared_name(redis, key)).arg(&entry.value[..]).arg("PX").arg(ttl);
        // Others compute for themselves then.
        let _ = redis.ask::<()>(&mut set).await;
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("entries", &self.local.entry_count()).field("redis", &self.redis).finish()
    }
}

/// Keys may be long queries: a digest keeps the names short.
fn shared_name(redis: &Redis, key: &str) -> String {
    redis.key(format_args!("cache:{}", Hex(digest(&SHA256, key.as_bytes()).as_ref())))
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::Barrier;

    use super::*;

    const TTL: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn what_is_set_is_got() {
        let cache = Cache::memory();
        assert_eq!(cache.get("key").await, None);
        cache.set("key", "value", TTL).await;
        assert_eq!(cache.get("key").await.unwrap(), "value");
    }

    #[tokio::test]
    async fn an_answer_with_no_time_to_live_is_not_kept() {
        let cache = Cache::memory();
        cache.set("key", "value", Duration::ZERO).await;
        assert_eq!(cache.get("key").await, None);
    }

    #[tokio::test]
    async fn fifty_who_ask_at_once_cause_one_computation() {
        let (cache, computed) = (Cache::memory(), Arc::new(AtomicUsize::new(0)));
        let start = Arc::new(Barrier::new(50));
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (cache, computed, start) = (cache.clone(), Arc::clone(&computed), Arc::clone(&start));
            asking.spawn(async move {
                start.wait().await;
                let compute = async {
                    computed.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>(Bytes::from("value"))
                };
                cache.get_or_compute("key", TTL, compute).await
            });
        }
        for answer in asking.join_all().await {
            assert_eq!(answer.unwrap(), "value");
        }
        assert_eq!(computed.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_failure_is_passed_on_and_not_kept() {
        let cache = Cache::memory();
        let failed = cache.get_or_compute("key", TTL, async { Err(std::fmt::Error) }).await;
        assert!(failed.is_err());
        let answer = cache.get_or_compute("key", TTL, async { Ok::<_, std::fmt::Error>(Bytes::from("value")) }).await;
        assert_eq!(answer.unwrap(), "value");
    }

    #[tokio::test]
    async fn without_redis_the_answer_is_computed() {
        let cache = Cache::redis(Redis::connect("redis://127.0.0.1:1", "t").await.unwrap());
        let answer = cache.get_or_compute("key", TTL, async { Ok::<_, Infallible>(Bytes::from("value")) }).await;
        assert_eq!(answer.unwrap(), "value");
    }
}
