//! What an import changes: the rules that are there, compared with those of a file.
//!
//! Groups are known by their names. Rules are known as Prometheus knows them when it reloads: within their group by
//! kind, name and labels (the group's among them), equal ones in order. So a rule whose expression, `for` or annotations
//! are edited is the same rule and keeps its alerts, and one with another name or another label is another rule.
//!
//! Source: prometheus/prometheus `rules/group.go`, `Group.CopyState`.

mod diff;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use crate::{id::ChannelId, rule::RuleKind};

use super::{FileGroup, FileRule, RuleFile, order};
use diff::{Diff, POSITION};

/// A group that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresentGroup {
    /// What a file would say of it; its list of rules is not looked at.
    pub settings: FileGroup,
    /// In order.
    pub rules: Vec<PresentRule>,
}

/// A rule that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentRule {
    /// What a file would say of it.
    pub rule: FileRule,
    /// Who hears of it.
    pub channels: Vec<ChannelId>,
    /// Somebody may have switched it off while no file owned it.
    pub is_active: bool,
}

/// What an import does, group by group: those of the file in its order, then those that go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What differs of the namespace itself.
    pub diff: Vec<Difference>,
    /// Each group once, whether it changes or not.
    pub groups: Vec<GroupPlan>,
}

/// What becomes of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlan {
    /// The group's name.
    pub name: String,
    /// Where it is found.
    pub step: Step,
    /// What differs of its settings and its place.
    pub diff: Vec<Difference>,
    /// Its rules in the file's order, then those that go.
    pub rules: Vec<RulePlan>,
}

/// What becomes of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulePlan {
    /// The alert's or the metric's name.
    pub name: String,
    /// What the rule makes.
    pub kind: RuleKind,
    /// Where it is found.
    pub step: Step,
    /// What differs, its place included.
    pub diff: Vec<Difference>,
}

/// Where something is found, as indices: among what is there, and in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Only in the file.
    Add { after: usize },
    /// In both.
    Keep { before: usize, after: usize },
    /// No longer in the file.
    Remove { before: usize },
}

/// What happens to something, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Add,
    /// It is the same, and says something else.
    Change,
    /// It says the same in another place.
    Move,
    /// It goes.
    Remove,
}

/// A field that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `expr`, `for`, `labels.severity`, …
    pub field: String,
    /// What it says now; `None` for nothing.
    pub before: Option<String>,
    /// What it will say; `None` for nothing.
    pub after: Option<String>,
}

/// How much a plan does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New ones.
    pub added: usize,
    /// Those that say something else or stand elsewhere.
    pub changed: usize,
    /// Those that go.
    pub removed: usize,
    /// The others.
    pub unchanged: usize,
}

impl Action {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
            Self::Move => "move",
            Self::Remove => "remove",
        }
    }

    /// Every value.
    pub const ALL: [Self; 4] = [Self::Add, Self::Change, Self::Move, Self::Remove];
}

impl Step {
    const fn before(self) -> Option<usize> {
        match self {
            Self::Keep { before, .. } | Self::Remove { before } => Some(before),
            Self::Add { .. } => None,
        }
    }

    const fn after(self) -> Option<usize> {
        match self {
            Self::Keep { after, .. } | Self::Add { after } => Some(after),
            Self::Remove { .. } => None,
        }
    }

    /// What it comes to when so much differs; `None` for nothing.
    fn action(self, diff: &[Difference]) -> Option<Action> {
        match self {
            Self::Add { .. } => Some(Action::Add),
            Self::Remove { .. } => Some(Action::Remove),
            Self::Keep { .. } if diff.is_empty() => None,
            Self::Keep { .. } if diff.iter().all(|difference| difference.field == POSITION) => Some(Action::Move),
            Self::Keep { .. } => Some(Action::Change),
        }
    }
}

impl RulePlan {
    /// What happens to the rule; `None` for nothing.
    pub fn action(&self) -> Option<Action> {
        self.step.action(&self.diff)
    }
}

impl GroupPlan {
    /// What happens to the group itself, whatever happens to its rules; `None` for nothing.
    pub fn action(&self) -> Option<Action> {
        self.step.action(&self.diff)
    }
}

impl Plan {
    /// The same for a namespace that is in shadow or not, and will be so; without `after` it stays as it is.
    pub fn with_shadow(mut self, before: bool, after: Option<bool>) -> Self {
        let mut diff = Diff::default();
        diff.shadow(before, after.unwrap_or(before));
        self.diff = diff.0;
        self
    }

