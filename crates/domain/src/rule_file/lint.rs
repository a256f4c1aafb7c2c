//! What Prometheus accepts in a rule file and people usually do not mean. Nobody is asked: only the file is looked at, and
//! what is [`Known`] of a data source, if anything is.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    str::FromStr,
};

use super::{
    FileGroup, FileRule, FileRuleKind, RuleFile,
    expected::Known,
    finding::{Finding, Position},
    places::{RulePlaces, places},
};
use crate::{
    Span,
    labels::SEVERITY,
    promql::{self, Window},
};

/// Functions of ranges that need two samples to say anything.
const OF_TWO_SAMPLES: [&str; 7] = ["delta", "deriv", "idelta", "increase", "irate", "predict_linear", "rate"];
/// Annotations that many tools look for.
const KNOWN_ANNOTATIONS: [&str; 2] = ["description", "summary"];

/// Something to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lint {
    /// Two rules of one name with the same labels; promtool has it under this name.
    DuplicateRules,
    /// A condition that cannot be true.
    NeverTrue,
    /// A selector that finds nothing in the data source.
    NeverMatching,
    /// A range too short for two scrapes.
    ShortRange,
    /// A well-known label or annotation that is spelt almost right.
    Spelling,
    /// An alert that fires at the first evaluation.
    NoFor,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth changing.
    Warning,
}

/// What was found in a file that is no mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub lint: Lint,
    pub finding: Finding,
}

/// What to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintOptions {
    pub lints: BTreeSet<Lint>,
    /// How often metrics are scraped, unless that was measured; without either no range is too short.
    pub scrape_interval: Option<Span>,
    /// What the data source was found to have.
    pub known: Known,
}

impl Lint {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::DuplicateRules, Self::NeverTrue, Self::NeverMatching, Self::ShortRange, Self::Spelling, Self::NoFor];

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DuplicateRules => "duplicate-rules",
            Self::NeverTrue => "never-true",
            Self::NeverMatching => "never-matching",
            Self::ShortRange => "short-range",
            Self::Spelling => "spelling",
            Self::NoFor => "no-for",
        }
    }

    /// How bad it is.
    pub const fn severity(self) -> Severity {
        match self {
            Self::DuplicateRules | Self::NeverTrue | Self::NeverMatching | Self::ShortRange | Self::Spelling => {
                Severity::Warning
            }
            Self::NoFor => Severity::Info,
        }
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text is not the name of a lint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of {all}", all = Lint::ALL.map(Lint::as_str).join(", "))]
pub struct LintError(String);

impl FromStr for Lint {
    type Err = LintError;

    fn from_str(text: &str) -> Result<Self, LintError> {
        let lint = Self::ALL.into_iter().find(|lint| lint.as_str() == text);
        lint.ok_or_else(|| LintError(text.to_owned()))
    }
}

impl Severity {
    /// As reports have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
        }
    }
}

/// Looks at a file and at the text it was read from. In the order of the text.
pub fn lint(file: &RuleFile, text: &str, options: &LintOptions) -> Vec<Remark> {
    let places = places(text);
    let mut linter = Linter { options, remarks: Vec::new(), seen: HashMap::new() };
    for (group, group_places) in file.groups.iter().zip(&places) {
        for (at, message) in misspelt(group.labels.keys(), &[SEVERITY], &group_places.labels) {
            linter.remark(Lint::Spelling, Finding::new(at, message));
        }
        for (index, (rule, places)) in group.rules.iter().zip(&group_places.rules).enumerate() {
            linter.rule(&Context { group, number: index + 1, rule, places });
        }
    }
    linter.remarks.sort_by_key(|remark| (remark.finding.line, remark.finding.column));
    linter.remarks
}

/// A rule and what is around it.
struct Context<'a> {
    group: &'a FileGroup,
    /// From 1.
    number: usize,
    rule: &'a FileRule,
    places: &'a RulePlaces,
}

impl Context<'_> {
    fn finding(&self, at: Position, message: String) -> Finding {
        Finding::new(at, message).in_rule(&self.group.name, self.number, self.rule.name())
    }
}

/// A rule's name and labels, those of its group included.
type Identity<'a> = (&'a str, BTreeMap<&'a str, &'a str>);

struct Linter<'a> {
    options: &'a LintOptions,
    remarks: Vec<Remark>,
    /// Where the first rule of each identity is.
    seen: HashMap<Identity<'a>, Position>,
}

