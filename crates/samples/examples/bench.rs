//! Measures the store: `cargo run --release -p vigil-samples --example bench -- [SERIES] [SCRAPES] [FOLDER]`.
//!
//! Series are of a host's kinds (CPU seconds, bytes, memory, things that hardly change), scraped every 15 s of a clock that
//! the program turns itself; five flushes a scrape, as in service. `bench replay FILE [TIMES]` takes values recorded from a
//! real host instead: lines `NAME VALUE` for each scrape, played so many times one after the other.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use vigil_promql::{Match, Matcher, Point, Select, SeriesLabels, Wanted};
use vigil_samples::{Clock, Options, SeriesRef, Store};

const START_MS: i64 = 1_800_000_000_000;
const SCRAPE_MS: i64 = 15_000;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |index: usize, otherwise: usize| arguments.get(index).map_or(otherwise, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    if arguments.first().is_some_and(|first| first == "replay") {
        let recorded = read_recorded(Path::new(&arguments[1]));
        return replay(&recorded, number(2, 10), folder.path()).await;
    }
    let place = arguments.get(2).map_or_else(|| folder.path().to_owned(), PathBuf::from);
    synthetic(number(0, 25_000), number(1, 480), &place).await;
}

async fn synthetic(series: usize, scrapes: usize, folder: &Path) {
    let (store, now) = open(folder).await;
    let refs: Vec<SeriesRef> =
        (0..series).map(|n| store.series_ref(&labels(n)).expect("the series is allowed")).collect();
    let mut values: Vec<Value> = (0..series).map(Value::new).collect();
    println!("{series} series, {scrapes} scrapes of 15 s");
    let (cpu, mut slowest) = (cpu_seconds(), Duration::ZERO);
    let started = Instant::now();
    for scrape in 0..scrapes {
        let at_ms = START_MS + scrape as i64 * SCRAPE_MS;
        now.store(at_ms, Ordering::Relaxed);
        for (refs, values) in refs.chunks(series.div_ceil(5)).zip(values.chunks_mut(series.div_ceil(5))) {
            let batch: Vec<_> = refs
                .iter()
                .zip(values)
                .map(|(series, value)| (series.clone(), Point { at_ms, value: value.next() }))
                .collect();
            let appended = store.append_to(&batch);
            assert_eq!(appended.refused_count(), 0, "{:?}", appended.refused);
            let began = Instant::now();
            store.flush().await.expect("the flush works");
            slowest = slowest.max(began.elapsed());
        }
    }
    let used = cpu_seconds() - cpu;
    let samples = (series * scrapes) as f64;
    println!(
        "ingest: {:.1} s, {used:.1} s CPU, {:.2} us CPU a sample, slowest flush {slowest:.0?}",
        started.elapsed().as_secs_f64(),
        used * 1e6 / samples
    );
    println!("        {:.2} % of a core at one scrape every 15 s", used / (scrapes as f64 * 15.0) * 100.0);
    report(&store, "with journal");
    let end_ms = START_MS + scrapes as i64 * SCRAPE_MS;
    selects(&store, end_ms).await;
    report(&store, "after reads");
    reopen(store, folder, end_ms).await;
}

async fn replay(recorded: &[(String, Vec<f64>)], copies: usize, folder: &Path) {
    let (store, now) = open(folder).await;
    let scrapes = recorded.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    println!("{} recorded series, {copies} times {scrapes} scrapes", recorded.len());
    for round in 0..copies * scrapes {
        let at_ms = START_MS + round as i64 * SCRAPE_MS;
        now.store(at_ms, Ordering::Relaxed);
        let present = recorded.iter().filter_map(|(name, values)| Some((name, *values.get(round % scrapes)?)));
        let batch: Vec<_> = present
            .map(|(name, value)| {
                let pairs = [("__name__", "recorded"), ("series", name)];
                (SeriesLabels::new(pairs.map(|(n, v)| (n.into(), v.into()))), Point { at_ms, value })
            })
            .collect();
        store.append(&batch);
        store.flush().await.expect("the flush works");
    }
    report(&store, "with journal");
    reopen(store, folder, now.load(Ordering::Relaxed)).await;
}

async fn open(folder: &Path) -> (Store, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(START_MS));
    let clock = now.clone();
    let options = Options { clock: Clock::new(move || clock.load(Ordering::Relaxed)), ..Options::default() };
    (Store::open(&folder.join("samples.db"), options).await.expect("the store opens"), now)
}

async fn reopen(store: Store, folder: &Path, now_ms: i64) {
    let began = Instant::now();
    store.close().await.expect("the store closes");
    println!("close: {:.0?}", began.elapsed());
    report(&store, "closed");
    drop(store);
    let began = Instant::now();
    let clock = Clock::new(move || now_ms);
    let options = Options { clock, ..Options::default() };
    let store = Store::open(&folder.join("samples.db"), options).await.expect("the store opens");
    println!("open: {:.0?}, {} series", began.elapsed(), store.usage().series);
}

