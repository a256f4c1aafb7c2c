//! A message as Telegram's HTML: <https://core.telegram.org/bots/api#html-style>.

use crate::{Timestamp, message::Message};

use super::layout::{self, Line, Piece};

/// The text for `sendMessage` with `parse_mode` HTML, ages as of `now`.
///
/// Always valid markup and never more than 4096 UTF-16 units, markup included: alerts that do not fit are counted.
pub fn render(message: &Message, now: Timestamp) -> String {
    layout::fit(message, now, write)
}

fn write(lines: &[Line]) -> String {
    let mut html = String::new();
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            html.push('\n');
        }
        for piece in line {
            match piece {
                Piece::Text(text) => html.push_str(&escape(text)),
                Piece::Bold(text) => html.push_str(&format!("<b>{}</b>", escape(text))),
                Piece::Code(text) => html.push_str(&format!("<code>{}</code>", escape(text))),
                Piece::Link { text, url } => {
                    html.push_str(&format!("<a href=\"{}\">{}</a>", escape(url), escape(text)));
                }
            }
        }
    }
    html
}

/// Telegram knows exactly these four named entities.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}
