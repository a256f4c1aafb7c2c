//! A folder, a clock that stands still, and short ways to say things.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use regex::Regex;
use tempfile::TempDir;
use vigil_promql::{Match, Matcher, Point, Select, SeriesLabels, Wanted};
use vigil_samples::{Clock, Options, Store};

/// A full hour, and the start of a block.
pub(crate) const START: i64 = 1_800_000_000_000;
pub(crate) const SECOND: i64 = 1_000;
pub(crate) const MINUTE: i64 = 60 * SECOND;
pub(crate) const HOUR: i64 = 60 * MINUTE;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) struct Bed {
    folder: TempDir,
    now: Arc<AtomicI64>,
    pub(crate) options: Options,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let clock = now.clone();
        let clock = Clock::new(move || clock.load(Ordering::SeqCst));
        let options = Options { clock, in_memory: Duration::from_hours(1), ..Options::default() };
        Self { folder: tempfile::tempdir().unwrap(), now, options }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("deep/samples.db")
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.path(), self.options.clone()).await.unwrap()
    }

    pub(crate) fn set(&self, now_ms: i64) {
        self.now.store(now_ms, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    /// Asks the file itself, past the store.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        let pool = self.connect().await;
        let number = sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap();
        pool.close().await;
        number
    }

    pub(crate) async fn connect(&self) -> sqlx::SqlitePool {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path());
        sqlx::SqlitePool::connect_with(options).await.unwrap()
    }

    /// Names of the files beside the store's, its own and those of `SQLite` left out.
    pub(crate) fn others(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path().join("deep")).unwrap();
        let mut names: Vec<_> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| {
            !["samples.db", "samples.db-wal", "samples.db-shm", "samples.db.lock"].contains(&name.as_str())
        });
        names.sort();
        names
    }
}

/// `up{a="b", …}` of `metric` and pairs.
pub(crate) fn labels(metric: &str, pairs: &[(&str, &str)]) -> SeriesLabels {
    let named = [("__name__", metric)];
    SeriesLabels::new(named.iter().chain(pairs).map(|(name, value)| ((*name).into(), (*value).into())))
}

pub(crate) fn point(at_ms: i64, value: f64) -> Point {
    Point { at_ms, value }
}

/// Appends one point, which must be taken.
pub(crate) fn add(store: &Store, labels: &SeriesLabels, at_ms: i64, value: f64) {
    let appended = store.append(&[(labels.clone(), point(at_ms, value))]);
    assert!(appended.refused.is_empty(), "{:?}", appended.refused);
}

/// A matcher from a name, one of `= != =~ !~`, and a value.
pub(crate) fn matcher(name: &str, how: &str, value: &str) -> Matcher {
    let regex = || Regex::new(&format!("^(?:{value})$")).unwrap();
    let how = match how {
        "=" => Match::Equal(value.to_owned()),
        "!=" => Match::NotEqual(value.to_owned()),
        "=~" => Match::Regex(regex()),
        _ => Match::NotRegex(regex()),
    };
    Matcher { name: name.to_owned(), how }
}

pub(crate) fn metric(name: &str) -> Vec<Matcher> {
    vec![matcher("__name__", "=", name)]
}

/// A series' points: times, and bits of the values.
pub(crate) type Bits = Vec<(i64, u64)>;

/// What is selected: for each series its labels and points, by labels.
pub(crate) async fn select(
    store: &Store,
    matchers: Vec<Matcher>,
    after_ms: i64,
    until_ms: i64,
    wanted: Wanted,
) -> Vec<(SeriesLabels, Bits)> {
    let found = store.select(&Select { matchers, after_ms, until_ms, wanted }).await.unwrap();
    let bits = |points: Vec<Point>| points.iter().map(|point| (point.at_ms, point.value.to_bits())).collect();
    let mut found: Vec<_> = found.into_iter().map(|series| (series.labels, bits(series.points))).collect();
    found.sort();
    found
}

/// All points of the one series that `metric` has, as ordinary numbers; none when there is no such series.
pub(crate) async fn all(store: &Store, name: &str) -> Vec<(i64, f64)> {
    let found = select(store, metric(name), i64::MIN, i64::MAX, Wanted::All).await;
    assert!(found.len() <= 1, "{found:?}");
    let points = found.into_iter().flat_map(|(_, points)| points);
    points.map(|(at_ms, bits)| (at_ms, f64::from_bits(bits))).collect()
}
