//! Redis: one server per caller; they start in milliseconds.

use super::{PATIENCE, User};
use crate::ports::free_port;
use crate::process::{Process, Program};
use crate::programs;
use crate::scratch::Scratch;
use redis::{FromRedisValue, RedisResult};

/// A private Redis server. Gone with its data on drop, or when the test program ends.
pub struct Redis {
    process: Process,
    port: u16,
    _home: Scratch,
}

impl Redis {
    /// A server that keeps everything in memory: stopped and started again, it is empty.
    ///
    /// # Panics
    /// When Redis is not installed or does not come up.
    pub async fn start() -> Self {
        Self::with(&["--appendonly", "no"]).await
    }

    /// A server that writes every change to a file: stopped, or killed, and started again, it has what it had.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn durable() -> Self {
        Self::with(&["--appendonly", "yes", "--appendfsync", "no"]).await
    }

    async fn with(persistence: &[&str]) -> Self {
        let user = User::for_server("redis");
        let (home, port) = (Scratch::owned_by(user), free_port());
        let server = Program::new(programs::debian("redis-server", "redis-server")).user(user).directory(home.path());
        let server = server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
        let process = Process::start(server.arg(home.path()).args(persistence));
        let mut redis = Self { process, port, _home: home };
        redis.ready().await;
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Forgets everything (`FLUSHALL`).
    ///
    /// # Panics
    /// When the server does not do it.
    pub async fn flush(&self) {
        self.ask::<()>(redis::cmd("FLUSHALL")).await.expect("a running Redis can be flushed");
    }

    /// Bytes its data takes now, by its own account.
    ///
    /// # Panics
    /// When the server does not tell.
    pub async fn used_memory(&self) -> u64 {
        let mut info = redis::cmd("INFO");
        info.arg("memory");
        let text: String = self.ask(info).await.expect("a running Redis tells");
        let line = text.lines().find_map(|line| line.strip_prefix("used_memory:"));
        line.and_then(|number| number.trim().parse().ok()).expect("INFO has used_memory")
    }

    /// Runs one command on a connection of its own.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses.
    pub async fn ask<T: FromRedisValue>(&self, command: redis::Cmd) -> RedisResult<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        command.query_async(&mut connection).await
    }

    /// Shuts it down.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) {
        self.process.term(PATIENCE).await;
    }

    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Freezes it: connections stay open and nothing answers.
    pub fn pause(&self) {
        self.process.pause();
    }

    pub fn resume(&self) {
        self.process.resume();
    }

    /// Starts a stopped or killed server again, on the same port.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start_again(&mut self) {
        self.process.start_again();
        self.ready().await;
    }

    async fn ready(&mut self) {
        let url = self.url();
        let probe = async || {
            let Ok(client) = redis::Client::open(url.as_str()) else { return false };
            let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return false };
            redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
        };
        self.process.until(PATIENCE, probe).await;
    }
}
