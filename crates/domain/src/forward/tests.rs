//! When alerts are sent, drawn slot by slot.

use super::*;
use crate::{
    alert::{AlertState, Alerts, Conditions, EvaluationError, Seen, Vector, step},
    event::EventReason,
    id::RuleId,
};

fn at(second: u64) -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000, 0).unwrap() + seconds(second).chrono()
}

fn seconds(seconds: u64) -> Span {
    Span::from_secs(seconds)
}

fn labels(instance: &str) -> Labels {
    Labels::from([("alertname", "Down"), ("instance", instance)])
}

fn seen(instances: &[&str], summary: &str) -> Vector {
    let annotations = Annotations::from([("summary".to_owned(), summary.to_owned())]);
    let seen = |instance: &&str| Seen { labels: labels(instance), annotations: annotations.clone(), value: 1.0 };
    instances.iter().map(seen).map(|seen| (seen.labels.fingerprint(), seen)).collect()
}

/// A rule with one Alertmanager, evaluated and forwarded slot by slot.
struct Rule {
    line: RuleLine,
    channels: Vec<ChannelId>,
    conditions: Conditions,
    pace: Pace,
    second: u64,
    open: Alerts,
    memory: Memory,
}

impl Rule {
    fn new(interval: u64, resend_delay: u64) -> Self {
        let line = RuleLine {
            id: RuleId::random(),
            name: "Down".into(),
            version: 1,
            severity: None,
            expr: "up".into(),
            threshold: Some("== 0".into()),
            hold: Span::ZERO,
            server_id: None,
            server: None,
            is_shadow: false,
        };
        Self {
            line,
            channels: vec![ChannelId::random()],
            conditions: Conditions { hold: Span::ZERO, keep_firing: Span::ZERO, limit: 0 },
            pace: Pace { interval: seconds(interval), resend_delay: seconds(resend_delay) },
            second: 0,
            open: Alerts::new(),
            memory: Memory::new(),
        }
    }

    fn origin(&self) -> Origin<'_> {
        Origin { rule: &self.line, expr: "up == 0", channels: &self.channels, memory: &self.memory }
    }

    /// The next slot; answers what is sent.
    fn slot(&mut self, vector: Vector) -> Vec<ForwardedAlert> {
        let slot = at(self.second);
        let evaluation = step(self.conditions, std::mem::take(&mut self.open), vector, slot);
        let forwarding = forward(self.origin(), &evaluation, self.pace, slot);
        self.open = evaluation.alerts;
        self.second += self.pace.interval.millis() / 1_000;
        self.take(forwarding, slot)
    }

    fn take(&mut self, forwarding: Forwarding, slot: Timestamp) -> Vec<ForwardedAlert> {
        for (fingerprint, change) in forwarding.changes {
            match change {
                Change::Written(sent) => drop(self.memory.insert(fingerprint, sent)),
                Change::SentAgain => self.memory.get_mut(&fingerprint).unwrap().last_sent_at = slot,
                Change::Forgotten => drop(self.memory.remove(&fingerprint).unwrap()),
            }
        }
        forwarding.message.map_or(vec![], |message| message.forward.unwrap().alerts)
    }
}

fn only(sent: Vec<ForwardedAlert>) -> ForwardedAlert {
    assert_eq!(sent.len(), 1, "{sent:?}");
    sent.into_iter().next().unwrap()
}

/// Draws what one alert's slots send. In: `x` seen, `.` absent, `!` the query failed. Out: `F` as firing, `R` as
/// resolved, `-` nothing.
fn play(mut rule: Rule, drawn: &str) -> String {
    let mut sent = String::new();
    for mark in drawn.chars() {
        let slot = at(rule.second);
        let vector = match mark {
            'x' => seen(&["a"], "s"),
            '.' => Vector::new(),
            _ => {
                rule.second += rule.pace.interval.millis() / 1_000;
                sent.push('-');
                continue;
            }
        };
        sent.push(match rule.slot(vector).as_slice() {
            [] => '-',
            [alert] if alert.ends_at > slot => 'F',
            [_] => 'R',
            more => panic!("{more:?}"),
        });
    }
    sent
}

