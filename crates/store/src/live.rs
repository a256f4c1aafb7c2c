//! Live fan-out: frames by topic, to every API replica, and the leases that let only one of them make the frames.
//!
//! Nothing here is kept: a frame that nobody hears is gone, and a slow subscriber skips to the newest one.

mod hub;
mod pump;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, stream};
use redis::{Script, cmd};
use tokio::{
    sync::{broadcast, mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout},
};

use self::{hub::Hub, pump::Command};
use crate::redis::{Redis, RedisError};

/// How long a subscriber waits for Redis to confirm. Without Redis it is subscribed as soon as that is back.
const SUBSCRIBE_DEADLINE: Duration = Duration::from_secs(2);
/// Entries of the in-process maps beyond which expired ones are removed.
const PURGE_FROM: usize = 1024;

/// Takes a lease that is free or already held by the same holder.
const TAKE_LEASE: &str = "
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Gives up a lease that is still one's own.
const RELEASE_LEASE: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

/// Fan-out of frames, and leases. Clones share them.
#[derive(Clone, Debug)]
pub enum Live {
    /// Within this process.
    Memory(Arc<InProcess>),
    /// Across processes. One connection per process carries all topics.
    Redis(Arc<Shared>),
}

/// Fan-out within one process.
#[derive(Debug, Default)]
pub struct InProcess {
    hub: Arc<Hub>,
    latest: Mutex<Expiring<Bytes>>,
    leases: Mutex<Expiring<String>>,
}

/// Fan-out through Redis.
pub struct Shared {
    hub: Arc<Hub>,
    redis: Redis,
    commands: mpsc::UnboundedSender<Command>,
    _pump: JoinSet<()>,
}

impl Live {
    /// Fan-out within this process.
    pub fn memory() -> Self {
        Self::Memory(Arc::default())
    }

    /// Fan-out through Redis. Starts the task that listens, which ends with the last clone and subscription.
    pub fn redis(redis: Redis) -> Self {
        let hub = Arc::new(Hub::default());
        let (commands, orders) = mpsc::unbounded_channel();
        let mut pump = JoinSet::new();
        pump.spawn(pump::run(redis.clone(), Arc::clone(&hub), orders));
        Self::Redis(Arc::new(Shared { hub, redis, commands, _pump: pump }))
    }

    /// Sends a frame to the topic's subscribers in every process.
    ///
    /// Without Redis it reaches those of this process; the failure is logged once per outage.
    pub async fn publish(&self, topic: &str, frame: impl Into<Bytes>) {
        let frame = frame.into();
        match self {
            Self::Memory(local) => local.hub.send(topic, frame),
            Self::Redis(shared) => {
                let channel = shared.redis.key(format_args!("live:{topic}"));
                let sent = shared.redis.ask::<u64>(cmd("PUBLISH").arg(channel).arg(&frame[..])).await;
                if sent.is_err() {
                    shared.hub.send(topic, frame);
                }
            }
        }
    }

    /// Listens to a topic. Frames published after this returns are heard.
    pub async fn subscribe(&self, topic: &str) -> Subscription {
        match self {
            Self::Memory(local) => {
                let receiver = local.hub.join(topic, || {});
                Subscription { receiver, topic: topic.into(), live: self.clone() }
            }
            Self::Redis(shared) => {
                let (confirmed, confirmation) = oneshot::channel();
                let order = Command::Subscribe(topic.into(), confirmed);
                // Under the hub's lock, so that orders reach the pump in the order of joining and leaving.
                let receiver = shared.hub.join(topic, || {
                    let _ = shared.commands.send(order);
                });
                let subscription = Subscription { receiver, topic: topic.into(), live: self.clone() };
                let _ = timeout(SUBSCRIBE_DEADLINE, confirmation).await;
                subscription
            }
        }
    }

    /// Keeps a frame as the topic's latest for `ttl`, for those who subscribe next.
    pub async fn set_latest(&self, topic: &str, frame: impl Into<Bytes>, ttl: Duration) {
        let frame = frame.into();
        match self {
            Self::Memory(local) => lock(&local.latest).set(topic, frame, ttl),
            Self::Redis(shared) => {
                let key = shared.redis.key(format_args!("live:latest:{topic}"));
                let mut set = cmd("SET");
                set.arg(key).arg(&frame[..]).arg("PX").arg(milliseconds(ttl));
                // Only the first frame of a new client comes later for it; the outage is logged where it is noticed.
                let _ = shared.redis.ask::<()>(&mut set).await;
            }
        }
    }

