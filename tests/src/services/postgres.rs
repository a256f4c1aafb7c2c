//! PostgreSQL: one server for all tests of a test program, or one of its own for a test that breaks it.

use super::{PATIENCE, User};
use crate::ports::free_port;
use crate::process::{Process, Program};
use crate::programs;
use crate::scratch::Scratch;
use chrono::{DateTime, Utc};
use nix::sys::signal::Signal;
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};
use tokio::sync::OnceCell;

const SUPERUSER: &str = "vigil";

/// A test database need not survive a crash of the machine. A killed server still loses nothing: a commit waits until the
/// kernel has it (which `synchronous_commit=off` would not).
const SETTINGS: [&str; 5] =
    ["fsync=off", "full_page_writes=off", "max_connections=300", "shared_buffers=64MB", "jit=off"];

/// A private PostgreSQL server. Gone with all its databases on drop, or when the test program ends.
pub struct Postgres {
    process: Process,
    port: u16,
    databases: AtomicU32,
    template: OnceCell<String>,
    gone: Option<DateTime<Utc>>,
    away: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    _home: Scratch,
}

impl Postgres {
    /// The one server all tests of this program share. A test that stops its server starts one of its own.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// A new server with an empty cluster; takes about a second.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not come up.
    pub async fn start() -> Self {
        let user = User::for_server("postgres");
        let home = Scratch::owned_by(user);
        let (data, port) = (home.file("data"), free_port());
        let initdb = Program::new(programs::postgresql("initdb")).user(user).directory(home.path());
        let locale = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust"];
        initdb.args(locale).args(["--username", SUPERUSER, "--pgdata"]).arg(&data).run();

        let server = Program::new(programs::postgresql("postgres")).user(user).directory(home.path());
        let server = server.arg("-D").arg(&data).args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k"]);
        let server = server.arg(home.path()).args(SETTINGS.iter().flat_map(|setting| ["-c", *setting]));
        let process = Process::start(server);
        let (databases, template) = (AtomicU32::new(0), OnceCell::new());
        let mut postgres = Self { process, port, databases, template, gone: None, away: vec![], _home: home };
        postgres.ready().await;
        postgres
    }

    /// Creates an empty database and returns its URL.
    ///
    /// # Panics
    /// When the server does not do it.
    pub async fn create_database(&self) -> String {
        self.create("template0").await
    }

    /// Creates a database as `migrate` makes it, and returns its URL. `migrate` gets the URL of an empty database, and is
    /// asked once per server: later databases are copies, so every caller must pass the same.
    ///
    /// # Panics
    /// When the server does not do it.
    pub async fn create_migrated(&self, migrate: impl AsyncFnOnce(String)) -> String {
        let template = self.template.get_or_init(async || {
            let url = self.create("template0").await;
            migrate(url.clone()).await;
            let name = url.rsplit('/').next().expect("a URL of ours ends with the name");
            self.execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
            self.execute(&disconnect_all(name)).await;
            name.to_owned()
        });
        let template = template.await.clone();
        self.create(&template).await
    }

    /// Where the database `name` is.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{name}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// A fast shutdown: connections are cut, transactions rolled back.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn stop(&mut self) {
        self.gone = Some(SystemTime::now().into());
        self.process.end_by(Signal::SIGINT, PATIENCE).await;
    }

    /// Kills the server as a crash would. What was committed is there after [`Self::start_again`].
    pub fn kill9(&mut self) {
        self.gone = Some(SystemTime::now().into());
        self.process.kill9();
    }

    /// Starts a stopped or killed server again, on the same port with the same data.
    ///
    /// # Panics
    /// When it does not come up.
    pub async fn start_again(&mut self) {
        self.process.start_again();
        self.ready().await;
        self.away.extend(self.gone.take().map(|since| (since, SystemTime::now().into())));
    }

    /// From when to when it was stopped or killed, each time until it answered again.
    pub fn away(&self) -> &[(DateTime<Utc>, DateTime<Utc>)] {
        &self.away
    }

    /// [`Self::stop`] and [`Self::start_again`].
    ///
    /// # Panics
    /// As these.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    async fn create(&self, template: &str) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        self.url(&name)
    }

    async fn execute(&self, statement: &str) {
        let done = async {
            let connection = connect(self.url("postgres"), PATIENCE).await?;
            connection.execute_unprepared(statement).await?;
            connection.close().await
        };
        done.await.unwrap_or_else(|error: DbErr| panic!("{statement}: {error}"));
    }

    /// Waits until it takes connections. A killed server's children may still hold the data directory for a moment: then
    /// the new one gives up, and is started once more.
    async fn ready(&mut self) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while connect(self.url("postgres"), Duration::from_secs(1)).await.is_err() {
            if !self.process.is_running() && self.process.output().contains("pre-existing shared memory block") {
                self.process.start_again();
            }
            let printed = || self.process.output();
            assert!(std::time::Instant::now() < deadline, "PostgreSQL is not ready; it printed:\n{}", printed());
        }
    }
}

/// Asks politely first: its children have left the process group, and shared memory wants to be given back.
impl Drop for Postgres {
    fn drop(&mut self) {
        self.process.signal(Signal::SIGQUIT);
        let deadline = std::time::Instant::now() + Duration::from_secs(5);
        while self.process.is_running() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Ends what is still connected to the database `name`, which could not be copied otherwise.
fn disconnect_all(name: &str) -> String {
    format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'")
}

/// Tries again and again, for as long as `patience`, while nobody listens.
async fn connect(url: String, patience: Duration) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).connect_timeout(patience).acquire_timeout(patience).sqlx_logging(false);
    Database::connect(options).await
}
