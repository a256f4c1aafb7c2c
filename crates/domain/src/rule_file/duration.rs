//! Durations of a rule file, with Prometheus' own words for what is wrong with one.

use crate::{Span, duration::SpanError};

/// Reads a duration.
///
/// The messages are those of prometheus/common `model/time.go`, `ParseDuration`: people search for them.
pub(super) fn parse(text: &str) -> Result<Span, String> {
    text.parse::<Span>().map_err(|error| match error {
        SpanError::Empty => "empty duration string".to_owned(),
        SpanError::TooLong if digits_fit(text) => "duration out of range".to_owned(),
        SpanError::TooLong => malformed(text),
        SpanError::Malformed(_) => unknown_unit(text).unwrap_or_else(|| malformed(text)),
    })
}

fn malformed(text: &str) -> String {
    format!("not a valid duration string: {text:?}")
}

/// Whether every number fits into 64 bits: to Prometheus a longer one is not a number at all.
fn digits_fit(text: &str) -> bool {
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    numbers.map(str::parse::<u64>).all(|number| number.is_ok())
}

/// The first unit there is no such unit of, if it is the first thing wrong. A unit is whatever stands between digits.
fn unknown_unit(text: &str) -> Option<String> {
    const UNITS: [&str; 7] = ["y", "w", "d", "h", "m", "s", "ms"];
    let (mut rest, mut allowed) = (text, 0);
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        number.parse::<u64>().ok()?;
        match UNITS.iter().position(|known| *known == unit) {
            None => return Some(format!("unknown unit {unit:?} in duration {text:?}")),
            Some(index) if index < allowed => return None,
            Some(index) => allowed = index + 1,
        }
        rest = tail;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_duration_is_called_what_prometheus_calls_it() {
        for (text, message) in [
            ("", "empty duration string"),
            ("1", r#"not a valid duration string: "1""#),
            ("m", r#"not a valid duration string: "m""#),
            (" 1m", r#"not a valid duration string: " 1m""#),
            ("-1m", r#"not a valid duration string: "-1m""#),
            ("1m1h", r#"not a valid duration string: "1m1h""#),
            ("1m1m", r#"not a valid duration string: "1m1m""#),
            ("99999999999999999999s", r#"not a valid duration string: "99999999999999999999s""#),
            ("1x", r#"unknown unit "x" in duration "1x""#),
            ("1m ", r#"unknown unit "m " in duration "1m ""#),
            ("1.5h", r#"unknown unit "." in duration "1.5h""#),
            ("1h2min", r#"unknown unit "min" in duration "1h2min""#),
            ("300y", "duration out of range"),
            ("99999999999999999999x", r#"not a valid duration string: "99999999999999999999x""#),
            ("1m1h2x", r#"not a valid duration string: "1m1h2x""#),
        ] {
            assert_eq!(parse(text), Err(message.to_owned()), "{text:?}");
        }
        assert_eq!(parse("1h30m"), Ok(Span::from_secs(5_400)));
        assert_eq!(parse("0"), Ok(Span::ZERO));
    }
}