#[test]
fn alerts_are_sent_when_prometheus_sends_them() {
    for (case, interval, resend_delay, drawn, sent) in [
        ("nothing seen, nothing sent", 60, 60, "...", "---"),
        ("one minute of delay is two slots of one minute", 60, 60, "xxxxxx", "F-F-F-"),
        ("and three of half a minute", 30, 60, "xxxxxxxx", "F--F--F-"),
        ("and five of a quarter", 15, 60, "xxxxxxxxxxx", "F----F----F"),
        ("without a delay every slot sends", 60, 0, "xxxx", "FFFF"),
        ("an end is sent at once and again", 60, 60, "xx.....", "F-R-R-R"),
        ("an end right after a resend too", 60, 60, "xxx...", "F-FR-R"),
        ("what fires anew is new, and its former end is not sent again", 60, 60, "x.x.x", "FRFRF"),
        ("a failed evaluation sends nothing", 60, 60, "x!x!!.x", "F-F--RF"),
        ("a slot that was missed is made up for", 60, 60, "x!!x", "F--F"),
    ] {
        assert_eq!(play(Rule::new(interval, resend_delay), drawn), sent, "{case}");
    }
}

#[test]
fn what_is_only_sent_again_is_told_from_what_is_new() {
    let mut rule = Rule::new(60, 0);
    let mut reason = |vector: Vector| {
        let slot = at(rule.second);
        let evaluation = step(rule.conditions, std::mem::take(&mut rule.open), vector, slot);
        let forwarding = forward(rule.origin(), &evaluation, rule.pace, slot);
        let reason = forwarding.message.as_ref().map(|message| message.reason);
        rule.open = evaluation.alerts;
        rule.second += 60;
        rule.take(forwarding, slot);
        reason
    };
    let (new, again) = (Some(NotifyReason::Forward), Some(NotifyReason::ForwardAgain));
    assert_eq!([reason(seen(&["a"], "s")), reason(seen(&["a"], "s"))], [new, again]);
    assert_eq!(reason(seen(&["a", "b"], "s")), new, "one of two is");
    assert_eq!([reason(seen(&["b"], "s")), reason(seen(&["b"], "s"))], [new, again], "an end is");
}

#[test]
fn an_end_is_sent_for_a_quarter_of_an_hour_and_then_forgotten() {
    let mut rule = Rule::new(60, 60);
    rule.slot(seen(&["a"], "s"));
    let mut sent = vec![];
    for minute in 1..=20 {
        if !rule.slot(Vector::new()).is_empty() {
            sent.push(minute);
        }
        assert_eq!(rule.memory.is_empty(), minute > 16, "minute {minute}");
    }
    assert_eq!(sent, [1, 3, 5, 7, 9, 11, 13, 15], "the end was at minute 1, and 15 minutes later is minute 16");
    let mut rule = Rule::new(60, 0);
    rule.slot(seen(&["a"], "s"));
    let sent = (1..=20).filter(|_| !rule.slot(Vector::new()).is_empty()).count();
    assert_eq!(sent, 16, "at minute 16 once more: not more than 15 minutes are over");
}

#[test]
fn pending_is_never_sent() {
    let mut rule = Rule::new(60, 60);
    rule.conditions.hold = seconds(120);
    assert_eq!(play(rule, "xx.xxxx."), "-----F-R");
    let mut rule = Rule::new(60, 60);
    (rule.conditions.hold, rule.conditions.keep_firing) = (seconds(60), seconds(180));
    assert_eq!(play(rule, "xx.x...."), "-F-F-F-R", "and what is kept firing is sent on");
}

#[test]
fn a_pending_alert_replaces_an_end() {
    let mut rule = Rule::new(60, 60);
    rule.slot(seen(&["a"], "s"));
    rule.slot(Vector::new());
    rule.conditions.hold = seconds(120);
    assert_eq!(rule.slot(seen(&["a"], "s")), []);
    assert!(rule.memory.is_empty(), "{:?}", rule.memory);
    assert_eq!(rule.slot(Vector::new()), [], "it was pending only, and the end is no longer sent");
}

