//! A message without any markup: what Telegram gets when it refuses the markup, and what the log gets.

use crate::{Timestamp, message::Message};

use super::layout::{self, Line, Piece};

/// The message as lines of text, ages as of `now`; never more than 4096 UTF-16 units.
pub fn render(message: &Message, now: Timestamp) -> String {
    layout::fit(message, now, write)
}

/// The same on one line.
pub fn render_line(message: &Message, now: Timestamp) -> String {
    render(message, now).replace('\n', " | ")
}

fn write(lines: &[Line]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| line.iter().map(piece).collect()).collect();
    lines.join("\n")
}

fn piece(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) | Piece::Bold(text) | Piece::Code(text) => text.clone(),
        Piece::Link { text, url } => format!("{text}: {url}"),
    }
}