    /// Groups, whatever happens to their rules.
    pub fn groups(&self) -> Counts {
        counted(self.groups.iter().map(GroupPlan::action))
    }

    /// Rules.
    pub fn rules(&self) -> Counts {
        counted(self.groups.iter().flat_map(|group| &group.rules).map(RulePlan::action))
    }
}

fn counted(actions: impl Iterator<Item = Option<Action>>) -> Counts {
    let mut counts = Counts::default();
    for action in actions {
        match action {
            Some(Action::Add) => counts.added += 1,
            Some(Action::Change | Action::Move) => counts.changed += 1,
            Some(Action::Remove) => counts.removed += 1,
            None => counts.unchanged += 1,
        }
    }
    counts
}

/// What has to happen so that there is what the file says. Without `channels` rules that stay keep theirs.
pub fn plan(before: &[PresentGroup], after: &RuleFile, channels: Option<&[ChannelId]>) -> Plan {
    let mut known: HashMap<&str, usize> =
        before.iter().enumerate().map(|(index, group)| (group.settings.name.as_str(), index)).collect();
    let matched: Vec<_> = after.groups.iter().map(|group| known.remove(group.name.as_str())).collect();
    let groups = steps(&matched, before.len()).into_iter().map(|(step, moved)| {
        let old = step.before().map(|index| &before[index]);
        let new = step.after().map(|index| &after.groups[index]);
        let mut diff = Diff::default();
        if let (Some(old), Some(new)) = (old, new) {
            diff.settings(&old.settings, new);
            diff.place(step, moved);
        }
        let name = new.or(old.map(|old| &old.settings)).map(|group| group.name.clone()).unwrap_or_default();
        GroupPlan { name, step, diff: diff.0, rules: rules(old, new, channels) }
    });
    Plan { diff: Vec::new(), groups: groups.collect() }
}

fn rules(old: Option<&PresentGroup>, new: Option<&FileGroup>, channels: Option<&[ChannelId]>) -> Vec<RulePlan> {
    let before = old.map(|group| group.rules.as_slice()).unwrap_or_default();
    let after = new.map(|group| group.rules.as_slice()).unwrap_or_default();
    let mut known: HashMap<Key<'_>, VecDeque<usize>> = HashMap::new();
    for (index, present) in before.iter().enumerate() {
        known.entry(key(old.map(|group| &group.settings), &present.rule)).or_default().push_back(index);
    }
    let matched: Vec<_> =
        after.iter().map(|rule| known.get_mut(&key(new, rule)).and_then(VecDeque::pop_front)).collect();
    let plans = steps(&matched, before.len()).into_iter().filter_map(|(step, moved)| {
        let old = step.before().map(|index| &before[index]);
        let new = step.after().map(|index| &after[index]);
        let mut diff = Diff::default();
        if let (Some(old), Some(new)) = (old, new) {
            diff.rule(old, new, channels);
            diff.place(step, moved);
        }
        let rule = new.or(old.map(|old| &old.rule))?;
        Some(RulePlan { name: rule.name().to_owned(), kind: rule.kind(), step, diff: diff.0 })
    });
    plans.collect()
}

/// What a rule is known by.
type Key<'a> = (RuleKind, &'a str, BTreeMap<String, String>);

fn key<'a>(group: Option<&FileGroup>, rule: &'a FileRule) -> Key<'a> {
    let labels = group.map_or_else(|| rule.labels.clone(), |group| group.labels_of(rule));
    (rule.kind(), rule.name(), labels)
}

/// A step for each of the file's items, of which `matched` says where it is found, and one for each that goes; and
/// whether it moved.
fn steps(matched: &[Option<usize>], before: usize) -> Vec<(Step, bool)> {
    let places: Vec<usize> = matched.iter().flatten().copied().collect();
    let mut moved = order::moved(&places).into_iter();
    let in_file = matched.iter().enumerate().map(|(after, found)| match found {
        Some(before) => (Step::Keep { before: *before, after }, moved.next().unwrap_or_default()),
        None => (Step::Add { after }, false),
    });
    let mut steps: Vec<_> = in_file.collect();
    let kept: HashSet<usize> = places.into_iter().collect();
    let gone = (0..before).filter(|index| !kept.contains(index));
    steps.extend(gone.map(|before| (Step::Remove { before }, false)));
    steps
}
