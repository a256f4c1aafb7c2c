//! What was compared and what was found. A comparison of nothing finds nothing, so it has to have been enough.

use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
};

use crate::known::Side;

/// What one cycle of the world brings at the least.
const LEAST: [(&str, usize); 16] = [
    ("looks", 80),
    ("groups", 8),
    ("rules", 50),
    ("states of rules", 90),
    ("alerts of rules", 50),
    ("states of alerts of rules", 70),
    ("alerts", 50),
    ("states of alerts", 70),
    ("series", 100),
    ("states of series", 130),
    ("times of alerts", 100),
    ("intervals of ALERTS", 60),
    ("groups that keep up", 16),
    ("alerts posted", 40),
    ("episodes", 45),
    ("posts of alerts", 150),
];

/// More differences are counted and not told.
const MOST: usize = 60;

#[derive(Debug, Default)]
pub(crate) struct Report {
    compared: BTreeMap<&'static str, usize>,
    differences: Vec<Difference>,
    /// How often each was met.
    known: Vec<(usize, &'static str)>,
}

#[derive(Debug)]
struct Difference {
    what: &'static str,
    of: String,
    vigil: String,
    prometheus: String,
}

impl Report {
    /// So many of something more were compared.
    pub(crate) fn count(&mut self, what: &'static str, more: usize) {
        *self.compared.entry(what).or_default() += more;
    }

    /// What both say of something is not the same.
    pub(crate) fn differ(&mut self, what: &'static str, of: &impl Debug, vigil: &impl Debug, prometheus: &impl Debug) {
        self.tell(what, format!("{of:?}"), format!("{vigil:?}"), format!("{prometheus:?}"));
    }

    /// The same in words.
    pub(crate) fn tell(&mut self, what: &'static str, of: String, vigil: String, prometheus: String) {
        self.differences.push(Difference { what, of, vigil, prometheus });
    }

    /// What one says of something cannot be.
    pub(crate) fn wrong(&mut self, side: Side, what: &'static str, of: &impl Debug, said: String) {
        let right = "as it should be".to_owned();
        let (vigil, prometheus) = match side {
            Side::Vigil => (said, right),
            Side::Prometheus => (right, said),
        };
        self.tell(what, format!("{of:?}"), vigil, prometheus);
    }

    /// A known difference was met so often.
    pub(crate) fn met(&mut self, times: usize, reason: &'static str) {
        self.known.push((times, reason));
        if times == 0 {
            let same = "no longer differs".to_owned();
            self.tell("known differences", reason.to_owned(), same.clone(), same);
        }
    }

    /// Notes as a difference whatever was compared less often than one cycle of the world brings.
    pub(crate) fn demand_enough(&mut self) {
        for (what, least) in LEAST {
            let compared = self.compared.get(what).copied().unwrap_or_default();
            if compared < least {
                let least = format!("at least {least}");
                self.tell("enough", format!("{compared} {what} compared"), least.clone(), least);
            }
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }

    pub(crate) fn differences(&self) -> usize {
        self.differences.len()
    }

    /// What differs, each kind once.
    #[cfg(test)]
    pub(crate) fn kinds(&self) -> std::collections::BTreeSet<&'static str> {
        self.differences.iter().map(|difference| difference.what).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "compared:")?;
        for (what, count) in &self.compared {
            writeln!(f, "{count:>8} {what}")?;
        }
        writeln!(f, "known to differ:")?;
        for (times, reason) in &self.known {
            writeln!(f, "{times:>8} times: {reason}")?;
        }
        writeln!(f, "{} differences", self.differences.len())?;
        for Difference { what, of, vigil, prometheus } in self.differences.iter().take(MOST) {
            writeln!(f, "- {what}: {of}\n    Vigil:      {vigil}\n    Prometheus: {prometheus}")?;
        }
        let untold = self.differences.len().saturating_sub(MOST);
        if untold > 0 { writeln!(f, "and {untold} more") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enough() -> Report {
        let mut report = Report::default();
        for (what, least) in LEAST {
            report.count(what, least);
        }
        report
    }

    #[test]
    fn a_comparison_of_too_little_fails() {
        let mut report = enough();
        report.demand_enough();
        assert!(report.is_clean(), "{report}");
        for (what, _) in LEAST {
            let mut report = enough();
            report.compared.remove(what);
            report.demand_enough();
            assert_eq!(report.kinds().into_iter().collect::<Vec<_>>(), ["enough"], "{what}");
            assert!(report.to_string().contains(&format!("- enough: 0 {what} compared\n")), "{report}");
        }
        let mut empty = Report::default();
        empty.demand_enough();
        assert_eq!(empty.differences(), LEAST.len());
    }

    #[test]
    fn what_was_found_is_told_from_both_sides() {
        let mut report = Report::default();
        report.count("rules", 2);
        report.count("rules", 1);
        report.met(3, "one is older");
        report.differ("states of rules", &"Busy", &"firing", &"pending");
        report.wrong(Side::Prometheus, "endsAt", &"Busy", "too late".to_owned());
        let told = "compared:\n       3 rules\nknown to differ:\n       3 times: one is older\n2 differences\n\
            - states of rules: \"Busy\"\n    Vigil:      \"firing\"\n    Prometheus: \"pending\"\n\
            - endsAt: \"Busy\"\n    Vigil:      as it should be\n    Prometheus: too late\n";
        assert_eq!(report.to_string(), told);
        assert_eq!((report.is_clean(), report.differences()), (false, 2));
    }

    #[test]
    fn a_known_difference_that_is_gone_is_a_difference() {
        let mut report = Report::default();
        report.met(0, "one is older");
        assert_eq!(report.kinds().into_iter().collect::<Vec<_>>(), ["known differences"]);
    }

    #[test]
    fn of_many_differences_some_are_told_and_all_counted() {
        let mut report = Report::default();
        for n in 0..MOST + 5 {
            report.differ("states of rules", &n, &1, &2);
        }
        let told = report.to_string();
        assert!(told.contains("65 differences") && told.ends_with("and 5 more\n"), "{told}");
    }
}
