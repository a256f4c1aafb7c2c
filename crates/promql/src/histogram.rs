//! Quantiles and fractions of classic histograms: series that differ in the label `le` only.

use vigil_domain::labels::METRIC_NAME;

use crate::{
    QueryError, SeriesLabels,
    eval::Run,
    remarks::{Raised, Remarks},
    value::{Frame, Grid, Row, absent, is_present},
};

/// Counts that differ by less than this share are the same.
const SMALL_DELTA: f64 = 1e-12;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    upper: f64,
    count: f64,
}

pub(crate) fn quantile(q: &[f64], frame: &Frame, grid: Grid, run: &mut Run<'_>) -> Result<Frame, QueryError> {
    q.iter().for_each(|q| run.remarks.quantile(*q));
    each_histogram(frame, run, |remarks, labels, step, buckets| {
        let (value, raised) = bucket_quantile(q.get(step).copied().unwrap_or(f64::NAN), buckets);
        raised.into_iter().for_each(|raised| remarks.raised(labels, grid.at(step), raised));
        value
    })
}

pub(crate) fn fraction(lower: &[f64], upper: &[f64], frame: &Frame, run: &mut Run<'_>) -> Result<Frame, QueryError> {
    let at = |of: &[f64], step: usize| of.get(step).copied().unwrap_or(f64::NAN);
    each_histogram(frame, run, |_, _, step, buckets| bucket_fraction(at(lower, step), at(upper, step), buckets))
}

/// Its labels, and the bounds and rows of its buckets.
type Histogram = (SeriesLabels, Vec<(f64, usize)>);

fn histograms(frame: &Frame, remarks: &mut Remarks) -> Vec<Histogram> {
    let mut histograms: Vec<Histogram> = Vec::new();
    let mut known = std::collections::HashMap::new();
    for (index, row) in frame.rows.iter().enumerate() {
        let Some(upper) = row.labels.get("le").and_then(bound) else {
            if frame.row(index).iter().any(|count| is_present(*count)) {
                remarks.no_bucket(&row.labels);
            }
            continue;
        };
        let labels = row.labels.filtered(|name| name != "le");
        let histogram = *known.entry(labels.clone()).or_insert_with(|| {
            histograms.push((labels, Vec::new()));
            histograms.len() - 1
        });
        histograms[histogram].1.push((upper, index));
    }
    histograms
}

fn each_histogram(
    frame: &Frame,
    run: &mut Run<'_>,
    mut value: impl FnMut(&mut Remarks, &SeriesLabels, usize, &mut Vec<Bucket>) -> f64,
) -> Result<Frame, QueryError> {
    let mut result = Frame::new(frame.steps);
    let mut buckets = Vec::new();
    for (index, (labels, rows)) in histograms(frame, &mut run.remarks).into_iter().enumerate() {
        run.budget.at_row(index)?;
        for step in 0..frame.steps {
            let counts = rows.iter().map(|(upper, row)| Bucket { upper: *upper, count: frame.cell(*row, step) });
            buckets.clear();
            buckets.extend(counts.filter(|bucket| is_present(bucket.count)));
            let there = !buckets.is_empty();
            result.cells.push(if there { value(&mut run.remarks, &labels, step, &mut buckets) } else { absent() });
        }
        let drop_name = labels.get(METRIC_NAME).is_some();
        result.end_row(|| Row { labels, drop_name });
    }
    Ok(result)
}

/// A number as Go reads it.
fn bound(text: &str) -> Option<f64> {
    text.replace('_', "").parse().ok()
}

/// Sorts, and makes one of buckets with the same bound. Nothing without a bucket for everything.
fn in_order(buckets: &mut Vec<Bucket>) -> Option<()> {
    buckets.sort_by(|one, other| one.upper.total_cmp(&other.upper));
    buckets.last().filter(|last| last.upper == f64::INFINITY)?;
    buckets.dedup_by(|later, earlier| {
        let same = later.upper == earlier.upper;
        if same {
            earlier.count += later.count;
        }
        same
    });
    Some(())
}

/// The quantile, and what had to be raised to find it.
fn bucket_quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, Option<Raised>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if !(0.0..=1.0).contains(&q) {
        return (if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY }, None);
    }
    if in_order(buckets).is_none() || buckets.len() < 2 {
        return (f64::NAN, None);
    }
    let raised = make_monotonic(buckets);
    (monotonic_quantile(q, buckets), raised)
}

fn monotonic_quantile(q: f64, buckets: &[Bucket]) -> f64 {
    let last = buckets.len() - 1;
    let observations = buckets[last].count;
    if observations == 0.0 {
        return f64::NAN;
    }
    let mut rank = q * observations;
    // As in Prometheus, a rank that is no number is above all bounds.
    let found = buckets[..last].partition_point(|bucket| bucket.count < rank || rank.is_nan());
    if found == last {
        return buckets[last - 1].upper;
    }
    let Bucket { upper, mut count } = buckets[found];
    if found == 0 && upper <= 0.0 {
        return upper;
    }
    let mut start = 0.0;
    if found > 0 {
        start = buckets[found - 1].upper;
        count -= buckets[found - 1].count;
        rank -= buckets[found - 1].count;
    }
    start + (upper - start) * (rank / count)
}

/// Cumulative counts cannot shrink: scrapes of buckets at different moments and float noise make them seem to.
/// Noise is not told.
fn make_monotonic(buckets: &mut [Bucket]) -> Option<Raised> {
    let mut raised: Option<Raised> = None;
    let mut before = buckets[0].count;
    for bucket in &mut buckets[1..] {
        if almost_equal(before, bucket.count) {
            bucket.count = before;
        } else if bucket.count < before {
            let all = raised.get_or_insert(Raised { from: bucket.upper, to: bucket.upper, by: 0.0 });
            all.to = bucket.upper;
            all.by = all.by.max(before - bucket.count);
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
    raised
}

fn almost_equal(one: f64, other: f64) -> bool {
    if one == other || (one.is_nan() && other.is_nan()) {
        return true;
    }
    let (sum, difference) = (one.abs() + other.abs(), (one - other).abs());
    if one == 0.0 || other == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < SMALL_DELTA * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < SMALL_DELTA
}

fn bucket_fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if in_order(buckets).is_none() {
        return f64::NAN;
    }
    let count = buckets[buckets.len() - 1].count;
    if count == 0.0 || count.is_nan() || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    (rank_of(upper, buckets, count) - rank_of(lower, buckets, count)) / count
}

/// How many observations are not above `value`, by linear interpolation.
fn rank_of(value: f64, buckets: &[Bucket], count: f64) -> f64 {
    let mut rank: f64 = 0.0;
    let mut start = if buckets[0].upper > 0.0 { 0.0 } else { f64::NEG_INFINITY };
    for bucket in buckets {
        if start >= value {
            return rank.min(count);
        }
        if bucket.upper > value && start.is_infinite() {
            return bucket.count.min(count);
        }
        if bucket.upper > value {
            let share = if bucket.upper.is_infinite() { 0.0 } else { (value - start) / (bucket.upper - start) };
            return (rank + (bucket.count - rank) * share).min(count);
        }
        (rank, start) = (bucket.count, bucket.upper);
    }
    count
}
