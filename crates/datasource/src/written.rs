//! Times and durations as callers of Prometheus' API write them.

use vigil_domain::{Span, Timestamp};

/// A time, RFC 3339 or Unix seconds, in milliseconds since 1970; `None` for anything else.
pub fn moment_millis(text: &str) -> Option<i64> {
    // What Go's client sends for "since ever" and "for ever".
    match text {
        "-292273086-05-16T16:47:06Z" => return Some(i64::MIN / 1_000),
        "292277025-08-18T07:12:54.999999999Z" => return Some(i64::MAX / 1_000),
        _ => {}
    }
    match text.parse::<f64>() {
        Ok(seconds) => millis((seconds * 1_000.0).round()),
        Err(_) => Some(text.parse::<Timestamp>().ok()?.timestamp_millis()),
    }
}

/// A duration, such as `1m30s`, or seconds, in whole milliseconds; `None` for anything else. Seconds may be negative.
pub fn duration_millis(text: &str) -> Option<i64> {
    match text.parse::<f64>() {
        Ok(seconds) => millis((seconds * 1_000.0).trunc()),
        Err(_) => Some(text.parse::<Span>().ok()?.millis_i64()),
    }
}

/// `None` for what is no number of milliseconds.
fn millis(value: f64) -> Option<i64> {
    /// Below this each whole number has a float of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and checked to be exact")]
    (value.abs() < EXACT).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        for (text, millis) in [
            ("0", Some(0)),
            ("1767322800.1234", Some(1_767_322_800_123)),
            ("-1.5", Some(-1_500)),
            ("1e9", Some(1_000_000_000_000)),
            ("2026-01-02T03:00:00Z", Some(1_767_322_800_000)),
            ("2026-01-02T04:00:00.5+01:00", Some(1_767_322_800_500)),
            ("-292273086-05-16T16:47:06Z", Some(-9_223_372_036_854_775)),
            ("292277025-08-18T07:12:54.999999999Z", Some(9_223_372_036_854_775)),
            ("", None),
            ("x", None),
            ("NaN", None),
            ("-Inf", None),
            ("1e300", None),
            ("2026-13-02T03:00:00Z", None),
        ] {
            assert_eq!(moment_millis(text), millis, "{text:?}");
        }
    }

    #[test]
    fn durations_are_seconds_or_have_units() {
        for (text, millis) in [
            ("15", Some(15_000)),
            ("0.5", Some(500)),
            ("14.400000000000002", Some(14_400)),
            ("0.0001", Some(0)),
            ("-5", Some(-5_000)),
            ("1m30s", Some(90_000)),
            ("250ms", Some(250)),
            ("-5s", None),
            ("5 m", None),
            ("", None),
            ("inf", None),
            ("1e300", None),
        ] {
            assert_eq!(duration_millis(text), millis, "{text:?}");
        }
    }
}
