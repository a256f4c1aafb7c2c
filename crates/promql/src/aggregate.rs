//! Aggregations over the series of a vector.

use crate::{
    QueryError, SeriesLabels,
    eval::scalars_of,
    limits::Budget,
    matching::{KeyLabels, Keys, RowIndex},
    plan::NodeId,
    sums::{self, Mean, Sum},
    value::{Frame, Out, Row, absent, is_present},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregation {
    Sum,
    Avg,
    Min,
    Max,
    Group,
    Count,
    Stddev,
    Stdvar,
    Topk,
    Bottomk,
    Quantile,
    CountValues,
}

#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    pub(crate) what: Aggregation,
    pub(crate) param: Option<NodeId>,
    pub(crate) input: NodeId,
    pub(crate) key: KeyLabels,
    /// Whether the rows of the input are in the order of their labels anyway.
    pub(crate) in_order: bool,
}

/// The rows of the input by group.
struct Groups {
    of_row: Vec<u32>,
    rows: Vec<Row>,
}

pub(crate) fn run(
    aggregate: &Aggregate,
    param: Option<Out>,
    input: Frame,
    range: bool,
    budget: &Budget<'_>,
) -> Result<Frame, QueryError> {
    // Sums of floats and ties of `topk` depend on the order, which may be another in a range query.
    let input = if aggregate.in_order { input } else { input.in_order() };
    let mut keys = Keys::new(&aggregate.key);
    let of_row = keys.numbers(&input.rows);
    let mut drops = vec![false; keys.examples.len()];
    for (row, group) in input.rows.iter().zip(&of_row) {
        drops[*group as usize] |= row.drop_name;
    }
    let rows = keys.examples.iter().zip(drops);
    let rows = rows.map(|(labels, drop_name)| Row { labels: aggregate.key.of(labels), drop_name }).collect();
    let groups = Groups { of_row, rows };
    budget.room_for(groups.rows.len().saturating_mul(input.steps))?;
    match (aggregate.what, param) {
        (Aggregation::Topk, Some(param)) => select(input, &groups, &scalars_of(param), true, range, budget),
        (Aggregation::Bottomk, Some(param)) => select(input, &groups, &scalars_of(param), false, range, budget),
        (Aggregation::Quantile, Some(param)) => quantile(&input, groups, &scalars_of(param), budget),
        (Aggregation::CountValues, Some(Out::Text(label))) => count_values(&input, &groups, &label, budget),
        (Aggregation::Sum, _) => fold(&input, groups, Sum::default(), Sum::add, Sum::total, budget),
        (Aggregation::Avg, _) => fold(&input, groups, Mean::default(), Mean::add, Mean::mean, budget),
        (Aggregation::Min, _) => fold(&input, groups, f64::NAN, lesser, |value| *value, budget),
        (Aggregation::Max, _) => fold(&input, groups, f64::NAN, greater, |value| *value, budget),
        (Aggregation::Count, _) => fold(&input, groups, 0.0, |count, _| *count += 1.0, |count| *count, budget),
        (Aggregation::Stddev, _) => fold(&input, groups, Spread::default(), Spread::add, Spread::deviation, budget),
        (Aggregation::Stdvar, _) => fold(&input, groups, Spread::default(), Spread::add, Spread::variance, budget),
        _ => fold(&input, groups, (), |(), _| (), |()| 1.0, budget),
    }
}

fn lesser(least: &mut f64, value: f64) {
    if value < *least || least.is_nan() {
        *least = value;
    }
}

fn greater(most: &mut f64, value: f64) {
    if value > *most || most.is_nan() {
        *most = value;
    }
}

/// The variance across series, without compensation as in Prometheus.
#[derive(Clone, Copy, Default)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn variance(&self) -> f64 {
        self.squares / self.count
    }

    fn deviation(&self) -> f64 {
        self.variance().sqrt()
    }
}

fn fold<A: Clone>(
    input: &Frame,
    groups: Groups,
    empty: A,
    add: impl Fn(&mut A, f64),
    done: impl Fn(&A) -> f64,
    budget: &Budget<'_>,
) -> Result<Frame, QueryError> {
    let steps = input.steps;
    let mut state = vec![(false, empty); groups.rows.len() * steps];
    for (row, group) in groups.of_row.iter().enumerate() {
        budget.at_row(row)?;
        let from = *group as usize * steps;
        for ((seen, state), value) in state[from..from + steps].iter_mut().zip(input.row(row)) {
            if is_present(*value) {
                *seen = true;
                add(state, *value);
            }
        }
    }
    let cells = state.iter().map(|(seen, state)| if *seen { done(state) } else { absent() }).collect();
    Ok(Frame { rows: groups.rows, cells, steps })
}

