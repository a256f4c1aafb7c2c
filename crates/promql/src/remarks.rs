//! What there is to say about an answer besides its value: Prometheus' annotations, in its words.
//!
//! Prometheus ends each with the place in the query it is about, such as `(1:6)`. The parser tells no places, so
//! that is left out.

use std::collections::{BTreeMap, BTreeSet};

use vigil_domain::{Timestamp, labels::METRIC_NAME};

use crate::SeriesLabels;

/// Of either kind no more are told, as in Prometheus' API.
const MOST: usize = 10;
/// What the names of counters end in.
const COUNTERS: [&str; 4] = ["_total", "_sum", "_count", "_bucket"];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Warning {
    /// The bits of a quantile that is none.
    Quantile(u64),
    Bucket {
        metric: String,
        le: String,
    },
    SortInRange,
}

/// Buckets of classic histograms that had to be raised to be cumulative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raised {
    /// The least and the greatest bound of them.
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// The most by which a count was raised.
    pub(crate) by: f64,
}

/// The raised buckets of one metric, in all histograms and at all moments.
#[derive(Clone, Copy, Debug)]
struct AllRaised {
    buckets: Raised,
    first_ms: i64,
    last_ms: i64,
    times: u64,
}

/// Collects remarks; the same one is told once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remarks {
    warnings: BTreeSet<Warning>,
    /// Metrics that might be no counters.
    no_counters: BTreeSet<String>,
    raised: BTreeMap<String, AllRaised>,
}

impl Remarks {
    /// Looks at the quantile that is asked for.
    pub(crate) fn quantile(&mut self, q: f64) {
        if !(0.0..=1.0).contains(&q) {
            let bits = if q.is_nan() { f64::NAN.to_bits() } else { q.to_bits() };
            self.warnings.insert(Warning::Quantile(bits));
        }
    }

    /// Looks at the quantiles an aggregation is asked for: of those above and below, the farthest is told.
    pub(crate) fn quantiles(&mut self, of: &[f64]) {
        if of.iter().any(|q| q.is_nan()) {
            self.quantile(f64::NAN);
        }
        let least = of.iter().copied().reduce(f64::min).filter(|q| *q < 0.0);
        let greatest = of.iter().copied().reduce(f64::max).filter(|q| *q > 1.0);
        least.into_iter().chain(greatest).for_each(|q| self.quantile(q));
    }

    /// Looks at a series whose rate was taken.
    pub(crate) fn rate_of(&mut self, labels: &SeriesLabels) {
        let Some(metric) = labels.metric() else { return };
        let known = self.no_counters.contains(metric);
        if !known && !COUNTERS.iter().any(|end| metric.ends_with(end)) {
            self.no_counters.insert(metric.to_owned());
        }
    }

    /// A series among the buckets of a histogram that is no bucket.
    pub(crate) fn no_bucket(&mut self, labels: &SeriesLabels) {
        let of = |name| labels.get(name).unwrap_or_default().to_owned();
        self.warnings.insert(Warning::Bucket { metric: of(METRIC_NAME), le: of("le") });
    }

    pub(crate) fn raised(&mut self, labels: &SeriesLabels, at_ms: i64, buckets: Raised) {
        let metric = labels.metric().unwrap_or_default();
        let new = AllRaised { buckets, first_ms: at_ms, last_ms: at_ms, times: 0 };
        let all = match self.raised.get_mut(metric) {
            Some(all) => all,
            None => self.raised.entry(metric.to_owned()).or_insert(new),
        };
        all.buckets.from = all.buckets.from.min(buckets.from);
        all.buckets.to = all.buckets.to.max(buckets.to);
        all.buckets.by = all.buckets.by.max(buckets.by);
        all.first_ms = all.first_ms.min(at_ms);
        all.last_ms = all.last_ms.max(at_ms);
        all.times += 1;
    }

    /// `sort` and its like in a range query, whose answer is in the order of the labels.
    pub(crate) fn sort_in_range(&mut self) {
        self.warnings.insert(Warning::SortInRange);
    }

    /// Warnings and infos.
    pub(crate) fn told(&self) -> (Vec<String>, Vec<String>) {
        let warnings = self.warnings.iter().map(|warning| format!("PromQL warning: {}", in_words(warning)));
        let no_counters = self.no_counters.iter().map(|metric| {
            format!(
                "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {metric:?}"
            )
        });
        let raised = self.raised.iter().map(|(metric, all)| all.in_words(metric));
        (some(warnings, "warning"), some(no_counters.chain(raised), "info"))
    }
}

