//! Upper, lower and title case.

use std::sync::LazyLock;

use regex::Regex;

use crate::quote::{Rune, runes};

/// Go's `strings.ToUpper`, letter by letter.
pub(super) fn upper(text: &[u8]) -> Vec<u8> {
    mapped(text, |c| single(c.to_uppercase()).or_else(|| with_iota(c)).unwrap_or(c))
}

/// Go's `strings.ToLower`, letter by letter.
pub(super) fn lower(text: &[u8]) -> Vec<u8> {
    // Only the capital I with a dot has two letters, and the first is what Go takes.
    mapped(text, |c| c.to_lowercase().next().unwrap_or(c))
}

/// The first letter of each word in title case, the others as they are: `cases.Title` of Go's `x/text` without lower
/// case, which follows Unicode's word boundaries roughly.
pub(super) fn title(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut is_in_word = false;
    let mut was_mid = false;
    for rune in runes(text) {
        let Rune::Char(c) = rune else {
            push(&mut out, rune);
            (is_in_word, was_mid) = (false, false);
            continue;
        };
        let kind = Kind::of(c);
        if was_mid && kind == Kind::Mid {
            is_in_word = false;
        }
        if kind == Kind::Cased && !is_in_word {
            push_title(&mut out, c);
            is_in_word = true;
        } else {
            push(&mut out, rune);
            is_in_word &= kind != Kind::Break;
        }
        was_mid = kind == Kind::Mid;
    }
    out
}

/// What a character is to a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A letter that has a case.
    Cased,
    /// Any other part of a word.
    Part,
    /// Between two parts of a word: one does not end it, two of them do.
    Mid,
    Break,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            'a'..='z' | 'A'..='Z' => Self::Cased,
            '0'..='9' | '_' => Self::Part,
            '.' | ':' | '\'' => Self::Mid,
            _ if c.is_ascii() => Self::Break,
            _ => Self::of_other(c),
        }
    }

    fn of_other(c: char) -> Self {
        static CASED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\p{Cased}").ok());
        static MID: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{wb=MidLetter}\p{wb=MidNumLet}]").ok());
        static PART: LazyLock<Option<Regex>> = LazyLock::new(|| {
            Regex::new(concat!(
                r"[\p{wb=ALetter}\p{wb=Hebrew_Letter}\p{wb=Numeric}\p{wb=Extend}\p{wb=ExtendNumLet}\p{wb=Format}",
                r"\p{wb=ZWJ}]"
            ))
            .ok()
        });
        let mut utf8 = [0; 4];
        let text: &str = c.encode_utf8(&mut utf8);
        let is = |class: &Option<Regex>| class.as_ref().is_some_and(|class| class.is_match(text));
        if is(&CASED) {
            Self::Cased
        } else if is(&MID) {
            Self::Mid
        } else if is(&PART) {
            Self::Part
        } else {
            Self::Break
        }
    }
}

fn push_title(out: &mut Vec<u8>, c: char) {
    if let Some(title) = own_title(c).or_else(|| with_iota(c)) {
        push(out, Rune::Char(title));
        return;
    }
    let is_greek = matches!(c, '\u{1f80}'..='\u{1fff}');
    let mut is_first = true;
    for c in c.to_uppercase() {
        let title = match c {
            // An iota below a vowel stays there.
            '\u{399}' if is_greek && !is_first => '\u{345}',
            _ if is_first => c,
            _ => single(c.to_lowercase()).unwrap_or(c),
        };
        is_first &= single(c.to_lowercase()) == Some(c);
        push(out, Rune::Char(title));
    }
}

/// Letters whose title case is neither their upper case nor made of it.
fn own_title(c: char) -> Option<char> {
    Some(match c {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        // Georgian has capitals for whole words only, and letters of a title case have it already.
        '\u{10d0}'..='\u{10ff}'
        | '\u{1f88}'..='\u{1f8f}'
        | '\u{1f98}'..='\u{1f9f}'
        | '\u{1fa8}'..='\u{1faf}'
        | '\u{1fbc}'
        | '\u{1fcc}'
        | '\u{1ffc}' => c,
        _ => return None,
    })
}

/// Greek vowels with an iota below, whose capitals are one letter too.
fn with_iota(c: char) -> Option<char> {
    let distance = match c {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => 8,
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => 9,
        _ => return None,
    };
    char::from_u32(u32::from(c) + distance)
}

fn single(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

/// As Go's `strings.Map`: a byte that is no UTF-8 becomes U+FFFD.
fn mapped(text: &[u8], map: impl Fn(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for rune in runes(text) {
        let c = if let Rune::Char(c) = rune { map(c) } else { char::REPLACEMENT_CHARACTER };
        push(&mut out, Rune::Char(c));
    }
    out
}

fn push(out: &mut Vec<u8>, rune: Rune) {
    match rune {
        Rune::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Rune::Byte(byte) => out.push(byte),
    }
}
