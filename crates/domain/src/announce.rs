//! From an evaluation to messages: what each channel of a rule must hear, composed.

use std::collections::BTreeMap;

use crate::{
    Fingerprint, Span, Timestamp,
    alert::{Alert, Alerts, Transition},
    event::EventState,
    id::ChannelId,
    message::{AlertLine, MOST_ALERTS, Message, RuleLine},
    notification::{Fingerprints, Plan, Situation, Told, plan},
    number,
};

/// Who listens to a rule, and what each was last told.
#[derive(Clone, Copy, Debug)]
pub struct Audience<'a> {
    /// The rule's channels now.
    pub channels: &'a [ChannelId],
    /// By channel; may name channels the rule no longer has, which then hear of ends only.
    pub told: &'a BTreeMap<ChannelId, Told>,
}

/// What follows for one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    pub channel: ChannelId,
    /// What the channel believes firing from now on; nothing means that it can be forgotten.
    pub believes: Fingerprints,
    /// What it is told, if anything.
    pub message: Option<Message>,
}

/// Decides and composes everything that follows from one evaluation of one rule, by channel. Channels for which
/// nothing changes are left out.
///
/// In shadow everything is decided as if it were said. Once the rule is out of it, nobody has heard what was said there:
/// what fires then is told as new, and what ends is told if its beginning was.
pub fn announce(
    rule: &RuleLine,
    repeat_interval: Span,
    audience: Audience<'_>,
    alerts: &Alerts,
    transitions: &[Transition],
    slot: Timestamp,
) -> Vec<Announcement> {
    let firing: Fingerprints = alerts.iter().filter(|(_, alert)| alert.state.is_firing()).map(|(f, _)| *f).collect();
    let ended: BTreeMap<Fingerprint, &Alert> = transitions
        .iter()
        .filter(|transition| transition.to == EventState::Resolved)
        .map(|transition| (transition.fingerprint, &transition.alert))
        .collect();
    let resolved: Fingerprints = ended.keys().copied().collect();
    let nothing = Fingerprints::new();
    let former = audience.told.keys().filter(|channel| !audience.channels.contains(channel));
    let listeners =
        audience.channels.iter().map(|channel| (channel, true)).chain(former.map(|channel| (channel, false)));
    let mut announcements = Vec::new();
    for (channel, current) in listeners {
        let told = audience.told.get(channel);
        let is_other = told.is_some_and(|told| told.is_shadow != rule.is_shadow);
        let told = told.filter(|told| rule.is_shadow || !told.is_shadow);
        let believed = told.map_or(&nothing, |told| &told.firing);
        let still: Fingerprints = believed.intersection(&firing).copied().collect();
        let hears = if current { &firing } else { &still };
        let situation = Situation { firing: hears, resolved: &resolved, repeat_interval, slot };
        let plan = plan(told, situation).filter(|plan| current || !plan.resolved.is_empty());
        if plan.is_some() || believed != hears || is_other {
            let message = plan.map(|plan| compose(rule, &plan, alerts, &ended, slot));
            announcements.push(Announcement { channel: *channel, believes: hears.clone(), message });
        }
    }
    announcements
}

/// A message about a rule's alerts: those that fire, newest first, then those that ended.
fn compose(
    rule: &RuleLine,
    plan: &Plan,
    alerts: &Alerts,
    ended: &BTreeMap<Fingerprint, &Alert>,
    slot: Timestamp,
) -> Message {
    let mut firing: Vec<_> = plan.firing.iter().filter_map(|f| Some(line(*f, alerts.get(f)?, None))).collect();
    firing.sort_by_key(|line| std::cmp::Reverse(line.starts_at));
    let resolved: Vec<_> = plan.resolved.iter().filter_map(|f| Some(line(*f, ended.get(f)?, Some(slot)))).collect();
    let (all_firing, all_resolved) = (firing.len(), resolved.len());
    firing.truncate(MOST_ALERTS);
    let room = MOST_ALERTS - firing.len().min(MOST_ALERTS);
    let shown_resolved = all_resolved.min(room.max(MOST_ALERTS / 4));
    let left_out = |all: usize, shown: usize| u32::try_from(all - shown).unwrap_or(u32::MAX);
    Message {
        reason: plan.reason,
        at: slot,
        rule: Some(rule.clone()),
        more_firing: left_out(all_firing, firing.len()),
        more_resolved: left_out(all_resolved, shown_resolved),
        alerts: firing.into_iter().chain(resolved.into_iter().take(shown_resolved)).collect(),
        source: None,
        forward: None,
    }
}

