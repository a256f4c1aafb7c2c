//! Vigil as it runs on many machines: PostgreSQL, Redis, `vigil-backend` and any number of `vigil-worker` processes, each
//! of which a test may kill, freeze or restart; with the fakes for Prometheus and Telegram.
//!
//! A test says what the data source has ([`world`]), breaks something, waits until things have settled, and lets the
//! [`oracle`] judge everything that was recorded and everything that Telegram received.

mod env;
pub mod oracle;
mod record;
mod rounds;
mod worker;
pub mod world;

pub use env::{Setup, Waits};
pub use record::{Alert, Attempt, Event, Heard, Notification, Record};
pub use rounds::{Round, jobs, rounds, series};
pub use worker::Worker;

use self::world::World;
use crate::api::Api;
use crate::app::{ADMIN, BOT_TOKEN, CHAT};
use crate::fakes::{FakePrometheus, FakeTelegram};
use crate::ports::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::services::{Postgres, Redis};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult, Statement};
use serde_json::json;
use std::time::{Duration, Instant};

/// How often a probe looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(150);
/// How long a program may take to start on a busy machine.
const START: Duration = Duration::from_secs(60);

/// A running installation. Its processes end with it; when the test has failed, their last words are printed.
pub struct Cluster {
    pub workers: Vec<Worker>,
    pub backend: Process,
    pub api: Api,
    pub world: World,
    pub telegram: FakeTelegram,
    pub redis: Redis,
    pub postgres: Postgres,
    pub waits: Waits,
    /// How long a worker of this story sleeps over each of its attempts.
    pub nap: Duration,
    database_url: String,
    channel: String,
    _home: Scratch,
}

impl Cluster {
    /// One with so many workers and nothing else special.
    pub async fn start(workers: usize) -> Self {
        Self::with(Setup::workers(workers)).await
    }

    /// Starts everything, signs in, and makes the channel that all rules of the [`World`] speak to.
    ///
    /// # Panics
    /// When something does not start.
    pub async fn with(setup: Setup) -> Self {
        let (telegram, prometheus, home) = (FakeTelegram::start(), FakePrometheus::start(), Scratch::new());
        telegram.add_token(BOT_TOKEN);
        let postgres = Postgres::start().await;
        let redis = if setup.durable_redis { Redis::durable().await } else { Redis::start().await };
        let database_url = postgres.create_database().await;
        let (queue, source, bots) = (redis.url(), prometheus.url(), telegram.url());
        let peers = [database_url.as_str(), &queue, &source, &bots];
        let programs = env::Programs::new(&setup, peers, home.path());
        programs.migrate().run();

        let address = format!("127.0.0.1:{}", free_port());
        let url = format!("http://{address}");
        let mut backend = Process::start(programs.backend(&address));
        backend.until_healthy(&format!("{url}/readyz"), START).await;
        let mut workers = Vec::new();
        for _ in 0..setup.workers {
            workers.push(Worker::start(programs.worker(), format!("127.0.0.1:{}", free_port())));
        }
        for worker in &mut workers {
            worker.ready().await;
        }
        let api = Api::new(url).signed_in(ADMIN.0, ADMIN.1).await;
        let config = json!({"bot_token": BOT_TOKEN, "chat_id": CHAT});
        let channel = api.create("/channels", json!({"name": "ops", "kind": "telegram", "config": config})).await;
        let (world, waits, nap) = (World::new(prometheus), setup.waits, Duration::ZERO);
        Self { workers, backend, api, world, telegram, redis, postgres, waits, nap, database_url, channel, _home: home }
    }

    /// Makes the rules of `plan` and answers the numbers they have in the [`World`].
    pub async fn watch(&mut self, plan: world::Plan) -> std::ops::Range<usize> {
        self.world.watch(&self.api, &self.channel, plan).await
    }

    /// Waits until the open alerts are those the world asks for, and no notification is on its way.
    ///
    /// # Panics
    /// When that takes longer than the waits of this cluster allow.
    pub async fn settled(&self) {
        let patience = self.waits.settle();
        let probe = async || {
            let alerts = self.alerts().await.ok_or("the API does not list the alerts")?;
            self.world.compare(&alerts)?;
            match self.unfinished().await {
                Some(0) => Ok(()),
                Some(open) => Err(format!("{open} notifications are on their way")),
                None => Err("the API does not list the notifications".to_owned()),
            }
        };
        eventually(patience, probe).await;
    }

    /// Waits until the open alerts are those the world asks for, whatever became of the notifications.
    ///
    /// # Panics
    /// As [`Self::settled`].
    pub async fn settled_alerts(&self) {
        let probe = async || {
            let alerts = self.alerts().await.ok_or("the API does not list the alerts")?;
            self.world.compare(&alerts)
        };
        eventually(self.waits.settle(), probe).await;
    }

    /// Everything is absent and settled, every worker lives, and the record has no fault.
    ///
    /// # Panics
    /// When not, with every fault that was found.
    pub async fn judge(&mut self) -> Record {
        self.world.set_all(false);
        self.settled().await;
        for worker in &mut self.workers {
            worker.assert_running();
        }
        let record = self.record().await;
        let limits = oracle::Limits { lateness: self.waits.lateness(), nap: self.nap, away: self.postgres.away() };
        let faults = oracle::faults(&record, &self.world, &limits);
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
        record
    }

    /// Which worker schedules, by the lease in the database.
    pub async fn leader(&self) -> Option<usize> {
        let rows = self.sql("SELECT holder FROM leases WHERE name = 'scheduler'").await;
        let holder: String = rows.first()?.try_get("", "holder").ok()?;
        let pid = holder.split('-').next()?.to_owned();
        self.workers.iter().position(|worker| worker.id().to_string() == pid)
    }

    /// Runs SQL on the cluster's database, past the product.
    ///
    /// # Panics
    /// When the database refuses.
    pub async fn sql(&self, statement: &str) -> Vec<QueryResult> {
        let db = self.database().await;
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, statement)).await;
        let rows = rows.unwrap_or_else(|error| panic!("{statement}: {error}"));
        db.close().await.expect("a connection closes");
        rows
    }

    /// The number that `statement` selects.
    ///
    /// # Panics
    /// When it selects none.
    pub async fn number(&self, statement: &str) -> i64 {
        let rows = self.sql(statement).await;
        let row = rows.first().unwrap_or_else(|| panic!("{statement}: no row"));
        row.try_get_by_index(0).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// A connection to the cluster's database.
    pub async fn database(&self) -> DatabaseConnection {
        let mut options = sea_orm::ConnectOptions::new(&self.database_url);
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.expect("PostgreSQL runs")
    }

    /// The sum of a counter over the workers that run.
    pub async fn counted(&self, metric: &str) -> f64 {
        let mut sum = 0.0;
        for worker in &self.workers {
            sum += worker.metric(metric).await.unwrap_or_default();
        }
        sum
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        println!("--- vigil-backend\n{}", last_lines(&self.backend.output(), 15));
        for (number, worker) in self.workers.iter().enumerate() {
            println!("--- worker {number}\n{}", last_lines(&worker.story(), 60));
        }
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Waits until `probe` succeeds and answers with what it found.
///
/// # Panics
/// When it still fails after `patience`, with its last complaint.
pub async fn eventually<T>(patience: Duration, probe: impl AsyncFn() -> Result<T, String>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        let complaint = match probe().await {
            Ok(found) => return found,
            Err(complaint) => complaint,
        };
        assert!(Instant::now() < deadline, "after {patience:?}: {complaint}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
