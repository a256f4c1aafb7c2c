//! What rule files look for in a data source, and what to say of what is not there. Nobody is asked in here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use super::{
    FileRule, FileRuleKind, RuleFile,
    lint::{Lint, needs_two_samples},
};
use crate::{
    Labels, Span,
    alert::is_alert_metric,
    labels::METRIC_NAME,
    promql::{self, Selection, Selector},
};

/// Of names and values that are almost right, and of values that there are, at most this many are told.
const MOST_TOLD: usize = 3;
/// How far apart scrapes usually are, in seconds.
const USUAL_INTERVALS: [u64; 10] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300];

/// What rule files look for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Selectors that are to find something, each once, by their text.
    pub selections: BTreeMap<String, Selection>,
    /// Selectors of series of which some function needs two samples.
    pub ranged: BTreeSet<String>,
}

/// What a data source was found to have, as far as it was asked. Everything is by a selector's text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Selectors that find nothing, and why.
    pub missing: BTreeMap<String, Missing>,
    /// Labels that selectors name in vain though they find something.
    pub misspelt: BTreeMap<String, Vec<Missing>>,
    /// How far apart the samples of the densest series are.
    pub intervals: BTreeMap<String, Span>,
}

/// Why a selector finds nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// `near` are names that there are.
    #[error("no metric is called {metric}{}", almost(near))]
    Metric { metric: String, near: Vec<String> },
    /// `near` are labels that series of `of` have.
    #[error("no series of {of} has a label {label}{}", almost(near))]
    Label { of: String, label: String, near: Vec<String> },
    /// `there` are the values that series of `of` have.
    #[error("no series of {of} has {matcher}{}", values(near, there))]
    Value { of: String, matcher: String, near: Vec<String>, there: Vec<String> },
    #[error("its matchers match, but no series has all of them")]
    Together,
    #[error("there is no such series")]
    Unexplained,
}

impl Expected {
    /// What `files` look for, as far as these lints are about it; not what the files make themselves.
    pub fn of(files: &[&RuleFile], lints: &BTreeSet<Lint>) -> Self {
        let rules = || files.iter().flat_map(|file| &file.groups).flat_map(|group| &group.rules);
        let made: BTreeSet<&str> = rules().filter_map(recorded).collect();
        let mut expected = Self::default();
        for rule in rules() {
            if lints.contains(&Lint::NeverMatching) || lints.contains(&Lint::Spelling) {
                let selections = promql::selections(&rule.expr).unwrap_or_default();
                let foreign = selections.into_iter().filter(|selection| !is_made(selection, &made));
                expected.selections.extend(foreign.map(|selection| (selection.text.clone(), selection)));
            }
            if lints.contains(&Lint::ShortRange) {
                let windows = promql::windows(&rule.expr).unwrap_or_default();
                let ranged = windows.into_iter().filter(|window| needs_two_samples(window.function));
                expected.ranged.extend(ranged.map(|window| window.series));
            }
        }
        expected
    }
}

fn recorded(rule: &FileRule) -> Option<&str> {
    match &rule.kind {
        FileRuleKind::Record { name } => Some(name),
        FileRuleKind::Alert { .. } => None,
    }
}

/// Whether rules write what is selected: these, or alerting rules in general.
fn is_made(selection: &Selection, made: &BTreeSet<&str>) -> bool {
    let is_made = |name: &str| made.contains(name) || is_alert_metric(name);
    if let Some(metric) = &selection.metric {
        return is_made(metric);
    }
    let named = selection.matchers.iter().find(|matcher| matcher.label == METRIC_NAME);
    let named = named.and_then(|matcher| Selector::parse(matcher.alone.as_deref()?).ok());
    named.is_some_and(|named| made.iter().any(|name| named.matches(&Labels::from([(METRIC_NAME, *name)]))))
}

