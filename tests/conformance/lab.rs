//! One Vigil on samples that are really there, a second at a time: what there is is written to the data source, what is
//! due is evaluated, what is to be said is said.
//!
//! Mostly a test moves the time. With [`TIME`] a second on Prometheus takes a second of the system's clock, but in lines that
//! need [more than two minutes](LONG).

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::SubsecRound as _;
use serde_json::{Value, json};
use vigil_datasource::{ApiPath, Datasource, EmbeddedOptions, HttpOptions};
use vigil_domain::{Labels, Sample, Timestamp};
use vigil_promql::stale_marker;
use vigil_runtime::{Clock, Config};
use vigil_samples::{Options, Store};
use vigil_tests::{
    app::{Mode, TestApp, merge},
    scratch::Scratch,
    services::Prometheus,
};

use crate::wire::Wire;

/// Set to `real`, labs on Prometheus live in real time.
const TIME: &str = "CONFORMANCE_TIME";

/// Lines that need more than two minutes.
const LONG: [&str; 6] = [
    "c30_what_is_kept_firing_is_sent_on_as_it_was",
    "c31_what_fires_anew_is_new_and_its_former_end_is_no_longer_sent",
    "c32_an_end_is_sent_again_for_a_quarter_of_an_hour",
    "c37_an_alert_is_sent_again_when_strictly_more_than_the_delay_has_passed",
    "c38_a_firing_alert_is_valid_for_four_times_the_longer_of_interval_and_delay",
    "c46_an_outage_counts_towards_for",
];

/// A Vigil whose rules are evaluated each second unless a test says otherwise, and the samples it sees.
///
/// It starts at a whole minute of the real time, which a Prometheus takes samples of. One external label, `region`, is
/// `eu`; alerts are written back. Every rule speaks to one channel.
pub(crate) struct Lab {
    pub(crate) app: TestApp,
    /// Where the test writes and looks, past the wire.
    samples: Datasource,
    world: Mutex<World>,
    channel: String,
    peer: Option<Peer>,
    _scratch: Scratch,
}

struct Peer {
    wire: Wire,
    _prometheus: Prometheus,
}

struct World {
    /// The second it is.
    second: Timestamp,
    there: Vec<Sample>,
    /// The series that had a value a second ago.
    written: Vec<Labels>,
}

impl Lab {
    /// Vigil on PostgreSQL and Redis, reading from and writing to Debian's Prometheus.
    pub(crate) async fn prometheus() -> Self {
        Self::prometheus_with(|_| {}).await
    }

    /// The same for a test of this name.
    pub(crate) async fn prometheus_for(line: &str) -> Self {
        Self::on_prometheus(is_real_time() && !LONG.contains(&line), |_| {}).await
    }