fn quantile(input: &Frame, groups: Groups, q: &[f64], budget: &Budget<'_>) -> Result<Frame, QueryError> {
    let mut members = vec![Vec::new(); groups.rows.len()];
    for (row, group) in groups.of_row.iter().enumerate() {
        members[*group as usize].push(row);
    }
    let mut frame = Frame::new(input.steps);
    let mut values = Vec::new();
    for (group, row) in groups.rows.into_iter().enumerate() {
        budget.go_on()?;
        for (step, q) in q.iter().enumerate().take(input.steps) {
            values.clear();
            values.extend(members[group].iter().map(|row| input.cell(*row, step)).filter(|value| is_present(*value)));
            frame.cells.push(if values.is_empty() { absent() } else { sums::quantile(*q, &mut values) });
        }
        frame.end_row(|| row);
    }
    Ok(frame)
}

/// `topk` and `bottomk`: the input's rows, with the values that are not among the first `k` taken out.
fn select(
    mut input: Frame,
    groups: &Groups,
    k: &[f64],
    top: bool,
    range: bool,
    budget: &Budget<'_>,
) -> Result<Frame, QueryError> {
    let mut members: Vec<Vec<(f64, usize)>> = vec![Vec::new(); groups.rows.len()];
    let mut order = Vec::new();
    for (step, k) in k.iter().enumerate().take(input.steps) {
        budget.at_row(step)?;
        let k = how_many(*k)?;
        members.iter_mut().for_each(Vec::clear);
        for (row, group) in groups.of_row.iter().enumerate() {
            let value = input.cell(row, step);
            if is_present(value) {
                members[*group as usize].push((value, row));
            }
        }
        for group in &mut members {
            // The sort is stable, and NaN always comes last.
            group.sort_by(|(one, _), (other, _)| {
                let (one, other) = if top { (-one, -other) } else { (*one, *other) };
                one.is_nan().cmp(&other.is_nan()).then(one.partial_cmp(&other).unwrap_or(std::cmp::Ordering::Equal))
            });
            let cut = k.min(group.len());
            group[cut..].iter().for_each(|(_, row)| input.set(*row, step, absent()));
            if !range {
                order.extend(group[..cut].iter().map(|(_, row)| *row));
            }
        }
    }
    if range || input.steps != 1 {
        return Ok(input);
    }
    let mut ordered = Frame::new(1);
    for row in order {
        ordered.cells.push(input.cell(row, 0));
        ordered.rows.push(input.rows[row].clone());
    }
    Ok(ordered)
}

fn how_many(k: f64) -> Result<usize, QueryError> {
    if k.is_nan() {
        return Err(QueryError::Execution("Parameter value is NaN".to_owned()));
    }
    if k >= i64::MAX as f64 || k <= i64::MIN as f64 {
        return Err(QueryError::Execution(format!("Scalar value {k} overflows int64")));
    }
    Ok(if k < 1.0 { 0 } else { k as usize })
}

fn count_values(input: &Frame, groups: &Groups, label: &str, budget: &Budget<'_>) -> Result<Frame, QueryError> {
    if label.is_empty() || label.contains(char::REPLACEMENT_CHARACTER) {
        return Err(QueryError::Execution(format!("invalid label name {label:?}")));
    }
    let mut frame = Frame::new(input.steps);
    let mut index = RowIndex::default();
    for (row, group) in groups.of_row.iter().enumerate() {
        budget.at_row(row)?;
        let group = &groups.rows[*group as usize];
        for (step, value) in input.row(row).iter().enumerate().filter(|(_, value)| is_present(**value)) {
            let labels: SeriesLabels = group.labels.with(label, &written(*value));
            let target = index.find(Row { labels, drop_name: group.drop_name }, |row| frame.push_empty(row));
            // A value that is always another makes a row at each step.
            budget.room_for(frame.cells.len())?;
            let count = frame.cell(target, step);
            frame.set(target, step, if is_present(count) { count + 1.0 } else { 1.0 });
        }
    }
    Ok(frame)
}

fn written(value: f64) -> String {
    if value.is_infinite() { (if value > 0.0 { "+Inf" } else { "-Inf" }).to_owned() } else { value.to_string() }
}
