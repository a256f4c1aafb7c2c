//! What was seen of many things, look after look, and whether another saw the same of them, sooner or later.

use std::collections::BTreeMap;

/// Milliseconds since the story began; negative before it.
pub(crate) type Millis = i64;

/// A value for as long as look after look saw it.
#[derive(Clone, Debug, PartialEq)]
struct Run<V> {
    from: Millis,
    /// The last look that saw it.
    until: Millis,
    looks: usize,
    /// `None` while the thing was not there.
    value: Option<V>,
}

/// What was seen of each thing.
#[derive(Clone, Debug)]
pub(crate) struct Timelines<K, V> {
    runs: BTreeMap<K, Vec<Run<V>>>,
    /// The first look and the last, and how many there were.
    looked: Option<(Millis, Millis, usize)>,
}

/// What one saw and the other did not.
#[derive(Debug, PartialEq)]
pub(crate) struct Unlike<'a, K, V> {
    pub(crate) thing: &'a K,
    pub(crate) at: Millis,
    pub(crate) value: Option<&'a V>,
    /// What the other saw around that time, in order.
    pub(crate) instead: Vec<Option<&'a V>>,
}

impl<K, V> Default for Timelines<K, V> {
    fn default() -> Self {
        Self { runs: BTreeMap::new(), looked: None }
    }
}

impl<K: Ord, V: PartialEq> Timelines<K, V> {
    /// Adds what is there at `at`; whatever was there before and is not among it is gone.
    pub(crate) fn look(&mut self, at: Millis, mut seen: BTreeMap<K, V>) {
        for (thing, runs) in &mut self.runs {
            extend(runs, at, seen.remove(thing));
        }
        for (thing, value) in seen {
            let absent = self.looked.map(|(from, until, looks)| Run { from, until, looks, value: None });
            let mut runs: Vec<_> = absent.into_iter().collect();
            extend(&mut runs, at, Some(value));
            self.runs.insert(thing, runs);
        }
        let (first, _, looks) = self.looked.unwrap_or((at, at, 0));
        self.looked = Some((first, at, looks + 1));
    }

    /// How many things were seen.
    pub(crate) fn things(&self) -> usize {
        self.runs.len()
    }

    /// How many values of things were seen by more than one look in a row.
    pub(crate) fn states(&self) -> usize {
        self.runs.values().flatten().filter(|run| run.value.is_some() && run.is_certain()).count()
    }

    /// Each first moment at which this saw of a thing what `other` did not see of it within `tolerance`, sooner or
    /// later. What a single look saw is not demanded: an answer is put together while a rule is evaluated.
    pub(crate) fn unlike<'a>(&'a self, other: &'a Self, tolerance: &impl Fn(&K) -> Millis) -> Vec<Unlike<'a, K, V>> {
        let mut found = Vec::new();
        for (thing, runs) in &self.runs {
            let (tolerance, others) = (tolerance(thing), other.runs_of(thing));
            for run in runs.iter().filter(|run| run.is_certain()) {
                let Some(at) = uncovered(run, &others, tolerance) else { continue };
                let around = others.iter().filter(|other| other.is_within(at, tolerance));
                let instead = around.map(|other| other.value).collect();
                found.push(Unlike { thing, at, value: run.value.as_ref(), instead });
            }
        }
        found
    }

    /// What is known of a thing, which may never have been there.
    fn runs_of<'a>(&'a self, thing: &K) -> Vec<Run<&'a V>> {
        match self.runs.get(thing) {
            Some(runs) => runs.iter().map(Run::borrowed).collect(),
            None => {
                let absent = self.looked.map(|(from, until, looks)| Run { from, until, looks, value: None });
                absent.into_iter().collect()
            }
        }
    }
}

impl<V> Run<V> {
    fn is_certain(&self) -> bool {
        self.looks > 1
    }

    fn is_within(&self, at: Millis, tolerance: Millis) -> bool {
        self.from - tolerance <= at && at <= self.until + tolerance
    }

    fn borrowed(&self) -> Run<&V> {
        Run { from: self.from, until: self.until, looks: self.looks, value: self.value.as_ref() }
    }
}

