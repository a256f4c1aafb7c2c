//! What people read, letter by letter; and that nothing in a label can break it.

use super::*;
use crate::Labels;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noon() -> Timestamp {
    at("2026-11-21T12:00:00Z")
}

fn rule() -> RuleLine {
    RuleLine {
        id: RuleId::random(),
        name: "High CPU".into(),
        version: 7,
        severity: Some("critical".into()),
        expr: "cpu_percent".into(),
        threshold: Some("> 90".into()),
        hold: Span::from_secs(300),
        server_id: None,
        server: None,
        is_shadow: false,
    }
}

fn alert<const N: usize>(labels: [(&str, &str); N], value: &str, starts_at: &str) -> AlertLine {
    let labels = Labels::from(labels);
    AlertLine {
        fingerprint: labels.fingerprint(),
        labels,
        annotations: Annotations::new(),
        value: value.into(),
        starts_at: at(starts_at),
        ended_at: None,
    }
}

fn ended(mut alert: AlertLine, ended_at: &str) -> AlertLine {
    alert.ended_at = Some(at(ended_at));
    alert
}

fn about(reason: NotifyReason, alerts: Vec<AlertLine>) -> Message {
    Message {
        reason,
        at: noon(),
        rule: Some(rule()),
        alerts,
        more_firing: 0,
        more_resolved: 0,
        source: None,
        forward: None,
    }
}

fn annotate(alert: &mut AlertLine, annotations: &[(&str, &str)]) {
    alert.annotations = annotations.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
}

#[test]
fn the_first_alert_is_told_with_all_it_has() {
    let mut alert = alert(
        [("alertname", "High CPU"), ("instance", "web-1:9100"), ("core", "3<4")],
        "97.512345",
        "2026-11-21T11:54:00Z",
    );
    annotate(
        &mut alert,
        &[
            ("summary", "CPU & fans"),
            ("description", "Somebody\nmines."),
            ("runbook_url", "https://wiki/run?a=1&b=\"2\""),
            ("dashboard_url", "javascript:alert(1)"),
        ],
    );
    let message = about(NotifyReason::First, vec![alert]);
    assert_eq!(
        telegram::render(&message, noon()),
        "🔴 <b>CRITICAL</b> · High CPU · <b>web-1:9100</b>\n\
         <code>core=3&lt;4</code>\n\
         Value <b>97.51</b> (limit &gt; 90 for 5m)\n\
         Since 11:54 UTC (6 m) · rule v7\n\
         CPU &amp; fans\n\
         Somebody mines.\n\
         <a href=\"https://wiki/run?a=1&amp;b=&quot;2&quot;\">Runbook</a> · Dashboard: javascript:alert(1)"
    );
    assert_eq!(
        plain::render(&message, noon()),
        "🔴 CRITICAL · High CPU · web-1:9100\n\
         core=3<4\n\
         Value 97.51 (limit > 90 for 5m)\n\
         Since 11:54 UTC (6 m) · rule v7\n\
         CPU & fans\n\
         Somebody mines.\n\
         Runbook: https://wiki/run?a=1&b=\"2\" · Dashboard: javascript:alert(1)"
    );
    assert!(plain::render_line(&message, noon()).starts_with("🔴 CRITICAL · High CPU · web-1:9100 | core=3<4 | Value"));
}

#[test]
fn a_rule_without_a_threshold_shows_its_expression_and_its_server() {
    let mut message = about(NotifyReason::First, vec![alert([("instance", "a:1")], "0", "2026-11-20T23:59:00Z")]);
    message.rule = Some(RuleLine {
        severity: Some("warning".into()),
        threshold: None,
        expr: "up == 0".into(),
        hold: Span::ZERO,
        server: Some("web-1".into()),
        ..rule()
    });
    assert_eq!(
        telegram::render(&message, noon()),
        "🟠 <b>WARNING</b> · High CPU · <b>web-1</b>\n\
         Value <b>0</b> of <code>up == 0</code>\n\
         Since 2026-11-20 23:59 UTC (12 h 1 m) · rule v7"
    );
}

