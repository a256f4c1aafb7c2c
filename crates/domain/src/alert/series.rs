//! What alerts are as series: `ALERTS` and `ALERTS_FOR_STATE`, for whoever queries the data source.

use std::collections::{BTreeMap, BTreeSet};

use super::{Alert, Alerts};
use crate::{Labels, Sample, event::EventState, labels::METRIC_NAME, sample::stale_marker};

/// Which alerts there are: 1 for each that is pending or firing.
pub const ALERTS: &str = "ALERTS";
/// The label of `ALERTS` that says which of the two it is.
pub const ALERT_STATE: &str = "alertstate";
/// Since when: each alert's `active_at`, in Unix seconds.
const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// What an evaluation writes back: the series of the alerts `after` it, and a stale marker for each series that the
/// alerts `before` had and these have not. In the order of the labels, each label set once.
///
/// `before` is as of the last write that succeeded, so that a failed one costs no marker. An evaluation that failed, or
/// exceeded its limit, writes nothing back; a rule that is gone leaves no alert `after` it.
///
/// A series has its alert's labels over those that are `under` them, see [`crate::Deviations::under_series`]; `__name__` and
/// `alertstate` win over labels of these names.
///
/// Source: Prometheus `rules/alerting.go`, `sample` and `forStateSample`; `rules/group.go`, `Eval`.
pub fn series(before: &Alerts, after: &Alerts, under: &Labels) -> Vec<Sample> {
    let mut samples = values(after.values(), under);
    let changed = before.iter().filter(|(id, alert)| after.get(*id).is_none_or(|now| !alike(now, alert)));
    for gone in values(changed.map(|(_, alert)| alert), under).into_keys() {
        samples.entry(gone).or_insert_with(stale_marker);
    }
    samples.into_iter().map(|(labels, value)| Sample { labels, value }).collect()
}

/// `samples`, with a stale marker for each of the `unended` series that has no sample among them.
pub fn with_ends(mut samples: Vec<Sample>, unended: &BTreeSet<Labels>) -> Vec<Sample> {
    let there: BTreeSet<&Labels> = samples.iter().map(|sample| &sample.labels).collect();
    let gone: Vec<Labels> = unended.iter().filter(|labels| !there.contains(labels)).cloned().collect();
    samples.extend(gone.into_iter().map(|labels| Sample { labels, value: stale_marker() }));
    samples
}

/// Whether a series is one of [`series`].
pub fn is_alert_series(labels: &Labels) -> bool {
    labels.get(METRIC_NAME).is_some_and(is_alert_metric)
}

/// Whether the series of [`series`] are called so.
pub fn is_alert_metric(name: &str) -> bool {
    name == ALERTS || name == ALERTS_FOR_STATE
}

/// Whether two states of an alert are the same series.
fn alike(one: &Alert, other: &Alert) -> bool {
    one.state.is_firing() == other.state.is_firing() && one.labels == other.labels
}