#[test]
fn what_is_sent_has_prometheus_times_and_the_newest_texts() {
    for (interval, resend_delay, longest) in [(30, 60, 60), (60, 60, 60), (300, 60, 300)] {
        let mut rule = Rule::new(interval, resend_delay);
        rule.conditions.hold = seconds(interval);
        rule.slot(seen(&["a"], "0"));
        let first = only(rule.slot(seen(&["a"], "1")));
        assert_eq!((first.starts_at, first.ends_at), (at(interval), at(interval + 4 * longest)));
        assert_eq!((&first.labels, first.annotations["summary"].as_str()), (&labels("a"), "1"));
        let again = loop {
            if let [again] = rule.slot(seen(&["a"], "2")).as_slice() {
                break again.clone();
            }
        };
        let sent_at = rule.second - interval;
        assert_eq!((again.starts_at, again.ends_at), (at(interval), at(sent_at + 4 * longest)));
        assert_eq!(again.annotations["summary"], "2");
        let ended_at = rule.second;
        let end = only(rule.slot(Vector::new()));
        assert_eq!(
            (end.starts_at, end.ends_at, end.annotations["summary"].as_str()),
            (at(interval), at(ended_at), "2")
        );
        let again = loop {
            if let [again] = rule.slot(Vector::new()).as_slice() {
                break again.clone();
            }
        };
        assert_eq!(again, end, "an end is sent as it was");
    }
}

#[test]
fn one_message_has_all_alerts_that_are_due() {
    let mut rule = Rule::new(60, 60);
    let names: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(rule.slot(seen(&all, "s")).len(), 1_000, "none is cut");
    all.truncate(400);
    all.push("new");
    let sent = rule.slot(seen(&all, "s"));
    let ends = sent.iter().filter(|alert| alert.ends_at == at(60)).count();
    assert_eq!((sent.len(), ends), (601, 600), "one is new, 600 have ended, 400 are not due");
}

#[test]
fn more_alerts_than_allowed_are_forgotten_without_a_word() {
    let mut rule = Rule::new(60, 60);
    rule.slot(seen(&["a", "b"], "s"));
    rule.slot(seen(&["a"], "s"));
    assert_eq!(rule.memory.len(), 2, "one fires, one has ended");
    rule.conditions.limit = 1;
    assert_eq!(rule.slot(seen(&["a", "c"], "s")), []);
    assert!(rule.memory.is_empty(), "{:?}", rule.memory);
    assert_eq!(rule.slot(seen(&["c"], "s")).len(), 1, "what fires then is new");
}

#[test]
fn a_raised_for_is_not_an_end() {
    let mut rule = Rule::new(60, 60);
    rule.slot(seen(&["a"], "s"));
    rule.conditions.hold = seconds(180);
    assert_eq!(rule.slot(seen(&["a"], "s")), []);
    assert!(rule.memory.is_empty(), "{:?}", rule.memory);
    let drawn: Vec<usize> = (0..3).map(|_| rule.slot(seen(&["a"], "s")).len()).collect();
    assert_eq!(drawn, [0, 1, 0], "it fires again after its time, and is new");
}

#[test]
fn without_an_alertmanager_nothing_is_sent_or_remembered() {
    let mut rule = Rule::new(60, 60);
    rule.slot(seen(&["a"], "s"));
    let channels = std::mem::take(&mut rule.channels);
    assert_eq!(rule.slot(seen(&["a"], "s")), []);
    assert!(rule.memory.is_empty());
    assert_eq!(rule.slot(Vector::new()), []);
    rule.channels = channels;
    assert_eq!(rule.slot(Vector::new()), [], "an end of what was never sent is not sent");
    assert_eq!(rule.slot(seen(&["a"], "s")).len(), 1);
}

