//! Which alert there is which alert here.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Labels, Timestamp,
    alert::{ALERT_STATE, is_plain},
    labels::{ALERT_NAME, METRIC_NAME},
};

use super::{Episode, Evidence, Scope, Subject, episode::recorded};

/// Labels that make no difference, on either side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Whatever their values.
    pub names: BTreeSet<String>,
    /// With these values: external labels, which an aggregating peer adds to what a Prometheus has.
    pub external: Labels,
}

impl Ignored {
    /// Those that do.
    pub(super) fn without(&self, labels: &Labels) -> Labels {
        let counts =
            |(name, value): &(&str, &str)| !self.names.contains(*name) && self.external.get(name) != Some(*value);
        labels.iter().filter(counts).collect()
    }

    /// Those of the alert that a series stands for. A label whose template expands to nothing is not on the alert, but it
    /// is on Prometheus' series, as it was written.
    fn of_series(&self, labels: &Labels) -> Labels {
        let mut labels = self.without(labels);
        labels.remove(METRIC_NAME);
        labels.remove(ALERT_STATE);
        labels.iter().filter(|(_, value)| !value.contains("{{")).collect()
    }
}

impl Subject {
    /// Whether an alert with these labels may be one of the rule's: it has those that all of them have.
    fn may_have(&self, labels: &Labels, ignored: &Ignored) -> bool {
        let counts = |name: &str, text: &str| !text.is_empty() && is_plain(text) && !ignored.names.contains(name);
        let mut own = self.labels.iter().filter(|&(name, text)| counts(name, text) && name != ALERT_NAME);
        own.all(|(name, text)| labels.get(name) == Some(text))
    }
}

/// An alert on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    pub(super) here: Vec<Episode>,
    /// When it had a sample there.
    pub(super) there: Vec<Timestamp>,
}

/// Alerts by the place of their rule among the subjects, and their labels as far as they count.
pub(super) type Tracks = BTreeMap<(usize, Labels), Track>;

/// Brings both sides together. Also answers how many alerts there are of names that no rule here has.
pub(super) fn tracks(evidence: &Evidence, scope: &Scope) -> (Tracks, BTreeMap<String, usize>) {
    let (mut tracks, mut unknown) = (Tracks::new(), BTreeMap::new());
    let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, subject) in evidence.subjects.iter().enumerate() {
        named.entry(&subject.name).or_default().push(index);
        for (labels, episodes) in recorded(scope.watched, &subject.happened, &subject.open) {
            let track = tracks.entry((index, scope.ignored.without(labels))).or_default();
            track.here.extend(episodes.into_iter().filter_map(|episode| episode.within(scope.window)));
        }
    }
    for series in &evidence.there {
        let labels = scope.ignored.of_series(&series.labels);
        let name = labels.get(ALERT_NAME).unwrap_or_default().to_owned();
        let candidates = named.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let known = candidates.iter().find(|index| tracks.contains_key(&(**index, labels.clone())));
        let may_be = |index: &&usize| evidence.subjects[**index].may_have(&labels, &scope.ignored);
        let owner = known.or_else(|| candidates.iter().find(may_be));
        let is_others = evidence.others.contains(&name);
        match owner.or_else(|| candidates.first().filter(|_| !is_others)) {
            Some(index) => tracks.entry((*index, labels)).or_default().there.extend(&series.times),
            None if is_others => {}
            None => *unknown.entry(name).or_default() += 1,
        }
    }
    (tracks, unknown)
}
