//! Numbers as times and durations, and durations as numbers.

use chrono::{DateTime, Utc};

use super::humanize::to_int;
use crate::{float::format_float, function::Failure, gotime::time_string, quote::quote, value::Text};

const NANOSECONDS: f64 = 1e9;

/// Nanoseconds that `int64` cannot hold.
const TOO_MANY: f64 = 9_223_372_036_854_775_808.0;

/// Units of durations, the largest first, in nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000_000_000),
    ("w", 7 * 24 * 3_600_000_000_000),
    ("d", 24 * 3_600_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
];

/// Seconds since the epoch as a time of whole milliseconds.
///
/// # Errors
/// No number, or a time too far away.
pub(super) fn to_time(seconds: f64) -> Result<DateTime<Utc>, Failure> {
    if !seconds.is_finite() {
        return Err(Failure::new("value is NaN or Inf"));
    }
    let nanos = seconds * NANOSECONDS;
    // The limit itself is let through, as `float64(math.MaxInt64)` is the same.
    if !(-TOO_MANY..=TOO_MANY).contains(&nanos) {
        let seconds = format_float(seconds, b'g', None);
        return Err(Failure::new(format!(
            "{seconds} cannot be represented as a nanoseconds timestamp since it overflows int64"
        )));
    }
    let millis = to_int(nanos) / 1_000_000;
    DateTime::from_timestamp_millis(millis).ok_or_else(|| Failure::new(format!("{millis} is no time")))
}

/// Seconds as nanoseconds.
pub(super) fn to_duration(seconds: f64) -> i64 {
    to_int(seconds * NANOSECONDS)
}

/// The time as Go prints one; NaN and infinities as numbers.
///
/// # Errors
/// A time too far away.
pub(super) fn humanize_timestamp(seconds: f64) -> Result<String, Failure> {
    if seconds.is_finite() { Ok(time_string(&to_time(seconds)?)) } else { Ok(format_float(seconds, b'g', Some(4))) }
}

/// `1h30m` or `-1h30m` in seconds.
///
/// # Errors
/// In the words of Prometheus' `model.ParseDuration`.
pub(super) fn parse_duration(text: &Text) -> Result<f64, Failure> {
    let nanos = match text.bytes().strip_prefix(b"-") {
        Some(positive) => -parse_positive(positive)?,
        None => parse_positive(text.bytes())?,
    };
    Ok(nanos as f64 / NANOSECONDS)
}

fn parse_positive(text: &[u8]) -> Result<i64, Failure> {
    match text {
        b"0" => return Ok(0),
        b"" => return Err(Failure::new("empty duration string")),
        _ => {}
    }
    let invalid = || Failure::new(format!("not a valid duration string: {}", quote(text)));
    let mut total: u64 = 0;
    let mut units_left = UNITS.as_slice();
    let mut rest = text;
    while !rest.is_empty() {
        let number = take_while(&mut rest, |byte| byte.is_ascii_digit());
        let unit = take_while(&mut rest, |byte| !byte.is_ascii_digit());
        let number: u64 = str::from_utf8(number).ok().and_then(|digits| digits.parse().ok()).ok_or_else(invalid)?;
        if unit.is_empty() {
            return Err(invalid());
        }
        if !UNITS.iter().any(|(name, _)| name.as_bytes() == unit) {
            return Err(Failure::new(format!("unknown unit {} in duration {}", quote(unit), quote(text))));
        }
        let position = units_left.iter().position(|(name, _)| name.as_bytes() == unit).ok_or_else(invalid)?;
        let nanos = number.checked_mul(units_left[position].1).and_then(|nanos| total.checked_add(nanos));
        total =
            nanos.filter(|&nanos| i64::try_from(nanos).is_ok()).ok_or_else(|| Failure::new("duration out of range"))?;
        units_left = &units_left[position + 1..];
    }
    i64::try_from(total).map_err(|_| invalid())
}

fn take_while<'a>(rest: &mut &'a [u8], wanted: fn(&u8) -> bool) -> &'a [u8] {
    let end = rest.iter().position(|byte| !wanted(byte)).unwrap_or(rest.len());
    let (taken, left) = rest.split_at(end);
    *rest = left;
    taken
}
