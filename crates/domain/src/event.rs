//! What happened to an alert, in words that history, API and messages share.

use serde::{Deserialize, Serialize};

/// What a transition leads to. A pending alert that goes away becomes inactive; only a firing one is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventState {
    /// The condition holds, but not yet for as long as the rule's `for`.
    Pending,
    /// The condition has held long enough: people are told.
    Firing,
    /// The alert went away before it fired, or was dropped without a word.
    Inactive,
    /// A firing alert has ended.
    Resolved,
}

/// Why a transition happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventReason {
    /// The expression began to return the series.
    ConditionMet,
    /// The series has been there for as long as `for` asks.
    HeldLongEnough,
    /// The expression no longer returns the series.
    ConditionGone,
    /// The series stayed away for as long as `keep_firing_for` allows.
    KeepFiringElapsed,
    /// The rule's `for` was raised beyond the time the alert has been active.
    ForRaised,
    /// The rule made more alerts than its group's `limit`.
    LimitExceeded,
    /// The rule was deleted.
    RuleDeleted,
    /// The rule was switched off.
    RuleDisabled,
    /// The rule got another name or other labels, and so is another rule.
    RuleChanged,
}

macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// The word in the API and the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $type {
            type Err = crate::event::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or_else(|| {
                    crate::event::UnknownWord {
                        word: text.to_owned(),
                        known: Self::ALL.iter().map(|value| value.as_str()).collect(),
                    }
                })
            }
        }
    };
}
pub(crate) use words;

/// A word that is none of those known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not known; use one of {}", known.join(", "))]
pub struct UnknownWord {
    /// What was written.
    pub word: String,
    /// What could have been.
    pub known: Vec<&'static str>,
}

words!(EventState { Pending => "pending", Firing => "firing", Inactive => "inactive", Resolved => "resolved" });
words!(EventReason {
    ConditionMet => "condition_met",
    HeldLongEnough => "held_long_enough",
    ConditionGone => "condition_gone",
    KeepFiringElapsed => "keep_firing_elapsed",
    ForRaised => "for_raised",
    LimitExceeded => "limit_exceeded",
    RuleDeleted => "rule_deleted",
    RuleDisabled => "rule_disabled",
    RuleChanged => "rule_changed",
});