fn line(fingerprint: Fingerprint, alert: &Alert, ended_at: Option<Timestamp>) -> AlertLine {
    AlertLine {
        fingerprint,
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        value: number::format(alert.value),
        starts_at: alert.state.fired_at().unwrap_or_else(|| alert.state.active_at()),
        ended_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Labels, QueryValue, Sample,
        alert::{Annotations, Answers, Conditions, Installation, Named, Naming, name, step},
        id::RuleId,
        notification::NotifyReason,
    };

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_timestamp(1_700_000_000 + 60 * minute, 0).unwrap()
    }

    fn rule() -> RuleLine {
        RuleLine {
            id: RuleId::random(),
            name: "HighCpu".into(),
            version: 1,
            severity: None,
            expr: "cpu".into(),
            threshold: None,
            hold: Span::ZERO,
            server_id: None,
            server: None,
            is_shadow: false,
        }
    }

    /// Plays minutes of firing instances to one channel whose messages arrive at once; answers what it heard.
    fn hear(repeat: u64, minutes: &[&[&str]]) -> Vec<(usize, NotifyReason, usize, usize)> {
        let lit: Vec<_> = minutes.iter().map(|instances| (false, *instances)).collect();
        let heard = said(repeat, &lit).into_iter();
        heard.map(|(minute, _, reason, firing, ended)| (minute, reason, firing, ended)).collect()
    }

    /// The same, with whether the rule is in shadow at each minute and was at each message.
    fn said(repeat: u64, minutes: &[(bool, &[&str])]) -> Vec<(usize, bool, NotifyReason, usize, usize)> {
        let (channel, mut told, mut open, mut heard) =
            (ChannelId::random(), BTreeMap::new(), Alerts::new(), Vec::new());
        let none = (Labels::default(), Annotations::new());
        for (minute, (is_shadow, instances)) in minutes.iter().enumerate() {
            let rule = RuleLine { is_shadow: *is_shadow, ..rule() };
            let slot = at(i64::try_from(minute).unwrap());
            let samples = instances.iter().map(|i| Sample { labels: Labels::from([("instance", *i)]), value: 1.0 });
            let installation = Installation::default();
            let naming =
                Naming { rule_name: "HighCpu", labels: &none.0, annotations: &none.1, installation: &installation };
            let value = QueryValue::Vector(samples.collect());
            let Ok(Named::Vector(vector)) = name(naming, &value, slot, &Answers::new()) else { panic!("a vector") };
            let conditions = Conditions { hold: Span::ZERO, keep_firing: Span::ZERO, limit: 0 };
            let evaluation = step(conditions, open, vector, slot);
            let audience = Audience { channels: &[channel], told: &told };
            let repeat_interval = Span::from_secs(60 * repeat);
            let said = announce(&rule, repeat_interval, audience, &evaluation.alerts, &evaluation.transitions, slot);
            for announcement in said {
                if let Some(message) = announcement.message {
                    let ended = message.alerts.iter().filter(|line| line.ended_at.is_some()).count();
                    heard.push((minute, message.is_shadow(), message.reason, message.alerts.len() - ended, ended));
                }
                let (firing, is_shadow) = (announcement.believes, *is_shadow);
                told.insert(announcement.channel, Told { firing, sent_at: slot, in_flight: false, is_shadow });
            }
            open = evaluation.alerts;
        }
        heard
    }

    #[test]
    fn one_alert_is_told_once_reminded_of_and_resolved() {
        use NotifyReason::{First, Repeat, Resolved};
        let up: &[&str] = &["a"];
        let heard = hear(3, &[&[], up, up, up, up, up, &[], &[], up]);
        assert_eq!(heard, [(1, First, 1, 0), (4, Repeat, 1, 0), (6, Resolved, 0, 1), (8, First, 1, 0)]);
    }

    #[test]
    fn alerts_of_one_slot_are_one_message() {
        use NotifyReason::{First, NewAlerts, Resolved};
        let heard = hear(60, &[&["a", "b"], &["a", "b", "c"], &["c"], &["c", "d"]]);
        assert_eq!(heard, [(0, First, 2, 0), (1, NewAlerts, 3, 0), (2, Resolved, 1, 2), (3, NewAlerts, 2, 0)]);
    }

    #[test]
    fn a_channel_that_left_the_rule_hears_of_the_end_only() {
        let (former, fingerprint) = (ChannelId::random(), Fingerprint(1));
        let known = Told { firing: [fingerprint].into(), sent_at: at(0), in_flight: false, is_shadow: false };
        let told = BTreeMap::from([(former, known)]);
        let state = crate::alert::AlertState::Firing { active_at: at(0), fired_at: at(0), absent_since: None };
        let alert = Alert { labels: Labels::default(), annotations: Annotations::new(), value: 1.0, state };
        let audience = Audience { channels: &[], told: &told };
        let open = Alerts::from([(fingerprint, alert)]);
        assert_eq!(announce(&rule(), Span::from_secs(60), audience, &open, &[], at(90)), []);
        let closed = crate::alert::close(open, crate::event::EventReason::RuleDisabled);
        let said = announce(&rule(), Span::from_secs(60), audience, &Alerts::new(), &closed.transitions, at(91));
        assert_eq!(said[0].message.as_ref().map(|message| message.reason), Some(NotifyReason::Resolved));
        assert!(said[0].believes.is_empty());
    }

    #[test]
    fn in_shadow_all_is_decided_and_afterwards_nobody_knows() {
        use NotifyReason::{First, Repeat, Resolved};
        let (up, down): (&[&str], &[&str]) = (&["a"], &[]);
        let [paper, voice] = [true, false];
        for (case, minutes, expected) in [
            (
                "what fires as the shadow ends is told as new, once",
                &[(true, up), (false, up), (false, up)][..],
                &[(0, paper, First, 1, 0), (1, voice, First, 1, 0)][..],
            ),
            (
                "and its end is told",
                &[(true, up), (false, up), (false, down)],
                &[(0, paper, First, 1, 0), (1, voice, First, 1, 0), (2, voice, Resolved, 0, 1)],
            ),
            ("an end whose beginning nobody heard is not", &[(true, up), (false, down)], &[(0, paper, First, 1, 0)]),
            (
                "a shadow that falls on what fires swallows its end",
                &[(false, up), (true, up), (true, down), (false, down)],
                &[(0, voice, First, 1, 0), (2, paper, Resolved, 0, 1)],
            ),
            (
                "and if it does not end, it is told again",
                &[(false, up), (true, up), (false, up)],
                &[(0, voice, First, 1, 0), (2, voice, First, 1, 0)],
            ),
            (
                "reminders are due on paper too",
                &[(true, up), (true, up), (true, up), (true, up)],
                &[(0, paper, First, 1, 0), (3, paper, Repeat, 1, 0)],
            ),
        ] {
            assert_eq!(said(3, minutes), expected, "{case}");
        }
    }

    #[test]
    fn a_channel_that_heard_only_on_paper_is_forgotten_when_it_is_no_longer_one() {
        let (former, fingerprint) = (ChannelId::random(), Fingerprint(1));
        let known = Told { firing: [fingerprint].into(), sent_at: at(0), in_flight: false, is_shadow: true };
        let told = BTreeMap::from([(former, known)]);
        let audience = Audience { channels: &[], told: &told };
        let forgotten = Announcement { channel: former, believes: Fingerprints::new(), message: None };
        assert_eq!(announce(&rule(), Span::from_secs(60), audience, &Alerts::new(), &[], at(1)), [forgotten]);
    }

    #[test]
    fn a_thousand_alerts_are_counted_not_listed() {
        let names: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let heard = hear(60, &[&all, &[]]);
        assert_eq!(heard, [(0, NotifyReason::First, 200, 0), (1, NotifyReason::Resolved, 0, 200)]);
    }
}
