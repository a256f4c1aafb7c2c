//! What an evaluation needs to be handed: one [`Select`] for each selector of the expression.

use regex::Regex;

/// How a matcher compares a label's value. A label that is absent has the value `""`.
#[derive(Clone, Debug)]
pub enum Match {
    Equal(String),
    NotEqual(String),
    /// Matches the whole value.
    Regex(Regex),
    /// Does not match the whole value.
    NotRegex(Regex),
}

/// A condition on one label.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub name: String,
    pub how: Match,
}

impl Matcher {
    /// Whether `value` satisfies the condition; `""` stands for an absent label.
    pub fn matches(&self, value: &str) -> bool {
        match &self.how {
            Match::Equal(wanted) => value == wanted,
            Match::NotEqual(unwanted) => value != unwanted,
            Match::Regex(regex) => regex.is_match(value),
            Match::NotRegex(regex) => !regex.is_match(value),
        }
    }
}

/// Which points of each series are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Only the newest point of the window (a stale marker counts as one): an instant selector at one moment.
    Newest,
    /// Every point of the window.
    All,
}

/// The series and the window of one selector. The window is left-open: `after_ms < at_ms <= until_ms`.
#[derive(Clone, Debug)]
pub struct Select {
    /// All must hold.
    pub matchers: Vec<Matcher>,
    pub after_ms: i64,
    pub until_ms: i64,
    pub wanted: Wanted,
}
