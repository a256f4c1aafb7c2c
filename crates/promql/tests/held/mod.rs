//! Series held in memory: what a query finds among them, and answers in a form that can be compared.

use std::sync::Arc;

use vigil_promql::{Answer, Matcher, Point, Query, QueryError, Select, Series, SeriesLabels, Value, Wanted};

pub(crate) fn labels(pairs: &[(&str, &str)]) -> SeriesLabels {
    SeriesLabels::new(pairs.iter().map(|(name, value)| (Arc::from(*name), Arc::from(*value))))
}

fn chosen(matchers: &[Matcher], labels: &SeriesLabels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name).unwrap_or_default()))
}

fn fetch(data: &[Series], select: &Select) -> Vec<Series> {
    let chosen = data.iter().filter(|series| chosen(&select.matchers, &series.labels));
    let windowed = chosen.map(|series| {
        let inside = |point: &&Point| point.at_ms > select.after_ms && point.at_ms <= select.until_ms;
        let mut points: Vec<Point> = series.points.iter().filter(inside).copied().collect();
        if select.wanted == Wanted::Newest {
            points.drain(..points.len().saturating_sub(1));
        }
        Series { labels: series.labels.clone(), points }
    });
    windowed.filter(|series| !series.points.is_empty()).collect()
}

/// Runs a query over the series of `data` that it selects.
pub(crate) fn run(query: Result<Query, QueryError>, data: &[Series]) -> Result<Answer, QueryError> {
    let query = query?;
    let fetched = query.selects().iter().map(|select| fetch(data, select)).collect();
    query.run(fetched, &|| None)
}

/// Labels and the bits of the values, sorted; every `NaN` is the same.
pub(crate) type Written = Vec<(SeriesLabels, Vec<(i64, u64)>)>;

fn bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// A scalar is written as a range query answers with it: as a series without labels.
pub(crate) fn written(value: Value, at_ms: i64) -> Written {
    let mut written: Written = match value {
        Value::Vector(samples) => {
            samples.into_iter().map(|sample| (sample.labels, vec![(at_ms, bits(sample.value))])).collect()
        }
        Value::Matrix(series) => {
            let points = |series: &Series| series.points.iter().map(|point| (point.at_ms, bits(point.value))).collect();
            series.iter().map(|series| (series.labels.clone(), points(series))).collect()
        }
        Value::Scalar(value) => vec![(SeriesLabels::default(), vec![(at_ms, bits(value))])],
        Value::String(text) => vec![(labels(&[("string", &text)]), Vec::new())],
    };
    written.sort();
    written
}

/// What an answer of a range query says of one moment.
pub(crate) fn at(series: &Written, at_ms: i64) -> Written {
    let of = |points: &[(i64, u64)]| points.iter().filter(|(at, _)| *at == at_ms).copied().collect::<Vec<_>>();
    let there = series.iter().map(|(labels, points)| (labels.clone(), of(points)));
    there.filter(|(_, points)| !points.is_empty()).collect()
}
