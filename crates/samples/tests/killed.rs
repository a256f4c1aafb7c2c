//! Processes that are killed while they write, again and again, on one and the same file.
//!
//! The writer is this very program, told by its environment. It says on its output what was appended and when; the parent
//! kills it at a random moment, its opening of the file among them, opens the file, and compares. It does so with four files
//! at a time, because a round is mostly waiting. `SAMPLES_CRASH_ROUNDS` sets the number of kills (100), `SAMPLES_CRASH_FLUSH_MS`
//! the time between flushes (200; the bound scales with it, 5 s for the store's own 3,000).

#![allow(clippy::unwrap_used, reason = "a test ends where its ground is not as it must be")]

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use vigil_promql::{Match, Matcher, Point, Select, SeriesLabels, Wanted};
use vigil_samples::{Clock, Options, Store};

const TEST: &str = "nothing_acknowledged_before_the_last_seconds_is_lost";
const FILES: u64 = 4;
const SERIES: usize = 40;
/// Each batch is this much later than the one before, so that chunks fill and seal within a round.
const STEP_MS: i64 = 1_000;
const START_MS: i64 = 1_800_000_000_000;

#[expect(clippy::disallowed_methods, reason = "the settings of this test alone")]
fn setting(name: &str) -> Option<String> {
    env::var(name).ok()
}