#[test]
fn an_alert_that_fires_already_is_new_to_an_alertmanager_that_joins() {
    let mut rule = Rule::new(60, 60);
    let channels = std::mem::take(&mut rule.channels);
    rule.slot(seen(&["a"], "s"));
    rule.channels = channels;
    let sent = only(rule.slot(seen(&["a"], "s")));
    assert_eq!((sent.starts_at, sent.ends_at), (at(0), at(60 + 240)));
}

#[test]
fn a_rule_that_goes_ends_what_was_sent_as_firing_once_or_without_a_word() {
    let mut rule = Rule::new(60, 60);
    rule.slot(seen(&["a", "b"], "s"));
    rule.slot(seen(&["a"], "s"));
    let state = AlertState::Firing { active_at: at(0), fired_at: at(0), absent_since: None };
    let unsent = Alert { labels: labels("c"), annotations: Annotations::new(), value: 1.0, state };
    rule.open.insert(unsent.labels.fingerprint(), unsent);
    let closed = crate::alert::close(std::mem::take(&mut rule.open), EventReason::RuleDeleted);
    assert_eq!(closed.transitions.len(), 2);
    let unsaid = close(rule.origin(), &closed.transitions, at(75), Deviations::Dropped);
    assert_eq!((unsaid.message, unsaid.changes.len()), (None, 2), "Prometheus forgets both");
    let forwarding = close(rule.origin(), &closed.transitions, at(75), Deviations::Kept);
    assert_eq!(forwarding.channels, rule.channels);
    let end = only(rule.take(forwarding, at(75)));
    assert_eq!((&end.labels, end.starts_at, end.ends_at), (&labels("a"), at(0), at(75)));
    assert!(rule.memory.is_empty());
}

#[test]
fn the_message_says_what_is_asked() {
    let mut rule = Rule::new(60, 60);
    let evaluation = step(rule.conditions, Alerts::new(), seen(&["a"], "s"), at(0));
    let message = forward(rule.origin(), &evaluation, rule.pace, at(0)).message.unwrap();
    assert_eq!((message.reason, message.at, message.alerts.len()), (NotifyReason::Forward, at(0), 0));
    assert_eq!(message.forward.as_ref().unwrap().expr, "up == 0");
    let stored: Message = serde_json::from_str(&serde_json::to_string(&message).unwrap()).unwrap();
    assert_eq!(stored, message);
    let failed = Evaluation { error: Some(EvaluationError::DuplicateLabelSet), ..Evaluation::default() };
    rule.memory.insert(Fingerprint(1), Forwarded { last_sent_at: at(0), ended: None });
    assert_eq!(forward(rule.origin(), &failed, rule.pace, at(60)).message, None);
    let older = r#"{"reason": "first", "at": "2026-01-01T00:00:00Z"}"#;
    assert_eq!(serde_json::from_str::<Message>(older).unwrap().forward, None, "messages of older versions read");
}

#[test]
fn a_message_that_waited_too_long_does_not_end_alerts_that_fire() {
    let mut rule = Rule::new(60, 60);
    rule.slot(seen(&["b"], "s"));
    let alerts = rule.slot(seen(&["a"], "s"));
    let forward = Forward { expr: "up == 0".into(), alerts };
    let left =
        |second| forward.current(at(60), at(second)).filter_map(|a| a.labels.get("instance")).collect::<Vec<_>>();
    let mut soon = left(60 + 239);
    soon.sort_unstable();
    assert_eq!((soon, left(60 + 240)), (vec!["a", "b"], vec!["b"]));
}

#[test]
fn an_address_of_an_expression_is_prometheus_own() {
    let url = generator_url("https://vigil.example/x", "sum by (job) (up{job=~\"a|b\"}) * 100 > 5");
    let expected = "https://vigil.example/x/graph?g0.expr=sum+by+%28job%29+%28up%7Bjob%3D~%22a%7Cb%22%7D%29+%2A+100+%3E+5\
                    &g0.tab=1";
    assert_eq!(url, expected);
}
