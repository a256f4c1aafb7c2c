//! Literals of strings and characters as Go's `strconv` writes and reads them.

use std::fmt::Write as _;

/// One step through a Go string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rune {
    Char(char),
    /// A byte that belongs to no character.
    Byte(u8),
}

impl Rune {
    /// Its length in bytes.
    pub(crate) const fn len(self) -> usize {
        match self {
            Self::Char(c) => c.len_utf8(),
            Self::Byte(_) => 1,
        }
    }

    /// As a character, with U+FFFD for what is none.
    pub(crate) const fn to_char(self) -> char {
        match self {
            Self::Char(c) => c,
            Self::Byte(_) => char::REPLACEMENT_CHARACTER,
        }
    }
}

/// The characters of a Go string, as `range` goes through them.
pub(crate) fn runes(text: &[u8]) -> impl Iterator<Item = Rune> {
    text.utf8_chunks()
        .flat_map(|chunk| chunk.valid().chars().map(Rune::Char).chain(chunk.invalid().iter().copied().map(Rune::Byte)))
}

/// Between double quotes, with an escape for what is not printable or not UTF-8.
pub(crate) fn quote(text: &[u8]) -> String {
    quoted(text, is_print)
}

/// Like `quote`, with an escape for everything that is not ASCII too.
pub(crate) fn quote_to_ascii(text: &[u8]) -> String {
    quoted(text, is_printable_ascii)
}

/// Between single quotes.
pub(crate) fn quote_rune(c: char) -> String {
    rune_quoted(c, is_print)
}

/// Like `quote_rune`, with an escape for everything that is not ASCII too.
pub(crate) fn quote_rune_to_ascii(c: char) -> String {
    rune_quoted(c, is_printable_ascii)
}

fn quoted(text: &[u8], plain: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for rune in runes(text) {
        match rune {
            Rune::Char(c) => push_escaped(&mut out, c, '"', plain),
            Rune::Byte(byte) => push_hex(&mut out, 'x', u32::from(byte), 2),
        }
    }
    out.push('"');
    out
}

fn rune_quoted(c: char, plain: fn(char) -> bool) -> String {
    let mut out = String::from('\'');
    push_escaped(&mut out, c, '\'', plain);
    out.push('\'');
    out
}

fn push_escaped(out: &mut String, c: char, quote: char, plain: fn(char) -> bool) {
    match c {
        _ if c == quote || c == '\\' => out.extend(['\\', c]),
        _ if plain(c) => out.push(c),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        '\0'..' ' | '\x7f' => push_hex(out, 'x', u32::from(c), 2),
        '\0'..'\u{10000}' => push_hex(out, 'u', u32::from(c), 4),
        _ => push_hex(out, 'U', u32::from(c), 8),
    }
}

fn push_hex(out: &mut String, letter: char, value: u32, digits: usize) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\\{letter}{value:0digits$x}");
}

/// Whether it is a letter, mark, number, punctuation, symbol or the ASCII space.
///
/// Rust's table of the same property is only to be had through `escape_debug`, which escapes a mark at a text's start
/// whether printable or not: hence the character before it. It is of a newer Unicode than Go's, so that characters
/// which have been added since count as printable here and not there.
pub(crate) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return is_printable_ascii(c);
    }
    String::from_iter(['a', c]).escape_debug().nth(1) == Some(c)
}

fn is_printable_ascii(c: char) -> bool {
    matches!(c, ' '..='~')
}

/// Whether it can stand between backquotes as it is: on one line, with no control character but the tab.
pub(crate) fn can_backquote(text: &[u8]) -> bool {
    runes(text).all(|rune| match rune {
        Rune::Byte(_) | Rune::Char('\u{feff}' | '`' | '\x7f') => false,
        Rune::Char(c) => c >= ' ' || c == '\t',
    })
}

/// What a literal in double quotes or backquotes stands for; `None` where `text` is not one such literal and no more.
pub(crate) fn unquote(text: &str) -> Option<Vec<u8>> {
    if let Some(raw) = text.strip_prefix('`') {
        let raw = raw.strip_suffix('`').filter(|raw| !raw.contains('`'))?;
        return Some(raw.bytes().filter(|&byte| byte != b'\r').collect());
    }
    let mut rest = text.strip_prefix('"')?;
    let mut bytes = Vec::with_capacity(rest.len());
    while !rest.starts_with('"') {
        if rest.starts_with('\n') {
            return None;
        }
        let (value, is_multibyte, tail) = unquote_char(rest, b'"')?;
        match (u8::try_from(value), char::from_u32(value)) {
            (Ok(byte), _) if !is_multibyte || byte.is_ascii() => bytes.push(byte),
            (_, c) => bytes.extend(c?.encode_utf8(&mut [0; 4]).bytes()),
        }
        rest = tail;
    }
    (rest == "\"").then_some(bytes)
}

/// The first character or byte of a literal's inside, whether it is a character of several bytes in UTF-8, and the text
/// after it.
///
/// `quote` is the one around the literal, which has to be escaped; `None` stands for a syntax error.
pub(crate) fn unquote_char(text: &str, quote: u8) -> Option<(u32, bool, &str)> {
    let mut chars = text.chars();
    let first = chars.next()?;
    if matches!(quote, b'"' | b'\'') && first == char::from(quote) {
        return None;
    }
    if first != '\\' {
        return Some((u32::from(first), !first.is_ascii(), chars.as_str()));
    }
    let escape = chars.next()?;
    let rest = chars.as_str();
    let plain = |c: char| Some((u32::from(c), false, rest));
    match escape {
        'a' => plain('\x07'),
        'b' => plain('\x08'),
        'f' => plain('\x0c'),
        'n' => plain('\n'),
        'r' => plain('\r'),
        't' => plain('\t'),
        'v' => plain('\x0b'),
        '\\' => plain('\\'),
        '\'' | '"' => plain(escape).filter(|_| escape == char::from(quote)),
        'x' => number(rest, 2, 16).map(|(value, tail)| (value, false, tail)),
        'u' => unicode(rest, 4),
        'U' => unicode(rest, 8),
        '0'..='7' => octal(&text[1..]),
        _ => None,
    }
}

fn unicode(text: &str, digits: usize) -> Option<(u32, bool, &str)> {
    let (value, tail) = number(text, digits, 16)?;
    char::from_u32(value).map(|_| (value, true, tail))
}

fn octal(text: &str) -> Option<(u32, bool, &str)> {
    let (value, tail) = number(text, 3, 8)?;
    (value <= 255).then_some((value, false, tail))
}

fn number(text: &str, digits: usize, radix: u32) -> Option<(u32, &str)> {
    let (head, tail) = text.split_at_checked(digits)?;
    let is_number = head.chars().all(|c| c.is_digit(radix));
    Some((u32::from_str_radix(head, radix).ok().filter(|_| is_number)?, tail))
}

#[cfg(test)]
mod tests;
