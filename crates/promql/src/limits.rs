//! What one query may cost, and the count of what it holds.

use crate::{QueryError, Stop};

/// Limits and defaults of a query.
#[derive(Clone, Debug)]
pub struct Options {
    /// How old a point may be and still be a series' value.
    pub lookback_ms: i64,
    /// Most points and values held at one time, those handed in included. A series takes one value per step.
    pub max_samples: usize,
    /// Most series all selectors of a query may be handed.
    pub max_series: usize,
    /// Most steps of a range query.
    pub max_steps: i64,
    /// The step of a subquery that does not give one.
    pub subquery_step_ms: i64,
    /// The longest expression, in bytes.
    pub max_text: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lookback_ms: 300_000,
            max_samples: 50_000_000,
            max_series: 1_000_000,
            max_steps: 11_000,
            subquery_step_ms: 60_000,
            max_text: 16 * 1024,
        }
    }
}

/// Whoever looks at windows of points asks whether to go on after this many.
const OFTEN: usize = 1 << 20;

/// Counts the values a running query holds and asks now and then whether to go on.
pub(crate) struct Budget<'a> {
    pub(crate) held: usize,
    /// Points looked at since it was asked.
    looked: usize,
    most: usize,
    stop: &'a dyn Fn() -> Option<Stop>,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(most: usize, stop: &'a dyn Fn() -> Option<Stop>) -> Self {
        Self { held: 0, looked: 0, most, stop }
    }

    pub(crate) fn go_on(&self) -> Result<(), QueryError> {
        (self.stop)().map_or(Ok(()), |stop| Err(stop.into()))
    }

    /// Asks whether to go on once in 256 rows.
    pub(crate) fn at_row(&self, row: usize) -> Result<(), QueryError> {
        if row.is_multiple_of(256) { self.go_on() } else { Ok(()) }
    }

    /// Counts the points that are about to be looked at; windows may be long and overlap.
    pub(crate) fn after(&mut self, points: usize) -> Result<(), QueryError> {
        self.looked += points;
        if self.looked < OFTEN {
            return Ok(());
        }
        self.looked = 0;
        self.go_on()
    }

    /// Whether `more` values may be held besides those that are.
    pub(crate) fn room_for(&self, more: usize) -> Result<(), QueryError> {
        if self.held.saturating_add(more) <= self.most { Ok(()) } else { Err(too_many_samples(self.most)) }
    }
}

pub(crate) fn too_many_samples(most: usize) -> QueryError {
    QueryError::Limit(format!(
        "query processing would load too many samples into memory in query execution: the limit is {most}"
    ))
}