fn number(name: &str, otherwise: u64) -> u64 {
    setting(name).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn nothing_acknowledged_before_the_last_seconds_is_lost() {
    let flush_every = Duration::from_millis(number("SAMPLES_CRASH_FLUSH_MS", 200));
    if let Some(path) = setting("SAMPLES_CRASH_WRITE_TO") {
        return write(Path::new(&path), flush_every);
    }
    let rounds = number("SAMPLES_CRASH_ROUNDS", 100);
    let lanes: Vec<Lane> = thread::scope(|scope| {
        let lane = |n| scope.spawn(move || Lane::run((rounds + n) / FILES, flush_every));
        let lanes: Vec<_> = (0..FILES).map(lane).collect();
        lanes.into_iter().map(|lane| lane.join().unwrap()).collect()
    });
    let batches: i64 = lanes.iter().map(|lane| lane.kept + 1).sum();
    let owing: u64 = lanes.iter().map(|lane| lane.owing).sum();
    let worst = lanes.iter().map(|lane| lane.worst).max().unwrap_or_default();
    println!("{rounds} kills, {batches} batches kept, {owing} kills with something owed, at most {worst:.2?} lost");
    assert!(batches > 0 && owing >= rounds / 10, "the writers hardly got anywhere");
}

/// One file and what became of it.
struct Lane {
    /// The newest batch in the file.
    kept: i64,
    /// Rounds in which a batch was acknowledged so early that it had to be there, and was not from the round before.
    owing: u64,
    /// How long before a kill the oldest lost batch was acknowledged.
    worst: Duration,
}

impl Lane {
    fn run(rounds: u64, flush_every: Duration) -> Self {
        let bound = match flush_every.as_millis() {
            3_000 => Duration::from_secs(5),
            _ => flush_every + Duration::from_secs(1),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.db");
        let mut lane = Self { kept: -1, owing: 0, worst: Duration::ZERO };
        for round in 0..rounds {
            let life = Duration::from_millis(rand_up_to(2 * bound.as_millis() as u64));
            let (acknowledged, killed_at) = run_and_kill(&path, flush_every, life);
            let newest = check(&path, round, lane.kept);
            let owed = acknowledged.iter().filter(|(at, _)| killed_at.duration_since(*at) >= bound);
            let owed = owed.map(|(_, batch)| *batch).max().unwrap_or(-1);
            assert!(
                newest >= owed,
                "round {round}: {newest} is the newest batch in the file, {owed} was acknowledged in time"
            );
            let lost =
                acknowledged.iter().find(|(_, batch)| *batch > newest).map(|(at, _)| killed_at.duration_since(*at));
            lane.worst = lane.worst.max(lost.unwrap_or_default());
            lane.owing += u64::from(owed > lane.kept);
            lane.kept = newest;
        }
        lane
    }
}

/// Starts the writer, kills it after `life`, and says which batches it acknowledged when.
fn run_and_kill(path: &Path, flush_every: Duration, life: Duration) -> (Vec<(Instant, i64)>, Instant) {
    let mut writer = Command::new(env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env("SAMPLES_CRASH_WRITE_TO", path)
        .env("SAMPLES_CRASH_FLUSH_MS", flush_every.as_millis().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
    let reader = thread::spawn(move || {
        let batch = |line: String| Some((Instant::now(), line.strip_prefix("appended ")?.parse().ok()?));
        lines.map_while(Result::ok).filter_map(batch).collect::<Vec<_>>()
    });
    thread::sleep(life);
    let killed_at = Instant::now();
    kill(Pid::from_raw(writer.id().cast_signed()), Signal::SIGKILL).unwrap();
    let status = writer.wait().unwrap();
    assert!(!status.success(), "the writer ended by itself");
    (reader.join().unwrap(), killed_at)
}

/// Opens what a killed writer left: every point is right and none is missing before another. The newest batch that is whole.
fn check(path: &Path, round: u64, kept: i64) -> i64 {
    runtime().block_on(async {
        let store = Store::open(path, options(Duration::from_secs(3))).await.unwrap();
        assert_eq!(store.health().set_aside, None, "round {round}");
        assert_eq!(store.health().damaged_rows, 0, "round {round}");
        let matchers = vec![Matcher { name: "__name__".into(), how: Match::Equal("crash".into()) }];
        let select = Select { matchers, after_ms: i64::MIN, until_ms: i64::MAX, wanted: Wanted::All };
        let found = store.select(&select).await.unwrap();
        let mut newest: BTreeMap<SeriesLabels, i64> = BTreeMap::new();
        for series in found {
            let n: usize = series.labels.get("n").unwrap().parse().unwrap();
            for (batch, point) in (0..).zip(&series.points) {
                assert_eq!(point.at_ms, START_MS + batch * STEP_MS, "round {round}, series {n}");
                assert_eq!(
                    point.value.to_bits(),
                    value(n, batch).to_bits(),
                    "round {round}, series {n}, batch {batch}"
                );
            }
            newest.insert(series.labels, series.points.len() as i64 - 1);
        }
        // A chunk that was sealed during the last flush may be ahead of the others: only the common part is owed.
        let batches = if newest.len() < SERIES { -1 } else { newest.values().copied().min().unwrap_or(-1) };
        assert!(batches >= kept, "round {round}: {kept} batches were there before, {batches} now");
        drop(store);
        batches
    })
}

/// Goes on where the file ends, as fast as it may, until it is killed.
fn write(path: &Path, flush_every: Duration) {
    runtime().block_on(async {
        let store = Store::open(path, options(flush_every)).await.unwrap();
        let flushing = store.clone();
        tokio::spawn(async move { flushing.run(std::future::pending()).await });
        let mut next = vec![0_i64; SERIES];
        for (n, next) in next.iter_mut().enumerate() {
            let how = |value: String| Match::Equal(value);
            let matchers = vec![Matcher { name: "n".into(), how: how(n.to_string()) }];
            let select = Select { matchers, after_ms: i64::MIN, until_ms: i64::MAX, wanted: Wanted::Newest };
            let newest = store.select(&select).await.unwrap().first().map(|series| series.points[0].at_ms);
            *next = newest.map_or(0, |at_ms| (at_ms - START_MS) / STEP_MS + 1);
        }
        for batch in next.iter().copied().min().unwrap_or(0).. {
            let at_ms = START_MS + batch * STEP_MS;
            let points: Vec<_> = (0..SERIES)
                .filter(|n| next[*n] <= batch)
                .map(|n| (labels(n), Point { at_ms, value: value(n, batch) }))
                .collect();
            let appended = store.append(&points);
            assert_eq!(appended.refused_count(), 0, "{:?}", appended.refused);
            println!("appended {batch}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
}

fn labels(n: usize) -> SeriesLabels {
    SeriesLabels::new([("__name__".into(), "crash".into()), ("n".into(), n.to_string().into())])
}

/// Some series count, some are noise, one has stale markers.
fn value(n: usize, batch: i64) -> f64 {
    match n % 4 {
        0 => batch as f64,
        1 => (batch * 7 + n as i64) as f64 / 100.0,
        2 => (batch as f64 * 1.234_567 + n as f64).sin(),
        _ if batch % 10 == 0 => vigil_promql::stale_marker(),
        _ => n as f64,
    }
}

/// The clock of both sides stands: retention and the hour in memory are not what this is about.
fn options(flush_every: Duration) -> Options {
    let clock = Clock::new(|| START_MS + 100 * 24 * 3_600 * 1_000);
    Options { flush_every, clock, retention: Duration::from_hours(365 * 24), ..Options::default() }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Different with each call; the moment of a kill needs no more.
fn rand_up_to(limit: u64) -> u64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::from(since_1970.subsec_nanos()) / 1_000 % limit
}
