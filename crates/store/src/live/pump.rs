//! Carries frames from Redis to this process' hub, over one connection that is opened again whenever it breaks.

use std::{collections::HashSet, convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::StreamExt;
use redis::{
    Msg, Value,
    aio::{PubSubSink, PubSubStream},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval, sleep},
};

use super::hub::Hub;
use crate::redis::{Backoff, Redis, RedisError, within};

/// How long Redis may take to confirm a subscription or to answer a ping.
const CONFIRM_DEADLINE: Duration = Duration::from_secs(5);
/// How often a silent connection is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(10);
/// Topics subscribed to in one command.
const CHUNK: usize = 500;

/// What the process wants to hear.
pub(super) enum Command {
    /// Hear a topic, and say when it is so. Without a connection nothing is said: the sender is dropped.
    Subscribe(Arc<str>, oneshot::Sender<()>),
    /// Nobody here listens to the topic any more.
    Unsubscribe(Arc<str>),
}

/// Runs for ever.
pub(super) async fn run(redis: Redis, hub: Arc<Hub>, mut orders: mpsc::UnboundedReceiver<Command>) {
    let prefix = redis.key("live:");
    let mut backoff = Backoff::new();
    loop {
        let Err(error) = session(&redis, &hub, &mut orders, &prefix, &mut backoff).await;
        metrics::counter!("vigil_live_interruptions_total").increment(1);
        let _ = redis.note::<()>(Err(error));
        let wait = sleep(backoff.next());
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => break,
                // The hub remembers the topic; the next session subscribes to it. Whoever waits is let go.
                Some(order) = orders.recv() => drop(order),
            }
        }
    }
}

/// One connection's life.
async fn session(
    redis: &Redis,
    hub: &Hub,
    orders: &mut mpsc::UnboundedReceiver<Command>,
    prefix: &str,
    backoff: &mut Backoff,
) -> Result<Infallible, RedisError> {
    let (mut sink, mut messages) = redis.pubsub().await?.split();
    let mut heard = HashSet::new();
    subscribe(&mut sink, prefix, &hub.topics(), &mut heard).await?;
    let _ = redis.note(Ok(()));
    backoff.reset();
    let mut ping = interval(PING_EVERY);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = next(&mut messages) => deliver(hub, prefix, &message?),
            Some(order) = orders.recv() => obey(order, &mut sink, hub, prefix, &mut heard).await?,
            _ = ping.tick() => drop(within(CONFIRM_DEADLINE, sink.ping::<Value>()).await?),
        }
    }
}

async fn obey(
    order: Command,
    sink: &mut PubSubSink,
    hub: &Hub,
    prefix: &str,
    heard: &mut HashSet<Arc<str>>,
) -> Result<(), RedisError> {
    match order {
        Command::Subscribe(topic, confirmed) => {
            subscribe(sink, prefix, &[topic], heard).await?;
            let _ = confirmed.send(());
        }
        Command::Unsubscribe(topic) => {
            if !hub.contains(&topic) && heard.remove(&topic) {
                within(CONFIRM_DEADLINE, sink.unsubscribe(format!("{prefix}{topic}"))).await?;
            }
        }
    }
    Ok(())
}

async fn subscribe(
    sink: &mut PubSubSink,
    prefix: &str,
    topics: &[Arc<str>],
    heard: &mut HashSet<Arc<str>>,
) -> Result<(), RedisError> {
    let unheard: Vec<_> = topics.iter().filter(|topic| !heard.contains(*topic)).cloned().collect();
    for chunk in unheard.chunks(CHUNK) {
        let channels: Vec<_> = chunk.iter().map(|topic| format!("{prefix}{topic}")).collect();
        within(CONFIRM_DEADLINE, sink.subscribe(&channels)).await?;
        heard.extend(chunk.iter().cloned());
    }
    Ok(())
}

async fn next(messages: &mut PubSubStream) -> Result<Msg, RedisError> {
    match messages.next().await {
        Some(message) => Ok(message),
        None => Err(RedisError::Command(std::io::Error::from(std::io::ErrorKind::ConnectionAborted).into())),
    }
}

fn deliver(hub: &Hub, prefix: &str, message: &Msg) {
    if let Some(topic) = message.get_channel_name().strip_prefix(prefix) {
        hub.send(topic, Bytes::copy_from_slice(message.get_payload_bytes()));
    }
}
