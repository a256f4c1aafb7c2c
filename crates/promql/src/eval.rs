//! Runs a plan: node after node, each taking what the nodes before it yielded.

use promql_parser::parser::value::ValueType;

use crate::{
    Answer, Options, Point, QueryError, Series, SeriesLabels, Stop, Value, VectorSample,
    aggregate::{self, Aggregation},
    binary, functions,
    limits::Budget,
    plan::{Kind, Node, NodeId, Plan},
    remarks::Remarks,
    selector::{self, Source},
    subquery::Ranged,
    value::{Frame, Grid, Out, is_present},
};

/// A running query.
pub(crate) struct Run<'a> {
    pub(crate) budget: Budget<'a>,
    pub(crate) remarks: Remarks,
    pub(crate) range: bool,
    fetched: &'a [Vec<Series>],
    outs: Vec<Option<Out>>,
    lookback_ms: i64,
}

pub(crate) fn run(
    plan: &Plan,
    options: &Options,
    range: bool,
    mut fetched: Vec<Vec<Series>>,
    stop: &dyn Fn() -> Option<Stop>,
) -> Result<Answer, QueryError> {
    if fetched.len() != plan.selects.len() {
        return Err(QueryError::Execution(format!(
            "{} selections were handed in where {} were asked for",
            fetched.len(),
            plan.selects.len()
        )));
    }
    let count: usize = fetched.iter().map(Vec::len).sum();
    if count > options.max_series {
        return Err(QueryError::Limit(format!(
            "the query selects {count} series: the limit is {}",
            options.max_series
        )));
    }
    let mut budget = Budget::new(options.max_samples, stop);
    let points = fetched.iter().flatten().map(|series| series.points.len()).sum();
    budget.room_for(points)?;
    budget.held = points;
    for series in &mut fetched {
        if !series.is_sorted_by(|one, other| one.labels <= other.labels) {
            series.sort_by(|one, other| one.labels.cmp(&other.labels));
        }
    }
    let mut run = Run {
        budget,
        remarks: Remarks::default(),
        range,
        fetched: &fetched,
        outs: vec![None; plan.nodes.len()],
        lookback_ms: options.lookback_ms,
    };
    for (index, node) in plan.nodes.iter().enumerate() {
        run.budget.go_on()?;
        let out = run.node(node)?;
        run.budget.room_for(out.size())?;
        run.budget.held += out.size();
        run.outs[index] = Some(out);
    }
    let grid = plan.nodes.last().map_or(Grid { start_ms: 0, step_ms: 1, count: 0 }, |node| node.grid);
    let last = plan.nodes.len().saturating_sub(1);
    let value = answer(run.take(last), grid, range, plan.result)?;
    let (warnings, infos) = run.remarks.told();
    Ok(Answer { value, warnings, infos })
}

impl<'a> Run<'a> {
    fn node(&mut self, node: &Node) -> Result<Out, QueryError> {
        let grid = node.grid;
        Ok(match &node.kind {
            Kind::Number(value) => Out::Scalars(vec![*value; grid.count]),
            Kind::Text(text) => Out::Text(text.clone()),
            Kind::Instant { select, refs, stamps } => Out::Frame(selector::instant(
                &self.fetched[*select],
                grid,
                *refs,
                self.lookback_ms,
                *stamps,
                &self.budget,
            )?),
            Kind::Ranges(source) => Out::Ranges(self.ranged(source).at_one_moment(source, grid)?),
            Kind::Repeat(once) => repeat(self.take(*once), grid.count, &self.budget)?,
            Kind::Negate(input) => match self.take(*input) {
                Out::Scalars(values) => Out::Scalars(values.into_iter().map(|value| -value).collect()),
                out => {
                    let mut frame = frame_of(out);
                    frame.cells.iter_mut().filter(|value| is_present(**value)).for_each(|value| *value = -*value);
                    frame.rows.iter_mut().for_each(|row| row.drop_name = true);
                    Out::Frame(frame)
                }
            },
            Kind::Binary(binary) => binary::run(binary, self.take(binary.left), self.take(binary.right), &self.budget)?,
            Kind::Aggregate(aggregate) => {
                let param = aggregate.param.map(|param| self.take(param));
                if let (Aggregation::Quantile, Some(Out::Scalars(quantiles))) = (aggregate.what, &param) {
                    self.remarks.quantiles(quantiles);
                }
                let input = self.frame(aggregate.input);
                Out::Frame(aggregate::run(aggregate, param, input, self.range, &self.budget)?)
            }
            Kind::Call(call) => functions::run(call, grid, self)?,
        })
    }

