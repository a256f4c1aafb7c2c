//! Counts guesses, so that sign-in can slow them down: by account, by address, or by whatever the key says.
//!
//! Without Redis each process counts for itself, which is weaker but never nothing.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{Script, cmd};
use ring::digest::{SHA256, digest};
use tokio::time::Instant;

use crate::redis::Redis;

/// Keys one process counts at most. Beyond it the count that ends soonest is forgotten.
const CAPACITY: usize = 100_000;

/// Counts, and starts the window with the first.
const HIT: &str = "
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}";

/// What has been counted for a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Hits since the window began.
    pub count: u64,
    /// Time until the window ends and the count starts over.
    pub resets_in: Duration,
}

/// Counters with a window. Clones share them.
#[derive(Clone, Debug)]
pub struct Throttle {
    local: Arc<Mutex<Counters>>,
    redis: Option<Redis>,
}

type Digest = [u8; 32];

struct Counters {
    counts: HashMap<Digest, (u64, Instant)>,
    capacity: usize,
}

impl Throttle {
    /// Counters of this process.
    pub fn memory() -> Self {
        Self { local: Arc::new(Mutex::new(Counters { counts: HashMap::new(), capacity: CAPACITY })), redis: None }
    }

    /// Counters all processes share.
    pub fn redis(redis: Redis) -> Self {
        Self { redis: Some(redis), ..Self::memory() }
    }

    /// Counts a hit and answers the count, this one included. The first hit opens a window of length `window`.
    pub async fn hit(&self, key: &str, window: Duration) -> Hits {
        let key = digested(key);
        if let Some(redis) = &self.redis {
            let script = Script::new(HIT);
            let mut call = script.key(shared_name(redis, &key));
            let window = u64::try_from(window.as_millis()).unwrap_or(u64::MAX / 2).max(1);
            if let Ok((count, left)) = redis.ask::<(u64, u64)>(call.arg(window)).await {
                return Hits { count, resets_in: Duration::from_millis(left) };
            }
        }
        self.lock().hit(key, window, Instant::now())
    }

    /// What has been counted, without counting. Nothing: zero.
    pub async fn hits(&self, key: &str) -> Hits {
        let key = digested(key);
        if let Some(redis) = &self.redis {
            let name = shared_name(redis, &key);
            let mut both = redis::pipe();
            both.cmd("GET").arg(&name).cmd("PTTL").arg(&name);
            if let Ok((count, left)) = redis.ask::<(Option<u64>, i64)>(&both).await {
                let resets_in = Duration::from_millis(u64::try_from(left).unwrap_or(0));
                return count.map_or_else(Hits::default, |count| Hits { count, resets_in });
            }
        }
        self.lock().get(&key, Instant::now())
    }

    /// How long to wait when `allowed` hits have been counted, or `None` when fewer have.
    pub async fn retry_after(&self, key: &str, allowed: u64) -> Option<Duration> {
        let hits = self.hits(key).await;
        (hits.count >= allowed).then_some(hits.resets_in)
    }

    /// Starts over, as after a guess that was right.
    pub async fn clear(&self, key: &str) {
        let key = digested(key);
        self.lock().counts.remove(&key);
        if let Some(redis) = &self.redis {
            // The window ends by itself otherwise.
            let _ = redis.ask::<()>(cmd("DEL").arg(shared_name(redis, &key))).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    fn hit(&mut self, key: Digest, window: Duration, now: Instant) -> Hits {
        if self.counts.len() >= self.capacity && !self.counts.contains_key(&key) {
            self.make_room(now);
        }
        let (count, ends) = self.counts.entry(key).or_insert((0, now + window));
        if *ends <= now {
            (*count, *ends) = (0, now + window);
        }
        *count += 1;
        Hits { count: *count, resets_in: *ends - now }
    }

    fn get(&self, key: &Digest, now: Instant) -> Hits {
        match self.counts.get(key) {
            Some((count, ends)) if *ends > now => Hits { count: *count, resets_in: *ends - now },
            Some(_) | None => Hits::default(),
        }
    }

    fn make_room(&mut self, now: Instant) {
        self.counts.retain(|_, (_, ends)| *ends > now);
        if self.counts.len() >= self.capacity {
            let soonest = self.counts.iter().min_by_key(|(_, (_, ends))| *ends).map(|(key, _)| *key);
            if let Some(key) = soonest {
                self.counts.remove(&key);
            }
        }
    }
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters").field("keys", &self.counts.len()).finish()
    }
}

/// Keys hold names and addresses of people: only digests are kept.
fn digested(key: &str) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    bytes
}

fn shared_name(redis: &Redis, key: &Digest) -> String {
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    redis.key(format_args!("throttle:{hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn hits_add_up_within_the_window_and_start_over_after_it() {
        let throttle = Throttle::memory();
        assert_eq!(throttle.hit("ann", WINDOW).await, Hits { count: 1, resets_in: WINDOW });
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(throttle.hit("ann", WINDOW).await, Hits { count: 2, resets_in: Duration::from_secs(40) });
        assert_eq!(throttle.hit("bob", WINDOW).await.count, 1);
        tokio::time::advance(Duration::from_secs(41)).await;
        assert_eq!(throttle.hits("ann").await, Hits::default());
        assert_eq!(throttle.hit("ann", WINDOW).await.count, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_must_wait_from_the_last_allowed_hit_on() {
        let throttle = Throttle::memory();
        throttle.hit("ann", WINDOW).await;
        assert_eq!(throttle.retry_after("ann", 2).await, None);
        throttle.hit("ann", WINDOW).await;
        assert_eq!(throttle.retry_after("ann", 2).await, Some(WINDOW));
        throttle.clear("ann").await;
        assert_eq!(throttle.retry_after("ann", 2).await, None);
    }

    #[test]
    fn a_full_counter_forgets_what_ends_soonest() {
        let mut counters = Counters { counts: HashMap::new(), capacity: 2 };
        let now = Instant::now();
        counters.hit([1; 32], WINDOW * 2, now);
        counters.hit([2; 32], WINDOW, now);
        counters.hit([3; 32], WINDOW * 3, now);
        assert_eq!(counters.counts.len(), 2);
        assert_eq!(counters.get(&[1; 32], now).count, 1);
        assert_eq!(counters.get(&[2; 32], now).count, 0);
    }

    #[tokio::test]
    async fn without_redis_the_process_counts_for_itself() {
        let throttle = Throttle::redis(Redis::connect("redis://127.0.0.1:1", "t").await.unwrap());
        throttle.hit("ann", WINDOW).await;
        assert_eq!(throttle.hit("ann", WINDOW).await.count, 2);
        assert_eq!(throttle.hits("ann").await.count, 2);
    }
}
