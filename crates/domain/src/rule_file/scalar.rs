//! What an untyped scalar is when a field asks for a text or a whole number.
//!
//! Source: go-yaml/yaml `resolve.go` and `decode.go`. A text field takes any scalar by its spelling: `yes`, `1.0` and
//! `0x1F` stay as written, and null is no value at all.

use std::borrow::Cow;

use super::tree::{Kind, Node};

/// A scalar, asked for a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text<'a> {
    Null,
    Is(&'a str),
    /// Not a text; the message says what it is and what was wanted.
    Wrong(String),
}

/// The text of a node, which must not be an alias; `wanted` is the type to name in the message.
pub(super) fn text<'a>(node: &'a Node<'_>, wanted: &str) -> Text<'a> {
    let Kind::Scalar { text, .. } = &node.kind else { return Text::Wrong(mismatch(node, wanted)) };
    match tag(node).as_ref() {
        "!!null" if implicit_tag(text) == "!!null" => Text::Null,
        "!!binary" => Text::Wrong("tag !!binary is not supported".to_owned()),
        tag @ ("!!null" | "!!bool" | "!!int" | "!!float") if !fits(text, tag) => {
            Text::Wrong(format!("cannot decode {} `{text}` as a {tag}", implicit_tag(text)))
        }
        _ => Text::Is(text),
    }
}

/// The whole number of a node, which must not be an alias; `None` for null. A fraction is cut off, as Go does.
pub(super) fn integer(node: &Node<'_>) -> Result<Option<i64>, String> {
    let text = match text(node, "int") {
        Text::Null => return Ok(None),
        Text::Wrong(message) => return Err(message),
        Text::Is(text) => text,
    };
    let number = match tag(node).as_ref() {
        "!!int" | "!!float" => to_integer(text),
        _ => None,
    };
    number.map(Some).ok_or_else(|| mismatch(node, "int"))
}

/// The number of a node, which must not be an alias; `None` for null.
pub(super) fn number(node: &Node<'_>) -> Result<Option<f64>, String> {
    let text = match text(node, "float64") {
        Text::Null => return Ok(None),
        Text::Wrong(message) => return Err(message),
        Text::Is(text) => text,
    };
    let number = match tag(node).as_ref() {
        "!!int" | "!!float" => radix_integer(text).map(|number| number as f64).or_else(|| float(text)),
        _ => None,
    };
    number.map(Some).ok_or_else(|| mismatch(node, "float64"))
}

/// Yes or no, as YAML 1.1 spells it, of a node, which must not be an alias; `None` for null.
pub(super) fn boolean(node: &Node<'_>) -> Result<Option<bool>, String> {
    let text = match text(node, "bool") {
        Text::Null => return Ok(None),
        Text::Wrong(message) => return Err(message),
        Text::Is(text) => text,
    };
    match (&node.kind, text) {
        (Kind::Scalar { plain: false, .. }, _) => Err(mismatch(node, "bool")),
        (_, "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y") => Ok(Some(true)),
        (_, "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N") => Ok(Some(false)),
        _ => Err(mismatch(node, "bool")),
    }
}

/// What the library says when a node is not of the type a field has.
pub(super) fn mismatch(node: &Node<'_>, wanted: &str) -> String {
    match &node.kind {
        Kind::Scalar { text, .. } => {
            let shown = if text.len() > 10 { Cow::from(format!("{}...", start(text, 7))) } else { text.clone() };
            format!("cannot unmarshal {} `{shown}` into {wanted}", tag(node))
        }
        Kind::Sequence(_) | Kind::Mapping(_) | Kind::Alias(_) => {
            format!("cannot unmarshal {} into {wanted}", tag(node))
        }
    }
}

/// Whether a node is null, which as a field, an item or a label's value stands for nothing.
pub(super) fn is_null(node: &Node<'_>) -> bool {
    matches!(text(node, ""), Text::Null)
}

/// Whether a mapping key means "and what is in there": `<<`, not quoted.
pub(super) fn is_merge(node: &Node<'_>) -> bool {
    matches!(&node.kind, Kind::Scalar { text, .. } if text == "<<" && tag(node) == "!!merge")
}

/// The tag a node has, written or implied.
fn tag<'a>(node: &'a Node<'_>) -> Cow<'a, str> {
    match (&node.tag, &node.kind) {
        (Some(tag), _) => tag.as_ref().into(),
        (None, Kind::Sequence(_)) => "!!seq".into(),
        (None, Kind::Mapping(_)) => "!!map".into(),
        (None, Kind::Scalar { text, plain: true }) => implicit_tag(text).into(),
        (None, Kind::Scalar { .. } | Kind::Alias(_)) => "!!str".into(),
    }
}

