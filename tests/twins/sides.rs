//! The two sides, running: one Prometheus with the rules, and Vigil on another one.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;
use vigil_runtime::Clock;
use vigil_tests::{
    cluster::eventually,
    fakes::FakeAlertmanager,
    installation::{Installation, Layout},
    scratch::Scratch,
    services::{Prometheus, User},
};

use crate::{
    evidence::{Evidence, Look},
    known::Side,
    pace::{LOOK, Pace, RESEND},
    shown::{FILE, groups},
    target::Target,
    timeline::Millis,
    world::{CYCLE, World},
};

const RULES: &str = include_str!("rules.yml");
/// How many groups it has.
const GROUPS: usize = 8;
/// Everything that rules write.
const WRITTEN: &str = r#"{__name__=~"ALERTS|ALERTS_FOR_STATE|.+:.+"}"#;
/// Where people would find either; so links and templates are the same.
const PUBLIC_URL: &str = "http://monitoring.example:9090";
/// How long the last ends take after the last cycle: what is kept firing, and one is late.
const SETTLE: Millis = 13_000;
/// The most points of a series that a range query may ask for, with some to spare.
const MOST_POINTS: i64 = 10_000;
/// How long something may take that takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Everything that runs. Gone on drop.
pub(crate) struct Sides {
    /// The side that Vigil is compared with.
    prometheus: Prometheus,
    /// What Vigil asks and writes back to.
    source: Prometheus,
    vigil: Installation,
    /// Vigil's, and Prometheus'.
    alertmanagers: [FakeAlertmanager; 2],
    target: Target,
    client: reqwest::Client,
    /// Where the rule file is.
    home: Scratch,
}

impl Sides {
    /// Both, scraping the same targets, with every rule evaluated; the story has not begun.
    pub(crate) async fn start(cycles: i64) -> Self {
        let target = Target::start(World::new(cycles)).await;
        let alertmanagers = [FakeAlertmanager::start(), FakeAlertmanager::start()];
        let home = Scratch::owned_by(User::for_server("prometheus"));
        let [ours, theirs] = [&alertmanagers[0], &alertmanagers[1]].map(FakeAlertmanager::url);
        let with_rules = rules_and_alertmanager(&home, &theirs);
        let (scraped, also_scraped) =
            (scraping(&target, "{region: eu, cluster: c1}") + &with_rules, scraping(&target, "{}"));
        let flags = [format!("--rules.alert.resend-delay={RESEND}ms"), format!("--web.external-url={PUBLIC_URL}")];
        let flags = flags.each_ref().map(String::as_str);
        let (one, other) = (Prometheus::with_flags(&scraped, &flags), Prometheus::configured(&also_scraped));
        let (prometheus, source) = tokio::join!(one, other);
        let vigil = vigil(source.url()).await;
        let client = reqwest::Client::new();
        let sides = Self { prometheus, source, vigil, alertmanagers, target, client, home };
        sides.are_scraping().await;
        // Only now, for a rule that finds nothing yet would be a story of its own.
        sides.home.write(FILE, RULES);
        sides.reload().await;
        sides.import(&ours).await;
        sides.have_evaluated().await;
        sides
    }

    /// Lets the story happen, for so many cycles, and looks at both. Vigil's evidence, and Prometheus'.
    pub(crate) async fn watch(&self, cycles: i64) -> (Evidence, Evidence) {
        for alertmanager in &self.alertmanagers {
            alertmanager.clear();
        }
        let zero = self.target.begin();
        let (mut vigil, mut prometheus) = (Evidence::new(Side::Vigil, zero), Evidence::new(Side::Prometheus, zero));
        let until = zero + TimeDelta::milliseconds(cycles * CYCLE + SETTLE);
        let mut looks = tokio::time::interval(Duration::from_millis(LOOK.unsigned_abs()));
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Clock::System.now() < until {
            looks.tick().await;
            let at = Clock::System.now();
            let (ours, theirs) = tokio::join!(self.look_at_vigil(at), self.look_at_prometheus(at));
            vigil.look(&ours);
            prometheus.look(&theirs);
        }
        for (evidence, url) in [(&mut vigil, self.source.url()), (&mut prometheus, self.prometheus.url())] {
            let (step, matrix) = self.range(url, (zero, until)).await;
            evidence.range(&matrix, step, until);
        }
        vigil.sent(&self.alertmanagers[0].posts());
        prometheus.sent(&self.alertmanagers[1].posts());
        (vigil, prometheus)
    }

    /// When which rule is evaluated.
    pub(crate) async fn pace(&self) -> Pace {
        Pace::of(&groups(&self.data(self.prometheus.url(), "/rules", &[]).await))
    }

    /// Whether Vigil's programs still run.
    pub(crate) fn is_running(&mut self) -> bool {
        self.vigil.is_running()
    }

    /// All that Vigil's programs have printed.
    pub(crate) fn output(&self) -> String {
        self.vigil.output()
    }

    async fn look_at_vigil(&self, at: DateTime<Utc>) -> Look {
        let data = async |path: &str| self.vigil.api.prometheus(path, &[]).await.ok()["data"].take();
        let (rules, alerts, series) =
            tokio::join!(data("/rules"), data("/alerts"), self.written(self.source.url(), at));
        Look { at, rules, alerts, series }
    }

    async fn look_at_prometheus(&self, at: DateTime<Utc>) -> Look {
        let url = self.prometheus.url();
        let (rules, alerts, series) =
            tokio::join!(self.data(url, "/rules", &[]), self.data(url, "/alerts", &[]), self.written(url, at));
        Look { at, rules, alerts, series }
    }

