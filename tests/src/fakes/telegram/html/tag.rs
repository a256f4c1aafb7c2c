//! Start tags and their attributes.

use super::Reader;

/// A start tag Telegram knows. Its name is the one an end tag must have.
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What a tag does to the text inside.
pub(super) enum Kind {
    /// The type of the entity it makes.
    Style(&'static str),
    /// A link to this address.
    Link(String),
}

/// An attribute's name, and its value if it has one.
struct Attribute<'a> {
    name: &'a str,
    value: Option<String>,
}

impl Tag {
    /// Takes `<name attribute="value" …>`.
    ///
    /// # Errors
    /// Telegram's reason.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, String> {
        let at = reader.at;
        reader.at += 1;
        let name = reader.take_while(|c| !c.is_ascii_whitespace() && c != '>').to_lowercase();
        if reader.peek().is_none() {
            return Err(format!("Unclosed start tag at byte offset {at}"));
        }
        let style = style(&name).ok_or_else(|| format!("Unsupported start tag \"{name}\" at byte offset {at}"))?;
        let mut argument = None;
        while let Some(attribute) = attribute(reader, &name, at)? {
            match (name.as_str(), attribute.name) {
                ("a", "href") | ("span", "class") | ("tg-emoji", "emoji-id") => argument = attribute.value,
                ("blockquote", "expandable") => argument = Some(String::new()),
                _ => {}
            }
        }
        let kind = match (name.as_str(), argument) {
            ("a", argument) => Kind::Link(argument.unwrap_or_default()),
            ("span", argument) if argument.as_deref() != Some("tg-spoiler") => {
                return Err(format!("Tag \"span\" must have class \"tg-spoiler\" at byte offset {at}"));
            }
            ("blockquote", Some(_)) => Kind::Style("expandable_blockquote"),
            _ => Kind::Style(style),
        };
        Ok(Self { name, kind })
    }
}

/// The entity a tag makes; `None` when Telegram does not know the tag.
fn style(name: &str) -> Option<&'static str> {
    Some(match name {
        "a" => "text_link",
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "s" | "strike" | "del" => "strikethrough",
        "u" | "ins" => "underline",
        "span" | "tg-spoiler" => "spoiler",
        "tg-emoji" => "custom_emoji",
        "code" => "code",
        "pre" => "pre",
        "blockquote" => "blockquote",
        _ => return None,
    })
}

/// Takes the next attribute of the tag `name` that began `at`; `None` at the closing `>`, which is taken too.
fn attribute<'a>(reader: &mut Reader<'a>, name: &str, at: usize) -> Result<Option<Attribute<'a>>, String> {
    let space = |c: char| c.is_ascii_whitespace();
    reader.take_while(space);
    if reader.peek() == Some('>') {
        reader.at += 1;
        return Ok(None);
    }
    let attribute = reader.take_while(|c| !space(c) && c != '=' && c != '>');
    if attribute.is_empty() {
        let what = if reader.peek().is_none() { "Unclosed start tag" } else { "Empty attribute name in the tag" };
        return Err(format!("{what} \"{name}\" at byte offset {at}"));
    }
    reader.take_while(space);
    if reader.peek() != Some('=') {
        return Ok(Some(Attribute { name: attribute, value: None }));
    }
    reader.at += 1;
    reader.take_while(space);
    let value = value(reader)?;
    if reader.peek().is_none() {
        return Err(format!("Unclosed start tag \"{name}\" at byte offset {at}"));
    }
    Ok(Some(Attribute { name: attribute, value: Some(value) }))
}

/// Takes a value: in quotes, with entities; or a bare word of letters, digits, periods and hyphens.
fn value(reader: &mut Reader<'_>) -> Result<String, String> {
    let at = reader.at;
    let Some(quote @ ('"' | '\'')) = reader.peek() else {
        let word = reader.take_while(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-').to_lowercase();
        return match reader.peek() {
            Some(next) if !next.is_ascii_whitespace() && next != '>' => {
                Err(format!("Unexpected end of name token at byte offset {at}"))
            }
            _ => Ok(word),
        };
    };
    reader.at += 1;
    let mut value = String::new();
    while let Some(next) = reader.peek() {
        match next {
            '&' => value.push(reader.entity()),
            _ if next == quote => {
                reader.at += 1;
                break;
            }
            _ => {
                value.push(next);
                reader.at += next.len_utf8();
            }
        }
    }
    Ok(value)
}
