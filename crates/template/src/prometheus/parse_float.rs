//! Go's `strconv.ParseFloat`.

use crate::quote::quote;

const MANTISSA_BITS: u32 = 52;
const SMALLEST_EXPONENT: i64 = -1022;
const LARGEST_EXPONENT: i64 = 1023;

/// Beyond it an exponent changes nothing any more.
const EXPONENT_LIMIT: i64 = 10_000;

/// Hexadecimal digits that a mantissa of 64 bits holds.
const HEX_DIGITS: u32 = 16;

/// The nearest number to a decimal or hexadecimal one in Go's notation.
///
/// # Errors
/// In Go's words, of a text that is no number or one too large.
pub(super) fn parse_float(text: &[u8]) -> Result<f64, String> {
    let error = |reason| format!("strconv.ParseFloat: parsing {}: {reason}", quote(text));
    let ascii = std::str::from_utf8(text).ok().filter(|text| text.is_ascii());
    let ascii = ascii.ok_or_else(|| error("invalid syntax"))?;
    if let Some(special) = special(ascii) {
        return Ok(special);
    }
    let digits = without_underscores(ascii).ok_or_else(|| error("invalid syntax"))?;
    let (negative, magnitude) = match digits.as_bytes().first() {
        Some(b'-') => (true, &digits[1..]),
        Some(b'+') => (false, &digits[1..]),
        _ => (false, digits.as_str()),
    };
    let number = match magnitude.get(..2) {
        Some("0x" | "0X") => hexadecimal(&magnitude[2..]),
        _ => decimal(magnitude),
    };
    match number {
        None => Err(error("invalid syntax")),
        Some(number) if number.is_infinite() => Err(error("value out of range")),
        Some(number) => Ok(if negative { -number } else { number }),
    }
}

fn special(text: &str) -> Option<f64> {
    let magnitude = text.strip_prefix(['+', '-']).unwrap_or(text);
    if magnitude.eq_ignore_ascii_case("inf") || magnitude.eq_ignore_ascii_case("infinity") {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    text.eq_ignore_ascii_case("nan").then_some(f64::NAN)
}

/// An underscore may only stand between two digits, or after the prefix of a hexadecimal number.
fn without_underscores(text: &str) -> Option<String> {
    let digits = text.trim_start_matches(['+', '-']);
    let is_hex = matches!(digits.get(..2), Some("0x" | "0X"));
    let is_digit = |byte: &u8| if is_hex { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    let bytes = digits.as_bytes();
    for (index, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        let before = index.checked_sub(1).and_then(|index| bytes.get(index));
        let follows_prefix = is_hex && index == 2;
        if !follows_prefix && !before.is_some_and(is_digit) || !bytes.get(index + 1).is_some_and(is_digit) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// A number without a sign.
fn decimal(text: &str) -> Option<f64> {
    // Rust takes names and signs too.
    let starts_well = text.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    starts_well.then(|| text.parse().ok()).flatten()
}

/// What follows `0x`; the exponent is mandatory.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let exponent = parse_exponent(exponent)?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut bits: u64 = 0;
    let mut is_inexact = false;
    let mut dropped: i64 = 0;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(digit.to_digit(16)?);
        if bits.leading_zeros() >= u64::BITS / HEX_DIGITS {
            bits = bits << 4 | digit;
        } else {
            dropped += 1;
            is_inexact |= digit != 0;
        }
    }
    let places = i64::try_from(fraction.len()).ok()?;
    Some(scaled(bits, is_inexact, exponent.saturating_add((dropped - places).saturating_mul(4))))
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude = digits.parse().unwrap_or(EXPONENT_LIMIT).min(EXPONENT_LIMIT);
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// `bits` times two to `exponent`, to the nearest number, to the even one from the middle.
fn scaled(bits: u64, is_inexact: bool, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let shift = bits.leading_zeros();
    let bits = bits << shift;
    // The number is in [2^exponent, 2^(exponent + 1)).
    let exponent = exponent.saturating_add(i64::from(u64::BITS - 1 - shift));
    if exponent > LARGEST_EXPONENT {
        return f64::INFINITY;
    }
    let below_normal = (SMALLEST_EXPONENT - exponent).max(0);
    let lost = i64::from(u64::BITS - 1 - MANTISSA_BITS) + below_normal;
    let (mantissa, rest, half) = match u32::try_from(lost) {
        Ok(lost @ 0..64) => (bits >> lost, bits & ((1 << lost) - 1), 1 << (lost - 1)),
        Ok(64) => (0, bits, 1 << 63),
        _ => return 0.0,
    };
    let is_up = rest > half || rest == half && (is_inexact || mantissa & 1 == 1);
    let mantissa = mantissa + u64::from(is_up);
    // A mantissa that has become too long by rounding carries into the exponent, as it should.
    let biased = u64::try_from(exponent.max(SMALLEST_EXPONENT) - SMALLEST_EXPONENT).unwrap_or(0);
    f64::from_bits((biased << MANTISSA_BITS) + mantissa)
}
