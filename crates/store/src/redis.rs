//! One Redis for queue, fan-out, cache, leases and counters: how it is reached, and how its outages are outlived.
//!
//! Commands share one self-repairing connection; readers that block get connections of their own.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ::redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisResult, ScriptInvocation,
    aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection, PubSub},
};

/// How long one command may take before it counts as failed.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Bounds everything a caller waits for, one reconnect included.
const DEADLINE: Duration = Duration::from_secs(8);

/// A way to one Redis server, cheap to clone. Every key lies below its prefix.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    client: Client,
    manager: ConnectionManager,
    prefix: String,
    down: AtomicBool,
}

/// Redis could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The address cannot be understood, or names a feature that is not built in. Waiting does not help.
    #[error("the Redis address is not valid")]
    Address(#[source] ::redis::RedisError),
    /// The server refused the command, or the connection broke.
    #[error("a Redis command failed")]
    Command(#[from] ::redis::RedisError),
    /// Nothing came back in time.
    #[error("Redis did not answer within {0:?}")]
    Silent(Duration),
}

impl RedisError {
    /// Whether the server lives but has lost the consumer group (flushed, or the stream was deleted).
    pub(crate) fn lost_group(&self) -> bool {
        matches!(self, Self::Command(error) if matches!(error.code(), Some("NOGROUP" | "UNBLOCKED")))
    }

    fn is_outage(&self) -> bool {
        match self {
            Self::Address(_) => false,
            Self::Silent(_) => true,
            Self::Command(error) => error.is_io_error() || error.is_connection_dropped() || error.is_timeout(),
        }
    }
}

/// Something that can be sent over the shared connection.
pub(crate) enum Request<'a> {
    Command(&'a Cmd),
    Pipeline(&'a Pipeline),
    Script(&'a ScriptInvocation<'a>),
}

impl Request<'_> {
    async fn send<T: FromRedisValue>(&self, mut connection: ConnectionManager) -> RedisResult<T> {
        match self {
            Self::Command(command) => command.query_async(&mut connection).await,
            Self::Pipeline(pipeline) => pipeline.query_async(&mut connection).await,
            Self::Script(script) => script.invoke_async(&mut connection).await,
        }
    }
}

impl<'a> From<&'a mut Cmd> for Request<'a> {
    fn from(command: &'a mut Cmd) -> Self {
        Self::Command(command)
    }
}

impl<'a> From<&'a Pipeline> for Request<'a> {
    fn from(pipeline: &'a Pipeline) -> Self {
        Self::Pipeline(pipeline)
    }
}

impl<'a, 's: 'a> From<&'a mut ScriptInvocation<'s>> for Request<'a> {
    fn from(script: &'a mut ScriptInvocation<'s>) -> Self {
        Self::Script(script)
    }
}

impl Redis {
    /// Prepares the way to `url` (`redis://` or `rediss://`), with all keys below `prefix`.
    ///
    /// Does not wait for the server: a program starts while Redis is away, and [`Redis::ping`] tells. TLS uses the
    /// process' default rustls provider, which the program installs first.
    ///
    /// # Errors
    /// [`RedisError::Address`] when `url` cannot be understood.
    #[expect(clippy::unused_async, reason = "must run inside a runtime, where the shared connection lives")]
    pub async fn connect(url: &str, prefix: &str) -> Result<Self, RedisError> {
        let client = Client::open(url).map_err(RedisError::Address)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_min_delay(Duration::from_millis(50))
            .set_number_of_retries(1);
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(RedisError::Address)?;
        Ok(Self(Arc::new(Inner { client, manager, prefix: prefix.to_owned(), down: AtomicBool::new(false) })))
    }

    /// Answers when the server does.
    ///
    /// # Errors
    /// When it does not within the deadline, or refuses.
    pub async fn ping(&self) -> Result<(), RedisError> {
        self.ask(&mut ::redis::cmd("PING")).await
    }

    /// The full name of a key.
    pub(crate) fn key(&self, name: impl fmt::Display) -> String {
        format!("{}:{name}", self.0.prefix)
    }

    /// Sends a request over the shared connection, once more when that turns out to be broken.
    ///
    /// A request may therefore run twice; everything sent here must bear that.
    pub(crate) async fn ask<'a, T: FromRedisValue>(&self, request: impl Into<Request<'a>>) -> Result<T, RedisError> {
        let request = request.into();
        let attempts = async {
            match request.send(self.0.manager.clone()).await {
                Err(error) if error.is_connection_dropped() => request.send(self.0.manager.clone()).await,
                other => other,
            }
        };
        let result = match tokio::time::timeout(DEADLINE, attempts).await {
            Ok(result) => result.map_err(RedisError::from),
            Err(_) => Err(RedisError::Silent(DEADLINE)),
        };
        self.note(result)
    }

    /// A connection for one reader that blocks. It has no response timeout: the reader sets its own.
    pub(crate) async fn dedicated(&self) -> Result<MultiplexedConnection, RedisError> {
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(None);
        let connecting = self.0.client.get_multiplexed_async_connection_with_config(&config);
        self.note(within(CONNECT_TIMEOUT, connecting).await)
    }

    /// A connection for subscriptions.
    pub(crate) async fn pubsub(&self) -> Result<PubSub, RedisError> {
        self.note(within(CONNECT_TIMEOUT, self.0.client.get_async_pubsub()).await)
    }

    /// Passes `result` on; says so once when Redis goes away and once when it is back, and counts failures.
    pub(crate) fn note<T>(&self, result: Result<T, RedisError>) -> Result<T, RedisError> {
        match &result {
            Ok(_) => {
                if self.0.down.load(Ordering::Relaxed) && self.0.down.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis answers again");
                }
            }
            Err(error) => {
                metrics::counter!("vigil_redis_errors_total").increment(1);
                if error.is_outage() && !self.0.down.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        error = error as &dyn std::error::Error,
                        "Redis is away, trying again until it is back"
                    );
                }
            }
        }
        result
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}

/// Bounds a step on a dedicated connection.
pub(crate) async fn within<T>(limit: Duration, step: impl Future<Output = RedisResult<T>>) -> Result<T, RedisError> {
    match tokio::time::timeout(limit, step).await {
        Ok(result) => result.map_err(RedisError::from),
        Err(_) => Err(RedisError::Silent(limit)),
    }
}

/// How long to wait before trying again: 100 ms, doubling up to 2 s.
pub(crate) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(2);

    pub(crate) const fn new() -> Self {
        Self(Self::FIRST)
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(Self::LONGEST);
        wait
    }

    pub(crate) fn reset(&mut self) {
        self.0 = Self::FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_no_address_is_refused_at_once() {
        let error = Redis::connect("http://somewhere", "vigil").await.unwrap_err();
        assert!(matches!(error, RedisError::Address(_)), "{error:?}");
    }

    #[tokio::test]
    async fn a_program_may_start_while_redis_is_away() {
        let redis = Redis::connect("redis://127.0.0.1:1", "vigil").await.unwrap();
        assert!(redis.ping().await.is_err());
    }

    #[tokio::test]
    async fn printing_a_redis_shows_no_password() {
        let redis = Redis::connect("redis://user:hunter2@127.0.0.1:1", "vigil").await.unwrap();
        let error = redis.ping().await.unwrap_err();
        assert!(!format!("{redis:?} {error:?}").contains("hunter2"));
    }

    #[test]
    fn waits_double_up_to_two_seconds_and_start_over() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..7).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 2000, 2000]);
        backoff.reset();
        assert_eq!(backoff.next().as_millis(), 100);
    }
}