impl<'a> Linter<'a> {
    fn remark(&mut self, lint: Lint, finding: Finding) {
        if self.options.lints.contains(&lint) {
            self.remarks.push(Remark { lint, finding });
        }
    }

    fn rule(&mut self, context: &Context<'a>) {
        let Context { rule, places, .. } = context;
        self.duplicate(context);
        self.spelling(context);
        self.matching(context);
        self.ranges(context);
        let FileRuleKind::Alert { hold, .. } = &rule.kind else { return };
        if let Some(reason) = promql::never(&rule.expr) {
            self.remark(Lint::NeverTrue, context.finding(places.expr, reason));
        }
        if *hold == Span::ZERO {
            let message = "fires at the first evaluation that sees it: there is no 'for'";
            self.remark(Lint::NoFor, context.finding(places.at, message.to_owned()));
        }
    }

    fn duplicate(&mut self, context: &Context<'a>) {
        let Context { group, rule, places, .. } = *context;
        let labels = group.labels.iter().chain(&rule.labels).map(|(name, value)| (name.as_str(), value.as_str()));
        let first = *self.seen.entry((rule.name(), labels.collect())).or_insert(places.at);
        if first != places.at {
            let message = format!("has the name and the labels of the rule in line {}", first.line);
            self.remark(Lint::DuplicateRules, context.finding(places.at, message));
        }
    }

    fn spelling(&mut self, context: &Context<'_>) {
        let Context { rule, places, .. } = context;
        let mut found = misspelt(rule.labels.keys(), &[SEVERITY], &places.labels);
        if let FileRuleKind::Alert { annotations, .. } = &rule.kind {
            found.extend(misspelt(annotations.keys(), &KNOWN_ANNOTATIONS, &places.annotations));
        }
        for (at, message) in found {
            self.remark(Lint::Spelling, context.finding(at, message));
        }
    }

    fn matching(&mut self, context: &Context<'_>) {
        let known = &self.options.known;
        if known.missing.is_empty() && known.misspelt.is_empty() {
            return;
        }
        let (selections, at) = (promql::selections(&context.rule.expr).unwrap_or_default(), context.places.expr);
        for (text, why) in known.missed(&selections) {
            self.remark(Lint::NeverMatching, context.finding(at, format!("`{text}` finds nothing: {why}")));
        }
        let texts: BTreeSet<&String> = selections.iter().map(|selection| &selection.text).collect();
        for text in texts {
            for why in known.misspelt.get(text).into_iter().flatten() {
                self.remark(Lint::Spelling, context.finding(at, format!("in `{text}`: {why}")));
            }
        }
    }

    fn ranges(&mut self, context: &Context<'_>) {
        let LintOptions { scrape_interval, known: Known { intervals, .. }, .. } = self.options;
        for Window { function, selector, series, range } in promql::windows(&context.rule.expr).unwrap_or_default() {
            let Some(interval) = intervals.get(&series).copied().or(*scrape_interval) else { continue };
            let least = Span::from_millis(interval.millis().saturating_mul(2));
            if needs_two_samples(function) && range < least {
                let message = format!(
                    "{function}({selector}) needs two samples, and {range} is less than two scrapes {interval} apart"
                );
                self.remark(Lint::ShortRange, context.finding(context.places.expr, message));
            }
        }
    }
}

/// Whether a function of a range says nothing of one sample.
pub(super) fn needs_two_samples(function: &str) -> bool {
    OF_TWO_SAMPLES.contains(&function)
}

/// Names that are almost one of `known`: where each is, and what to say.
fn misspelt<'a>(
    names: impl Iterator<Item = &'a String>,
    known: &[&str],
    places: &BTreeMap<String, Position>,
) -> Vec<(Position, String)> {
    let found = names.filter_map(|name| {
        let meant = known.iter().find(|known| is_misspelt(name, known))?;
        Some((*places.get(name)?, format!("{name:?} is almost {meant:?}")))
    });
    found.collect()
}

/// Whether one letter is wrong, missing, too much, or exchanged with its neighbour. A plural is meant, and so is what
/// differs in upper and lower case only.
fn is_misspelt(name: &str, known: &str) -> bool {
    let is_plural = name.strip_suffix('s') == Some(known);
    !is_plural && !name.eq_ignore_ascii_case(known) && strsim::osa_distance(name, known) == 1
}

#[cfg(test)]
mod tests;
