//! Which series, label names and label values there are.

use std::{collections::BTreeSet, sync::Arc};

use vigil_domain::labels::METRIC_NAME;
use vigil_promql::{Matcher, SeriesLabels};

use crate::{head::Head, series::MemorySeries};

/// Limits an answer to series that have points between two times in milliseconds, both included. A series counts from its
/// first to its last point, whatever is missing between them.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    pub start_ms: i64,
    pub end_ms: i64,
}

impl Period {
    /// All times.
    pub const ALL: Self = Self { start_ms: i64::MIN, end_ms: i64::MAX };

    fn overlaps(self, series: &MemorySeries) -> bool {
        let body = series.body();
        body.last.is_some_and(|last| body.first_ms <= self.end_ms && last.at_ms >= self.start_ms)
    }

    fn is_all(self) -> bool {
        self.start_ms == i64::MIN && self.end_ms == i64::MAX
    }
}

/// The series that one of the sets of matchers means, by number; without any set: all.
fn matching(head: &Head, sets: &[Vec<Matcher>], period: Period) -> Vec<Arc<MemorySeries>> {
    let index = head.index();
    let mut found = match sets {
        [] => index.matching(&[]),
        [only] => index.matching(only),
        several => {
            let mut all: Vec<_> = several.iter().flat_map(|set| index.matching(set)).collect();
            all.sort_by_key(|series| series.id);
            all.dedup_by_key(|series| series.id);
            all
        }
    };
    drop(index);
    found.retain(|series| period.overlaps(series));
    found
}

pub(crate) fn series(head: &Head, sets: &[Vec<Matcher>], period: Period) -> Vec<SeriesLabels> {
    matching(head, sets, period).into_iter().map(|series| series.labels.clone()).collect()
}

pub(crate) fn label_names(head: &Head, sets: &[Vec<Matcher>], period: Period) -> Vec<Arc<str>> {
    if sets.is_empty() && period.is_all() {
        return head.index().names();
    }
    let mut names = BTreeSet::new();
    for series in matching(head, sets, period) {
        let new = series.labels.pairs().iter().filter(|(name, _)| !names.contains(name)).map(|(name, _)| name.clone());
        names.extend(new.collect::<Vec<_>>());
    }
    names.into_iter().collect()
}

pub(crate) fn label_values(head: &Head, name: &str, sets: &[Vec<Matcher>], period: Period) -> Vec<Arc<str>> {
    if sets.is_empty() && period.is_all() {
        return head.index().values(name);
    }
    let mut values = BTreeSet::new();
    for series in matching(head, sets, period) {
        if let Some((_, value)) = series.labels.pairs().iter().find(|(label, _)| label.as_ref() == name) {
            values.insert(value.clone());
        }
    }
    values.into_iter().collect()
}

/// Whether a metric of this name has series.
pub(crate) fn has_metric(head: &Head, metric: &str) -> bool {
    head.index().has(METRIC_NAME, metric)
}
