//! Which alert there is which alert here.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Labels,
    alert::{ALERT_STATE, is_plain},
    labels::{ALERT_NAME, METRIC_NAME},
};

use super::{Episode, Evidence, Scope, Subject, episode::recorded, samples::Run};

/// Labels that make no difference, on either side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Whatever their values.
    pub names: BTreeSet<String>,
    /// With these values: external labels, which an aggregating peer adds to what a Prometheus has.
    pub external: Labels,
}

impl Ignored {
    /// Those that do. What an alert is called always does.
    pub(super) fn without(&self, labels: &Labels) -> Labels {
        let counts =
            |(name, value): &(&str, &str)| !self.names.contains(*name) && self.external.get(name) != Some(*value);
        labels.iter().filter(|label| label.0 == ALERT_NAME || counts(label)).collect()
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
        let own = ignored.without(&self.labels);
        let mut known = own.iter().filter(|(name, text)| *name != ALERT_NAME && is_plain(text));
        known.all(|(name, text)| labels.get(name) == Some(text))
    }
}

/// An alert on both sides.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    pub(super) here: Vec<Episode>,
    /// When it had samples there.
    pub(super) there: Vec<Run>,
}

/// Alerts by the place of their rule among the subjects, and their labels as far as they count.
pub(super) type Tracks = BTreeMap<(usize, Labels), Track>;

/// Brings both sides together. Also answers how many alerts there are of names that no rule here has.
pub(super) fn tracks(evidence: &Evidence, scope: &Scope) -> (Tracks, BTreeMap<String, usize>) {
    let (mut tracks, mut unknown) = (Tracks::new(), BTreeMap::new());
    let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, subject) in evidence.subjects.iter().enumerate() {
        named.entry(&subject.name).or_default().push(index);
    }
    for (index, subject) in evidence.subjects.iter().enumerate() {
        for (labels, episodes) in recorded(scope.watched, &subject.happened, &subject.open) {
            // Before it was renamed, a rule's alerts were called otherwise.
            let same_name = named.entry(labels.get(ALERT_NAME).unwrap_or_default()).or_default();
            if !same_name.contains(&index) {
                same_name.push(index);
            }
            let track = tracks.entry((index, scope.ignored.without(labels))).or_default();
            track.here.extend(episodes.into_iter().filter_map(|episode| episode.within(scope.window)));
        }
    }
    for series in &evidence.there {
        let labels = scope.ignored.of_series(&series.labels);
        let name = labels.get(ALERT_NAME).unwrap_or_default();
        let candidates = named.get(name).map(Vec::as_slice).unwrap_or_default();
        let owners = owners(&tracks, candidates, &labels, (evidence, scope));
        if owners.is_empty() && !evidence.others.contains(name) {
            *unknown.entry(name.to_owned()).or_default() += 1;
        }
        for index in owners {
            tracks.entry((index, labels.clone())).or_default().there.extend(&series.runs);
        }
    }
    (tracks, unknown)
}

/// Whose alert a series is, among rules with its name: that of all that have this very alert, or else that of the first
/// that may have it. What may be that of a rule that is not compared is nobody's.
fn owners(
    tracks: &Tracks,
    candidates: &[usize],
    labels: &Labels,
    (evidence, scope): (&Evidence, &Scope),
) -> Vec<usize> {
    let all = || candidates.iter().copied();
    let known: Vec<usize> = all().filter(|index| tracks.contains_key(&(*index, labels.clone()))).collect();
    if !known.is_empty() {
        return known;
    }
    let is_others = labels.get(ALERT_NAME).is_some_and(|name| evidence.others.contains(name));
    let may_be = all().find(|index| evidence.subjects[*index].may_have(labels, &scope.ignored));
    may_be.or_else(|| all().next().filter(|_| !is_others)).into_iter().collect()
}
