//! The whole product inside one test: the real API on a free port, a worker whose clock the test moves, and fakes at
//! the wire. In both modes: SQLite with the in-process queue, PostgreSQL with Redis.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::OnceCell};
use vigil_backend::{AppState, Parts, setup};
use vigil_datasource::Datasource;
use vigil_domain::Span;
use vigil_runtime::{Clock, Config, Secret, Shutdown};
use vigil_store::{db, stores::Stores};
use vigil_worker::{Context, connect, ended, jobs::deliver_notification, schedule};

use crate::{
    api::{Answer, Api},
    fakes::{prometheus::FakePrometheus, telegram::FakeTelegram},
    scratch::Scratch,
    services::{Postgres, Redis},
};

/// The admin every test app has.
pub const ADMIN: (&str, &str) = ("admin", "correct horse battery");
/// The bot every fake Telegram knows.
pub const BOT_TOKEN: &str = "123456:test-token";
/// The chat messages go to unless a test says otherwise.
pub const CHAT: i64 = 4_711;
/// Signs tokens and seals secrets in tests.
pub const KEY: &str = "a key of more than thirty-two bytes, for tests";

/// What a test app keeps its state in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// SQLite and the in-process queue.
    Embedded,
    /// PostgreSQL and Redis.
    Distributed,
}

/// A Vigil whose time stands still until the test moves it, unless it is the real one.
pub struct TestApp {
    /// The API as its admin.
    pub api: Api,
    pub clock: Clock,
    pub telegram: FakeTelegram,
    pub prometheus: FakePrometheus,
    pub ctx: Context,
    pub state: AppState,
    shutdown: Shutdown,
    _scratch: Scratch,
}

impl TestApp {
    /// Starts one with an admin who is signed in.
    pub async fn spawn(mode: Mode) -> Self {
        Self::configured(mode, |_| {}).await
    }

    /// Starts one whose configuration the test changes.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn configured(mode: Mode, change: impl FnOnce(&mut Config)) -> Self {
        Self::over(mode, change, peer).await
    }

    /// Starts one whose time is the real one: nobody can move it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn in_real_time(mode: Mode, change: impl FnOnce(&mut Config)) -> Self {
        Self::with_clock(mode, Clock::System, change, peer).await
    }

    /// Starts one over the data source that `source` makes of its configuration and its clock.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn over(
        mode: Mode,
        change: impl FnOnce(&mut Config),
        source: impl AsyncFnOnce(&Config, &Clock) -> Datasource,
    ) -> Self {
        Self::with_clock(mode, Clock::manual(whole_minute(Clock::System.now())), change, source).await
    }

    async fn with_clock(
        mode: Mode,
        clock: Clock,
        change: impl FnOnce(&mut Config),
        source: impl AsyncFnOnce(&Config, &Clock) -> Datasource,
    ) -> Self {
        let (telegram, prometheus, scratch) = (FakeTelegram::start(), FakePrometheus::start(), Scratch::new());
        telegram.add_token(BOT_TOKEN);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let mut config = test_config(&telegram, &prometheus);
        config.http.listen = address;
        change(&mut config);
        let stores = stores(mode, &scratch).await;
        let (config, shutdown) = (Arc::new(config), Shutdown::new());
        let datasource = source(&config, &clock).await;
        let ctx = Context::new(&stores, datasource, Arc::clone(&config), &Secret::from(KEY), clock.clone())
            .expect("a context");
        let state = AppState::new(Parts {
            db: stores.db,
            queue: stores.queue,
            live: stores.live,
            cache: stores.cache,
            throttle: stores.throttle,
            datasource: ctx.datasource.clone(),
            clock: clock.clone(),
            config,
            sealer: ctx.sealer.clone(),
            shutdown: shutdown.clone(),
            jwt_secret: Secret::from(KEY),
        });
        let url = format!("http://{address}");
        let link = setup::ensure_first_admin(&state, &url, clock.now()).await.expect("the first admin");
        assert_eq!(link, None, "the configuration names the admin");
        tokio::spawn(vigil_backend::serve(listener, state.clone(), shutdown.clone()));
        let api = Api::new(url).signed_in(ADMIN.0, ADMIN.1).await;
        Self { api, clock, telegram, prometheus, ctx, state, shutdown, _scratch: scratch }
    }

    /// A second worker on the same stores. It knows nothing of what the first has in memory.
    ///
    /// # Panics
    /// When it does not start.
    pub fn another_worker(&self) -> Context {
        let (state, ctx) = (&self.state, &self.ctx);
        let stores = Stores {
            db: state.db.clone(),
            workers_db: ctx.db.clone(),
            queue: ctx.queue.clone(),
            live: ctx.live.clone(),
            cache: state.cache.clone(),
            throttle: state.throttle.clone(),
        };
        let (source, config) = (ctx.datasource.clone(), Arc::clone(&ctx.config));
        Context::new(&stores, source, config, &Secret::from(KEY), self.clock.clone()).expect("a context")
    }

    /// Does what a worker does by itself until the end, by the test's clock but for its pauses.
    pub fn work(&self) {
        vigil_worker::run(&self.ctx, &self.shutdown);
    }

    /// Moves the clock (`"90s"`), evaluates the newest slot of what is due, and delivers what is due.
    ///
    /// # Panics
    /// When something fails that should not.
    pub async fn tick(&self, by: &str) {
        let by: Span = by.parse().expect("a duration");
        self.clock.advance(by.std());
        self.evaluate().await;
        self.deliver().await;
    }

    /// Evaluates what is due now; delivers nothing.
    pub async fn evaluate(&self) {
        schedule::evaluate_due(&self.ctx, self.clock.now()).await.expect("an evaluation that succeeds");
    }

    /// Delivers what is due now, and what becomes due by it; ends the series of rules that are gone.
    pub async fn deliver(&self) {
        deliver_notification::sweep(&self.ctx).await;
        ended::end_series(&self.ctx).await.expect("series of rules that are gone are ended");
    }

    /// Makes a Telegram channel to [`CHAT`] and answers its id.
    pub async fn telegram_channel(&self, name: &str) -> String {
        self.channel_to(name, CHAT).await
    }

    /// Makes a Telegram channel to a chat and answers its id.
    pub async fn channel_to(&self, name: &str, chat: i64) -> String {
        let config = json!({"bot_token": BOT_TOKEN, "chat_id": chat});
        self.api.create("/channels", json!({"name": name, "kind": "telegram", "config": config})).await
    }

    /// Makes a rule and answers its id. `more` goes over a rule that evaluates each minute.
    pub async fn rule(&self, name: &str, expr: &str, more: Value) -> String {
        let mut rule = json!({"name": name, "expr": expr, "interval": "1m"});
        merge(&mut rule, more);
        self.api.create("/rules", rule).await
    }

    /// The states of a rule's events, oldest first.
    pub async fn states(&self, rule: &str) -> Vec<String> {
        let events = self.api.get(&format!("/events?rule_id={rule}&limit=500")).await.ok();
        let mut states: Vec<_> = items(&events).iter().map(|event| text(event, "state")).collect();
        states.reverse();
        states
    }

    /// The open alerts of a rule.
    pub async fn alerts(&self, rule: &str) -> Vec<Value> {
        items(&self.api.get(&format!("/alerts?rule_id={rule}")).await.ok()).to_vec()
    }

    /// Every notification, oldest first.
    pub async fn notifications(&self) -> Vec<Value> {
        let mut all = items(&self.api.get("/notifications?limit=500").await.ok()).to_vec();
        all.reverse();
        all
    }

    /// Texts that arrived at Telegram, as a person reads them.
    pub fn heard(&self) -> Vec<String> {
        self.telegram.sent().into_iter().map(|message| message.plain).collect()
    }

    /// An answer to a request that nobody signed.
    pub async fn anonymous(&self, path: &str) -> Answer {
        Api::new(self.api.url.clone()).get(path).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.shutdown.begin();
    }
}

