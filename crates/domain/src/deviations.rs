//! Where Vigil does otherwise than Prometheus on purpose and can be told not to, one question each.
//!
//! `docs/adr/0006-deviations-from-prometheus.md` has the reasons, and the deviations that cannot be switched.

use crate::Labels;

/// Whose way it is where Vigil's differs from Prometheus'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deviations {
    /// Vigil's.
    #[default]
    Kept,
    /// Prometheus': lines C1 to C45 of `tests/conformance/checklist.md` to the letter.
    Dropped,
}

impl Deviations {
    /// As `evaluation.strict_prometheus` says.
    pub const fn configured(strict_prometheus: bool) -> Self {
        if strict_prometheus { Self::Dropped } else { Self::Kept }
    }

    const fn are_kept(self) -> bool {
        matches!(self, Self::Kept)
    }

    /// Whether Alertmanagers are told the end of what fires when its rule goes or becomes another. Without that they end
    /// it when they have not heard of it for long enough.
    pub const fn forward_ends_of_rules(self) -> bool {
        self.are_kept()
    }

    /// Whether what no Alertmanager took is tried again before the next resend is due.
    pub const fn repeat_forwards(self) -> bool {
        self.are_kept()
    }

    /// Whether a rule that moves to another group keeps its alerts.
    pub const fn alerts_follow_their_rule(self) -> bool {
        self.are_kept()
    }

    /// Whether a rule is refused that would do nothing, or less than it says: one whose expression is a string or a
    /// range, one with a label `alertname`.
    pub const fn refuse_idle_rules(self) -> bool {
        self.are_kept()
    }

    /// Whether alerts are written to a data source outside of this process without being asked to.
    pub const fn write_alerts_unasked(self) -> bool {
        !self.are_kept()
    }

    /// What lies under an alert's labels on its series. In Prometheus that is the rule's labels as they are written, so
    /// that a template that expands to nothing, and is no label of the alert, stands there as its text.
    ///
    /// Source: Prometheus `rules/alerting.go`, `sample` and `forStateSample`.
    pub fn under_series(self, rule: &Labels) -> Labels {
        if self.are_kept() { Labels::default() } else { rule.iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_deviation_is_vigils_way_unless_it_is_dropped() {
        for (strict_prometheus, kept) in [(false, true), (true, false)] {
            let deviations = Deviations::configured(strict_prometheus);
            assert_eq!(deviations == Deviations::default(), kept);
            for answer in [
                deviations.forward_ends_of_rules(),
                deviations.repeat_forwards(),
                deviations.alerts_follow_their_rule(),
                deviations.refuse_idle_rules(),
                !deviations.write_alerts_unasked(),
            ] {
                assert_eq!(answer, kept);
            }
        }
    }

    #[test]
    fn a_label_that_is_written_empty_is_none_on_a_series_either() {
        let texts = [("none", "{{ $labels.nope }}"), ("job", ""), ("team", "ops")];
        let texts: BTreeMap<_, _> = texts.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        let rule = Labels::as_written(texts);
        assert_eq!(Deviations::Kept.under_series(&rule), Labels::default());
        let expected = Labels::from([("none", "{{ $labels.nope }}"), ("team", "ops")]);
        assert_eq!(Deviations::Dropped.under_series(&rule), expected);
    }
}
