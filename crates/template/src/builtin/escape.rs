//! `html`, `js` and `urlquery`.

use std::fmt::Write as _;

use super::Outcome;
use crate::{function::Env, printf::eval_args, prometheus::query_escape, quote::is_print, value::Value};

pub(super) fn html(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    let mut escaped = Vec::new();
    for byte in eval_args(&args) {
        match byte {
            0 => escaped.extend("\u{FFFD}".as_bytes()),
            b'"' => escaped.extend(b"&#34;"),
            b'\'' => escaped.extend(b"&#39;"),
            b'&' => escaped.extend(b"&amp;"),
            b'<' => escaped.extend(b"&lt;"),
            b'>' => escaped.extend(b"&gt;"),
            byte => escaped.push(byte),
        }
    }
    Ok(Value::text(escaped))
}

pub(super) fn js(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    let text = eval_args(&args);
    let mut escaped = String::new();
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|c| js_char(c, &mut escaped));
        // Go decodes each bad byte to U+FFFD, which it takes for printable, and writes the byte itself.
        chunk.invalid().iter().for_each(|_| escaped.push('\u{FFFD}'));
    }
    Ok(Value::text(escaped))
}

fn js_char(c: char, escaped: &mut String) {
    match c {
        '\\' => escaped.push_str(r"\\"),
        '\'' => escaped.push_str(r"\'"),
        '"' => escaped.push_str("\\\""),
        '<' => escaped.push_str(r"\u003C"),
        '>' => escaped.push_str(r"\u003E"),
        '&' => escaped.push_str(r"\u0026"),
        '=' => escaped.push_str(r"\u003D"),
        c if c < ' ' || !c.is_ascii() && !is_print(c) => {
            let _ = write!(escaped, "\\u{:04X}", u32::from(c));
        }
        c => escaped.push(c),
    }
}

pub(super) fn urlquery(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::text(query_escape(&eval_args(&args))))
}
