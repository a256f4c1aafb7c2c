//! Function calls.

pub(crate) mod calendar;
mod labels;
pub(crate) mod over_time;
pub(crate) mod per_value;

use labels::Relabel;
use over_time::Expects;

use crate::{
    QueryError, SeriesLabels,
    eval::Run,
    histogram,
    plan::NodeId,
    selector::{self, Source},
    value::{Frame, Grid, Out, Row, absent, is_present},
};

#[derive(Clone, Debug)]
pub(crate) enum Call {
    OverTime {
        function: over_time::OverTime,
        source: Source,
        param: Option<NodeId>,
    },
    AbsentOverTime {
        source: Source,
        labels: SeriesLabels,
    },
    Absent {
        input: NodeId,
        labels: SeriesLabels,
    },
    Calendar {
        part: calendar::Part,
        input: Option<NodeId>,
    },
    PerValue {
        function: per_value::PerValue,
        input: NodeId,
        params: Vec<NodeId>,
    },
    Relabel {
        input: NodeId,
        how: Relabel,
    },
    Time,
    Timestamp(NodeId),
    Scalar(NodeId),
    Vector(NodeId),
    Sort {
        input: NodeId,
        descending: bool,
    },
    HistogramQuantile {
        q: NodeId,
        input: NodeId,
    },
    HistogramFraction {
        lower: NodeId,
        upper: NodeId,
        input: NodeId,
    },
    /// Functions that ignore floats, and there is nothing else here.
    OfNativeHistograms(Vec<NodeId>),
}

pub(crate) fn run(call: &Call, grid: Grid, run: &mut Run<'_>) -> Result<Out, QueryError> {
    let seconds = |step: usize| grid.at(step) as f64 / 1000.0;
    Ok(Out::Frame(match call {
        Call::Time => return Ok(Out::Scalars((0..grid.count).map(seconds).collect())),
        Call::Scalar(input) => return Ok(Out::Scalars(scalar(&run.frame(*input), grid.count))),
        Call::Vector(input) => {
            let cells = run.scalars(*input);
            constant(SeriesLabels::default(), cells)
        }
        Call::OverTime { function, source, param } => over_time(*function, source, *param, grid, run)?,
        Call::AbsentOverTime { source, labels } => absent_over_time(source, labels, grid, run)?,
        Call::Absent { input, labels } => missing(&run.frame(*input), labels, grid.count),
        Call::Calendar { part, input: Some(input) } => each(run.frame(*input), |value, _| Some(part(value))),
        Call::Calendar { part, input: None } => {
            constant(SeriesLabels::default(), (0..grid.count).map(|step| part(seconds(step))).collect())
        }
        Call::Timestamp(input) => each(run.frame(*input), |_, step| Some(seconds(step))),
        Call::PerValue { function, input, params } => {
            let params: Vec<Vec<f64>> = params.iter().map(|param| run.scalars(*param)).collect();
            let param = |index: usize, step: usize| params.get(index).and_then(|of| of.get(step)).copied();
            let at = |step| [param(0, step).unwrap_or_default(), param(1, step).unwrap_or_default()];
            each(run.frame(*input), |value, step| function(value, &at(step)))
        }
        Call::Relabel { input, how } => labels::relabel(how, run.frame(*input), &run.budget)?,
        Call::Sort { input, descending } => {
            let frame = run.frame(*input);
            if grid.count > 1 {
                run.remarks.sort_in_range();
            }
            // A subquery has many moments even in an instant query.
            if run.range || frame.steps != 1 { frame } else { sort(frame, *descending) }
        }
        Call::HistogramQuantile { q, input } => {
            let q = run.scalars(*q);
            let frame = run.frame(*input);
            histogram::quantile(&q, &frame, grid, run)?
        }
        Call::HistogramFraction { lower, upper, input } => {
            let (lower, upper) = (run.scalars(*lower), run.scalars(*upper));
            let frame = run.frame(*input);
            histogram::fraction(&lower, &upper, &frame, run)?
        }
        Call::OfNativeHistograms(inputs) => {
            inputs.iter().for_each(|input| drop(run.take(*input)));
            Frame::new(grid.count)
        }
    }))
}

