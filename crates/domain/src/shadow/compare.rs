//! The comparison itself: what was at the same time on both sides is one, and whatever is left is alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Labels, Span, Timestamp, event::words, id::RuleId, labels::ALERT_NAME};

use super::{
    Episode, Evidence, Reason, Scope, Subject, Window,
    episode::{merged, sampled},
    pause,
    reason::Known,
    tolerance,
    track::{Track, tracks},
};

/// So many alerts of a name are looked through for one that differs in some labels only.
const MOST_LIKE: usize = 500;

/// How an alert fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It was on both sides at the same time, as far as both can tell.
    Same,
    /// It was on both sides, but began or ended at another time.
    Shifted,
    /// It was here and not there.
    OnlyHere,
    /// It was there and not here.
    OnlyThere,
}

words!(Verdict { Same => "same", Shifted => "shifted", OnlyHere => "only_here", OnlyThere => "only_there" });

/// One time that an alert was in the state, on either side or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: RuleId,
    /// Those that count.
    pub labels: Labels,
    pub verdict: Verdict,
    pub here: Option<Episode>,
    pub there: Option<Episode>,
    /// How much later it began here, in milliseconds; none unless it began within the window on one side.
    pub began_later_ms: Option<i64>,
    /// How much later it ended here, in milliseconds; none unless it ended on both sides.
    pub ended_later_ms: Option<i64>,
    /// Why they differ, if they do.
    pub reason: Option<Reason>,
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub same: usize,
    pub shifted: usize,
    pub only_here: usize,
    pub only_there: usize,
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// By rule in the order of the subjects, then by labels, then by time.
    pub findings: Vec<Finding>,
    /// How many alerts there are there of names that no rule here has.
    pub unknown: BTreeMap<String, usize>,
}

impl Tally {
    fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Same => self.same += 1,
            Verdict::Shifted => self.shifted += 1,
            Verdict::OnlyHere => self.only_here += 1,
            Verdict::OnlyThere => self.only_there += 1,
        }
    }

    /// Whether nothing differs.
    pub const fn is_clean(self) -> bool {
        self.shifted == 0 && self.only_here == 0 && self.only_there == 0
    }
}

impl Report {
    /// All together.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.findings.iter().for_each(|finding| tally.count(finding.verdict));
        tally
    }

    /// By rule; rules of which no alert was in the state on either side are left out.
    pub fn by_rule(&self) -> BTreeMap<RuleId, Tally> {
        let mut tallies: BTreeMap<RuleId, Tally> = BTreeMap::new();
        for finding in &self.findings {
            tallies.entry(finding.rule).or_default().count(finding.verdict);
        }
        tallies
    }
}

/// Compares when the alerts of rules were in a state here and there.
pub fn compare(evidence: &Evidence, scope: &Scope) -> Report {
    let (tracks, unknown) = tracks(evidence, scope);
    let mut pairs = Vec::new();
    for ((index, labels), track) in tracks {
        let subject = &evidence.subjects[index];
        pairs.extend(matched(subject, &labels, track, (&evidence.outages, scope.window)));
    }
    let strays = Strays::of(evidence, &pairs);
    let findings = pairs.iter().map(|pair| strays.finding(pair, evidence, scope.window)).collect();
    Report { findings, unknown }
}

/// An alert in the state on both sides, or on one.
struct Pair<'a> {
    subject: &'a Subject,
    labels: Labels,
    here: Option<Episode>,
    there: Option<Episode>,
    /// The other side has it as one with an earlier or a later one.
    is_part: bool,
}

impl Pair<'_> {
    /// What the alert is called, which is not the rule's name if that has changed since.
    fn name(&self) -> &str {
        self.labels.get(ALERT_NAME).unwrap_or_default()
    }
}

/// The episodes of one alert, each with the one of the other side that is the same.
fn matched<'a>(
    subject: &'a Subject,
    labels: &Labels,
    Track { here, there }: Track,
    (outages, window): (&[Episode], Window),
) -> Vec<Pair<'a>> {
    let interval = subject.interval;
    let (here, there) = (merged(here, interval), sampled(&there, outages, interval, window));
    let touches = |one: Episode, others: &[Episode]| others.iter().any(|other| one.touches(*other, pause(interval)));
    let pairs = side_by_side(&here, &there, pause(interval)).into_iter().map(|(ours, theirs)| Pair {
        subject,
        labels: labels.clone(),
        here: ours,
        there: theirs,
        is_part: match (ours, theirs) {
            (Some(ours), None) => touches(ours, &there),
            (None, Some(theirs)) => touches(theirs, &here),
            (Some(_), Some(_)) | (None, None) => false,
        },
    });
    pairs.collect()
}

/// Both in the order of time. Those that touch are together, the others alone.
fn side_by_side(here: &[Episode], there: &[Episode], pause: Span) -> Vec<(Option<Episode>, Option<Episode>)> {
    let (mut here, mut there) = (here.iter().copied().peekable(), there.iter().copied().peekable());
    let mut pairs = Vec::new();
    loop {
        let (takes_ours, takes_theirs) = match (here.peek(), there.peek()) {
            (None, None) => return pairs,
            (Some(_), None) => (true, false),
            (None, Some(_)) => (false, true),
            (Some(ours), Some(theirs)) if ours.touches(*theirs, pause) => (true, true),
            (Some(ours), Some(theirs)) => (ours.begin <= theirs.begin, ours.begin > theirs.begin),
        };
        pairs.push((here.next_if(|_| takes_ours), there.next_if(|_| takes_theirs)));
    }
}

