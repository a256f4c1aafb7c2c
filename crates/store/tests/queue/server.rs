//! A Redis server of the test's own: free port, private directory, nothing kept, gone with the test.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::{FromRedisValue, aio::MultiplexedConnection};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use vigil_store::redis::Redis;

const PROGRAM: &str = "/usr/bin/redis-server";

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    process: Option<Child>,
    directory: TempDir,
    port: u16,
}

impl Server {
    /// Starts a server and waits until it answers.
    pub(crate) async fn start() -> Self {
        assert!(
            Path::new(PROGRAM).exists(),
            "{PROGRAM} is missing: these tests need Debian's package redis-server (tests/run installs it)"
        );
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
        let directory = tempfile::tempdir().expect("a private directory");
        let mut server = Self { process: None, directory, port };
        server.launch().await;
        server
    }

    /// Starts it again after [`Server::stop`], on the same port.
    pub(crate) async fn launch(&mut self) {
        let process = Command::new(PROGRAM)
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(self.directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        self.process = Some(process);
        let began = Instant::now();
        while self.connection().await.is_none() {
            assert!(began.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills it; everything in it is lost.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("the server can be killed");
            process.wait().expect("the server ends");
        }
    }

    /// Vigil's way to it, as a new process would have it.
    pub(crate) async fn redis(&self) -> Redis {
        Redis::connect(&self.url(), "test").await.expect("the address is valid")
    }

    /// Runs a command, given as words.
    pub(crate) async fn run<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = self.connection().await.expect("the server answers");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut connection).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn connection(&self) -> Option<MultiplexedConnection> {
        let client = redis::Client::open(self.url()).expect("the address is valid");
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        redis::cmd("PING").query_async::<()>(&mut connection).await.ok()?;
        Some(connection)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until `met` answers true; fails the test, naming `what`, when it never does.
pub(crate) async fn eventually(what: &str, mut met: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !met().await {
        assert!(began.elapsed() < Duration::from_secs(60), "never happened: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