fn values<'a>(alerts: impl Iterator<Item = &'a Alert>, under: &Labels) -> BTreeMap<Labels, f64> {
    let mut values = BTreeMap::new();
    for alert in alerts {
        let state = if alert.state.is_firing() { EventState::Firing } else { EventState::Pending };
        let named = if under.is_empty() { alert.labels.clone() } else { under.under(&alert.labels) };
        let mut labels = named.clone();
        labels.set(METRIC_NAME, ALERTS_FOR_STATE);
        values.insert(labels, alert.state.active_at().timestamp() as f64);
        let mut labels = named;
        labels.set(METRIC_NAME, ALERTS);
        labels.set(ALERT_STATE, state.as_str());
        values.insert(labels, 1.0);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Timestamp,
        alert::{AlertState, Annotations},
        sample::is_stale_marker,
    };

    /// Seconds since 1970.
    const ACTIVE_AT: i64 = 1_700_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp_millis((ACTIVE_AT + second) * 1_000 + 250).unwrap()
    }

    fn pending() -> AlertState {
        AlertState::Pending { active_at: at(0) }
    }

    fn firing() -> AlertState {
        AlertState::Firing { active_at: at(0), fired_at: at(60), absent_since: None }
    }

    fn kept() -> AlertState {
        AlertState::Firing { active_at: at(0), fired_at: at(60), absent_since: Some(at(120)) }
    }

    fn alert(labels: &[(&str, &str)], state: AlertState) -> Alert {
        let labels = labels.iter().copied().chain([("alertname", "Down")]).collect();
        Alert { labels, annotations: Annotations::new(), value: 7.0, state }
    }

    fn alerts(all: impl IntoIterator<Item = Alert>) -> Alerts {
        all.into_iter().map(|alert| (alert.labels.fingerprint(), alert)).collect()
    }

    fn instances(all: &[(&str, AlertState)]) -> Alerts {
        alerts(all.iter().map(|(instance, state)| alert(&[("instance", *instance)], *state)))
    }

    /// Each sample as a line: the metric, `instance`, `alertstate` if there is one, and the value.
    fn written(before: &Alerts, after: &Alerts) -> Vec<String> {
        let line = |sample: &Sample| {
            let named = ["__name__", "instance", "alertstate"].map(|name| sample.labels.get(name));
            let value = if is_stale_marker(sample.value) { "stale".to_owned() } else { sample.value.to_string() };
            named.into_iter().flatten().chain([value.as_str()]).collect::<Vec<_>>().join(" ")
        };
        series(before, after, &Labels::default()).iter().map(line).collect()
    }

    #[test]
    fn a_series_that_ends_gets_one_stale_marker() {
        let since = "ALERTS_FOR_STATE a 1700000000";
        for (case, before, after, expected) in [
            ("a new alert ends nothing", None, Some(pending()), vec!["ALERTS a pending 1", since]),
            ("an alert may fire at once", None, Some(firing()), vec!["ALERTS a firing 1", since]),
            ("nothing changed", Some(pending()), Some(pending()), vec!["ALERTS a pending 1", since]),
            (
                "firing ends pending",
                Some(pending()),
                Some(firing()),
                vec!["ALERTS a firing 1", "ALERTS a pending stale", since],
            ),
            (
                "a raised `for` ends firing",
                Some(firing()),
                Some(pending()),
                vec!["ALERTS a firing stale", "ALERTS a pending 1", since],
            ),
            ("kept is firing", Some(firing()), Some(kept()), vec!["ALERTS a firing 1", since]),
            ("back from being kept", Some(kept()), Some(firing()), vec!["ALERTS a firing 1", since]),
            (
                "pending that vanishes ends both",
                Some(pending()),
                None,
                vec!["ALERTS a pending stale", "ALERTS_FOR_STATE a stale"],
            ),
            ("resolved ends both", Some(kept()), None, vec!["ALERTS a firing stale", "ALERTS_FOR_STATE a stale"]),
            ("nothing was, nothing is", None, None, vec![]),
        ] {
            let of = |state: Option<AlertState>| instances(state.map(|state| ("a", state)).as_slice());
            assert_eq!(written(&of(before), &of(after)), expected, "{case}");
        }
    }

    #[test]
    fn alerts_of_a_rule_do_not_end_each_other() {
        let before = instances(&[("a", firing()), ("b", pending()), ("c", pending())]);
        let after = instances(&[("b", firing()), ("c", pending()), ("d", pending())]);
        let mut lines = written(&before, &after);
        lines.sort();
        assert_eq!(
            lines,
            [
                "ALERTS a firing stale",
                "ALERTS b firing 1",
                "ALERTS b pending stale",
                "ALERTS c pending 1",
                "ALERTS d pending 1",
                "ALERTS_FOR_STATE a stale",
                "ALERTS_FOR_STATE b 1700000000",
                "ALERTS_FOR_STATE c 1700000000",
                "ALERTS_FOR_STATE d 1700000000",
            ]
        );
    }

    #[test]
    fn a_series_has_its_alerts_labels_and_the_names_of_the_two_metrics_win() {
        let labels = [("__name__", "up"), ("alertstate", "odd"), ("severity", "critical")];
        let written = series(&Alerts::new(), &alerts([alert(&labels, firing())]), &Labels::default());
        let [state, since] = &written[..] else { panic!("two series") };
        let common = [("alertname", "Down"), ("severity", "critical")];
        let expected = |own: [(&'static str, &'static str); 2]| common.into_iter().chain(own).collect::<Labels>();
        assert_eq!(state.labels, expected([("__name__", "ALERTS"), ("alertstate", "firing")]));
        assert_eq!(since.labels, expected([("__name__", "ALERTS_FOR_STATE"), ("alertstate", "odd")]));
    }

    #[test]
    fn what_lies_under_an_alerts_labels_is_on_its_series_where_the_alert_has_nothing() {
        let under = Labels::from([("none", "{{ $labels.nope }}"), ("instance", "{{ $labels.host }}")]);
        let (none, open) = (Alerts::new(), instances(&[("a", firing())]));
        for (before, after, ends) in [(&none, &open, false), (&open, &none, true)] {
            let written = series(before, after, &under);
            assert_eq!(written.len(), 2);
            for Sample { labels, value } in written {
                assert_eq!((labels.get("none"), labels.get("instance")), (Some("{{ $labels.nope }}"), Some("a")));
                assert_eq!((labels.get("alertname"), is_stale_marker(value)), (Some("Down"), ends));
            }
        }
    }

    #[test]
    fn a_series_that_two_alerts_share_ends_with_the_second() {
        let one = || alert(&[("alertstate", "odd")], firing());
        let other = || alert(&[("alertstate", "even")], firing());
        let (both, rest, none) = (alerts([one(), other()]), alerts([one()]), Alerts::new());
        assert_eq!(
            written(&both, &rest),
            ["ALERTS firing 1", "ALERTS_FOR_STATE even stale", "ALERTS_FOR_STATE odd 1700000000"]
        );
        assert_eq!(written(&rest, &none), ["ALERTS firing stale", "ALERTS_FOR_STATE odd stale"]);
    }

    #[test]
    fn the_stale_marker_is_prometheus_own() {
        let ended = series(&instances(&[("a", firing())]), &Alerts::new(), &Labels::default());
        assert!(ended.iter().all(|sample| sample.value.to_bits() == 0x7ff0_0000_0000_0002));
        assert!(!is_stale_marker(f64::NAN));
    }
}