    /// What a node yielded; each is taken once.
    pub(crate) fn take(&mut self, node: NodeId) -> Out {
        let out = self.outs.get_mut(node).and_then(Option::take).unwrap_or_else(|| Out::Scalars(Vec::new()));
        self.budget.held = self.budget.held.saturating_sub(out.size());
        out
    }

    pub(crate) fn frame(&mut self, node: NodeId) -> Frame {
        frame_of(self.take(node))
    }

    pub(crate) fn scalars(&mut self, node: NodeId) -> Vec<f64> {
        scalars_of(self.take(node))
    }

    pub(crate) fn ranged(&mut self, source: &Source) -> Ranged<'a> {
        match source {
            Source::Select { select, .. } => Ranged::Fetched(&self.fetched[*select]),
            Source::Subquery { node, grid, .. } => Ranged::Evaluated(self.frame(*node), *grid),
        }
    }
}

/// The parser has checked the types, so another kind of value does not come.
pub(crate) fn frame_of(out: Out) -> Frame {
    if let Out::Frame(frame) = out { frame } else { Frame::default() }
}

pub(crate) fn scalars_of(out: Out) -> Vec<f64> {
    if let Out::Scalars(values) = out { values } else { Vec::new() }
}

fn repeat(out: Out, count: usize, budget: &Budget<'_>) -> Result<Out, QueryError> {
    Ok(match out {
        Out::Scalars(values) => Out::Scalars(values.iter().cycle().take(count * values.len()).copied().collect()),
        Out::Frame(once) => {
            budget.room_for(once.rows.len().saturating_mul(count))?;
            let cells = once.cells.iter().flat_map(|value| std::iter::repeat_n(*value, count)).collect();
            Out::Frame(Frame { rows: once.rows, cells, steps: count })
        }
        other => other,
    })
}

fn answer(out: Out, grid: Grid, range: bool, result: ValueType) -> Result<Value, QueryError> {
    Ok(match out {
        Out::Scalars(values) if range => {
            let points = grid.moments().zip(values).map(|(at_ms, value)| Point { at_ms, value }).collect();
            Value::Matrix(vec![Series { labels: SeriesLabels::default(), points }])
        }
        Out::Scalars(values) => Value::Scalar(values.first().copied().unwrap_or(f64::NAN)),
        Out::Text(text) => Value::String(text),
        Out::Ranges(series) => Value::Matrix(series),
        Out::Frame(frame) => {
            let frame = strip_names(frame)?;
            if range || result == ValueType::Matrix {
                Value::Matrix(matrix(&frame, grid))
            } else {
                let samples = frame.rows.into_iter().zip(frame.cells).filter(|(_, value)| is_present(*value));
                Value::Vector(samples.map(|(row, value)| VectorSample { labels: row.labels, value }).collect())
            }
        }
    })
}

fn matrix(frame: &Frame, grid: Grid) -> Vec<Series> {
    let series = (0..frame.rows.len())
        .map(|row| Series { labels: frame.rows[row].labels.clone(), points: frame.points(row, grid) });
    let mut series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
    series.sort_by(|one, other| one.labels.cmp(&other.labels));
    series
}

/// Drops the names that were to be dropped, and joins rows that are equal then.
fn strip_names(mut frame: Frame) -> Result<Frame, QueryError> {
    for row in &mut frame.rows {
        if std::mem::take(&mut row.drop_name) {
            row.labels = row.labels.without_metric();
        }
    }
    frame.joined()
}
