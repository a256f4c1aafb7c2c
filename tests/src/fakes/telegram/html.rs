//! Telegram's HTML, read as its servers read it: few tags, strictly nested, and the reasons it gives when they are not.
//!
//! A bare `&` or an unknown entity is text, as with Telegram; a `<` always begins a tag.
//!
//! <https://core.telegram.org/bots/api#html-style>

mod tag;

use serde_json::{Value, json};
use tag::{Kind, Tag};

/// A text without its markup, and what the markup said.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub text: String,
    pub entities: Vec<Entity>,
}

/// A part of the text with a meaning. Offset and length count UTF-16 units.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    pub kind: &'static str,
    pub offset: usize,
    pub length: usize,
    /// Where a `text_link` leads.
    pub url: Option<String>,
}

impl Entity {
    pub(super) fn to_json(&self) -> Value {
        let mut entity = json!({ "type": self.kind, "offset": self.offset, "length": self.length });
        if let Some(url) = &self.url {
            entity["url"] = json!(url);
        }
        entity
    }
}

impl Parsed {
    /// A text without markup.
    pub(super) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), entities: vec![] }
    }
}

/// Reads `html`.
///
/// # Errors
/// Telegram's reason, as it follows `Bad Request: can't parse entities: `.
pub fn parse(html: &str) -> Result<Parsed, String> {
    let mut reader = Reader { html, at: 0 };
    let mut parsed = Parsed::plain("");
    let mut open: Vec<(Tag, usize)> = vec![];
    while let Some(next) = reader.peek() {
        match next {
            '&' => parsed.text.push(reader.entity()),
            '<' if reader.rest().starts_with("</") => close(reader.end_tag()?, &mut open, &mut parsed)?,
            '<' => open.push((Tag::read(&mut reader)?, parsed.text.encode_utf16().count())),
            other => {
                parsed.text.push(other);
                reader.at += other.len_utf8();
            }
        }
    }
    match open.last() {
        Some((tag, _)) => Err(format!("Can't find end tag corresponding to start tag \"{}\"", tag.name)),
        None => Ok(parsed),
    }
}

/// An end tag as it stands: an empty name closes whatever is open.
struct EndTag<'a> {
    name: &'a str,
    at: usize,
}

fn close(end: EndTag<'_>, open: &mut Vec<(Tag, usize)>, parsed: &mut Parsed) -> Result<(), String> {
    let Some((tag, offset)) = open.pop() else { return Err(format!("Unexpected end tag at byte offset {}", end.at)) };
    if !end.name.is_empty() && end.name != tag.name {
        let (at, expected, found) = (end.at, tag.name, end.name);
        return Err(format!("Unmatched end tag at byte offset {at}, expected \"</{expected}>\", found \"</{found}>\""));
    }
    let length = parsed.text.encode_utf16().count() - offset;
    let entity = |kind, url| Entity { kind, offset, length, url };
    match tag.kind {
        _ if length == 0 => {}
        Kind::Style(kind) => parsed.entities.push(entity(kind, None)),
        Kind::Link(url) if url.contains("://") => parsed.entities.push(entity("text_link", Some(url))),
        Kind::Link(_) => {}
    }
    Ok(())
}

/// A place in the text. Offsets in Telegram's reasons are bytes.
struct Reader<'a> {
    html: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.html[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes as long as characters are `wanted`.
    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let taken = &rest[..rest.find(|character| !wanted(character)).unwrap_or(rest.len())];
        self.at += taken.len();
        taken
    }

    /// Takes an entity, whose semicolon may be missing; or only the `&`, when it is none Telegram knows.
    fn entity(&mut self) -> char {
        let name = self.rest()[1..].split(|c: char| !c.is_ascii_alphanumeric() && c != '#').next().unwrap_or_default();
        let character = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            _ => numbered(name),
        };
        self.at += 1;
        let Some(character) = character else { return '&' };
        self.at += name.len();
        if self.peek() == Some(';') {
            self.at += 1;
        }
        character
    }

    /// Takes `</name>`.
    fn end_tag(&mut self) -> Result<EndTag<'a>, String> {
        let at = self.at;
        self.at += "</".len();
        let name = self.take_while(|c| !c.is_ascii_whitespace() && c != '>');
        self.take_while(|c| c.is_ascii_whitespace());
        if self.peek() != Some('>') {
            return Err(format!("Unclosed end tag at byte offset {at}"));
        }
        self.at += 1;
        Ok(EndTag { name, at })
    }
}

/// The character of `#60` or `#x3c`.
fn numbered(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix('x') {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code).filter(|character| *character != '\0')
}

#[cfg(test)]
mod tests;