    /// The topic's latest frame, if there is a fresh one.
    pub async fn latest(&self, topic: &str) -> Option<Bytes> {
        match self {
            Self::Memory(local) => lock(&local.latest).get(topic),
            Self::Redis(shared) => {
                let key = shared.redis.key(format_args!("live:latest:{topic}"));
                let frame = shared.redis.ask::<Option<Vec<u8>>>(cmd("GET").arg(key)).await;
                frame.ok().flatten().map(Bytes::from)
            }
        }
    }

    /// Takes or renews the lease `name` for `ttl`. False when somebody else holds it.
    ///
    /// # Errors
    /// When Redis does not answer: nobody knows who holds it.
    pub async fn try_lease(&self, name: &str, holder: &str, ttl: Duration) -> Result<bool, RedisError> {
        match self {
            Self::Memory(local) => {
                let mut leases = lock(&local.leases);
                let free = leases.get(name).is_none_or(|current| current == holder);
                if free {
                    leases.set(name, holder.to_owned(), ttl);
                }
                Ok(free)
            }
            Self::Redis(shared) => {
                let script = Script::new(TAKE_LEASE);
                let mut call = script.key(shared.redis.key(format_args!("lease:{name}")));
                shared.redis.ask(call.arg(holder).arg(milliseconds(ttl))).await
            }
        }
    }

    /// Gives the lease up, if `holder` still has it.
    ///
    /// # Errors
    /// When Redis does not answer. The lease then ends by itself.
    pub async fn release(&self, name: &str, holder: &str) -> Result<(), RedisError> {
        match self {
            Self::Memory(local) => {
                let mut leases = lock(&local.leases);
                if leases.get(name).is_some_and(|current| current == holder) {
                    leases.remove(name);
                }
                Ok(())
            }
            Self::Redis(shared) => {
                let script = Script::new(RELEASE_LEASE);
                let mut call = script.key(shared.redis.key(format_args!("lease:{name}")));
                shared.redis.ask::<u64>(call.arg(holder)).await.map(drop)
            }
        }
    }

    fn leave(&self, topic: &str) {
        match self {
            Self::Memory(local) => local.hub.leave(topic, || {}),
            Self::Redis(shared) => shared.hub.leave(topic, || {
                let _ = shared.commands.send(Command::Unsubscribe(topic.into()));
            }),
        }
    }
}

/// One listener of one topic. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    receiver: broadcast::Receiver<Bytes>,
    topic: Arc<str>,
    live: Live,
}

impl Subscription {
    /// The next frame, or the newest when frames were missed. Cancelling loses nothing.
    pub async fn next(&mut self) -> Bytes {
        loop {
            match self.receiver.recv().await {
                Ok(frame) => return frame,
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    metrics::counter!("vigil_live_skipped_frames_total").increment(missed);
                    if let Some(newest) = self.newest() {
                        return newest;
                    }
                }
                // The hub keeps a topic while it has subscriptions.
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// The frames as an endless stream.
    pub fn into_stream(self) -> impl Stream<Item = Bytes> + Send {
        stream::unfold(self, |mut subscription| async move {
            let frame = subscription.next().await;
            Some((frame, subscription))
        })
    }

    fn newest(&mut self) -> Option<Bytes> {
        let mut newest = None;
        loop {
            match self.receiver.try_recv() {
                Ok(frame) => newest = Some(frame),
                Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return newest,
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.live.leave(&self.topic);
    }
}

/// Values that end by themselves.
#[derive(Debug)]
struct Expiring<T>(HashMap<String, (T, Instant)>);

impl<T> Default for Expiring<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Expiring<T> {
    fn set(&mut self, key: &str, value: T, ttl: Duration) {
        let now = Instant::now();
        if self.0.len() >= PURGE_FROM {
            self.0.retain(|_, (_, ends)| *ends > now);
        }
        self.0.insert(key.to_owned(), (value, now + ttl));
    }

    fn get(&self, key: &str) -> Option<T> {
        let (value, ends) = self.0.get(key)?;
        (*ends > Instant::now()).then(|| value.clone())
    }

    fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("hub", &self.hub).field("redis", &self.redis).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// At least one: Redis refuses an expiry of nothing.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX / 2).max(1)
}

#[cfg(test)]
mod tests;
