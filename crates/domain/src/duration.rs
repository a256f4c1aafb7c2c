//! Durations as Prometheus writes them: `30s`, `1h30m`, `500ms`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time in whole milliseconds, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

/// Units, largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Prometheus keeps durations in 64-bit nanoseconds: about 292 years.
const LONGEST: u64 = i64::MAX as u64 / 1_000_000;

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// A span of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1_000)
    }

    /// In milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// In milliseconds, as databases keep it.
    pub fn millis_i64(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// Reads back what [`Self::millis_i64`] wrote.
    pub fn from_millis_i64(millis: i64) -> Self {
        Self(millis.max(0).unsigned_abs())
    }

    /// As the standard library's duration.
    pub const fn std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }

    /// As chrono's duration.
    pub fn chrono(self) -> chrono::TimeDelta {
        chrono::TimeDelta::milliseconds(self.millis_i64())
    }

    /// The time from `start` to `end`, zero if it runs backwards.
    pub fn between(start: crate::Timestamp, end: crate::Timestamp) -> Self {
        Self::from_millis_i64((end - start).num_milliseconds())
    }
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    #[error("empty duration string")]
    Empty,
    #[error("not a valid duration string: {0:?}; write it like 30s, 5m or 1h30m")]
    Malformed(String),
    #[error("duration out of range")]
    TooLong,
}

impl FromStr for Span {
    type Err = SpanError;

    /// Parses `[0-9]+(y|w|d|h|m|s|ms)` repeated, units strictly descending; a bare `0` needs no unit.
    fn from_str(text: &str) -> Result<Self, SpanError> {
        let malformed = || SpanError::Malformed(text.to_owned());
        match text {
            "" => return Err(SpanError::Empty),
            "0" => return Ok(Self::ZERO),
            _ => {}
        }
        let (mut rest, mut next_unit, mut total) = (text, 0, 0_u64);
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let (number, tail) = rest.split_at(digits);
            let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_end);
            let index = UNITS.iter().position(|(name, _)| *name == unit).ok_or_else(malformed)?;
            if number.is_empty() || index < next_unit {
                return Err(malformed());
            }
            let number: u64 = number.parse().map_err(|_| SpanError::TooLong)?;
            let millis = number.checked_mul(UNITS[index].1).ok_or(SpanError::TooLong)?;
            total = total.checked_add(millis).filter(|t| *t <= LONGEST).ok_or(SpanError::TooLong)?;
            next_unit = index + 1;
            rest = tail;
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Span {
    /// Prometheus' canonical form: years and weeks only when exact, otherwise days and lower; `0s` for zero.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut left = self.0;
        for (unit, length) in UNITS {
            let exact_only = matches!(unit, "y" | "w");
            if exact_only && !left.is_multiple_of(length) {
                continue;
            }
            if left >= length {
                write!(f, "{}{unit}", left / length)?;
                left %= length;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_as_prometheus_prints_them() {
        for (text, canonical) in [
            ("0", "0s"),
            ("0s", "0s"),
            ("90s", "1m30s"),
            ("1h30m", "1h30m"),
            ("500ms", "500ms"),
            ("24h", "1d"),
            ("7d", "1w"),
            ("8d", "8d"),
            ("365d", "1y"),
            ("1y1d", "366d"),
            ("1d2h3m4s5ms", "1d2h3m4s5ms"),
        ] {
            assert_eq!(text.parse::<Span>().map(|span| span.to_string()), Ok(canonical.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for text in ["1", "s", "1x", "1m1h", "1m1m", "-1m", "1.5h", " 1m", "1m ", "1ms1s"] {
            assert!(matches!(text.parse::<Span>(), Err(SpanError::Malformed(_))), "{text}");
        }
        assert_eq!("".parse::<Span>(), Err(SpanError::Empty));
        assert_eq!("300y".parse::<Span>(), Err(SpanError::TooLong));
        assert_eq!("99999999999999999999s".parse::<Span>(), Err(SpanError::TooLong));
    }
}
