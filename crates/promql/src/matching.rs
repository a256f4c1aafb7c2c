//! Which series belong together: keys made of some of a series' labels, computed once for each series.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, Hasher, RandomState},
};

use vigil_domain::labels::METRIC_NAME;

use crate::{SeriesLabels, value::Row};

/// The labels a key is made of.
#[derive(Clone, Debug)]
pub(crate) struct KeyLabels {
    pub(crate) names: Vec<String>,
    /// Only `names`; otherwise all but `names` and the metric's name.
    pub(crate) only: bool,
}

impl KeyLabels {
    pub(crate) fn has(&self, name: &str) -> bool {
        let named = self.names.iter().any(|candidate| candidate == name);
        if self.only { named } else { !named && name != METRIC_NAME }
    }

    pub(crate) fn of(&self, labels: &SeriesLabels) -> SeriesLabels {
        labels.filtered(|name| self.has(name))
    }
}

/// Gives rows with equal keys the same number, from 0 up.
pub(crate) struct Keys<'a> {
    by: &'a KeyLabels,
    state: RandomState,
    found: HashMap<u64, Vec<u32>>,
    /// A row's labels for each key.
    pub(crate) examples: Vec<SeriesLabels>,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(by: &'a KeyLabels) -> Self {
        Self { by, state: RandomState::new(), found: HashMap::new(), examples: Vec::new() }
    }

    /// The number of each row's key.
    pub(crate) fn numbers(&mut self, rows: &[Row]) -> Vec<u32> {
        rows.iter().map(|row| self.number(&row.labels)).collect()
    }

    fn number(&mut self, labels: &SeriesLabels) -> u32 {
        if self.by.only && self.by.names.is_empty() {
            if self.examples.is_empty() {
                self.examples.push(labels.clone());
            }
            return 0;
        }
        let mut hasher = self.state.build_hasher();
        for (name, value) in self.key(labels) {
            name.hash(&mut hasher);
            value.hash(&mut hasher);
        }
        let hash = hasher.finish();
        let same = |number: &&u32| self.key(&self.examples[**number as usize]).eq(self.key(labels));
        if let Some(number) = self.found.get(&hash).and_then(|candidates| candidates.iter().find(same)) {
            return *number;
        }
        let number = u32::try_from(self.examples.len()).unwrap_or(u32::MAX);
        self.examples.push(labels.clone());
        self.found.entry(hash).or_default().push(number);
        number
    }

    fn key<'b>(&'b self, labels: &'b SeriesLabels) -> impl Iterator<Item = (&'b str, &'b str)> {
        let pairs = labels.pairs().iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
        pairs.filter(|(name, _)| self.by.has(name))
    }
}

/// Finds the row of a frame under construction by its labels.
#[derive(Default)]
pub(crate) struct RowIndex(HashMap<(SeriesLabels, bool), usize>);

impl RowIndex {
    /// The row with these labels; `make` appends it when there is none.
    pub(crate) fn find(&mut self, row: Row, make: impl FnOnce(Row) -> usize) -> usize {
        *self.0.entry((row.labels.clone(), row.drop_name)).or_insert_with(|| make(row))
    }
}
