//! The samples of the other side, as few as they can be kept: an alert that fires all day has thousands.

use std::collections::BTreeMap;

use crate::{Labels, Span, Timestamp};

use super::{AlertSeries, pause};

/// Samples of a series that follow each other without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub first: Timestamp,
    pub last: Timestamp,
}

/// Series as they come in.
#[derive(Clone, Debug)]
pub struct Samples {
    /// Samples that are further apart have a gap between them.
    longest_step: Span,
    series: BTreeMap<Labels, Vec<Run>>,
}

impl Samples {
    /// For rules of which none is evaluated more often than each `shortest` interval: a gap to one of them stays a gap.
    pub fn new(shortest: Span) -> Self {
        let longest_step = Span::from_millis(shortest.millis() + pause(shortest).millis());
        Self { longest_step, series: BTreeMap::new() }
    }

    /// Adds samples of a series, oldest first, none before those that it has already.
    pub fn add(&mut self, labels: Labels, times: impl IntoIterator<Item = Timestamp>) {
        let step = self.longest_step.chrono();
        let runs = self.series.entry(labels).or_default();
        for at in times {
            match runs.last_mut() {
                Some(run) if at <= run.last + step => run.last = run.last.max(at),
                Some(_) | None => runs.push(Run { first: at, last: at }),
            }
        }
    }

    /// How many series there are.
    pub fn count(&self) -> usize {
        self.series.len()
    }

    /// All of them.
    pub fn into_series(self) -> Vec<AlertSeries> {
        self.series.into_iter().map(|(labels, runs)| AlertSeries { labels, runs }).collect()
    }
}
