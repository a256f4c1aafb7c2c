//! Classes of characters: `[a-z]`, `\d`, `[[:alpha:]]` and `\pL`.

use regex::Regex;

use super::{error::SyntaxError, escape::escape, flags::Flags};

/// A class without a character.
pub(super) const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";

/// A class of all characters.
const EVERYTHING: &str = r"[\x{0}-\x{10FFFF}]";

/// What `\d` and its like are, of ASCII alone.
const PERL: [(char, &str); 3] = [('d', "0-9"), ('s', r"\x09\x0A\x0C\x0D\x20"), ('w', "0-9A-Z_a-z")];

/// Scripts whose names have four letters.
const FOUR_LETTERS: [&str; 9] = ["Ahom", "Cham", "Kawi", "Lisu", "Miao", "Modi", "Newa", "Thai", "Toto"];

/// What stands between `[:` and `:]`.
const POSIX: [(&str, &str); 14] = [
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("ascii", r"\x00-\x7F"),
    ("blank", r"\x09\x20"),
    ("cntrl", r"\x00-\x1F\x7F"),
    ("digit", "0-9"),
    ("graph", r"\x21-\x7E"),
    ("lower", "a-z"),
    ("print", r"\x20-\x7E"),
    ("punct", r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E"),
    ("space", r"\x09-\x0D\x20"),
    ("upper", "A-Z"),
    ("word", "0-9A-Z_a-z"),
    ("xdigit", "0-9A-Fa-f"),
];

/// The class that `text` begins with, which is a bracket, in the crate's syntax, and what follows it.
///
/// # Errors
/// A bad class.
pub(super) fn bracketed(text: &str, flags: Flags) -> Result<(String, &str), SyntaxError> {
    let mut rest = &text[1..];
    let is_negated = rest.starts_with('^');
    if is_negated {
        rest = &rest[1..];
    }
    let mut parts = String::new();
    let mut is_first = true;
    // A bracket at the beginning is one of the characters.
    while is_first || !rest.starts_with(']') {
        is_first = false;
        rest = match group(rest)? {
            Some((part, rest)) => {
                parts.push_str(&part);
                rest
            }
            None => range(rest, text, &mut parts)?,
        };
    }
    let class = match (parts.is_empty(), is_negated) {
        (false, true) => format!("[^{parts}]"),
        (false, false) => format!("[{parts}]"),
        (true, true) => EVERYTHING.to_owned(),
        (true, false) => NOTHING.to_owned(),
    };
    Ok((folded(class, flags), &rest[1..]))
}

/// The class that `text` begins with, a backslash and a letter, and what follows; `None` if it begins with no such.
///
/// # Errors
/// A name of no class.
pub(super) fn escaped(text: &str, flags: Flags) -> Result<Option<(String, &str)>, SyntaxError> {
    Ok(match unicode(text)? {
        Some((class, rest)) => Some((folded(class, flags), rest)),
        None => perl(text).map(|(class, rest)| (folded(class, flags), rest)),
    })
}

/// In the crate's syntax, whether upper or lower case.
pub(super) fn folded(text: String, flags: Flags) -> String {
    if flags.fold_case { format!("(?i:{text})") } else { text }
}

fn group(text: &str) -> Result<Option<(String, &str)>, SyntaxError> {
    if let Some(found) = posix(text)? {
        return Ok(Some(found));
    }
    Ok(unicode(text)?.or_else(|| perl(text)))
}

fn posix(text: &str) -> Result<Option<(String, &str)>, SyntaxError> {
    let Some((name, rest)) = text.strip_prefix("[:").and_then(|name| name.split_once(":]")) else {
        return Ok(None);
    };
    let (sign, positive) = name.strip_prefix('^').map_or(("", name), |positive| ("^", positive));
    let found = POSIX.iter().find(|(name, _)| *name == positive);
    let (_, class) = found.ok_or_else(|| SyntaxError::new("invalid character class range", format!("[:{name}:]")))?;
    Ok(Some((format!("[{sign}{class}]"), rest)))
}

fn perl(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('\\')?.chars();
    let letter = rest.next()?;
    let (_, class) = PERL.iter().find(|(name, _)| *name == letter.to_ascii_lowercase())?;
    let sign = if letter.is_ascii_uppercase() { "^" } else { "" };
    Some((format!("[{sign}{class}]"), rest.as_str()))
}

fn unicode(text: &str) -> Result<Option<(String, &str)>, SyntaxError> {
    let Some(after) = text.strip_prefix(r"\p").or_else(|| text.strip_prefix(r"\P")) else { return Ok(None) };
    let error = |part: &str| SyntaxError::new("invalid character class range", part);
    let (name, rest) = match after.strip_prefix('{') {
        Some(name) => name.split_once('}').ok_or_else(|| error(text))?,
        None => after.split_at(after.chars().next().map_or(0, char::len_utf8)),
    };
    let (positive, is_turned) = name.strip_prefix('^').map_or((name, false), |positive| (positive, true));
    let is_negated = text.starts_with(r"\P") != is_turned;
    let class = property(positive, is_negated).ok_or_else(|| error(&text[..text.len() - rest.len()]))?;
    Ok(Some((class, rest)))
}

/// The characters of a general category or a script, or all others.
fn property(name: &str, is_negated: bool) -> Option<String> {
    let name: String = name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).collect();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    // No text has halves of surrogate pairs, and so the crate has no name for them.
    if name.eq_ignore_ascii_case("Cs") || name.eq_ignore_ascii_case("Surrogate") {
        return Some(if is_negated { EVERYTHING.to_owned() } else { NOTHING.to_owned() });
    }
    // Scripts have abbreviations that Go does not know, all of four letters.
    let is_script = |name: &&str| name.len() != 4 || FOUR_LETTERS.iter().any(|known| known.eq_ignore_ascii_case(name));
    let category = format!("gc={name}");
    let script = Some(name.as_str()).filter(is_script).map(|name| format!("sc={name}"));
    let letter = if is_negated { 'P' } else { 'p' };
    let classes = [Some(category), script].into_iter().flatten().map(|class| format!(r"\{letter}{{{class}}}"));
    classes.into_iter().find(|class| Regex::new(class).is_ok())
}

fn range<'a>(text: &'a str, class: &str, parts: &mut String) -> Result<&'a str, SyntaxError> {
    let (low, mut rest) = character(text, class)?;
    let mut high = low;
    // A dash before the end is one of the characters.
    if let Some(end) = rest.strip_prefix('-').filter(|end| !end.is_empty() && !end.starts_with(']')) {
        (high, rest) = character(end, class)?;
        if high < low {
            return Err(SyntaxError::new("invalid character class range", &text[..text.len() - rest.len()]));
        }
    }
    push_range(parts, low, high);
    Ok(rest)
}

fn character<'a>(text: &'a str, class: &str) -> Result<(u32, &'a str), SyntaxError> {
    let mut rest = text.chars();
    match rest.next() {
        None => Err(SyntaxError::new("missing closing ]", class)),
        Some('\\') => escape(text),
        Some(c) => Ok((u32::from(c), rest.as_str())),
    }
}

/// Without halves of surrogate pairs, which no text has.
fn push_range(parts: &mut String, low: u32, high: u32) {
    let low = if char::from_u32(low).is_some() { low } else { 0xe000 };
    let high = if char::from_u32(high).is_some() { high } else { 0xd7ff };
    if low <= high {
        parts.push_str(&format!(r"\x{{{low:X}}}-\x{{{high:X}}}"));
    }
}
