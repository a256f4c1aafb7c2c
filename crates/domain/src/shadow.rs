//! Rules in shadow: evaluated and recorded like any other, while nobody is told, and nothing is written to the data
//! source, because the Prometheus that still pages writes the very same series there.
//!
//! [`Shadow`] says whether a rule is in it. [`compare()`] says how its alerts agree with those of that Prometheus: the
//! times at which they were in a state here, by history, and there, by the samples of `ALERTS`.

mod compare;
mod episode;
mod reason;
mod samples;
mod selector;
mod track;

use crate::{Labels, Span, Timestamp, id::RuleId};

pub use compare::{Finding, Report, Tally, Verdict, compare};
pub use episode::{Episode, Happened, OpenAlert, Watched, Window};
pub use reason::Reason;
pub use samples::{Run, Samples};
pub use selector::selectors;
pub use track::Ignored;

/// Who has put a rule in shadow. One of them is enough, so that none of them can bring it out against another's word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shadow {
    /// The rule itself.
    pub rule: bool,
    /// Its group.
    pub group: bool,
    /// Its namespace.
    pub namespace: bool,
}

impl Shadow {
    /// Whether the rule is in shadow.
    pub const fn is_on(self) -> bool {
        self.rule || self.group || self.namespace
    }
}

/// What ends and begins anew within this time is one: an evaluation may have been missed, or have been the only one to see
/// a gap.
pub fn pause(interval: Span) -> Span {
    Span::from_millis(interval.millis() + ROUNDING.millis())
}

/// How far apart two beginnings, or two ends, of the same may be: each side looks once an interval, at a moment of its
/// own, for the condition and then for `for` having passed.
pub fn tolerance(interval: Span) -> Span {
    Span::from_millis(2 * interval.millis() + ROUNDING.millis())
}

/// Slots here are whole seconds, and nanoseconds there.
const ROUNDING: Span = Span::from_secs(1);

/// What a comparison is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The rules that are compared.
    pub subjects: Vec<Subject>,
    /// Names of the other alerting rules here.
    pub others: std::collections::BTreeSet<String>,
    /// When the data source was down, as Vigil saw it.
    pub outages: Vec<Episode>,
    /// The series of `ALERTS` there, in the state that is compared.
    pub there: Vec<AlertSeries>,
}

/// A rule that is compared, and what is known of it here.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    pub id: RuleId,
    pub name: String,
    /// The rule's labels over its group's, as written.
    pub labels: Labels,
    pub interval: Span,
    pub made_at: Timestamp,
    /// When somebody last changed it.
    pub changed_at: Timestamp,
    /// When its group was last evaluated.
    pub evaluated_at: Option<Timestamp>,
    /// Whether it is evaluated.
    pub is_active: bool,
    /// Why its last evaluation failed, if it did.
    pub last_error: Option<String>,
    /// Oldest first, from the beginning of the window until now.
    pub happened: Vec<Happened>,
    /// What is open now.
    pub open: Vec<OpenAlert>,
}

/// A series there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertSeries {
    /// With `__name__` and `alertstate`.
    pub labels: Labels,
    /// When it had samples, in the order of time.
    pub runs: Vec<Run>,
}

/// What is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    pub window: Window,
    pub watched: Watched,
    pub ignored: Ignored,
}

#[cfg(test)]
mod tests;
