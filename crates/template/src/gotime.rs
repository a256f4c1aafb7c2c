//! Go's `time.Time`, `time.Duration`, `time.Month` and `time.Weekday` as a template can use them.
//!
//! A time is always in UTC, and the local zone is UTC too.

mod arithmetic;
mod duration;
mod format;
mod layout;
mod marshal;
mod methods;

use chrono::{DateTime, Utc};

pub(crate) use duration::{duration_seconds, duration_string};
pub(crate) use methods::{bad_signature, method};

/// Go's layout of `Time.String`.
const STRING_LAYOUT: &[u8] = b"2006-01-02 15:04:05.999999999 -0700 MST";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Go's `Time.String`.
pub(crate) fn time_string(time: &DateTime<Utc>) -> String {
    String::from_utf8_lossy(&format::format(time, STRING_LAYOUT)).into_owned()
}

/// Go's `Month.String`; January is 1.
pub(crate) fn month_name(month: u32) -> String {
    named(&MONTHS, month.wrapping_sub(1)).map_or_else(|| format!("%!Month({month})"), str::to_owned)
}

/// Go's `Weekday.String`; Sunday is 0.
pub(crate) fn weekday_name(weekday: u32) -> String {
    named(&WEEKDAYS, weekday).map_or_else(|| format!("%!Weekday({weekday})"), str::to_owned)
}

fn named(names: &[&'static str], index: u32) -> Option<&'static str> {
    names.get(usize::try_from(index).ok()?).copied()
}

#[cfg(test)]
mod tests;
