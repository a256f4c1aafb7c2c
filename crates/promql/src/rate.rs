//! What changes over a range: rates, differences, regressions, and the like.

use crate::{Point, functions::over_time::Ctx, sums::Sum};

/// `rate`, `increase` and `delta`: the difference, extrapolated to the edges of the window.
pub(crate) fn extrapolated(points: &[Point], ctx: &Ctx, counter: bool, per_second: bool) -> Option<f64> {
    let [first, .., last] = points else { return None };
    let mut result = last.value - first.value;
    if counter {
        let resets = points.windows(2).filter(|pair| pair[1].value < pair[0].value);
        resets.for_each(|pair| result += pair[0].value);
    }
    let sampled = seconds(first.at_ms, last.at_ms);
    let average = sampled / (points.len() - 1) as f64;
    let mut to_start = seconds(ctx.until_ms.saturating_sub(ctx.range_ms), first.at_ms);
    let mut to_end = seconds(last.at_ms, ctx.until_ms);
    let threshold = average * 1.1;
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if counter {
        // A counter cannot have been below zero.
        let to_zero = if result > 0.0 && first.value >= 0.0 { sampled * (first.value / result) } else { to_start };
        to_start = if to_zero < to_start { to_zero } else { to_start };
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if per_second {
        factor /= ctx.range_ms as f64 / 1000.0;
    }
    Some(result * factor)
}

/// `irate` and `idelta`: the last two points alone.
pub(crate) fn last_two(points: &[Point], rate: bool) -> Option<f64> {
    let [.., before, last] = points else { return None };
    let change = if rate && last.value < before.value { last.value } else { last.value - before.value };
    let interval = seconds(before.at_ms, last.at_ms);
    if interval == 0.0 {
        return None;
    }
    Some(if rate { change / interval } else { change })
}

/// Slope and the value at `at_ms` of the line of least squares.
pub(crate) fn regression(points: &[Point], at_ms: i64) -> Option<(f64, f64)> {
    let [first, _, ..] = points else { return None };
    if points.iter().all(|point| point.value == first.value) {
        return Some(if first.value.is_infinite() { (f64::NAN, f64::NAN) } else { (0.0, first.value) });
    }
    let (mut x, mut y, mut xy, mut xx) = (Sum::default(), Sum::default(), Sum::default(), Sum::default());
    for point in points {
        let at = seconds(at_ms, point.at_ms);
        x.add(at);
        y.add(point.value);
        xy.add(at * point.value);
        xx.add(at * at);
    }
    let n = points.len() as f64;
    let (x, y, xy, xx) = (x.sum + x.lost, y.sum + y.lost, xy.sum + xy.lost, xx.sum + xx.lost);
    let slope = (xy - x * y / n) / (xx - x * x / n);
    Some((slope, y / n - slope * x / n))
}

fn seconds(from_ms: i64, to_ms: i64) -> f64 {
    to_ms.saturating_sub(from_ms) as f64 / 1000.0
}