fn test_config(telegram: &FakeTelegram, prometheus: &FakePrometheus) -> Config {
    let mut config = Config::default();
    config.admin.username = Some(ADMIN.0.to_owned());
    config.admin.password = Some(Secret::from(ADMIN.1));
    config.auth.bcrypt_cost = 4;
    config.auth.access_token_seconds = 90 * 86_400;
    config.auth.refresh_token_seconds = 91 * 86_400;
    config.telegram.api_url = Some(telegram.url());
    config.datasource.url = Some(prometheus.url());
    config.datasource.timeout_seconds = 1.0;
    config.delivery.timeout_seconds = 2.0;
    config.delivery.lease_seconds = 5.0;
    config
}

async fn stores(mode: Mode, scratch: &Scratch) -> Stores {
    match mode {
        Mode::Embedded => {
            let url = format!("sqlite://{}", scratch.file("vigil.db").display());
            migrate(url.clone()).await;
            Stores::open(&url, 4, None).await.expect("SQLite opens")
        }
        Mode::Distributed => {
            static REDIS: OnceCell<Redis> = OnceCell::const_new();
            let url = Postgres::shared().await.create_migrated(migrate).await;
            let redis = REDIS.get_or_init(Redis::start).await.url();
            let prefix = format!("test-{}", uuid::Uuid::now_v7().simple());
            Stores::open(&url, 6, Some((&redis, &prefix))).await.expect("PostgreSQL and Redis open")
        }
    }
}

async fn migrate(url: String) {
    let db = db::connect(&url, 1).await.expect("the database opens");
    vigil_migration::Migrator::up(&db, None).await.expect("the migrations apply");
    db.close().await.expect("the database closes");
}

async fn peer(config: &Config, _: &Clock) -> Datasource {
    connect::datasource(&config.datasource).expect("a data source")
}

fn whole_minute(now: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(now.timestamp() / 60 * 60, 0).expect("a time near now")
}

/// Lays the fields of an object over another's.
///
/// # Panics
/// When one of them is no object.
pub fn merge(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else { panic!("objects") };
    into.extend(more);
}

/// The items of a list's answer.
pub fn items(list: &Value) -> &[Value] {
    list["items"].as_array().unwrap_or_else(|| panic!("a list: {list}"))
}

/// A field that is text.
pub fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_else(|| panic!("{field} is text in {object}")).to_owned()
}
