//! How far apart in time the same thing may be on both sides.

use std::collections::BTreeMap;

use crate::{shown::Group, timeline::Millis};

/// How often the targets are scraped.
const SCRAPE: Millis = 1_000;
/// How often one looks.
pub(crate) const LOOK: Millis = 300;
/// What a busy machine may take for the rest: the tick of a scheduler, a commit, an answer.
const SLACK: Millis = 2_000;
/// For how long an alert is not sent again, in both configurations.
pub(crate) const RESEND: Millis = 10_000;

/// Groups that ask for what another group writes, and that one's interval.
const FOLLOWS: [(&str, Millis); 1] = [("elsewhere", 2_000)];

/// When the rules of the file are evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// By group.
    intervals: BTreeMap<String, Millis>,
    /// The group of each rule.
    groups: BTreeMap<String, String>,
}

impl Pace {
    pub(crate) fn of(groups: &[Group]) -> Self {
        let intervals = groups.iter().map(|group| (group.name.clone(), (group.interval * 1e3).round() as Millis));
        let rules = groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (&rule.name, &group.name)));
        Self {
            intervals: intervals.collect(),
            groups: rules.map(|(rule, group)| (rule.clone(), group.clone())).collect(),
        }
    }

    /// The interval of a group; of one that is not in the file the longest.
    pub(crate) fn interval(&self, group: &str) -> Millis {
        let longest = || self.intervals.values().copied().max().unwrap_or_default();
        self.intervals.get(group).copied().unwrap_or_else(longest)
    }

    pub(crate) fn interval_of_rule(&self, rule: &str) -> Millis {
        self.interval(self.group(rule))
    }

    /// Both see a change with their next scrape and the next evaluation after it: at worst one does at once, and the
    /// other after an interval and a scrape. It is noticed with the next look.
    pub(crate) fn tolerance(&self, group: &str) -> Millis {
        let follows = FOLLOWS.iter().find(|(name, _)| *name == group).map_or(0, |(_, interval)| *interval);
        self.interval(group) + follows + SCRAPE + LOOK + SLACK
    }

    pub(crate) fn tolerance_of_rule(&self, rule: &str) -> Millis {
        self.tolerance(self.group(rule))
    }

    /// For how long an alert of a rule counts as firing after it was sent.
    pub(crate) fn validity(&self, rule: &str) -> Millis {
        4 * self.interval_of_rule(rule).max(RESEND)
    }

    fn group(&self, rule: &str) -> &str {
        self.groups.get(rule).map_or("", String::as_str)
    }
}
