//! When a feed asks: at instants that all processes agree on. Pure.

use vigil_domain::{Span, Timestamp};

/// What a client gets that names no interval.
const USUAL: Span = Span::from_secs(5);
/// Beyond this nobody watches.
const LONGEST: Span = Span::from_secs(3600);
const SECOND: Span = Span::from_secs(1);

/// Reads `?interval=`: whole seconds, or whole tenths of one if `shortest` allows less than a second.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn parse_interval(text: Option<&str>, shortest: Span) -> Result<Span, String> {
    let Some(text) = text else { return Ok(USUAL.max(shortest)) };
    let interval: Span = text.parse().map_err(|error| format!("interval: {error}"))?;
    if interval < shortest || interval > LONGEST {
        return Err(format!("interval: must be from {shortest} to {LONGEST}"));
    }
    let step = if interval < SECOND { 100 } else { 1_000 };
    if !interval.millis().is_multiple_of(step) {
        return Err("interval: must be whole seconds".to_owned());
    }
    Ok(interval)
}

/// The number of the interval that `at` lies in: the same in every process.
pub(super) fn slot(at: Timestamp, interval: Span) -> i64 {
    at.timestamp_millis().div_euclid(interval.millis_i64().max(1))
}

/// When to ask next, after having asked for `last`: at the next multiple of the interval. What was missed meanwhile is
/// not made up for.
pub(super) fn next(now: Timestamp, last: Timestamp, interval: Span) -> Timestamp {
    let boundary = |slot: i64| Timestamp::from_timestamp_millis(slot.saturating_mul(interval.millis_i64()));
    let next = boundary(slot(now, interval) + 1).unwrap_or(now + interval.chrono());
    // A timer that ends a moment early, or a clock set back a little, must not ask for the same instant again.
    let ahead = last - now;
    if next <= last && ahead <= interval.chrono() { last + interval.chrono() } else { next }
}

/// Whether a frame for `at` comes after one for `newest` has been sent, by a process that was slow. A clock that was set
/// back a minute or more is believed.
pub(super) fn is_late(at: Timestamp, newest: Timestamp) -> bool {
    at < newest && newest - at < chrono::TimeDelta::minutes(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-01-02T03:{text}Z").parse().unwrap()
    }

    fn seconds(count: u64) -> Span {
        Span::from_secs(count)
    }

    #[test]
    fn an_interval_is_whole_seconds_within_bounds() {
        for (text, expected) in [
            (None, Ok(5_000)),
            (Some("1s"), Ok(1_000)),
            (Some("1m"), Ok(60_000)),
            (Some("1h"), Ok(3_600_000)),
            (Some("500ms"), Err("interval: must be from 1s to 1h")),
            (Some("2h"), Err("interval: must be from 1s to 1h")),
            (Some("1500ms"), Err("interval: must be whole seconds")),
        ] {
            let found = parse_interval(text, seconds(1)).map(Span::millis);
            assert_eq!(found, expected.map_err(str::to_owned), "{text:?}");
        }
        for text in ["", "5", "-5s", "5 s", "NaN", "1e3s", "\u{661}s"] {
            assert!(parse_interval(Some(text), seconds(1)).is_err(), "{text}");
        }
        assert_eq!(parse_interval(Some("200ms"), Span::from_millis(100)), Ok(Span::from_millis(200)));
        assert!(parse_interval(Some("250ms"), Span::from_millis(100)).is_err());
        assert_eq!(parse_interval(None, seconds(10)), Ok(seconds(10)));
    }

    #[test]
    fn instants_are_multiples_of_the_interval_and_missed_ones_are_left_out() {
        let interval = seconds(5);
        assert_eq!(next(at("00:07.250"), at("00:07.250"), interval), at("00:10"));
        assert_eq!(next(at("00:10.003"), at("00:10"), interval), at("00:15"));
        assert_eq!(next(at("00:21"), at("00:10"), interval), at("00:25"), "one answer took eleven seconds");
        assert_eq!(slot(at("00:10"), interval), slot(at("00:07"), interval) + 1);
        assert_eq!(slot(at("00:14.999"), interval), slot(at("00:10"), interval));
    }

    #[test]
    fn a_timer_that_ends_early_does_not_repeat_an_instant() {
        assert_eq!(next(at("00:09.999"), at("00:10"), seconds(5)), at("00:15"));
        assert_eq!(next(at("00:00"), at("59:00"), seconds(5)), at("00:05"), "but a clock set back is followed");
    }

    #[test]
    fn a_frame_of_a_slow_process_is_late() {
        assert!(is_late(at("00:05"), at("00:10")));
        assert!(!is_late(at("00:10"), at("00:10")));
        assert!(!is_late(at("00:10"), at("30:00")), "the clock was set back");
    }
}
