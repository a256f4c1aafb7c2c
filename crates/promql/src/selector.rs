//! Walks each fetched series once over the moments of a grid.

use std::borrow::Cow;

use crate::{
    Point, QueryError, Series, is_stale_marker,
    limits::Budget,
    plan::NodeId,
    value::{Frame, Grid, Row, absent},
};

/// Which moment a selector looks at when it is evaluated at another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refs {
    pub(crate) at_ms: Option<i64>,
    pub(crate) offset_ms: i64,
}

impl Refs {
    pub(crate) fn of(&self, moment_ms: i64) -> i64 {
        self.at_ms.unwrap_or(moment_ms).saturating_sub(self.offset_ms)
    }
}

/// A left-open window that ends where `refs` says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) refs: Refs,
    pub(crate) range_ms: i64,
}

/// Where range vectors come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Select { select: usize, window: Window },
    Subquery { node: NodeId, grid: Grid, window: Window },
}

impl Source {
    pub(crate) fn window(&self) -> Window {
        match self {
            Self::Select { window, .. } | Self::Subquery { window, .. } => *window,
        }
    }
}

/// An instant selector: the newest point of the lookback window, unless it says that the series ended.
pub(crate) fn instant(
    series: &[Series],
    grid: Grid,
    refs: Refs,
    lookback_ms: i64,
    stamps: bool,
    budget: &Budget<'_>,
) -> Result<Frame, QueryError> {
    budget.room_for(series.len().saturating_mul(grid.count))?;
    let mut frame = Frame::new(grid.count);
    frame.rows.reserve(series.len());
    frame.cells.reserve(series.len() * grid.count);
    for (index, one) in series.iter().enumerate() {
        budget.at_row(index)?;
        let mut seen = 0;
        for moment in grid.moments() {
            let until = refs.of(moment);
            seen += advance(&one.points[seen..], until);
            let newest = seen.checked_sub(1).map(|last| one.points[last]);
            frame.cells.push(match newest {
                Some(point) if point.at_ms > until.saturating_sub(lookback_ms) && !is_stale_marker(point.value) => {
                    if stamps {
                        point.at_ms as f64 / 1000.0
                    } else {
                        point.value
                    }
                }
                _ => absent(),
            });
        }
        frame.end_row(|| Row { labels: one.labels.clone(), drop_name: stamps });
    }
    Ok(frame)
}

/// How many of `points` are not after `until`.
fn advance(points: &[Point], until_ms: i64) -> usize {
    match points.first() {
        Some(first) if first.at_ms <= until_ms => {}
        _ => return 0,
    }
    // Usually few: a window moves by one step.
    let near = points.len().min(8);
    if points[near - 1].at_ms > until_ms {
        return points[..near].iter().take_while(|point| point.at_ms <= until_ms).count();
    }
    near + points[near..].partition_point(|point| point.at_ms <= until_ms)
}

/// Without the markers that say a series ended: they are no values of a range.
pub(crate) fn without_markers(points: &[Point]) -> Cow<'_, [Point]> {
    if points.iter().any(|point| is_stale_marker(point.value)) {
        Cow::Owned(points.iter().filter(|point| !is_stale_marker(point.value)).copied().collect())
    } else {
        Cow::Borrowed(points)
    }
}

/// Calls `each` with the points in the window of each moment and with the window's end, until it fails.
pub(crate) fn windows(
    points: &[Point],
    grid: Grid,
    window: Window,
    mut each: impl FnMut(usize, i64, &[Point]) -> Result<(), QueryError>,
) -> Result<(), QueryError> {
    let (mut from, mut to) = (0, 0);
    for (step, moment) in grid.moments().enumerate() {
        let until = window.refs.of(moment);
        to += advance(&points[to..], until);
        from += advance(&points[from..], until.saturating_sub(window.range_ms));
        each(step, until, &points[from.min(to)..to])?;
    }
    Ok(())
}
