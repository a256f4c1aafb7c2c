//! What a store is told when it is opened.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How a store behaves. [`Options::default`] suits the stated limit: 50 hosts of 500 series for 7 days.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long points are kept. They go in blocks of two hours, so up to four hours late.
    pub retention: Duration,
    /// How often new points are written to the file. A crash of the process or the machine loses the points that came
    /// within this time and that of one write; at 3 s that is less than 5 s.
    pub flush_every: Duration,
    /// How long points stay in memory after they are in the file, so that rules need not read it.
    pub in_memory: Duration,
    /// Series that may exist at a time; beyond it new ones are refused and those that are there go on.
    pub max_series: usize,
    /// Points that one [`select`](crate::Store::select) may return; 16 bytes each.
    pub max_points: usize,
    /// How large the file may become, its write-ahead log (some megabytes) not counted. At the limit nothing is written
    /// until retention frees space.
    pub max_bytes: Option<u64>,
    /// Where "now" comes from.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retention: Duration::from_hours(7 * 24),
            flush_every: Duration::from_secs(3),
            in_memory: Duration::from_hours(1),
            max_series: 50_000,
            max_points: 20_000_000,
            max_bytes: None,
            clock: Clock::system(),
        }
    }
}

/// Tells the time in milliseconds since 1970.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self::new(|| {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
        })
    }

    /// The time that `now_ms` tells.
    pub fn new(now_ms: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now_ms))
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Whole milliseconds of a duration.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