#[test]
fn new_alerts_come_before_those_already_known_and_show_what_differs() {
    let alerts = vec![
        alert([("instance", "web-1"), ("job", "node")], "91", "2026-11-21T10:00:00Z"),
        alert([("instance", "web-2"), ("job", "node")], "99.5", "2026-11-21T12:00:00Z"),
        ended(alert([("instance", "web-3"), ("job", "node")], "93", "2026-11-21T11:00:00Z"), "2026-11-21T12:00:00Z"),
    ];
    assert_eq!(
        telegram::render(&about(NotifyReason::NewAlerts, alerts), noon()),
        "🔴 <b>CRITICAL</b> · High CPU\n\
         new alerts: 2 firing now, 1 resolved\n\
         Limit &gt; 90 for 5m · rule v7\n\
         🔴 <code>instance=web-2</code> <b>99.5</b> since 12:00 UTC (0 s)\n\
         🔴 <code>instance=web-1</code> <b>91</b> since 10:00 UTC (2 h)\n\
         🟢 <code>instance=web-3</code> resolved after 1 h"
    );
}

#[test]
fn a_reminder_says_for_how_long() {
    let message = about(NotifyReason::Repeat, vec![alert([("instance", "web-1")], "95", "2026-11-21T08:00:00Z")]);
    assert_eq!(
        telegram::render(&message, noon()),
        "🔁 🔴 <b>CRITICAL</b> · High CPU · <b>web-1</b>\n\
         still firing, 4 h\n\
         Value <b>95</b> (limit &gt; 90 for 5m)\n\
         Since 08:00 UTC (4 h) · rule v7"
    );
}

#[test]
fn an_end_says_how_long_it_lasted_and_is_quiet() {
    let one = ended(alert([("instance", "web-1")], "95", "2026-11-21T10:55:00Z"), "2026-11-21T12:00:00Z");
    let message = about(NotifyReason::Resolved, vec![one]);
    assert!(message.is_quiet());
    assert_eq!(
        telegram::render(&message, noon()),
        "🟢 <b>RESOLVED</b> · High CPU · <b>web-1</b>\n\
         Lasted 1 h 5 m (10:55 – 12:00 UTC) · was CRITICAL · rule v7\n\
         Last value <b>95</b> (limit &gt; 90 for 5m)"
    );
}

#[test]
fn while_others_fire_an_end_is_no_all_clear() {
    let alerts = vec![
        alert([("instance", "web-1")], "95", "2026-11-21T10:00:00Z"),
        ended(alert([("instance", "web-2")], "95", "2026-11-21T10:00:00Z"), "2026-11-21T12:00:00Z"),
    ];
    let message = about(NotifyReason::Resolved, alerts);
    assert!(!message.is_quiet());
    assert_eq!(
        telegram::render(&message, noon()),
        "🔴 <b>CRITICAL</b> · High CPU\n\
         1 resolved, 1 still firing\n\
         Limit &gt; 90 for 5m · rule v7\n\
         🟢 <code>instance=web-2</code> resolved after 2 h\n\
         🔴 <code>instance=web-1</code> <b>95</b> since 10:00 UTC (2 h)"
    );
}

#[test]
fn a_source_that_is_down_is_one_message_about_all_rules() {
    let source = |ended_at: Option<&str>| SourceLine {
        failing_since: at("2026-11-21T11:59:00Z"),
        ended_at: ended_at.map(at),
        error: "connection <refused>".into(),
        rules: 12,
    };
    let mut message = about(NotifyReason::SourceDown, vec![]);
    (message.rule, message.source) = (None, Some(source(None)));
    assert_eq!(
        telegram::render(&message, noon()),
        "🔴 <b>DATA SOURCE DOWN</b>\n\
         No answer since 11:59 UTC (1 m): <code>connection &lt;refused&gt;</code>\n\
         12 rules are frozen: their alerts stay as they are, and none is resolved, until it answers"
    );
    (message.reason, message.source) = (NotifyReason::SourceUp, Some(source(Some("2026-11-21T12:11:00Z"))));
    message.at = at("2026-11-21T12:11:00Z");
    assert!(message.is_quiet());
    assert_eq!(
        telegram::render(&message, at("2026-11-21T12:11:00Z")),
        "🟢 <b>DATA SOURCE UP</b>\n\
         It was down for 12 m (11:59 – 12:11 UTC)\n\
         12 rules are evaluated again"
    );
}

