//! The lines of a message about a rule's alerts.

use crate::{
    Span,
    message::{AlertLine, RuleLine},
    notification::NotifyReason,
};

use super::{
    super::text::{age, clip, count, link, moment, value},
    Detail, Line, Piece, bold, code, text,
    view::View,
};

const SUMMARY: &str = "summary";
const DESCRIPTION: &str = "description";
/// Links, by the annotations that hold them.
const LINKS: [(&str, &str); 2] = [("Runbook", "runbook_url"), ("Dashboard", "dashboard_url")];
/// The most characters an address may have to be linked.
const LONGEST_LINK: usize = 400;
/// The most labels shown of one alert.
const MOST_LABELS: usize = 6;

/// Headline, state, alerts, texts and links.
pub(super) fn lines(view: &View<'_>, shown: usize, detail: Detail) -> Vec<Line> {
    let mut lines = vec![headline(view)];
    lines.extend(state(view));
    match view.alerts.first().filter(|_| view.single && shown == 1) {
        Some(alert) => lines.extend(lone(view, alert)),
        None => lines.extend(several(view, shown, detail)),
    }
    if detail != Detail::Bare {
        lines.extend(texts(|name| view.shared(name)));
        lines.extend(links(|name| view.shared(name)));
    }
    lines
}

/// Colour and word of the state or severity, the rule, and what it is about.
fn headline(view: &View<'_>) -> Line {
    let mut line = Vec::new();
    match view.message.reason {
        NotifyReason::Test => line.extend([text("🧪 "), bold("TEST"), text(" · ")]),
        NotifyReason::Repeat => line.push(text("🔁 ")),
        NotifyReason::First
        | NotifyReason::NewAlerts
        | NotifyReason::Resolved
        | NotifyReason::Forward
        | NotifyReason::ForwardAgain
        | NotifyReason::SourceDown
        | NotifyReason::SourceUp => {}
    }
    match view.message.firing() {
        0 => line.extend([text("🟢 "), bold("RESOLVED")]),
        _ => line.extend([text(format!("{} ", colour(view))), bold(word(view))]),
    }
    if let Some(rule) = &view.message.rule {
        line.push(text(format!(" · {}", clip(&rule.name, 100))));
    }
    if let Some(target) = view.target.map(|target| clip(target, 64)).filter(|target| !target.is_empty()) {
        line.extend([text(" · "), bold(target)]);
    }
    line
}

fn colour(view: &View<'_>) -> &'static str {
    match view.severity().map(str::to_ascii_lowercase).as_deref() {
        Some("critical") => "🔴",
        Some("warning") => "🟠",
        _ => "🔵",
    }
}

fn word(view: &View<'_>) -> String {
    let word = view.severity().map(|severity| clip(severity, 24).to_uppercase());
    word.filter(|word| !word.is_empty()).unwrap_or_else(|| "ALERT".to_owned())
}

/// How many fire and how many have ended; nothing for a lone alert, unless it is a reminder.
fn state(view: &View<'_>) -> Option<Line> {
    let (firing, resolved) = (view.message.firing(), view.message.resolved());
    let alerts = |number| count(number, "alert");
    let line = match (view.message.reason, firing, resolved) {
        (NotifyReason::Repeat, ..) => {
            let oldest = view.oldest().map(|oldest| format!(", {}", age(oldest))).unwrap_or_default();
            let number = if firing > 1 { format!(" · {}", alerts(firing)) } else { String::new() };
            format!("still firing{oldest}{number}")
        }
        _ if firing + resolved <= 1 => return None,
        (NotifyReason::NewAlerts, _, 0) => format!("new alerts: {firing} firing now"),
        (NotifyReason::NewAlerts, ..) => format!("new alerts: {firing} firing now, {resolved} resolved"),
        (_, 0, _) => format!("{} resolved", alerts(resolved)),
        (_, _, 0) => format!("{} firing", alerts(firing)),
        _ => format!("{resolved} resolved, {firing} still firing"),
    };
    Some(vec![text(line)])
}

/// The one alert that a message is about.
fn lone(view: &View<'_>, alert: &AlertLine) -> Vec<Line> {
    let mut lines = Vec::new();
    let labels = labels(view, alert);
    if !labels.is_empty() {
        lines.push(vec![code(labels)]);
    }
    let rule = view.message.rule.as_ref();
    let seen = if alert.ended_at.is_some() { "Last value " } else { "Value " };
    let mut measured = vec![text(seen), bold(value(&alert.value))];
    measured.extend(rule.into_iter().flat_map(condition));
    let (start, length) = (moment(alert.starts_at, view.now), lasted(view, alert));
    let version = rule.map(|rule| format!(" · rule v{}", rule.version)).unwrap_or_default();
    match alert.ended_at {
        None => lines.extend([measured, vec![text(format!("Since {start} UTC ({length}){version}"))]]),
        Some(ended) => {
            let end = moment(ended, view.now);
            let line = format!("Lasted {length} ({start} – {end} UTC) · was {}{version}", word(view));
            lines.extend([vec![text(line)], measured]);
        }
    }
    lines
}

/// What a value is held against: ` (limit > 90 for 5m)`, or the expression where the limit is part of it.
fn condition(rule: &RuleLine) -> Vec<Piece> {
    match limit(rule) {
        Some(limit) => vec![text(format!(" (limit {limit})"))],
        None if rule.hold == Span::ZERO => vec![text(" of "), code(clip(&rule.expr, 120))],
        None => vec![text(" of "), code(clip(&rule.expr, 120)), text(format!(" (for {})", rule.hold))],
    }
}

/// `> 90 for 5m`, of a rule with a threshold.
fn limit(rule: &RuleLine) -> Option<String> {
    let threshold = clip(rule.threshold.as_deref()?, 48);
    Some(if rule.hold == Span::ZERO { threshold } else { format!("{threshold} for {}", rule.hold) })
}

/// A list of alerts, and how many are not in it.
fn several(view: &View<'_>, shown: usize, detail: Detail) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(rule) = &view.message.rule {
        let mut line = match limit(rule) {
            Some(limit) => vec![text(format!("Limit {limit}"))],
            None => [vec![text("Value")], condition(rule)].concat(),
        };
        line.push(text(format!(" · rule v{}", rule.version)));
        lines.push(line);
    }
    let (listed, left) = view.alerts.split_at(shown);
    for alert in listed {
        lines.push(item(view, alert));
        if detail == Detail::Full {
            let own = |name| alert.annotations.get(name).map(String::as_str).filter(|_| view.shared(name).is_none());
            lines.extend(texts(own));
            lines.extend(links(own));
        }
    }
    lines.extend(rest(view, left));
    lines
}

