//! Which series there are, and which of them matchers mean: an inverted index over label values, in memory.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use vigil_promql::{Match, Matcher, SeriesLabels};

use crate::series::MemorySeries;

/// The index. Series numbers ascend with time and are never used again.
#[derive(Default)]
pub(crate) struct Index {
    by_labels: HashMap<SeriesLabels, Arc<MemorySeries>>,
    by_id: BTreeMap<u32, Arc<MemorySeries>>,
    /// Label name → value → the numbers of the series that have it, ascending.
    names: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Vec<u32>>>,
    next_id: u32,
}

impl Index {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(crate) fn get(&self, labels: &SeriesLabels) -> Option<&Arc<MemorySeries>> {
        self.by_labels.get(labels)
    }

    pub(crate) fn by_id(&self, id: u32) -> Option<&Arc<MemorySeries>> {
        self.by_id.get(&id)
    }

    /// All series, by number.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<MemorySeries>> {
        self.by_id.values()
    }

    /// Numbers up to `id` are taken.
    pub(crate) fn reserve(&mut self, id: u32) {
        self.next_id = self.next_id.max(id.saturating_add(1));
    }

    /// The series with these labels, new if there was none.
    pub(crate) fn register(&mut self, labels: &SeriesLabels) -> Arc<MemorySeries> {
        match self.by_labels.get(labels) {
            Some(series) => series.clone(),
            None => self.insert(self.next_id, labels),
        }
    }

    /// Adds a series under a number that is not in use.
    pub(crate) fn insert(&mut self, id: u32, labels: &SeriesLabels) -> Arc<MemorySeries> {
        self.reserve(id);
        let shared = labels.pairs().iter().map(|(name, value)| self.add_posting(id, name, value)).collect::<Vec<_>>();
        let labels = SeriesLabels::new(shared);
        let series = Arc::new(MemorySeries::new(id, labels.clone()));
        self.by_labels.insert(labels, series.clone());
        self.by_id.insert(id, series.clone());
        series
    }

    /// Notes that series `id` has the label, and gives the name and the value that all series share.
    fn add_posting(&mut self, id: u32, name: &Arc<str>, value: &Arc<str>) -> (Arc<str>, Arc<str>) {
        let name = self.names.get_key_value(name).map_or(name, |(shared, _)| shared).clone();
        let values = self.names.entry(name.clone()).or_default();
        let value = values.get_key_value(value).map_or(value, |(shared, _)| shared).clone();
        let ids = values.entry(value.clone()).or_default();
        let place = ids.partition_point(|other| *other < id);
        ids.insert(place, id);
        (name, value)
    }

    /// Takes series out.
    pub(crate) fn remove(&mut self, ids: &BTreeSet<u32>) {
        let mut touched: BTreeSet<(Arc<str>, Arc<str>)> = BTreeSet::new();
        for id in ids {
            let Some(series) = self.by_id.remove(id) else { continue };
            self.by_labels.remove(&series.labels);
            touched.extend(series.labels.pairs().iter().cloned());
        }
        for (name, value) in touched {
            let Some(values) = self.names.get_mut(&name) else { continue };
            if let Some(postings) = values.get_mut(&value) {
                postings.retain(|id| !ids.contains(id));
                if postings.is_empty() {
                    values.remove(&value);
                }
            }
            if values.is_empty() {
                self.names.remove(&name);
            }
        }
    }

    /// The series for which all matchers hold, by number. Without matchers: all.
    pub(crate) fn matching(&self, matchers: &[Matcher]) -> Vec<Arc<MemorySeries>> {
        self.matching_ids(matchers).iter().filter_map(|id| self.by_id.get(id).cloned()).collect()
    }

    /// A matcher that the empty value satisfies also means series without the label, so it takes away those whose value
    /// it rejects; any other names the series it means.
    fn matching_ids(&self, matchers: &[Matcher]) -> Vec<u32> {
        let (taking_away, naming): (Vec<_>, Vec<_>) = matchers.iter().partition(|matcher| matcher.matches(""));
        let mut named: Vec<Cow<'_, [u32]>> = naming.into_iter().map(|matcher| self.named_by(matcher)).collect();
        named.sort_by_key(|ids| ids.len());
        let mut ids = match named.split_first() {
            Some((smallest, others)) => {
                let mut ids = smallest.to_vec();
                others.iter().for_each(|other| retain(&mut ids, other, true));
                ids
            }
            None => self.by_id.keys().copied().collect(),
        };
        for matcher in taking_away {
            if ids.is_empty() {
                break;
            }
            let rejected = self.ids_where(&matcher.name, |value| !matcher.matches(value));
            retain(&mut ids, &rejected, false);
        }
        ids
    }

    fn named_by(&self, matcher: &Matcher) -> Cow<'_, [u32]> {
        match &matcher.how {
            Match::Equal(value) => {
                let ids = self.names.get(matcher.name.as_str()).and_then(|values| values.get(value.as_str()));
                Cow::Borrowed(ids.map_or(&[], Vec::as_slice))
            }
            _ => self.ids_where(&matcher.name, |value| matcher.matches(value)),
        }
    }

    /// The series whose value of `name` is there and satisfies `wanted`, which is asked once per distinct value.
    fn ids_where(&self, name: &str, wanted: impl Fn(&str) -> bool) -> Cow<'_, [u32]> {
        let Some(values) = self.names.get(name) else { return Cow::Borrowed(&[]) };
        let mut found = values.iter().filter(|(value, _)| wanted(value)).map(|(_, ids)| ids);
        let Some(first) = found.next() else { return Cow::Borrowed(&[]) };
        let mut all = Cow::Borrowed(first.as_slice());
        found.for_each(|ids| all.to_mut().extend_from_slice(ids));
        if let Cow::Owned(ids) = &mut all {
            ids.sort();
        }
        all
    }

    /// Whether a series has this label.
    pub(crate) fn has(&self, name: &str, value: &str) -> bool {
        self.names.get(name).is_some_and(|values| values.contains_key(value))
    }

    /// All label names, in order.
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.names.keys().cloned().collect()
    }

    /// All values of a label, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<Arc<str>> {
        self.names.get(name).map(|values| values.keys().cloned().collect()).unwrap_or_default()
    }
}

/// Keeps of `ids` those that are (or are not) in `others`; both ascend.
fn retain(ids: &mut Vec<u32>, others: &[u32], kept: bool) {
    if others.len() / 16 > ids.len() {
        ids.retain(|id| others.binary_search(id).is_ok() == kept);
        return;
    }
    let mut rest = others;
    ids.retain(|id| {
        let skip = rest.iter().take_while(|other| *other < id).count();
        rest = &rest[skip..];
        (rest.first() == Some(id)) == kept
    });
}

#[cfg(test)]
mod tests;