#[test]
fn a_test_says_that_it_is_one() {
    let mut message = about(NotifyReason::Test, vec![]);
    message.rule = None;
    assert_eq!(
        telegram::render(&message, noon()),
        "🧪 <b>TEST</b> · Vigil\nThis is a test message. The channel works."
    );
    let message = about(NotifyReason::Test, vec![alert([("instance", "web-1")], "95", "2026-11-21T11:00:00Z")]);
    assert!(
        telegram::render(&message, noon())
            .starts_with("🧪 <b>TEST</b> · 🔴 <b>CRITICAL</b> · High CPU · <b>web-1</b>\n")
    );
}

#[test]
fn a_late_message_says_so() {
    let message = about(NotifyReason::First, vec![alert([("instance", "web-1")], "95", "2026-11-21T12:00:00Z")]);
    assert!(!telegram::render(&message, at("2026-11-21T12:01:59Z")).contains("Delayed"));
    assert!(telegram::render(&message, at("2026-11-21T12:04:10Z")).ends_with("\nDelayed 4 m: as of 12:00 UTC"));
}

#[test]
fn ten_alerts_are_listed_and_the_rest_counted() {
    let alerts = (0..40).map(|number| {
        let name = format!("web-{number:02}");
        alert([("instance", name.as_str())], "95", "2026-11-21T11:00:00Z")
    });
    let mut message = about(NotifyReason::First, alerts.collect());
    message.more_firing = 7;
    let text = telegram::render(&message, noon());
    assert!(text.contains("\n47 alerts firing\n"), "{text}");
    assert!(text.contains("instance=web-09<") && !text.contains("instance=web-10<"), "{text}");
    assert!(text.ends_with("\n… and 37 more"), "{text}");

    message.more_resolved = 3;
    assert!(telegram::render(&message, noon()).ends_with("\n… and 40 more (37 firing, 3 resolved)"));
}

#[test]
fn texts_that_differ_are_shown_while_there_is_room() {
    let mut alerts = vec![
        alert([("instance", "web-1")], "95", "2026-11-21T11:00:00Z"),
        alert([("instance", "web-2")], "95", "2026-11-21T11:00:00Z"),
    ];
    annotate(&mut alerts[0], &[("summary", "first text"), ("runbook_url", "https://wiki")]);
    annotate(&mut alerts[1], &[("summary", "second text"), ("runbook_url", "https://wiki")]);
    let text = telegram::render(&about(NotifyReason::First, alerts.clone()), noon());
    assert!(text.contains("(1 h)\nfirst text\n") && text.contains("(1 h)\nsecond text\n"), "{text}");
    assert!(text.ends_with("\n<a href=\"https://wiki\">Runbook</a>"), "{text}");

    annotate(&mut alerts[0], &[("summary", &"long ".repeat(200)), ("runbook_url", "https://wiki")]);
    annotate(&mut alerts[1], &[("summary", &"text ".repeat(80)), ("runbook_url", "https://wiki")]);
    let text = telegram::render(&about(NotifyReason::First, alerts), noon());
    assert!(!text.contains("long") && text.contains("web-2") && text.contains("Runbook"), "{text}");
}

/// A small generator: the same cases on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn text(&mut self, most: usize) -> String {
        const PARTS: [&str; 20] = [
            "<b>",
            "</b>",
            "</code>",
            "<a href=\"",
            "&",
            "&amp;",
            "&#60;",
            "\"",
            "'",
            "<",
            ">",
            "\n",
            "\u{0}",
            "\u{202e}",
            "🔥",
            "é",
            "a",
            " ",
            "https://h/?a=<b>&c=\"",
            "<!--",
        ];
        let length = self.below(most + 1);
        (0..length).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }

    fn message(&mut self, alerts: usize) -> Message {
        const REASONS: [NotifyReason; 5] = [
            NotifyReason::First,
            NotifyReason::NewAlerts,
            NotifyReason::Repeat,
            NotifyReason::Resolved,
            NotifyReason::Test,
        ];
        let size = [3, 30, 600][self.below(3)];
        let mut message = about(REASONS[self.below(REASONS.len())], vec![]);
        message.alerts = (0..alerts).map(|_| self.alert(size)).collect();
        message.more_firing = u32::try_from(self.below(3)).unwrap();
        message.rule = (self.below(8) > 0).then(|| RuleLine {
            name: self.text(size),
            severity: (self.below(2) == 0).then(|| self.text(size)),
            expr: self.text(size),
            threshold: (self.below(2) == 0).then(|| self.text(size)),
            server: (self.below(2) == 0).then(|| self.text(size)),
            ..rule()
        });
        message
    }

    fn alert(&mut self, size: usize) -> AlertLine {
        let labels =
            ["instance", "severity", "b<i>", "c", "d", "e", "f", "g"].map(|name| (name, self.text(size.min(300))));
        let labels: Labels = labels.into_iter().collect();
        let names = ["summary", "description", "runbook_url", "dashboard_url"];
        let prefix = ["", "https://h/"][self.below(2)];
        AlertLine {
            fingerprint: labels.fingerprint(),
            labels,
            annotations: names.map(|name| (name.to_owned(), format!("{prefix}{}", self.text(size)))).into(),
            value: self.text(size.min(300)),
            starts_at: at("2026-11-01T00:00:00Z"),
            ended_at: (self.below(3) == 0).then(noon),
        }
    }
}