async fn selects(store: &Store, end_ms: i64) {
    const MINUTE: i64 = 60_000;
    let all = || vec![matcher("job", "node")];
    let metric = || vec![matcher("__name__", "node_metric_1")];
    let host = || vec![matcher("instance", "host-7:9100"), matcher("__name__", "node_metric_1")];
    for (what, matchers, span_ms, wanted) in [
        ("newest of all", all(), 5 * MINUTE, Wanted::Newest),
        ("5 min of all", all(), 5 * MINUTE, Wanted::All),
        ("newest of one metric", metric(), 5 * MINUTE, Wanted::Newest),
        ("5 min of one metric", metric(), 5 * MINUTE, Wanted::All),
        ("1 h of one metric", metric(), 60 * MINUTE, Wanted::All),
        ("6 h of one metric", metric(), 6 * 60 * MINUTE, Wanted::All),
        ("7 d of one metric", metric(), 7 * 24 * 60 * MINUTE, Wanted::All),
        ("7 d of one series", host(), 7 * 24 * 60 * MINUTE, Wanted::All),
    ] {
        let select = Select { matchers, after_ms: end_ms - span_ms, until_ms: end_ms, wanted };
        let mut times: Vec<Duration> = Vec::new();
        let (mut series, mut points) = (0, 0);
        for _ in 0..5 {
            let began = Instant::now();
            let found = store.select(&select).await.expect("the select works");
            times.push(began.elapsed());
            (series, points) = (found.len(), found.iter().map(|series| series.points.len()).sum());
        }
        times.sort();
        println!("select {what}: {series} series, {points} points, median {:.2?}, worst {:.2?}", times[2], times[4]);
    }
}

fn report(store: &Store, when: &str) {
    let usage = store.usage();
    println!(
        "{when}: {} samples, {:.1} MB on disk, {:.2} bytes a sample, RSS {:.0} MB (peak {:.0} MB)",
        usage.samples,
        usage.bytes_on_disk as f64 / 1e6,
        usage.bytes_on_disk as f64 / usage.samples as f64,
        status("VmRSS:"),
        status("VmHWM:")
    );
}

/// A size of this process in MB.
fn status(line: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|candidate| candidate.strip_prefix(line));
    let kilobytes: f64 = found.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0.0);
    kilobytes / 1e3
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn matcher(name: &str, value: &str) -> Matcher {
    Matcher { name: name.to_owned(), how: Match::Equal(value.to_owned()) }
}

/// 500 series a host.
fn labels(n: usize) -> SeriesLabels {
    let (host, metric) = (n / 500, n % 500);
    let pairs = [
        ("__name__", format!("node_metric_{}", metric / 5)),
        ("device", format!("device-{}", metric % 5)),
        ("instance", format!("host-{host}:9100")),
        ("job", "node".to_owned()),
        ("env", "production".to_owned()),
    ];
    SeriesLabels::new(pairs.map(|(name, value)| (name.into(), value.into())))
}

/// Makes the values of one series.
struct Value {
    kind: usize,
    random: u64,
    number: f64,
}

impl Value {
    fn new(n: usize) -> Self {
        let random = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { kind: n % 20, random, number: (random >> 40) as f64 }
    }

    fn chance(&mut self, below: u64) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20).checked_rem(below).unwrap_or(0) as f64
    }

    fn next(&mut self) -> f64 {
        match self.kind {
            // Sizes, limits, flags.
            0..8 => self.number,
            // Seconds of CPU time in hundredths.
            8..12 => {
                self.number += self.chance(1_500);
                self.number / 100.0
            }
            // Bytes and packets.
            12..15 => {
                self.number += self.chance(2_000_000);
                self.number
            }
            // Memory in pages.
            15..17 => {
                self.number += self.chance(4_001) - 2_000.0;
                self.number * 4_096.0
            }
            // Errors, now and then.
            17..19 => {
                self.number += if self.chance(50) == 0.0 { 1.0 } else { 0.0 };
                self.number
            }
            // A ratio with all its digits.
            _ => self.chance(1 << 40) / (1_u64 << 40) as f64 / 3.0,
        }
    }
}

fn read_recorded(path: &Path) -> Vec<(String, Vec<f64>)> {
    let text = fs::read_to_string(path).expect("the recording can be read");
    let mut series: HashMap<String, Vec<f64>> = HashMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        series.entry(name.to_owned()).or_default().push(value.parse().expect("a number"));
    }
    series.into_iter().collect()
}