    /// What rules wrote, as it is at `at`.
    async fn written(&self, url: &str, at: DateTime<Utc>) -> Value {
        let time = seconds(at);
        self.data(url, "/query", &[("query", WRITTEN), ("time", time.as_str())]).await["result"].take()
    }

    /// `ALERTS` from one moment to another, and how far apart the points are.
    async fn range(&self, url: &str, (from, to): (DateTime<Utc>, DateTime<Utc>)) -> (Millis, Value) {
        let step = ((to - from).num_milliseconds() / MOST_POINTS + 1).max(500);
        let [start, end] = [from, to].map(seconds);
        let length = format!("{}.{:03}", step / 1_000, step % 1_000);
        let window = [("start", start.as_str()), ("end", end.as_str()), ("step", length.as_str())];
        let pairs = [&[("query", "ALERTS")], window.as_slice()].concat();
        (step, self.data(url, "/query_range", &pairs).await["result"].take())
    }

    /// The data of a success of a Prometheus, from a path below `/api/v1`.
    async fn data(&self, url: &str, path: &str, pairs: &[(&str, &str)]) -> Value {
        let request = self.client.get(format!("{url}/api/v1{path}")).query(pairs);
        let answer = async { request.send().await?.json().await };
        let answer: reqwest::Result<Value> = answer.await;
        let mut answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(answer["status"], "success", "{path} {pairs:?}: {answer}");
        answer["data"].take()
    }

    /// Both scrape both pages, and the one with the rules has found its Alertmanager.
    async fn are_scraping(&self) {
        let scraping = async || {
            for prometheus in [&self.prometheus, &self.source] {
                let up = prometheus.query("sum(up)").await;
                if up["data"]["result"][0]["value"][1] != "2" {
                    return Err(format!("not both targets are up: {up}"));
                }
            }
            let found = self.data(self.prometheus.url(), "/alertmanagers", &[]).await;
            let count = found["activeAlertmanagers"].as_array().map_or(0, Vec::len);
            if count == 1 { Ok(()) } else { Err(format!("no Alertmanager: {found}")) }
        };
        eventually(PATIENCE, scraping).await;
    }

    /// Prometheus reads its rules.
    async fn reload(&self) {
        let answer = self.client.post(format!("{}/-/reload", self.prometheus.url())).send().await;
        let status = answer.expect("Prometheus answers").status();
        assert!(status.is_success(), "the rules are not right: {status}");
    }

    /// Vigil gets the same, and an Alertmanager.
    async fn import(&self, alertmanager: &str) {
        let channel = json!({"name": "am", "kind": "alertmanager", "config": {"url": alertmanager}});
        let channel = self.vigil.api.create("/channels", channel).await;
        self.vigil.api.import(FILE, &format!("&channel_id={channel}"), RULES).await.ok();
    }

    /// Every rule was evaluated on both sides, and what fires before the story is there.
    async fn have_evaluated(&self) {
        let evaluated = async || {
            let now = Clock::System.now();
            for look in [self.look_at_vigil(now).await, self.look_at_prometheus(now).await] {
                let groups = groups(&look.rules);
                let waits = groups.iter().flat_map(|group| &group.rules).filter(|rule| rule.health == "unknown");
                let (waiting, known) = (waits.count(), groups.len());
                if waiting > 0 || known < GROUPS {
                    return Err(format!("{known} of {GROUPS} groups, and {waiting} rules wait"));
                }
                if !look.series.to_string().contains("AbsentAlways") {
                    return Err(format!("nothing is written: {}", look.series));
                }
            }
            Ok(())
        };
        eventually(PATIENCE, evaluated).await;
    }
}

/// What both Prometheus are told of the targets.
fn scraping(target: &Target, external_labels: &str) -> String {
    let address = target.address();
    let job = |name: &str, path: &str| {
        format!("{{job_name: {name}, metrics_path: {path}, static_configs: [{{targets: [{address:?}]}}]}}")
    };
    let jobs = [job("story", "/metrics"), job("flaky", "/flaky")].join(", ");
    let global = format!("{{scrape_interval: 1s, scrape_timeout: 1s, external_labels: {external_labels}}}");
    format!("global: {global}\nscrape_configs: [{jobs}]\n")
}

/// What one of them is told besides.
fn rules_and_alertmanager(home: &Scratch, alertmanager: &str) -> String {
    let files = home.path().join("*.yml").display().to_string();
    let address = alertmanager.trim_start_matches("http://");
    let alertmanagers = format!("[{{static_configs: [{{targets: [{address:?}]}}]}}]");
    format!("rule_files: [{files:?}]\nalerting: {{alertmanagers: {alertmanagers}}}\n")
}

/// Vigil in several processes, configured as the Prometheus beside it.
async fn vigil(source: &str) -> Installation {
    let resend = (RESEND / 1_000).to_string();
    let settings = [
        ("VIGIL_EVALUATION__WRITE_ALERTS", "true"),
        ("VIGIL_EVALUATION__RESEND_DELAY_SECONDS", resend.as_str()),
        ("VIGIL_EVALUATION__EXTERNAL_LABELS", "region=eu,cluster=c1"),
        ("VIGIL_HTTP__PUBLIC_URL", PUBLIC_URL),
        ("VIGIL_AUTH__ACCESS_TOKEN_SECONDS", "86400"),
    ];
    Installation::start(Layout::Distributed { backends: 1, workers: 2 }, source, &settings).await
}

/// As Prometheus reads a time, to the millisecond.
fn seconds(at: DateTime<Utc>) -> String {
    let millis = at.timestamp_millis();
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}