/// Whether Telegram would take it: known tags, closed in order, known entities, nothing else that looks like markup.
fn check_html(html: &str) -> Result<(), String> {
    let (mut open, mut rest): (Vec<&str>, &str) = (Vec::new(), html);
    while let Some(at) = rest.find(['<', '>', '&']) {
        let found = &rest[at..];
        rest = if found.starts_with('&') {
            let entity = ["&amp;", "&lt;", "&gt;", "&quot;"].into_iter().find(|entity| found.starts_with(entity));
            &found[entity.ok_or_else(|| format!("entity at {found:.20}"))?.len()..]
        } else if let Some(found) = found.strip_prefix('<') {
            let (tag, after) = found.split_once('>').ok_or("an unclosed tag")?;
            match tag {
                "b" | "code" if open.is_empty() => open.push(tag),
                "/b" | "/code" | "/a" if open.last() == Some(&&tag[1..]) => drop(open.pop()),
                _ => {
                    let url = tag.strip_prefix("a href=\"").and_then(|url| url.strip_suffix('"'));
                    let url = url.ok_or_else(|| format!("tag <{tag}>"))?;
                    let web = url.to_ascii_lowercase().starts_with("http") && !url.contains(['"', '<']);
                    if !web || !open.is_empty() {
                        return Err(format!("link <{tag}>"));
                    }
                    open.push("a");
                }
            }
            after
        } else {
            return Err(format!("a bare > at {found:.20}"));
        };
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} stay open")) }
}

#[test]
fn whatever_labels_hold_the_markup_is_valid_and_short_enough() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for alerts in (1..=200).chain(std::iter::repeat_n(1, 200)).chain(std::iter::repeat_n(2, 100)) {
        let message = random.message(alerts);
        let html = telegram::render(&message, noon());
        assert_eq!(check_html(&html), Ok(()), "{html}");
        assert!(html.encode_utf16().count() <= 4096, "{html}");
        assert!(!html.contains(|c: char| c.is_control() && c != '\n'), "{html:?}");
        let plain = plain::render(&message, noon());
        assert!(plain.encode_utf16().count() <= 4096 && !plain.is_empty());
        assert_eq!(html, telegram::render(&message, noon()), "the same message is the same text");
    }
}

#[test]
fn the_longest_values_still_leave_a_message() {
    let long = "\"".repeat(10_000);
    let labels: Labels = (0..50).map(|number| (format!("l{number}"), long.clone())).collect();
    let mut alert = alert([], &long, "2026-11-21T11:00:00Z");
    (alert.fingerprint, alert.labels) = (labels.fingerprint(), labels);
    let url = format!("https://h/{}", "\"".repeat(380));
    annotate(&mut alert, &[("summary", &long), ("description", &long), ("runbook_url", &url), ("dashboard_url", &url)]);
    let mut message = about(NotifyReason::First, vec![alert]);
    let texts = RuleLine { name: long.clone(), severity: Some(long.clone()), server: Some(long.clone()), ..rule() };
    message.rule = Some(RuleLine { threshold: None, expr: long, ..texts });
    let html = telegram::render(&message, noon());
    assert!(html.encode_utf16().count() <= 4096 && html.contains("rule v7"), "{html}");
    assert_eq!(check_html(&html), Ok(()));
}
