//! How much of the stated limit is in use.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// The stated limit: 50 hosts of 500 series.
pub const STATED_SERIES: u64 = 25_000;
/// The stated limit: that many series for 7 days at 15 s.
pub const STATED_SAMPLES: u64 = STATED_SERIES * 7 * 24 * 60 * 4;

const HINT: &str = "the embedded sample store nears its limit (50 hosts with 500 series for 7 days): \
                    bring a Prometheus and set VIGIL_DATASOURCE__URL";

/// How full the store is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    pub series: u64,
    /// Points in memory and in the file.
    pub samples: u64,
    /// The file and its write-ahead log.
    pub bytes_on_disk: u64,
    /// Of the stated limit; above 1 it is exceeded.
    pub fraction: f64,
}

impl Usage {
    /// `max_bytes` is the file's own limit, if it has one.
    pub(crate) fn new(series: u64, samples: u64, bytes_on_disk: u64, max_bytes: Option<u64>) -> Self {
        let of = |used: u64, limit: u64| used as f64 / limit.max(1) as f64;
        let of_disk = max_bytes.map_or(0.0, |limit| of(bytes_on_disk, limit));
        let fraction = of(series, STATED_SERIES).max(of(samples, STATED_SAMPLES)).max(of_disk);
        Self { series, samples, bytes_on_disk, fraction }
    }

    /// What to tell people from 80 % on.
    pub fn hint(&self) -> Option<&'static str> {
        (self.fraction >= 0.8).then_some(HINT)
    }
}

/// Warns once when 80 % is crossed, and again only after it was below 75 %.
#[derive(Default)]
pub(crate) struct Alarm(AtomicBool);

impl Alarm {
    pub(crate) const EVERY: Duration = Duration::from_mins(1);

    /// Whether this use is news.
    pub(crate) fn rings(&self, usage: &Usage) -> bool {
        if usage.hint().is_some() {
            return !self.0.swap(true, Ordering::Relaxed);
        }
        if usage.fraction < 0.75 {
            self.0.store(false, Ordering::Relaxed);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(count: u64) -> Usage {
        Usage::new(count, 0, 0, None)
    }

    #[test]
    fn the_fullest_of_series_samples_and_disk_counts() {
        assert_eq!(series(5_000).fraction, 0.2);
        assert_eq!(Usage::new(5_000, 504_000_000, 0, None).fraction, 0.5);
        assert_eq!(Usage::new(5_000, 504_000_000, 90, Some(100)).fraction, 0.9);
    }

    #[test]
    fn eighty_percent_has_a_hint_that_names_the_way_out() {
        assert_eq!(series(19_999).hint(), None);
        assert!(series(20_000).hint().unwrap().contains("VIGIL_DATASOURCE__URL"));
    }

    #[test]
    fn a_crossing_is_told_once() {
        let alarm = Alarm::default();
        let heard: Vec<_> =
            [10_000, 20_000, 24_000, 19_500, 20_000, 18_000, 21_000].map(|n| alarm.rings(&series(n))).to_vec();
        assert_eq!(heard, [false, true, false, false, false, false, true]);
    }
}
