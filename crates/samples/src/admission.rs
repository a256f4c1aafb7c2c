//! Which points are taken, and what is said about those that are not.

use std::collections::BTreeMap;

use vigil_domain::labels::{METRIC_NAME, is_label_name};
use vigil_promql::{Point, SeriesLabels};

/// Labels of one series, the metric's name among them.
pub const MAX_LABELS: usize = 64;
/// Bytes of a metric's or a label's name.
pub const MAX_NAME_BYTES: usize = 256;
/// Bytes of a label's value.
pub const MAX_VALUE_BYTES: usize = 2_048;
/// How far ahead of the clock a point may be, as in Prometheus: one wrong clock must not shut out all later points.
pub const MAX_AHEAD_MS: i64 = 10 * 60 * 1_000;

/// Why a point was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Refusal {
    #[error("the series has no metric name, or one that is not [a-zA-Z_:][a-zA-Z0-9_:]*")]
    MetricName,
    #[error("a label's name is not [a-zA-Z_][a-zA-Z0-9_]*")]
    LabelName,
    #[error("more than 64 labels, a name over 256 bytes or a value over 2048 bytes")]
    TooLarge,
    #[error("out of order: the series has a later point")]
    OutOfOrder,
    #[error("the series has another value at this time")]
    Duplicate,
    #[error("older than the store keeps points")]
    TooOld,
    #[error("more than 10 minutes ahead of this machine's clock")]
    TooFarAhead,
    #[error("the store has as many series as it may have: bring a Prometheus (VIGIL_DATASOURCE__URL)")]
    TooManySeries,
    #[error("the store is closed")]
    Closed,
}

/// Points refused for one reason.
#[derive(Clone, Debug)]
pub struct Refused {
    pub count: u64,
    /// The first of them.
    pub example: (SeriesLabels, Point),
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub struct Appended {
    /// Points taken, those among them that were there already.
    pub accepted: u64,
    pub refused: BTreeMap<Refusal, Refused>,
}

impl Appended {
    /// Points refused for any reason.
    pub fn refused_count(&self) -> u64 {
        self.refused.values().map(|refused| refused.count).sum()
    }

    pub(crate) fn refuse(&mut self, refusal: Refusal, labels: &SeriesLabels, point: Point) {
        let refused = self.refused.entry(refusal);
        refused.or_insert_with(|| Refused { count: 0, example: (labels.clone(), point) }).count += 1;
    }
}

/// The times a point may have now, both ends included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) oldest_ms: i64,
    pub(crate) newest_ms: i64,
}

impl Bounds {
    pub(crate) fn at(now_ms: i64, retention_ms: i64) -> Self {
        Self { oldest_ms: now_ms.saturating_sub(retention_ms), newest_ms: now_ms.saturating_add(MAX_AHEAD_MS) }
    }

    pub(crate) fn admit(self, at_ms: i64) -> Result<(), Refusal> {
        match at_ms {
            _ if at_ms < self.oldest_ms => Err(Refusal::TooOld),
            _ if at_ms > self.newest_ms => Err(Refusal::TooFarAhead),
            _ => Ok(()),
        }
    }
}

/// Whether a series may have these labels.
pub(crate) fn check(labels: &SeriesLabels) -> Result<(), Refusal> {
    if !labels.metric().is_some_and(is_metric_name) {
        return Err(Refusal::MetricName);
    }
    let metric_fits = labels.metric().is_some_and(|name| name.len() <= MAX_NAME_BYTES);
    if labels.pairs().len() > MAX_LABELS || !metric_fits {
        return Err(Refusal::TooLarge);
    }
    for (name, value) in labels.pairs() {
        if name.len() > MAX_NAME_BYTES || value.len() > MAX_VALUE_BYTES {
            return Err(Refusal::TooLarge);
        }
        if name.as_ref() != METRIC_NAME && !is_label_name(name) {
            return Err(Refusal::LabelName);
        }
    }
    Ok(())
}

fn is_metric_name(name: &str) -> bool {
    let mut chars = name.chars();
    let starts_well = chars.next().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, '_' | ':'));
    starts_well && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> SeriesLabels {
        SeriesLabels::new(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn names_are_those_of_prometheus() {
        for (metric, expected) in [
            ("up", Ok(())),
            (":job:rate5m", Ok(())),
            ("_x1", Ok(())),
            ("1up", Err(Refusal::MetricName)),
            ("node-load", Err(Refusal::MetricName)),
            ("käse", Err(Refusal::MetricName)),
        ] {
            assert_eq!(check(&labels(&[("__name__", metric)])), expected, "{metric}");
        }
        assert_eq!(check(&labels(&[("job", "node")])), Err(Refusal::MetricName));
        assert_eq!(check(&labels(&[("__name__", "up"), ("a:b", "x")])), Err(Refusal::LabelName));
        assert_eq!(check(&labels(&[("__name__", "up"), ("", "x")])), Err(Refusal::LabelName));
        assert_eq!(check(&labels(&[("__name__", "up"), ("a_1", "any value: ü \n")])), Ok(()));
    }

    #[test]
    fn sizes_are_bounded() {
        let long = |count| "a".repeat(count);
        assert_eq!(check(&labels(&[("__name__", &long(256))])), Ok(()));
        assert_eq!(check(&labels(&[("__name__", &long(257))])), Err(Refusal::TooLarge));
        assert_eq!(check(&labels(&[("__name__", "up"), (&long(257), "x")])), Err(Refusal::TooLarge));
        assert_eq!(check(&labels(&[("__name__", "up"), ("x", &long(2_048))])), Ok(()));
        assert_eq!(check(&labels(&[("__name__", "up"), ("x", &long(2_049))])), Err(Refusal::TooLarge));
        let many = |count| {
            let names = (0..count).map(|n| (format!("l{n}").into(), "x".into()));
            SeriesLabels::new(names.chain([("__name__".into(), "up".into())]))
        };
        assert_eq!(check(&many(63)), Ok(()));
        assert_eq!(check(&many(64)), Err(Refusal::TooLarge));
    }

    #[test]
    fn bounds_include_both_ends() {
        let bounds = Bounds::at(10_000_000, 1_000_000);
        for (at_ms, expected) in [
            (8_999_999, Err(Refusal::TooOld)),
            (9_000_000, Ok(())),
            (10_600_000, Ok(())),
            (10_600_001, Err(Refusal::TooFarAhead)),
        ] {
            assert_eq!(bounds.admit(at_ms), expected, "{at_ms}");
        }
    }
}
