//! Answers, and the values between the steps of an evaluation.

use std::collections::HashMap;

use crate::{Point, QueryError, Series, SeriesLabels, is_stale_marker, stale_marker};

/// What a query yields.
#[derive(Clone, Debug)]
pub struct Answer {
    pub value: Value,
    /// Something is likely wrong with the query or its data: Prometheus' texts without the place in the query.
    pub warnings: Vec<String>,
    /// Something to know about the answer, likewise.
    pub infos: Vec<String>,
}

/// The value of a query. A range query always yields [`Value::Matrix`].
#[derive(Clone, Debug)]
pub enum Value {
    Scalar(f64),
    String(String),
    /// In the order `sort()`, `topk()` and the like ask for.
    Vector(Vec<VectorSample>),
    Matrix(Vec<Series>),
}

/// A series' value at the moment of an instant query.
#[derive(Clone, Debug)]
pub struct VectorSample {
    pub labels: SeriesLabels,
    pub value: f64,
}

/// The moments an expression is evaluated at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) count: usize,
}

impl Grid {
    pub(crate) fn at(&self, index: usize) -> i64 {
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        self.start_ms.saturating_add(self.step_ms.saturating_mul(index))
    }

    pub(crate) fn last(&self) -> i64 {
        self.at(self.count.saturating_sub(1))
    }

    pub(crate) fn moments(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |index| self.at(index))
    }
}

/// The labels of a row. A name to be dropped stays until the end, so that rows stay apart until then.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) labels: SeriesLabels,
    pub(crate) drop_name: bool,
}

/// An instant vector at every moment of a grid: a row for each series, a cell for each moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub(crate) rows: Vec<Row>,
    /// Row after row. No value at a moment is the stale marker, which is never a value.
    pub(crate) cells: Vec<f64>,
    pub(crate) steps: usize,
}

/// No value at this moment.
pub(crate) fn absent() -> f64 {
    stale_marker()
}

pub(crate) fn is_present(value: f64) -> bool {
    !is_stale_marker(value)
}

impl Frame {
    pub(crate) fn new(steps: usize) -> Self {
        Self { rows: Vec::new(), cells: Vec::new(), steps }
    }

    pub(crate) fn row(&self, index: usize) -> &[f64] {
        &self.cells[index * self.steps..(index + 1) * self.steps]
    }

    pub(crate) fn cell(&self, row: usize, step: usize) -> f64 {
        self.cells[row * self.steps + step]
    }

    pub(crate) fn set(&mut self, row: usize, step: usize, value: f64) {
        self.cells[row * self.steps + step] = value;
    }

    /// Appends a row without values and says where it is.
    pub(crate) fn push_empty(&mut self, row: Row) -> usize {
        self.rows.push(row);
        self.cells.resize(self.rows.len() * self.steps, absent());
        self.rows.len() - 1
    }

    /// Ends a row whose cells were just pushed; without any value it is taken back.
    pub(crate) fn end_row(&mut self, row: impl FnOnce() -> Row) {
        let from = self.rows.len() * self.steps;
        if self.cells[from..].iter().any(|value| is_present(*value)) {
            self.rows.push(row());
        } else {
            self.cells.truncate(from);
        }
    }

    /// With the rows in the order of their labels.
    pub(crate) fn in_order(self) -> Self {
        if self.rows.is_sorted_by(|one, other| (&one.labels, one.drop_name) <= (&other.labels, other.drop_name)) {
            return self;
        }
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_by(|one, other| {
            let (one, other) = (&self.rows[*one], &self.rows[*other]);
            (&one.labels, one.drop_name).cmp(&(&other.labels, other.drop_name))
        });
        let mut ordered = Self::new(self.steps);
        ordered.cells.reserve(self.cells.len());
        for row in order {
            ordered.cells.extend_from_slice(self.row(row));
            ordered.rows.push(self.rows[row].clone());
        }
        ordered
    }

    /// Joins rows with equal labels.
    ///
    /// # Errors
    /// Two of them have a value at the same moment.
    pub(crate) fn joined(self) -> Result<Self, QueryError> {
        let mut found: HashMap<SeriesLabels, usize> = HashMap::with_capacity(self.rows.len());
        let mut new = |(index, row): (usize, &Row)| found.insert(row.labels.clone(), index).is_none();
        if self.rows.iter().enumerate().all(&mut new) {
            return Ok(self);
        }
        self.joined_alike()
    }

    /// Rows with equal labels of which one is to lose its name and the other is not stay apart: at another moment there may
    /// be only one of them.
    fn joined_alike(self) -> Result<Self, QueryError> {
        let mut alike: HashMap<SeriesLabels, Vec<usize>> = HashMap::with_capacity(self.rows.len());
        let mut joined = Self::new(self.steps);
        for (index, row) in self.rows.iter().enumerate() {
            let targets = alike.entry(row.labels.clone()).or_default();
            let known = targets.iter().copied().find(|target| joined.rows[*target].drop_name == row.drop_name);
            let target = known.unwrap_or_else(|| {
                let target = joined.push_empty(row.clone());
                targets.push(target);
                target
            });
            for (step, value) in self.row(index).iter().enumerate().filter(|(_, value)| is_present(**value)) {
                if targets.iter().any(|target| is_present(joined.cell(*target, step))) {
                    return Err(QueryError::same_labels());
                }
                joined.set(target, step, *value);
            }
        }
        Ok(joined)
    }

    /// The points of a row, at the moments of `grid`.
    pub(crate) fn points(&self, row: usize, grid: Grid) -> Vec<Point> {
        let cells = self.row(row).iter().enumerate().filter(|(_, value)| is_present(**value));
        cells.map(|(step, value)| Point { at_ms: grid.at(step), value: *value }).collect()
    }
}

/// What a node of the plan yields.
#[derive(Clone, Debug)]
pub(crate) enum Out {
    /// A number at each moment.
    Scalars(Vec<f64>),
    Text(String),
    Frame(Frame),
    /// Only at the top of an instant query.
    Ranges(Vec<Series>),
}

impl Out {
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Scalars(values) => values.len(),
            Self::Text(_) => 0,
            Self::Frame(frame) => frame.cells.len().max(frame.rows.len()),
            Self::Ranges(series) => series.iter().map(|series| series.points.len()).sum(),
        }
    }
}