fn constant(labels: SeriesLabels, cells: Vec<f64>) -> Frame {
    Frame { rows: vec![Row { labels, drop_name: false }], steps: cells.len(), cells }
}

/// Changes each value and gives the name up.
fn each(mut frame: Frame, change: impl Fn(f64, usize) -> Option<f64>) -> Frame {
    let steps = frame.steps.max(1);
    for row in frame.cells.chunks_mut(steps) {
        for (step, value) in row.iter_mut().enumerate().filter(|(_, value)| is_present(**value)) {
            *value = change(*value, step).unwrap_or_else(absent);
        }
    }
    frame.rows.iter_mut().for_each(|row| row.drop_name = true);
    frame
}

fn over_time(
    function: over_time::OverTime,
    source: &Source,
    param: Option<NodeId>,
    grid: Grid,
    run: &mut Run<'_>,
) -> Result<Frame, QueryError> {
    let params = param.map(|param| run.scalars(param));
    let ranged = run.ranged(source);
    let window = source.window();
    run.budget.room_for(ranged.len().saturating_mul(grid.count))?;
    let mut frame = Frame::new(grid.count);
    frame.rows.reserve(ranged.len());
    frame.cells.reserve(ranged.len() * grid.count);
    for index in 0..ranged.len() {
        run.budget.at_row(index)?;
        selector::windows(&ranged.points(index), grid, window, |step, until_ms, points| {
            run.budget.after(points.len())?;
            let param = params.as_ref().and_then(|params| params.get(step)).copied().unwrap_or_default();
            let ctx = over_time::Ctx { until_ms, range_ms: window.range_ms, moment_ms: grid.at(step), param };
            if function.expects == Expects::Quantile && !points.is_empty() {
                run.remarks.quantile(param);
            }
            let value = if points.is_empty() { None } else { (function.apply)(points, &ctx) };
            frame.cells.push(value.unwrap_or_else(absent));
            Ok(())
        })?;
        frame.end_row(|| {
            let row = ranged.row(index);
            if function.expects == Expects::Counter {
                run.remarks.rate_of(&row.labels);
            }
            Row { drop_name: row.drop_name || !function.keeps_name, ..row }
        });
    }
    Ok(frame)
}

fn absent_over_time(
    source: &Source,
    labels: &SeriesLabels,
    grid: Grid,
    run: &mut Run<'_>,
) -> Result<Frame, QueryError> {
    let ranged = run.ranged(source);
    let mut cells = vec![1.0; grid.count];
    for index in 0..ranged.len() {
        run.budget.at_row(index)?;
        selector::windows(&ranged.points(index), grid, source.window(), |step, _, points| {
            if !points.is_empty() {
                cells[step] = absent();
            }
            Ok(())
        })?;
    }
    Ok(constant(labels.clone(), cells))
}

fn missing(frame: &Frame, labels: &SeriesLabels, steps: usize) -> Frame {
    let mut cells = vec![1.0; steps];
    for row in 0..frame.rows.len() {
        let there = frame.row(row).iter().zip(&mut cells).filter(|(value, _)| is_present(**value));
        there.for_each(|(_, cell)| *cell = absent());
    }
    constant(labels.clone(), cells)
}

fn scalar(frame: &Frame, steps: usize) -> Vec<f64> {
    let only = |step| {
        let mut values = (0..frame.rows.len()).map(|row| frame.cell(row, step)).filter(|value| is_present(*value));
        match (values.next(), values.next()) {
            (Some(value), None) => value,
            _ => f64::NAN,
        }
    };
    (0..steps).map(only).collect()
}

/// By value, `NaN` last either way.
fn sort(frame: Frame, descending: bool) -> Frame {
    let mut samples: Vec<(Row, f64)> = frame.rows.into_iter().zip(frame.cells).collect();
    samples.sort_by(|(_, one), (_, other)| {
        let (one, other) = if descending { (-one, -other) } else { (*one, *other) };
        one.is_nan().cmp(&other.is_nan()).then(one.partial_cmp(&other).unwrap_or(std::cmp::Ordering::Equal))
    });
    let (rows, cells) = samples.into_iter().unzip();
    Frame { rows, cells, steps: frame.steps }
}
