//! Constants: what Go takes a number for.

use crate::{lex::Kind, node::Number, quote};

/// Reads a constant. The error is Go's, without the place.
pub(super) fn number(text: &str, kind: Kind) -> Result<Number, String> {
    match kind {
        Kind::CharConstant => char_constant(text),
        Kind::Complex => complex(text),
        _ => plain(text),
    }
}

fn char_constant(text: &str) -> Result<Number, String> {
    let (code, _, tail) = quote::unquote_char(&text[1..], b'\'').ok_or("invalid syntax")?;
    if tail != "'" {
        return Err(format!("malformed character constant: {text}"));
    }
    let int = i64::from(code);
    let (uint, float) = (Some(u64::from(code)), Some(f64::from(code)));
    Ok(Number { text: text.to_owned(), int: Some(int), uint, float, complex: None })
}

/// `1+2i`: the scanner has made sure that there are two numbers and an `i`.
fn complex(text: &str) -> Result<Number, String> {
    let body = text.strip_suffix('i').ok_or("syntax error scanning complex number")?;
    let signs = body
        .char_indices()
        .skip(1)
        .filter(|(i, c)| matches!(c, '+' | '-') && !matches!(body.as_bytes()[i - 1], b'e' | b'E' | b'p' | b'P'));
    let split = signs.last().map(|(i, _)| i).ok_or("syntax error scanning complex number")?;
    let (re, im) = body.split_at(split);
    match (float(re), float(im)) {
        (Some(re), Some(im)) => Ok(imaginary(text, re, im)),
        _ => Err("syntax error scanning complex number".to_owned()),
    }
}

fn imaginary(text: &str, re: f64, im: f64) -> Number {
    let mut number = Number { text: text.to_owned(), complex: Some((re, im)), ..Number::default() };
    if im == 0.0 {
        number.float = Some(re);
        number.int = whole(re);
        number.uint = whole_unsigned(re);
    }
    number
}

fn plain(text: &str) -> Result<Number, String> {
    if let Some(body) = text.strip_suffix('i')
        && let Some(im) = float(body)
    {
        return Ok(imaginary(text, 0.0, im));
    }
    let (mut int, mut uint) = (parse_int(text), parse_uint(text));
    if int == Some(0) {
        uint = Some(0);
    }
    #[expect(clippy::cast_precision_loss, reason = "what Go does")]
    let mut as_float = int.map(|n| n as f64).or(uint.map(|n| n as f64));
    if as_float.is_none()
        && let Some(value) = float(text)
    {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote::quote(text.as_bytes())));
        }
        as_float = Some(value);
        int = int.or(whole(value));
        uint = uint.or(whole_unsigned(value));
    }
    if as_float.is_none() {
        return Err(format!("illegal number syntax: {}", quote::quote(text.as_bytes())));
    }
    Ok(Number { text: text.to_owned(), int, uint, float: as_float, complex: None })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "compared afterwards")]
fn whole(value: f64) -> Option<i64> {
    let int = value as i64;
    (int as f64 == value && int != i64::MAX).then_some(int)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "compared")]
fn whole_unsigned(value: f64) -> Option<u64> {
    let uint = value as u64;
    (uint as f64 == value && uint != u64::MAX).then_some(uint)
}

/// `strconv.ParseInt(text, 0, 64)`
fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// `strconv.ParseUint(text, 0, 64)`
fn parse_uint(text: &str) -> Option<u64> {
    if !underscores_ok(text) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (lower.as_str(), 10),
    };
    let digits = digits.replace('_', "");
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

/// `strconv.ParseFloat(text, 64)` of what a number can look like here; too large a number is none.
fn float(text: &str) -> Option<f64> {
    if !underscores_ok(text) {
        return None;
    }
    let digits = text.replace('_', "");
    let unsigned = digits.trim_start_matches(['+', '-']);
    if digits.len() - unsigned.len() > 1 {
        return None;
    }
    let value = match unsigned.get(..2) {
        Some("0x" | "0X") => hex_float(&unsigned[2..])?,
        _ if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => unsigned.parse().ok()?,
        _ => return None,
    };
    let value = if digits.starts_with('-') { -value } else { value };
    Some(value).filter(|value| value.is_finite())
}

/// `1.8p3` after its `0x`: the exponent is a must.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let exponent: i32 = exponent.parse().ok()?;
    // Digits beyond what a float can hold count as a trace, so that rounding sees them.
    let (mut bits, mut shift, mut trace) = (0_u64, 0_i32, false);
    for c in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(c.to_digit(16)?);
        if bits >> 59 == 0 {
            bits = bits << 4 | digit;
        } else {
            (shift, trace) = (shift + 4, trace || digit != 0);
        }
    }
    let bits = bits | u64::from(trace);
    let power = shift - 4 * i32::try_from(fraction.len()).ok()? + exponent.clamp(-5_000, 5_000);
    Some(scale(bits, power))
}

/// `bits × 2^power`, rounded once.
#[expect(clippy::cast_precision_loss, reason = "that is the rounding")]
fn scale(bits: u64, power: i32) -> f64 {
    let half = power / 2;
    bits as f64 * 2_f64.powi(half) * 2_f64.powi(power - half)
}

/// Underscores stand between digits, or between a base prefix and a digit.
fn underscores_ok(text: &str) -> bool {
    if !text.contains('_') {
        return true;
    }
    let body = text.trim_start_matches(['+', '-']);
    let prefixed = body.len() > 1
        && body.starts_with('0')
        && matches!(body.as_bytes()[1].to_ascii_lowercase(), b'b' | b'o' | b'x');
    let hex = prefixed && body.as_bytes()[1].eq_ignore_ascii_case(&b'x');
    let mut last = if prefixed { '0' } else { '^' };
    for c in body.chars().skip(if prefixed { 2 } else { 0 }) {
        last = match c {
            c if c.is_ascii_digit() || hex && c.is_ascii_hexdigit() => '0',
            '_' if last != '0' => return false,
            '_' => '_',
            _ if last == '_' => return false,
            _ => '!',
        };
    }
    last != '_'
}