fn in_words(warning: &Warning) -> String {
    match warning {
        Warning::Quantile(bits) => {
            format!("quantile value should be between 0 and 1, got {}", general(f64::from_bits(*bits), None))
        }
        Warning::Bucket { metric, le } => {
            format!("bucket label \"le\" is missing or has a malformed value of {le:?}{}", of_metric(metric))
        }
        Warning::SortInRange => {
            "sort is ineffective for range queries since results are always ordered by labels".to_owned()
        }
    }
}

fn of_metric(metric: &str) -> String {
    if metric.is_empty() { String::new() } else { format!(" for metric name {metric:?}") }
}

impl AllRaised {
    fn in_words(&self, metric: &str) -> String {
        let Raised { from, to, by } = self.buckets;
        format!(
            "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see \
             https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile){}, from buckets {} to \
             {}, with a max diff of {}, over {} samples from {} to {}",
            of_metric(metric),
            general(from, None),
            general(to, None),
            general(by, Some(2)),
            self.times,
            date(self.first_ms),
            date(self.last_ms),
        )
    }
}

fn date(at_ms: i64) -> String {
    let date = Timestamp::from_timestamp(at_ms / 1000, 0);
    date.map_or_else(|| at_ms.to_string(), |date| date.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// The first of them, and how many are left out.
fn some(texts: impl Iterator<Item = String>, kind: &str) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    if texts.len() > MOST {
        let others = texts.len() - MOST;
        texts.truncate(MOST);
        texts.push(format!("{others} more {kind} annotations omitted"));
    }
    texts
}

/// A number as Go's `%g` has it, or `%.2g` with two `digits`.
fn general(value: f64, digits: Option<usize>) -> String {
    if !value.is_finite() {
        return vigil_domain::number::format(value);
    }
    let written =
        digits.map_or_else(|| format!("{value:e}"), |digits| format!("{value:.*e}", digits.saturating_sub(1)));
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let from = digits.and_then(|digits| i32::try_from(digits).ok()).unwrap_or(6);
    if exponent < -4 || exponent >= from {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{mantissa}e{exponent}").parse().map_or(written, |rounded: f64| rounded.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (value, digits, text) in [
            (2.0, None, "2"),
            (-0.1, None, "-0.1"),
            (1e21, None, "1e+21"),
            (100_000.0, None, "100000"),
            (1_234_567.0, None, "1.234567e+06"),
            (0.0001, None, "0.0001"),
            (1.5e-5, None, "1.5e-05"),
            (f64::INFINITY, None, "+Inf"),
            (f64::NAN, None, "NaN"),
            (0.0, Some(2), "0"),
            (5.5, Some(2), "5.5"),
            (10.0, Some(2), "10"),
            (123.0, Some(2), "1.2e+02"),
            (0.000_123, Some(2), "0.00012"),
        ] {
            assert_eq!(general(value, digits), text);
        }
    }

    #[test]
    fn no_more_than_ten_are_told() {
        let mut remarks = Remarks::default();
        (2..=13).for_each(|q| remarks.quantile(f64::from(q)));
        let (warnings, infos) = remarks.told();
        assert_eq!((warnings.len(), infos.len()), (11, 0));
        assert_eq!(warnings[10], "2 more warning annotations omitted");
    }

    #[test]
    fn raised_buckets_of_a_metric_are_told_once() {
        let mut remarks = Remarks::default();
        let labels = SeriesLabels::new([("__name__".into(), "h".into())]);
        remarks.raised(&labels, 120_000, Raised { from: 1.0, to: 2.0, by: 4.0 });
        remarks.raised(&labels, 60_000, Raised { from: 0.5, to: 1.0, by: 3.0 });
        let (_, infos) = remarks.told();
        let [info] = infos.as_slice() else { panic!("{infos:?}") };
        let end = "for metric name \"h\", from buckets 0.5 to 2, with a max diff of 4, over 2 samples from \
                   1970-01-01T00:01:00Z to 1970-01-01T00:02:00Z";
        assert!(info.ends_with(end), "{info}");
    }
}