/// How far apart two episodes are.
struct Gap {
    began_later_ms: Option<i64>,
    ended_later_ms: Option<i64>,
    is_small: bool,
}

fn gap(here: Episode, there: Episode, interval: Span, window: Window) -> Gap {
    let near = tolerance(interval);
    let later = |here: Timestamp, there: Timestamp| (here - there).num_milliseconds();
    let is_small = |millis: i64| millis.unsigned_abs() <= near.millis();
    // What has a sample this early may have begun before.
    let is_cut = |episode: Episode| episode.begin <= window.from + interval.chrono();
    let began_later = later(here.begin, there.begin);
    let ended_later_ms = here.end.zip(there.end).map(|(here, there)| later(here, there));
    let one_ended = here.end.xor(there.end).map(|end| Span::between(end, window.to));
    Gap {
        began_later_ms: Some(began_later).filter(|_| !is_cut(here) || !is_cut(there)),
        ended_later_ms,
        is_small: is_small(began_later)
            && ended_later_ms.is_none_or(is_small)
            && one_ended.is_none_or(|since| since <= near),
    }
}

/// An alert that is alone: its labels and its time.
type Stray<'a> = (&'a Labels, Episode);

/// What is alone on either side, and which names there are there at all.
#[derive(Default)]
struct Strays<'a> {
    here: BTreeMap<&'a str, Vec<Stray<'a>>>,
    there: BTreeMap<&'a str, Vec<Stray<'a>>>,
    names_there: BTreeSet<&'a str>,
}

impl<'a> Strays<'a> {
    fn of(evidence: &'a Evidence, pairs: &'a [Pair<'a>]) -> Self {
        let seen = evidence.there.iter().filter(|series| !series.runs.is_empty());
        let names_there = seen.filter_map(|series| series.labels.get(ALERT_NAME));
        let mut strays = Self { names_there: names_there.collect(), ..Self::default() };
        for pair in pairs {
            let name = pair.name();
            match (pair.here, pair.there) {
                (Some(here), None) => strays.here.entry(name).or_default().push((&pair.labels, here)),
                (None, Some(there)) => strays.there.entry(name).or_default().push((&pair.labels, there)),
                (Some(_), Some(_)) | (None, None) => {}
            }
        }
        strays
    }

    fn finding(&self, pair: &Pair<'_>, evidence: &Evidence, window: Window) -> Finding {
        let subject = pair.subject;
        let gap = pair.here.zip(pair.there).map(|(here, there)| gap(here, there, subject.interval, window));
        let (verdict, reason) = self.judged(pair, gap.as_ref(), Known { subject, outages: &evidence.outages, window });
        Finding {
            rule: subject.id,
            labels: pair.labels.clone(),
            verdict,
            here: pair.here,
            there: pair.there,
            began_later_ms: gap.as_ref().and_then(|gap| gap.began_later_ms),
            ended_later_ms: gap.as_ref().and_then(|gap| gap.ended_later_ms),
            reason,
        }
    }

    fn judged(&self, pair: &Pair<'_>, gap: Option<&Gap>, known: Known<'_>) -> (Verdict, Option<Reason>) {
        let name = pair.name();
        let part = pair.is_part.then_some(Reason::PartOfOne);
        match (pair.here, pair.there) {
            (Some(here), Some(there)) if gap.is_some_and(|gap| !gap.is_small) => {
                (Verdict::Shifted, Some(known.shifted(here, there)))
            }
            (Some(here), None) => {
                let (other, any) = (|| other_labels(pair, here, self.there.get(name)), self.names_there.contains(name));
                (Verdict::OnlyHere, part.or_else(other).or_else(|| Some(known.missing_there(here, any))))
            }
            (None, Some(there)) => {
                let other = || other_labels(pair, there, self.here.get(name));
                (Verdict::OnlyThere, part.or_else(other).or_else(|| Some(known.missing_here(there))))
            }
            (Some(_), Some(_)) | (None, None) => (Verdict::Same, None),
        }
    }
}

/// The labels in which the alert differs from the one on the other side that is most like it, and alone at this time too.
fn other_labels(pair: &Pair<'_>, alone: Episode, others: Option<&Vec<Stray<'_>>>) -> Option<Reason> {
    let at_the_time = others?.iter().filter(|(_, episode)| alone.touches(*episode, pause(pair.subject.interval)));
    let differing = at_the_time.take(MOST_LIKE).map(|(labels, _)| differing(&pair.labels, labels));
    differing.filter(|names| !names.is_empty()).min_by_key(Vec::len).map(Reason::OtherLabels)
}

/// Names of labels that only one of the two has, or whose values differ.
fn differing(one: &Labels, other: &Labels) -> Vec<String> {
    let names: BTreeSet<&str> = one.iter().chain(other.iter()).map(|(name, _)| name).collect();
    names.into_iter().filter(|name| one.get(name) != other.get(name)).map(str::to_owned).collect()
}