fn item(view: &View<'_>, alert: &AlertLine) -> Line {
    let labels = labels(view, alert);
    let name = if labels.is_empty() { clip(&alert.labels.to_string(), 200) } else { labels };
    let length = lasted(view, alert);
    match alert.ended_at {
        Some(_) => vec![text("🟢 "), code(name), text(format!(" resolved after {length}"))],
        None => {
            let since = format!(" since {} UTC ({length})", moment(alert.starts_at, view.now));
            vec![text(format!("{} ", colour(view))), code(name), text(" "), bold(value(&alert.value)), text(since)]
        }
    }
}

fn lasted(view: &View<'_>, alert: &AlertLine) -> String {
    age(Span::between(alert.starts_at, alert.ended_at.unwrap_or(view.now)))
}

/// `device=sda1, mountpoint=/var`.
fn labels(view: &View<'_>, alert: &AlertLine) -> String {
    let present = view.telling.iter().filter_map(|name| Some((*name, alert.labels.get(name)?)));
    let mut shown: Vec<String> =
        present.map(|(name, value)| format!("{}={}", clip(name, 40), clip(value, 64))).collect();
    if shown.len() > MOST_LABELS {
        shown.truncate(MOST_LABELS);
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

/// `… and 37 more`.
fn rest(view: &View<'_>, left: &[&AlertLine]) -> Option<Line> {
    let ended = left.iter().filter(|alert| alert.ended_at.is_some()).count();
    let firing = left.len() - ended + view.message.more_firing as usize;
    let resolved = ended + view.message.more_resolved as usize;
    let which = match (firing, resolved) {
        (0, 0) => return None,
        (_, 0) | (0, _) => String::new(),
        _ => format!(" ({firing} firing, {resolved} resolved)"),
    };
    Some(vec![text(format!("… and {} more{which}", firing + resolved))])
}

fn texts<'a>(read: impl Fn(&'static str) -> Option<&'a str>) -> Vec<Line> {
    let parts = [(SUMMARY, 200), (DESCRIPTION, 300)];
    let texts = parts.into_iter().filter_map(|(name, most)| Some(clip(read(name)?, most)));
    texts.filter(|found| !found.is_empty()).map(|found| vec![text(found)]).collect()
}

/// `Runbook · Dashboard`, each a link if its address is one, else shown as it is.
fn links<'a>(read: impl Fn(&'static str) -> Option<&'a str>) -> Option<Line> {
    let mut line: Line = Vec::new();
    for (title, annotation) in LINKS {
        let Some(address) = read(annotation).filter(|address| !clip(address, 2).is_empty()) else { continue };
        if !line.is_empty() {
            line.push(text(" · "));
        }
        line.push(match link(address, LONGEST_LINK) {
            Some(url) => Piece::Link { text: title, url },
            None => text(format!("{title}: {}", clip(address, 120))),
        });
    }
    (!line.is_empty()).then_some(line)
}
