//! Range vectors as series of points, be they fetched or the values of a subquery.

use std::borrow::Cow;

use crate::{
    Point, QueryError, Series,
    selector::{self, Source},
    value::{Frame, Grid, Row},
};

/// The series of a range selector or a subquery.
pub(crate) enum Ranged<'a> {
    Fetched(&'a [Series]),
    Evaluated(Frame, Grid),
}

impl Ranged<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Fetched(series) => series.len(),
            Self::Evaluated(frame, _) => frame.rows.len(),
        }
    }

    /// The row's points without stale markers.
    pub(crate) fn points(&self, row: usize) -> Cow<'_, [Point]> {
        match self {
            Self::Fetched(series) => selector::without_markers(&series[row].points),
            Self::Evaluated(frame, grid) => Cow::Owned(frame.points(row, *grid)),
        }
    }

    pub(crate) fn row(&self, row: usize) -> Row {
        match self {
            Self::Fetched(series) => Row { labels: series[row].labels.clone(), drop_name: false },
            Self::Evaluated(frame, _) => frame.rows[row].clone(),
        }
    }

    /// The points in the window at one moment, for a query that is nothing but a range.
    pub(crate) fn at_one_moment(&self, source: &Source, grid: Grid) -> Result<Vec<Series>, QueryError> {
        let mut ranges = Vec::new();
        for index in 0..self.len() {
            selector::windows(&self.points(index), grid, source.window(), |_, _, points| {
                if !points.is_empty() {
                    let row = self.row(index);
                    let labels = if row.drop_name { row.labels.without_metric() } else { row.labels };
                    ranges.push(Series { labels, points: points.to_vec() });
                }
                Ok(())
            })?;
        }
        Ok(ranges)
    }
}