impl Known {
    /// Those of an expression's selections that find nothing, each once, unless another side of their `or` finds all it
    /// asks for.
    pub(super) fn missed<'a>(&'a self, selections: &'a [Selection]) -> BTreeMap<&'a str, &'a Missing> {
        let mut is_whole: BTreeMap<(usize, usize), bool> = BTreeMap::new();
        for Selection { text, side, .. } in selections {
            if let Some(side) = side {
                *is_whole.entry(*side).or_insert(true) &= !self.missing.contains_key(text);
            }
        }
        let made_up_for: BTreeSet<usize> =
            is_whole.into_iter().filter(|(_, is_whole)| *is_whole).map(|((or, _), _)| or).collect();
        let matters = |selection: &&Selection| selection.side.is_none_or(|(or, _)| !made_up_for.contains(&or));
        let missed = |selection: &'a Selection| Some((selection.text.as_str(), self.missing.get(&selection.text)?));
        selections.iter().filter(matters).filter_map(missed).collect()
    }
}

impl Missing {
    /// No series of `of` has the label with that value; `there` are those it has.
    pub fn value(of: &str, matcher: &promql::LabelMatcher, there: &[String]) -> Self {
        let names = there.iter().map(String::as_str);
        let near = matcher.value.as_deref().map(|value| near(value, names)).unwrap_or_default();
        Self::Value { of: of.to_owned(), matcher: matcher.text.clone(), near, there: there.to_vec() }
    }

    /// No series of `of` has the label; `there` are the labels they have.
    pub fn label(of: &str, label: &str, there: &[String]) -> Self {
        let near = near(label, there.iter().map(String::as_str));
        Self::Label { of: of.to_owned(), label: label.to_owned(), near }
    }

    /// Whether something that there is may have been meant.
    pub fn has_a_guess(&self) -> bool {
        match self {
            Self::Metric { near, .. } | Self::Label { near, .. } | Self::Value { near, .. } => !near.is_empty(),
            Self::Together | Self::Unexplained => false,
        }
    }

    /// There is no such metric; `there` are the names of those there are.
    pub fn metric<'a>(metric: &str, there: impl Iterator<Item = &'a str>) -> Self {
        Self::Metric { metric: metric.to_owned(), near: near(metric, there) }
    }
}

/// Those of `known` that are almost `wanted`, nearest first.
fn near<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let most = (wanted.chars().count() / 4).clamp(1, 3);
    let alike = known.filter(|name| name.len().abs_diff(wanted.len()) <= most);
    let distances = alike.map(|name| (strsim::osa_distance(wanted, name), name));
    let mut found: Vec<_> = distances.filter(|(distance, _)| (1..=most).contains(distance)).collect();
    found.sort_unstable();
    found.truncate(MOST_TOLD);
    found.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// How far apart scrapes are whose samples have these times, in milliseconds and in order; `None` of fewer than three.
///
/// A scrape that is missing or late does not matter. Near one of the usual intervals it is that, otherwise whole seconds
/// if there are any.
pub fn scrape_interval(times: &[i64]) -> Option<Span> {
    let mut gaps: Vec<u64> = times.windows(2).filter_map(|pair| u64::try_from(pair[1] - pair[0]).ok()).collect();
    gaps.sort_unstable();
    let median = *gaps.get(gaps.len() / 2).filter(|_| gaps.len() >= 2)?;
    let mut usual = USUAL_INTERVALS.iter().map(|seconds| seconds * 1_000);
    let near = usual.find(|usual| usual.abs_diff(median) * 20 <= *usual);
    let whole = (median + 500) / 1_000 * 1_000;
    Some(Span::from_millis(near.unwrap_or(if whole == 0 { median } else { whole })))
}

/// `; a is almost that`, `; a and b are almost that`, or nothing.
fn almost(near: &[String]) -> String {
    match near {
        [] => String::new(),
        [one] => format!("; {one} is almost that"),
        [all @ .., last] => format!("; {} and {last} are almost that", all.join(", ")),
    }
}

