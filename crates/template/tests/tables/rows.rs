//! The rows of the tables, and what their fields stand for. Tests of other crates read them too.

use std::{collections::BTreeMap, fs, path::Path};

/// One line of a table.
pub(crate) struct Case {
    pub(crate) value: f64,
    pub(crate) template: String,
    /// The output, or the error of a template that is refused.
    pub(crate) expected: String,
}

/// Reads a table with the columns value, template and output, and perhaps more.
pub(crate) fn expansions(file: &Path) -> Vec<Case> {
    let case = |fields: &[&str]| Case {
        value: number(fields[0]),
        template: String::from_utf8(unescaped(fields[1])).expect("a template is UTF-8"),
        expected: lossy(fields[2]),
    };
    rows(file).iter().map(|row| case(&row.split('\t').collect::<Vec<_>>())).collect()
}

/// Reads a table with the columns template and error.
pub(crate) fn refusals(file: &Path) -> Vec<Case> {
    let case = |(template, error): (&str, &str)| Case {
        value: 1.0,
        template: String::from_utf8(unescaped(template)).expect("a template is UTF-8"),
        expected: lossy(error),
    };
    rows(file).iter().map(|row| case(row.split_once('\t').expect("two columns"))).collect()
}

fn rows(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("the table is there");
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

pub(crate) fn number(field: &str) -> f64 {
    field.parse().expect("a number")
}

/// The bytes that a field stands for; those that are no UTF-8 print as U+FFFD.
fn lossy(field: &str) -> String {
    String::from_utf8_lossy(&unescaped(field)).into_owned()
}

fn unescaped(field: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let (byte, length) = match (first, after.first()) {
            (b'\\', Some(b'n')) => (b'\n', 2),
            (b'\\', Some(b't')) => (b'\t', 2),
            (b'\\', Some(b'r')) => (b'\r', 2),
            (b'\\', Some(b'\\')) => (b'\\', 2),
            (b'\\', Some(b'x')) => (hex(&after[1..3]), 4),
            _ => (first, 1),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    bytes
}

fn hex(digits: &[u8]) -> u8 {
    let digits = std::str::from_utf8(digits).expect("two digits");
    u8::from_str_radix(digits, 16).expect("two hexadecimal digits")
}

/// A name and labels in braces, as a series or a selector has them.
pub(crate) fn labelled(text: &str) -> BTreeMap<String, String> {
    let (name, rest) = text.split_once('{').unwrap_or((text, ""));
    let mut labels = BTreeMap::from([("__name__".to_owned(), name.to_owned())]);
    let mut rest = rest.trim_end_matches('}');
    while let Some((label, after)) = rest.split_once('=') {
        let quote = after.chars().next().expect("a value in quotes");
        let (value, after) = quoted(&after[1..], quote);
        labels.insert(label.trim_start_matches(',').to_owned(), value);
        rest = after;
    }
    labels
}

/// The text until the quote, and what comes after that.
pub(crate) fn quoted(text: &str, quote: char) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            c if c == quote => return (value, &text[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                other => value.extend(other.map(|(_, c)| c)),
            },
            c => value.push(c),
        }
    }
    (value, "")
}