/// The tag a plain scalar is given for its spelling.
fn implicit_tag(text: &str) -> &'static str {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => "!!null",
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => "!!bool",
        "<<" => "!!merge",
        _ if radix_integer(text).is_some() => "!!int",
        _ if float(text).is_some() => "!!float",
        _ => "!!str",
    }
}

fn fits(text: &str, tag: &str) -> bool {
    let implied = implicit_tag(text);
    implied == tag || (tag == "!!float" && implied == "!!int")
}

fn to_integer(text: &str) -> Option<i64> {
    let whole = |number: f64| (number.abs() < 9.3e18).then_some(number as i64);
    match radix_integer(text) {
        Some(number) => i64::try_from(number).ok(),
        None => float(text).and_then(whole),
    }
}

/// A whole number as Go's base prefixes have it: `0x1F`, `0o17`, `017`, `0b11`, `1_000`, signed or not.
fn radix_integer(text: &str) -> Option<i128> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || c == '+' || c == '-') {
        return None;
    }
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let number = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let signed = if plain.starts_with('-') { -number } else { number };
    (signed >= i128::from(i64::MIN)).then_some(signed)
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" if text.starts_with('-') => return Some(f64::NEG_INFINITY),
        ".inf" | ".Inf" | ".INF" => return Some(f64::INFINITY),
        ".nan" | ".NaN" | ".NAN" if unsigned == text => return Some(f64::NAN),
        _ => {}
    }
    if text.starts_with('_') {
        return None;
    }
    let plain = text.replace('_', "");
    let digits_only = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let begins = plain.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if begins && plain.chars().all(digits_only) { plain.parse().ok() } else { None }
}

/// At most `bytes` bytes of `text`, ending between two characters.
fn start(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;

    fn tree(yaml: &str) -> Tree<'_> {
        Tree::parse(yaml).unwrap()
    }

    #[test]
    fn a_text_field_keeps_what_was_written() {
        for (yaml, expected) in [
            ("yes", Text::Is("yes")),
            ("on", Text::Is("on")),
            ("1.0", Text::Is("1.0")),
            ("0x1F", Text::Is("0x1F")),
            ("1_000", Text::Is("1_000")),
            ("2024-01-02", Text::Is("2024-01-02")),
            ("'~'", Text::Is("~")),
            ("\"\"", Text::Is("")),
            ("!!str ~", Text::Is("~")),
            ("! null", Text::Null),
            ("! 'null'", Text::Is("null")),
            ("!mine x", Text::Is("x")),
            ("!!int 7", Text::Is("7")),
            ("~", Text::Null),
            ("null", Text::Null),
            ("Null", Text::Null),
            ("---", Text::Null),
            ("!!int seven", Text::Wrong("cannot decode !!str `seven` as a !!int".to_owned())),
            ("!!binary aGk=", Text::Wrong("tag !!binary is not supported".to_owned())),
            ("[a]", Text::Wrong("cannot unmarshal !!seq into string".to_owned())),
            ("{a: b}", Text::Wrong("cannot unmarshal !!map into string".to_owned())),
        ] {
            let tree = tree(yaml);
            assert_eq!(text(tree.target(tree.root().unwrap()), "string"), expected, "{yaml}");
        }
    }

    #[test]
    fn a_number_field_takes_what_go_takes() {
        let wrong = |value: &str| Err(format!("cannot unmarshal {value} into int"));
        for (yaml, expected) in [
            ("10", Ok(Some(10))),
            ("-3", Ok(Some(-3))),
            ("+3", Ok(Some(3))),
            ("1_000", Ok(Some(1_000))),
            ("0x1F", Ok(Some(31))),
            ("0o17", Ok(Some(15))),
            ("017", Ok(Some(15))),
            ("0b11", Ok(Some(3))),
            ("08", Ok(Some(8))),
            ("1e3", Ok(Some(1_000))),
            ("1.9", Ok(Some(1))),
            ("9223372036854775807", Ok(Some(i64::MAX))),
            ("~", Ok(None)),
            ("'10'", wrong("!!str `10`")),
            ("_1", wrong("!!str `_1`")),
            ("ten", wrong("!!str `ten`")),
            ("true", wrong("!!bool `true`")),
            (".inf", wrong("!!float `.inf`")),
            ("9223372036854775808", wrong("!!int `9223372...`")),
            ("a hundred and more", wrong("!!str `a hundr...`")),
            ("ääääääääääää", wrong("!!str `äää...`")),
            ("[]", wrong("!!seq")),
        ] {
            let tree = tree(yaml);
            assert_eq!(integer(tree.target(tree.root().unwrap())), expected, "{yaml}");
        }
    }
}