/// What a label may be meant to be, or else what it is.
fn values(near: &[String], there: &[String]) -> String {
    let quoted = |values: &[String]| -> Vec<String> {
        values.iter().take(MOST_TOLD).map(|value| format!("{value:?}")).collect()
    };
    if !near.is_empty() {
        return almost(&quoted(near));
    }
    let mut told = match quoted(there).as_slice() {
        [] => return String::new(),
        [one] => format!("; there is {one}"),
        all => format!("; there are {}", all.join(", ")),
    };
    if there.len() > MOST_TOLD {
        // A String takes whatever is written to it.
        let _ = write!(told, " and {} more", there.len() - MOST_TOLD);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule_file::{NameScheme, ParseOptions, UnknownFields};

    fn read(text: &str) -> RuleFile {
        let unknown_fields = UnknownFields::Refuse;
        let options = ParseOptions { unknown_fields, names: NameScheme::Utf8, templates: &|_| Ok(()) };
        RuleFile::parse(text, &options).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")).0
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn what_files_make_themselves_is_not_expected() {
        let one =
            read("groups: [{name: g, rules: [{record: 'job:up', expr: sum(up)}, {alert: A, expr: 'other:x > 1'}]}]");
        let other = read(
            "groups: [{name: g, rules: [{alert: B, expr: 'job:up{job=\"x\"} + {__name__=~\"job:.*\",a=\"b\"} + {job=\"y\"}'},
              {record: 'other:x', expr: 'ALERTS or ALERTS_FOR_STATE'}, {alert: C, expr: '{__name__=~\"foo.*\"}'}]}]",
        );
        let expected = Expected::of(&[&one, &other], &Lint::ALL.into());
        let selections: Vec<_> = expected.selections.keys().map(String::as_str).collect();
        assert_eq!(selections, ["up", "{__name__=~\"foo.*\"}", "{job=\"y\"}"]);
    }

    #[test]
    fn only_what_lints_are_about_is_expected() {
        let file = read("groups: [{name: g, rules: [{record: r, expr: 'rate(a[1m]) + max_over_time(b[1m]) + c'}]}]");
        let of = |lints: &[Lint]| Expected::of(&[&file], &lints.iter().copied().collect());
        assert_eq!(of(&[Lint::NoFor, Lint::NeverTrue]), Expected::default());
        let ranged = of(&[Lint::ShortRange]);
        assert_eq!((ranged.selections.len(), ranged.ranged), (0, BTreeSet::from(["a".to_owned()])));
        assert_eq!(of(&[Lint::NeverMatching]).selections.len(), 3);
    }

    #[test]
    fn reasons_are_told_with_what_may_be_meant() {
        let node = promql::selections("up{job=\"nod\"}").unwrap().remove(0).matchers.remove(0);
        for (missing, told) in [
            (
                Missing::metric("nod_load1", ["node_load1", "node_load15", "up"].into_iter()),
                "no metric is called nod_load1; node_load1 and node_load15 are almost that",
            ),
            (Missing::metric("x", ["up"].into_iter()), "no metric is called x"),
            (
                Missing::label("up", "jb", &texts(&["instance", "job"])),
                "no series of up has a label jb; job is almost that",
            ),
            (
                Missing::value("up", &node, &texts(&["node", "prometheus"])),
                "no series of up has job=\"nod\"; \"node\" is almost that",
            ),
            (Missing::value("up", &node, &texts(&["a"])), "no series of up has job=\"nod\"; there is \"a\""),
            (
                Missing::value("up", &node, &texts(&["a", "b", "c", "d", "e"])),
                "no series of up has job=\"nod\"; there are \"a\", \"b\", \"c\" and 2 more",
            ),
            (Missing::value("up", &node, &[]), "no series of up has job=\"nod\""),
        ] {
            assert_eq!(missing.to_string(), told);
        }
    }

    #[test]
    fn short_names_must_be_nearer_than_long_ones() {
        let near = |wanted: &str| near(wanted, ["job", "instance", "mountpoint", "jobs_total_seconds"].into_iter());
        assert_eq!(near("jb"), ["job"]);
        assert_eq!(near("mountpiont"), ["mountpoint"]);
        assert_eq!(near("job"), [""; 0], "what is there is not almost there");
        assert_eq!(near("xyz"), [""; 0]);
    }

    #[test]
    fn the_interval_is_that_of_most_samples() {
        for (times, interval) in [
            (&[][..], None),
            (&[0, 15_000], None),
            (&[0, 15_000, 30_000], Some("15s")),
            (&[3, 15_001, 30_004, 60_002, 75_003], Some("15s")),
            (&[0, 1_003, 1_998, 3_001], Some("1s")),
            (&[0, 60_000, 120_000], Some("1m")),
            (&[0, 40_010, 80_000], Some("40s")),
            (&[0, 100, 200, 300], Some("100ms")),
        ] {
            assert_eq!(scrape_interval(times).map(|span| span.to_string()).as_deref(), interval, "{times:?}");
        }
    }
}
