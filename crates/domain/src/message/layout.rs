//! What stands where in a message, before a channel gives it its markup; and how much of it fits.
//!
//! Length is decided on the model: whole alerts go, single values are clipped, finished markup is never cut.

mod alerts;
mod view;

use crate::{
    Span, Timestamp,
    message::{Message, SourceLine},
    notification::NotifyReason,
};

use self::view::View;
use super::text::{age, clip, count, moment};

/// The most a message may have, in UTF-16 units: Telegram's limit, here with markup counted.
pub(super) const LONGEST: usize = 4096;
/// What a message about several alerts should have at most if it is to show all their texts, in UTF-16 units.
const COMFORTABLE: usize = 500;
/// The most alerts that get lines of their own.
const MOST_SHOWN: usize = 10;
/// From this lateness on a message says that it is late.
const LATE: Span = Span::from_secs(120);

/// A part of a line. Texts are clean, but not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    Bold(String),
    Code(String),
    Link { text: &'static str, url: String },
}

/// One line of a message.
pub(super) type Line = Vec<Piece>;

/// How much is said about each alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// Everything, each alert's own texts and links included.
    Full,
    /// One line an alert; texts and links only if all alerts share them.
    Brief,
    /// One line an alert, nothing else.
    Bare,
}

/// Writes the most telling form of `message` that fits.
pub(super) fn fit(message: &Message, now: Timestamp, write: fn(&[Line]) -> String) -> String {
    let view = View::new(message, now);
    let shown = view.alerts.len().min(MOST_SHOWN);
    let full = write(&document(&view, shown, Detail::Full));
    let room = if view.alerts.len() > 1 { COMFORTABLE } else { LONGEST };
    if units(&full) <= room {
        return full;
    }
    let brief = (1..=shown).rev().map(|shown| (shown, Detail::Brief));
    let bare = (0..=shown.min(1)).rev().map(|shown| (shown, Detail::Bare));
    brief
        .chain(bare)
        .map(|(shown, detail)| write(&document(&view, shown, detail)))
        .find(|text| units(text) <= LONGEST)
        .expect("a headline of clipped values fits")
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn document(view: &View<'_>, shown: usize, detail: Detail) -> Vec<Line> {
    let mut lines = match view.message.reason {
        NotifyReason::SourceDown => source_down(view),
        NotifyReason::SourceUp => source_up(view),
        NotifyReason::Test if view.message.alerts.is_empty() => test(),
        NotifyReason::Test
        | NotifyReason::First
        | NotifyReason::NewAlerts
        | NotifyReason::Repeat
        | NotifyReason::Resolved
        | NotifyReason::Forward
        | NotifyReason::ForwardAgain => alerts::lines(view, shown, detail),
    };
    let late = Span::between(view.message.at, view.now);
    if late >= LATE && view.message.reason != NotifyReason::Test {
        lines.push(vec![text(format!("Delayed {}: as of {} UTC", age(late), moment(view.message.at, view.now)))]);
    }
    lines
}

fn test() -> Vec<Line> {
    vec![vec![text("🧪 "), bold("TEST"), text(" · Vigil")], vec![text("This is a test message. The channel works.")]]
}

fn source_down(view: &View<'_>) -> Vec<Line> {
    let mut lines = vec![vec![text("🔴 "), bold("DATA SOURCE DOWN")]];
    let Some(source) = &view.message.source else { return lines };
    let since = moment(source.failing_since, view.now);
    let down = age(Span::between(source.failing_since, view.now));
    lines.push(vec![text(format!("No answer since {since} UTC ({down}): ")), code(clip(&source.error, 300))]);
    let frozen = "their alerts stay as they are, and none is resolved, until it answers";
    lines.push(vec![text(format!("{} frozen: {frozen}", rules(source)))]);
    lines
}

fn source_up(view: &View<'_>) -> Vec<Line> {
    let mut lines = vec![vec![text("🟢 "), bold("DATA SOURCE UP")]];
    let Some(source) = &view.message.source else { return lines };
    let ended = source.ended_at.unwrap_or(view.message.at);
    let lasted = age(Span::between(source.failing_since, ended));
    let (from, to) = (moment(source.failing_since, view.now), moment(ended, view.now));
    lines.push(vec![text(format!("It was down for {lasted} ({from} – {to} UTC)"))]);
    lines.push(vec![text(format!("{} evaluated again", rules(source)))]);
    lines
}

fn rules(source: &SourceLine) -> String {
    let verb = if source.rules == 1 { "is" } else { "are" };
    format!("{} {verb}", count(source.rules as usize, "rule"))
}

fn text(text: impl Into<String>) -> Piece {
    Piece::Text(text.into())
}

fn bold(text: impl Into<String>) -> Piece {
    Piece::Bold(text.into())
}

fn code(text: impl Into<String>) -> Piece {
    Piece::Code(text.into())
}