    /// The same with a configuration that the test changes.
    pub(crate) async fn prometheus_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on_prometheus(is_real_time(), change).await
    }

    async fn on_prometheus(is_real_time: bool, change: impl FnOnce(&mut Config)) -> Self {
        let prometheus = Prometheus::configured("global: {}\n").await;
        let wire = Wire::to(prometheus.url()).await;
        let url = wire.url().to_owned();
        let configure = |config: &mut Config| {
            settings(config);
            config.datasource.url = Some(url);
            change(config);
        };
        let app = if is_real_time {
            TestApp::in_real_time(Mode::Distributed, configure).await
        } else {
            TestApp::configured(Mode::Distributed, configure).await
        };
        let samples = Datasource::http(HttpOptions::new(prometheus.url())).expect("a data source");
        Self::of(app, samples, Some(Peer { wire, _prometheus: prometheus }), Scratch::new()).await
    }

    /// Vigil in one process, on SQLite, with a store of its own.
    pub(crate) async fn embedded() -> Self {
        Self::embedded_with(|_| {}).await
    }

    /// The same with a configuration that the test changes.
    pub(crate) async fn embedded_with(change: impl FnOnce(&mut Config)) -> Self {
        let scratch = Scratch::new();
        let configure = |config: &mut Config| {
            settings(config);
            change(config);
        };
        let own = async |_: &Config, clock: &Clock| store(&scratch, clock.clone()).await;
        let app = TestApp::over(Mode::Embedded, configure, own).await;
        let samples = app.ctx.datasource.clone();
        Self::of(app, samples, None, scratch).await
    }

    async fn of(app: TestApp, samples: Datasource, peer: Option<Peer>, scratch: Scratch) -> Self {
        let channel = app.telegram_channel("ops").await;
        let world = World { second: app.clock.now(), there: Vec::new(), written: Vec::new() };
        Self { app, samples, world: Mutex::new(world), channel, peer, _scratch: scratch }
    }

    /// What lies between Vigil and its Prometheus.
    ///
    /// # Panics
    /// In one process, where nothing does.
    pub(crate) fn wire(&self) -> &Wire {
        &self.peer.as_ref().expect("a lab on Prometheus").wire
    }

    /// Makes a rule, evaluated each second unless `more` has an interval or a group. Answers its id.
    pub(crate) async fn rule(&self, name: &str, expr: &str, more: Value) -> String {
        let mut rule = json!({"name": name, "expr": expr, "channel_ids": [self.channel]});
        if more.get("group").is_none() {
            merge(&mut rule, json!({"interval": "1s"}));
        }
        merge(&mut rule, more);
        self.app.api.create("/rules", rule).await
    }

    /// Makes a group, evaluated each second unless `more` has an interval.
    pub(crate) async fn group(&self, name: &str, more: Value) {
        let mut group = json!({"name": name, "interval": "1s"});
        merge(&mut group, more);
        self.app.api.create("/rule-groups", group).await;
    }

    /// Edits a rule.
    pub(crate) async fn edit(&self, rule: &str, change: Value) {
        self.app.api.patch(&format!("/rules/{rule}"), change).await.ok();
    }

    /// From the next second on there are these series and no others: each has its value every second, and a stale
    /// marker at the first second without it.
    pub(crate) fn has(&self, series: impl IntoIterator<Item = Sample>) {
        self.world().there = series.into_iter().collect();
    }

    /// The next second: samples, evaluation, delivery.
    pub(crate) async fn step(&self) {
        self.leap(1).await;
    }

    pub(crate) async fn steps(&self, count: usize) {
        for _ in 0..count {
            self.step().await;
        }
    }

    /// The next second, with its samples; nobody evaluates.
    pub(crate) async fn second(&self) {
        self.skip(1).await;
    }

    /// So many seconds later, with the samples of that second only, for which those before it stand in; at most the five
    /// minutes of a lookback. Then evaluation and delivery.
    pub(crate) async fn leap(&self, seconds: u64) {
        self.skip(seconds).await;
        self.app.evaluate().await;
        self.app.deliver().await;
    }

    async fn skip(&self, seconds: u64) {
        let second = self.now() + Duration::from_secs(seconds);
        let second = match &self.app.clock {
            Clock::System => until(second).await,
            moved @ Clock::Manual(_) => {
                moved.set(second);
                second
            }
        };
        let samples = self.world().turn(second);
        self.samples.write(&samples, second).await.expect("the data source takes the samples");
    }

    /// So many seconds in which nobody evaluates.
    pub(crate) async fn seconds(&self, count: usize) {
        for _ in 0..count {
            self.second().await;
        }
    }

    /// The second it is: the newest slot of what is evaluated each second.
    pub(crate) fn now(&self) -> Timestamp {
        self.world().second
    }

    /// So many seconds before [`Self::now`].
    pub(crate) fn ago(&self, seconds: u64) -> Timestamp {
        self.now() - Duration::from_secs(seconds)
    }

    /// What the data source answers to an instant query at `at`.
    pub(crate) async fn ask(&self, expr: &str, at: Timestamp) -> Value {
        let seconds = format!("{:.3}", at.timestamp_millis() as f64 / 1e3);
        let pairs = [("query", expr), ("time", &seconds)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let answer = self.samples.get_raw(&ApiPath::Query, &pairs).await.expect("the data source answers");
        let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(answer["status"], "success", "{expr}: {answer}");
        answer["data"]["result"].clone()
    }

    /// Draws the life of a rule's only alert, a second a character: `x` there, `.` absent; `-` none, `p` pending, `F`
    /// firing, `k` kept firing.
    pub(crate) async fn life(&self, rule: &str, drawn: &str) -> String {
        let mut life = String::new();
        for mark in drawn.chars() {
            self.has((mark == 'x').then(|| cpu("a", 97.0)));
            self.step().await;
            let alerts = self.alerts(rule).await;
            life.push(match alerts.as_slice() {
                [] => '-',
                [alert] if alert.state == "pending" => 'p',
                [alert] if alert.keep_firing_since.is_some() => 'k',
                [_] => 'F',
                more => panic!("one alert, not {more:?}"),
            });
        }
        life
    }

    /// How many messages arrived at Telegram.
    pub(crate) fn heard(&self) -> usize {
        self.app.heard().len()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// What there is at the next `second`, and the end of what was there before.
    fn turn(&mut self, second: Timestamp) -> Vec<Sample> {
        self.second = second;
        let mut samples = self.there.clone();
        let now: Vec<Labels> = samples.iter().map(|sample| sample.labels.clone()).collect();
        let before = std::mem::replace(&mut self.written, now);
        let ended = before.into_iter().filter(|labels| !self.written.contains(labels));
        samples.extend(ended.map(|labels| Sample { labels, value: stale_marker() }));
        samples
    }
}

#[expect(clippy::disallowed_methods, reason = "how long to test is no configuration of Vigil's")]
fn is_real_time() -> bool {
    std::env::var(TIME).is_ok_and(|time| time == "real")
}

/// Waits for a second, or the next whole one if that is over, and answers it.
async fn until(second: Timestamp) -> Timestamp {
    let now = Clock::System.now();
    let second = second.max(now.trunc_subsecs(0) + Duration::from_secs(1)).trunc_subsecs(0);
    tokio::time::sleep((second - now).to_std().unwrap_or_default()).await;
    second
}

/// The series `cpu` of an instance.
pub(crate) fn cpu(instance: &str, value: f64) -> Sample {
    series([("__name__", "cpu"), ("instance", instance)], value)
}

pub(crate) fn series<const N: usize>(labels: [(&str, &str); N], value: f64) -> Sample {
    Sample { labels: Labels::from(labels), value }
}

fn settings(config: &mut Config) {
    config.datasource.timeout_seconds = 30.0;
    config.evaluation.write_alerts = Some(true);
    config.evaluation.external_labels.insert("region".to_owned(), "eu".to_owned());
}

/// A store in this process that goes by the test's clock.
async fn store(scratch: &Scratch, clock: Clock) -> Datasource {
    let clock = vigil_samples::Clock::new(move || clock.now().timestamp_millis());
    let options = Options { clock, ..Options::default() };
    let store = Store::open(&scratch.file("samples.db"), options).await.expect("a new file");
    let limits = vigil_promql::Options::default();
    Datasource::embedded(store, EmbeddedOptions { timeout: Duration::from_secs(10), concurrency: 4, limits })
}
