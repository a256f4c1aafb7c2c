//! Why the two sides differ, as far as what is known now can tell.

use std::fmt;

use crate::{Span, Timestamp};

use super::{Episode, Subject, Window, tolerance};

/// Why the two sides differ. Its text is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The other side has an alert of this name at this time, with other values of these labels.
    OtherLabels(Vec<String>),
    /// The other side has it as one with an earlier or a later one.
    PartOfOne,
    /// It began too shortly before the end of the window, or ended too shortly after its beginning.
    Edge,
    /// It was too short for both sides to look meanwhile.
    Brief,
    /// There is no alert of this name there in the whole window.
    NothingThere,
    /// The rule was made here only then.
    MadeLater(Timestamp),
    /// The rule is switched off here.
    SwitchedOff,
    /// Vigil could not ask the data source then.
    SourceDown,
    /// The rule has not been evaluated here since then.
    NotEvaluated(Option<Timestamp>),
    /// The rule's evaluation fails here, at least now.
    Failing(String),
    /// The rule was changed here since.
    Edited(Timestamp),
    /// Nothing that is known says why.
    Unexplained,
}

impl Reason {
    /// Every word of [`Self::as_str`].
    pub const WORDS: [&'static str; 12] = [
        "other_labels",
        "part_of_one",
        "edge",
        "brief",
        "nothing_there",
        "made_later",
        "switched_off",
        "source_down",
        "not_evaluated",
        "failing",
        "edited",
        "unexplained",
    ];

    /// The word in the API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::OtherLabels(_) => "other_labels",
            Self::PartOfOne => "part_of_one",
            Self::Edge => "edge",
            Self::Brief => "brief",
            Self::NothingThere => "nothing_there",
            Self::MadeLater(_) => "made_later",
            Self::SwitchedOff => "switched_off",
            Self::SourceDown => "source_down",
            Self::NotEvaluated(_) => "not_evaluated",
            Self::Failing(_) => "failing",
            Self::Edited(_) => "edited",
            Self::Unexplained => "unexplained",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherLabels(names) => {
                write!(f, "the other side has it with other values of {}", names.join(", "))
            }
            Self::PartOfOne => f.write_str("the other side has it as one with an earlier or a later one"),
            Self::Edge => f.write_str("it touches the edge of the time that is compared"),
            Self::Brief => f.write_str("it was so short that the other side may have looked before and after it"),
            Self::NothingThere => f.write_str("no alert of this name is there; has that Prometheus the rule?"),
            Self::MadeLater(at) => write!(f, "the rule was made here at {}", moment(*at)),
            Self::SwitchedOff => f.write_str("the rule is switched off here"),
            Self::SourceDown => f.write_str("the data source did not answer Vigil then"),
            Self::NotEvaluated(None) => f.write_str("the rule was never evaluated here"),
            Self::NotEvaluated(Some(last)) => write!(f, "the rule was last evaluated here at {}", moment(*last)),
            Self::Failing(error) => write!(f, "the rule's evaluation fails here: {error}"),
            Self::Edited(at) => write!(f, "the rule was changed here at {}", moment(*at)),
            Self::Unexplained => f.write_str("nothing that Vigil knows says why"),
        }
    }
}

fn moment(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// What is known of a rule that may say why one of its alerts is missing on one side.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) subject: &'a Subject,
    pub(super) outages: &'a [Episode],
    pub(super) window: Window,
}

impl Known<'_> {
    /// Why an alert that was there is missing here.
    pub(super) fn missing_here(self, there: Episode) -> Reason {
        let reason = self.not_looked(there).or_else(|| self.overlooked(there));
        reason.or_else(|| self.at_present(there)).unwrap_or(Reason::Unexplained)
    }

    /// Why an alert that was here is missing there, where `any` alert of its name was, or none.
    pub(super) fn missing_there(self, here: Episode, any: bool) -> Reason {
        let nothing = || (!any).then_some(Reason::NothingThere);
        let reason = self.overlooked(here).or_else(nothing);
        reason.or_else(|| self.edited(here)).unwrap_or(Reason::Unexplained)
    }

    /// Why one that was on both sides began or ended at another time.
    pub(super) fn shifted(self, here: Episode, there: Episode) -> Reason {
        let is_long = |gap: &Episode| gap.length(self.window) > tolerance(self.subject.interval);
        let alone = |one: Episode, other| [one.before(other), one.after(other)].into_iter().flatten().find(is_long);
        let missing_here = alone(there, here).and_then(|gap| self.not_looked(gap).or_else(|| self.at_present(gap)));
        // While the data source is down, alerts here stay as they are.
        let missing_there = || alone(here, there).and_then(|gap| self.unanswered(gap));
        let reason = missing_here.or_else(missing_there).or_else(|| self.edited(here));
        reason.unwrap_or(Reason::Unexplained)
    }

    /// Nobody looked here.
    fn not_looked(self, there: Episode) -> Option<Reason> {
        let subject = self.subject;
        if !subject.is_active {
            return Some(Reason::SwitchedOff);
        }
        if subject.made_at > there.begin {
            return Some(Reason::MadeLater(subject.made_at));
        }
        let is_late = subject.evaluated_at.is_none_or(|last| last < there.begin);
        let not_evaluated = || is_late.then_some(Reason::NotEvaluated(subject.evaluated_at));
        self.unanswered(there).or_else(not_evaluated)
    }

    /// The data source was down.
    fn unanswered(self, episode: Episode) -> Option<Reason> {
        self.outages.iter().any(|outage| outage.touches(episode, Span::ZERO)).then_some(Reason::SourceDown)
    }

    /// One of the sides looked when there was nothing to see.
    fn overlooked(self, alone: Episode) -> Option<Reason> {
        let Self { subject, window, .. } = self;
        let near = tolerance(subject.interval);
        let is_late = Span::between(alone.begin, window.to) <= near;
        let is_early = alone.end.is_some_and(|end| Span::between(window.from, end) <= near);
        if is_late || is_early {
            return Some(Reason::Edge);
        }
        (alone.length(window) <= near).then_some(Reason::Brief)
    }

    /// What is so now may have been so then.
    fn at_present(self, there: Episode) -> Option<Reason> {
        let failing = self.subject.last_error.clone().map(Reason::Failing);
        failing.or_else(|| self.edited(there))
    }

    fn edited(self, episode: Episode) -> Option<Reason> {
        let at = self.subject.changed_at;
        (at > episode.begin).then_some(Reason::Edited(at))
    }
}
