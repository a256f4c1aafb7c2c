//! Functions of a range vector.

use promql_parser::parser::Expr;

use crate::{
    Point, rate,
    sums::{self, Mean, Sum, Variance},
};

/// What a function may ask for besides the points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ctx {
    /// The end of the window.
    pub(crate) until_ms: i64,
    pub(crate) range_ms: i64,
    /// The moment of the evaluation, which `@` and `offset` do not move.
    pub(crate) moment_ms: i64,
    /// The scalar argument.
    pub(crate) param: f64,
}

/// What a function takes for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expects {
    Anything,
    /// That the series is a counter.
    Counter,
    /// That the scalar argument is a quantile.
    Quantile,
}

/// A function of the points in a window, which has at least one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OverTime {
    pub(crate) apply: fn(&[Point], &Ctx) -> Option<f64>,
    pub(crate) keeps_name: bool,
    pub(crate) expects: Expects,
}

pub(crate) fn range_argument<'a>(name: &str, args: &[&'a Expr]) -> Option<&'a Expr> {
    if name == "quantile_over_time" { args.get(1).copied() } else { args.first().copied() }
}

pub(crate) fn scalar_argument<'a>(name: &str, args: &[&'a Expr]) -> Option<&'a Expr> {
    match name {
        "quantile_over_time" => args.first().copied(),
        "predict_linear" => args.get(1).copied(),
        _ => None,
    }
}

pub(crate) fn find(name: &str) -> Option<OverTime> {
    let apply: fn(&[Point], &Ctx) -> Option<f64> = match name {
        "rate" => |points, ctx| rate::extrapolated(points, ctx, true, true),
        "increase" => |points, ctx| rate::extrapolated(points, ctx, true, false),
        "delta" => |points, ctx| rate::extrapolated(points, ctx, false, false),
        "irate" => |points, _| rate::last_two(points, true),
        "idelta" => |points, _| rate::last_two(points, false),
        "deriv" => |points, _| Some(rate::regression(points, points.first()?.at_ms)?.0),
        "predict_linear" => |points, ctx| {
            let (slope, now) = rate::regression(points, ctx.moment_ms)?;
            Some(slope * ctx.param + now)
        },
        "changes" => |points, _| Some(pairs(points, |a, b| a != b && !(a.is_nan() && b.is_nan()))),
        "resets" => |points, _| Some(pairs(points, |before, after| after < before)),
        "count_over_time" => |points, _| Some(points.len() as f64),
        "present_over_time" => |_, _| Some(1.0),
        "last_over_time" => |points, _| points.last().map(|point| point.value),
        "sum_over_time" => |points, _| {
            let mut sum = Sum::default();
            points.iter().for_each(|point| sum.add(point.value));
            Some(sum.total())
        },
        "avg_over_time" => |points, _| {
            let mut mean = Mean::default();
            points.iter().for_each(|point| mean.add(point.value));
            Some(mean.mean())
        },
        "min_over_time" => |points, _| best(points, |value, best| value < best),
        "max_over_time" => |points, _| best(points, |value, best| value > best),
        "stdvar_over_time" => |points, _| Some(variance(points)),
        "stddev_over_time" => |points, _| Some(variance(points).sqrt()),
        "quantile_over_time" => |points, ctx| {
            let mut values: Vec<f64> = points.iter().map(|point| point.value).collect();
            Some(sums::quantile(ctx.param, &mut values))
        },
        _ => return None,
    };
    let expects = match name {
        "rate" | "increase" => Expects::Counter,
        "quantile_over_time" => Expects::Quantile,
        _ => Expects::Anything,
    };
    Some(OverTime { apply, keeps_name: name == "last_over_time", expects })
}

fn pairs(points: &[Point], counts: impl Fn(f64, f64) -> bool) -> f64 {
    points.windows(2).filter(|pair| counts(pair[0].value, pair[1].value)).count() as f64
}

fn best(points: &[Point], better: impl Fn(f64, f64) -> bool) -> Option<f64> {
    let values = points.iter().map(|point| point.value);
    values.reduce(|best, value| if better(value, best) || best.is_nan() { value } else { best })
}

fn variance(points: &[Point]) -> f64 {
    let mut variance = Variance::default();
    points.iter().for_each(|point| variance.add(point.value));
    variance.variance()
}
