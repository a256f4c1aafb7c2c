//! When an alert was in a state: here by its events, there by the samples of its series.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Labels, Span, Timestamp,
    event::{EventState, words},
};

use super::{pause, samples::Run, tolerance};

/// The state that is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    Pending,
    #[default]
    Firing,
}

words!(Watched { Pending => "pending", Firing => "firing" });

/// The time that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: Timestamp,
    pub to: Timestamp,
}

/// A time in which an alert was in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    pub begin: Timestamp,
    /// `None`: it still was at the end of the window.
    pub end: Option<Timestamp>,
}

impl Episode {
    /// The part of it within `window`.
    pub(super) fn within(self, window: Window) -> Option<Self> {
        let is_over = self.end.is_some_and(|end| end <= window.from);
        let part = Self { begin: self.begin.max(window.from), end: self.end.filter(|end| *end <= window.to) };
        (!is_over && self.begin <= window.to).then_some(part)
    }

    /// Whether the two overlap, or have no more than `pause` between them.
    pub(super) fn touches(self, other: Self, pause: Span) -> bool {
        let reaches = |one: Self, other: Self| one.end.is_none_or(|end| other.begin <= end + pause.chrono());
        reaches(self, other) && reaches(other, self)
    }

    /// The part of it before `other` begins.
    pub(super) fn before(self, other: Self) -> Option<Self> {
        (self.begin < other.begin).then_some(Self { begin: self.begin, end: Some(other.begin) })
    }

    /// The part of it after `other` has ended.
    pub(super) fn after(self, other: Self) -> Option<Self> {
        let begin = other.end.filter(|end| self.end.is_none_or(|own| *end < own))?;
        Some(Self { begin, end: self.end })
    }

    /// How long it lasted within `window`.
    pub(super) fn length(self, window: Window) -> Span {
        Span::between(self.begin, self.end.unwrap_or(window.to))
    }
}

/// What happened to an alert of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    pub labels: Labels,
    /// The state it went to.
    pub to: EventState,
    /// The slot at which it did.
    pub at: Timestamp,
    /// The slot that first saw it.
    pub active_at: Timestamp,
    /// The slot since which it fires, or did until then.
    pub starts_at: Option<Timestamp>,
}

/// An alert of a rule that is pending or firing now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAlert {
    pub labels: Labels,
    /// The slot that first saw it.
    pub active_at: Timestamp,
    /// The slot since which it fires, if it does.
    pub fired_at: Option<Timestamp>,
}

impl Watched {
    const fn state(self) -> EventState {
        match self {
            Self::Pending => EventState::Pending,
            Self::Firing => EventState::Firing,
        }
    }

    /// Since when an alert had been in the state that it left by an event, as that tells by itself.
    fn before(self, event: &Happened) -> Option<Timestamp> {
        match (self, event.to) {
            (Self::Firing, EventState::Resolved | EventState::Inactive) => event.starts_at,
            (Self::Pending, EventState::Firing) => Some(event.active_at).filter(|active_at| *active_at < event.at),
            (Self::Pending, EventState::Inactive) if event.starts_at.is_none() => Some(event.active_at),
            (Self::Firing, EventState::Pending | EventState::Firing)
            | (Self::Pending, EventState::Pending | EventState::Inactive | EventState::Resolved) => None,
        }
    }

    fn since(self, open: &OpenAlert) -> Option<Timestamp> {
        match self {
            Self::Firing => open.fired_at,
            Self::Pending => open.fired_at.is_none().then_some(open.active_at),
        }
    }
}

/// When the alerts of a rule were in the state, from what `happened`, oldest first, and what is `open` now.
pub(super) fn recorded<'a>(
    watched: Watched,
    happened: &'a [Happened],
    open: &'a [OpenAlert],
) -> BTreeMap<&'a Labels, Vec<Episode>> {
    let mut episodes: BTreeMap<&Labels, Vec<Episode>> = BTreeMap::new();
    let mut begun: BTreeMap<&Labels, Timestamp> = BTreeMap::new();
    for event in happened {
        if event.to == watched.state() {
            begun.entry(&event.labels).or_insert(event.at);
        } else if let Some(begin) = begun.remove(&event.labels).or_else(|| watched.before(event)) {
            episodes.entry(&event.labels).or_default().push(Episode { begin, end: Some(event.at) });
        }
    }
    for alert in open {
        let began = begun.remove(&alert.labels);
        if let Some(since) = watched.since(alert) {
            let begin = began.unwrap_or(since);
            episodes.entry(&alert.labels).or_default().push(Episode { begin, end: None });
        }
    }
    episodes
}

/// What has samples in these runs, which stand for an `interval` by each sample. A gap that an outage of the data source
/// fills is none: nobody wrote samples then.
pub(super) fn sampled(runs: &[Run], outages: &[Episode], interval: Span, window: Window) -> Vec<Episode> {
    let within = runs.iter().filter(|run| run.first <= window.to && run.last >= window.from);
    let each = within.map(|run| Episode {
        begin: run.first.max(window.from),
        end: Some(run.last.min(window.to) + interval.chrono()),
    });
    let mut episodes = bridged(merged(each, interval), outages, interval);
    if let Some(last) = episodes.last_mut() {
        // The next sample may not be due yet, or be on its way.
        last.end = last.end.filter(|end| *end + pause(interval).chrono() < window.to);
    }
    episodes
}

/// In the order of time; those with no more than a pause between them are one.
pub(super) fn merged(episodes: impl IntoIterator<Item = Episode>, interval: Span) -> Vec<Episode> {
    let mut sorted: Vec<Episode> = episodes.into_iter().collect();
    sorted.sort_by_key(|episode| episode.begin);
    let mut merged: Vec<Episode> = Vec::with_capacity(sorted.len());
    for episode in sorted {
        match merged.last_mut() {
            Some(last) if last.touches(episode, pause(interval)) => {
                last.end = last.end.zip(episode.end).map(|(one, other)| one.max(other));
            }
            Some(_) | None => merged.push(episode),
        }
    }
    merged
}

/// Those with nothing but an outage between them are one. Each side notices its begin and its end when it looks next.
fn bridged(episodes: Vec<Episode>, outages: &[Episode], interval: Span) -> Vec<Episode> {
    let near = tolerance(interval).chrono();
    let fills = |outage: &Episode, (gone, back): (Timestamp, Timestamp)| {
        let is_about_then = outage.begin <= back && outage.end.is_none_or(|over| over >= gone);
        is_about_then && outage.begin <= gone + near && outage.end.is_none_or(|over| back <= over + near)
    };
    let mut bridged: Vec<Episode> = Vec::with_capacity(episodes.len());
    for episode in episodes {
        let gap = bridged.last().and_then(|last| last.end).map(|gone| (gone, episode.begin));
        match bridged.last_mut() {
            Some(last) if gap.is_some_and(|gap| outages.iter().any(|outage| fills(outage, gap))) => {
                last.end = episode.end;
            }
            Some(_) | None => bridged.push(episode),
        }
    }
    bridged
}
