//! Series for what Prometheus 2 and 3 do differently: samples at full minutes, so that they lie on the edges of windows.

use vigil_promql::{Point, Series};

use super::series::{END_MS, labels};

const MINUTES: i64 = 30;

/// A series with a sample each minute up to the end, the oldest first, of minutes before the end and `value` of them.
fn each_minute(text: &str, minutes: std::ops::RangeInclusive<i64>, value: impl Fn(i64) -> f64) -> Series {
    let points = minutes.rev().map(|ago| Point { at_ms: END_MS - ago * 60_000, value: value(ago) });
    Series { labels: labels(text), points: points.collect() }
}

#[expect(clippy::cast_precision_loss, reason = "minutes of an hour")]
pub(super) fn all() -> Vec<Series> {
    vec![
        each_minute("edge_total", 0..=MINUTES, |ago| 60.0 * (MINUTES - ago) as f64),
        each_minute("edge_gauge", 0..=MINUTES, |ago| ago as f64),
        each_minute("edge_old", 5..=MINUTES, |_| 1.0),
        // Begins four minutes before the end, as a counter that has counted a minute's worth already.
        each_minute("edge_young_total", 0..=4, |ago| 60.0 * (5 - ago) as f64),
        each_minute(r#"edge_text{text="one\ntwo"}"#, 0..=MINUTES, |_| 1.0),
        each_minute(r#"edge_infinite{kind="only"}"#, 0..=MINUTES, |_| f64::INFINITY),
        each_minute(r#"edge_bucket{le="1"}"#, 0..=MINUTES, |_| 10.0),
        each_minute(r#"edge_bucket{le="2"}"#, 0..=MINUTES, |_| 40.0),
        each_minute(r#"edge_bucket{le="+Inf"}"#, 0..=MINUTES, |_| 40.0),
    ]
}