fn extend<V: PartialEq>(runs: &mut Vec<Run<V>>, at: Millis, value: Option<V>) {
    match runs.last_mut().filter(|run| run.value == value) {
        Some(run) => (run.until, run.looks) = (at, run.looks + 1),
        None => runs.push(Run { from: at, until: at, looks: 1, value }),
    }
}

/// The first moment of a run that no run of the same value among `others`, which are in order, is close to.
fn uncovered<V: PartialEq>(run: &Run<V>, others: &[Run<&V>], tolerance: Millis) -> Option<Millis> {
    let mut at = run.from;
    for like in others.iter().filter(|other| other.value == run.value.as_ref()) {
        if like.from - tolerance > at {
            return Some(at);
        }
        at = at.max(like.until + tolerance);
        if at >= run.until {
            return None;
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: Millis = 3;

    /// Draws what was seen of one thing, a look each: `.` nothing, otherwise the value.
    fn drawn(text: &str) -> Timelines<&'static str, char> {
        let mut timelines = Timelines::default();
        for (at, mark) in text.chars().enumerate() {
            let seen = (mark != '.').then_some(("thing", mark)).into_iter().collect();
            timelines.look(Millis::try_from(at).expect("few"), seen);
        }
        timelines
    }

    /// When, and what one had that the other had not.
    fn unlike(one: &str, other: &str) -> Vec<(Millis, Option<char>)> {
        let (one, other) = (drawn(one), drawn(other));
        let found = one.unlike(&other, &|_| TOLERANCE);
        found.into_iter().map(|unlike| (unlike.at, unlike.value.copied())).collect()
    }

    #[test]
    fn the_same_sooner_or_later_is_the_same() {
        for (one, other) in [
            ("....pppFFFFF.....", "....pppFFFFF....."),
            ("....pppFFFFF.....", "......pppFFFFF..."),
            ("....pppFFFFF.....", "..pppFFFFF......."),
            ("....pppFFFFF.....", "....ppppFFFF....."),
            ("aa.aa.aa.aa", "..aa.aa.aaa"),
            (".......", "......."),
        ] {
            assert_eq!((unlike(one, other), unlike(other, one)), (vec![], vec![]), "{one} {other}");
        }
    }

    #[test]
    fn what_only_one_saw_is_found() {
        for (one, other, found, back) in [
            // One fires and the other does not: what was never there is nothing that is missed.
            ("...FFFFFFFF...", "..............", vec![(3, Some('F'))], vec![]),
            // Another value.
            ("..aaaaaaaaaaaa", "..bbbbbbbbbbbb", vec![(2, Some('a'))], vec![(2, Some('b'))]),
            // A state that is left out.
            ("...pppFFFF....", "......FFFF....", vec![(3, Some('p'))], vec![]),
            // Later than may be.
            ("..aaaaaaaa....", "........aaaaaa", vec![(2, Some('a')), (10, None)], vec![(4, None), (12, Some('a'))]),
            // For longer than may be.
            ("..aaaaaaaaaa..", "..aa..........", vec![(6, Some('a'))], vec![(4, None)]),
        ] {
            assert_eq!((unlike(one, other), unlike(other, one)), (found, back), "{one} {other}");
        }
    }

    #[test]
    fn what_a_single_look_saw_is_not_demanded() {
        assert_eq!(unlike("aaaaaxaaaaa", "aaaaaaaaaaa"), []);
        assert_eq!(unlike("aaaaxxaaaaa", "aaaaaaaaaaa"), [(4, Some('x'))]);
    }

    #[test]
    fn things_that_the_other_never_saw_are_found() {
        let (one, other) = (drawn("aaaa"), Timelines::<&str, char>::default());
        let found = one.unlike(&other, &|_| TOLERANCE);
        assert_eq!(found, [Unlike { thing: &"thing", at: 0, value: Some(&'a'), instead: vec![] }]);
        assert_eq!((one.things(), one.states(), other.things()), (1, 1, 0));
        let never = drawn("....");
        assert_eq!(one.unlike(&never, &|_| TOLERANCE)[0].instead, [None], "what was there instead is told");
    }
}
