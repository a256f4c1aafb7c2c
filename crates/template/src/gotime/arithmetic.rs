//! Calculating with times. What no time can hold becomes the first or the last one.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike as _, Utc};

use super::format::nanosecond;

const NANOSECONDS: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i128 = 86_400;

/// From Go's zero time, January 1 of year 1, to the epoch.
const SECONDS_BEFORE_EPOCH: i64 = 62_135_596_800;

/// `Time.Add`
pub(super) fn add(time: DateTime<Utc>, duration: i64) -> DateTime<Utc> {
    at(nanoseconds(time) + i128::from(duration))
}

/// `Time.Sub`: what no duration can hold becomes the shortest or longest one.
pub(super) fn sub(time: DateTime<Utc>, other: DateTime<Utc>) -> i64 {
    let duration = nanoseconds(time) - nanoseconds(other);
    i64::try_from(duration).unwrap_or(if duration < 0 { i64::MIN } else { i64::MAX })
}

/// `Time.AddDate`: October 32 is November 1.
pub(super) fn add_date(time: DateTime<Utc>, years: i64, months: i64, days: i64) -> DateTime<Utc> {
    let months = i128::from(time.month0()) + i128::from(months);
    let year = i128::from(time.year()) + i128::from(years) + months.div_euclid(12);
    let day = days_before_month(year, months.rem_euclid(12)) + i128::from(time.day0()) + i128::from(days);
    let second = day * SECONDS_PER_DAY + i128::from(time.timestamp()).rem_euclid(SECONDS_PER_DAY);
    at(second * NANOSECONDS + i128::from(nanosecond(&time)))
}

/// `Time.Truncate`: down to a multiple of `unit` since year 1.
pub(super) fn truncate(time: DateTime<Utc>, unit: i64) -> DateTime<Utc> {
    if unit <= 0 { time } else { at(nanoseconds(time) - remainder(time, unit)) }
}

/// `Time.Round`: to the nearest multiple of `unit` since year 1, up from the middle.
pub(super) fn round(time: DateTime<Utc>, unit: i64) -> DateTime<Utc> {
    if unit <= 0 {
        return time;
    }
    let remainder = remainder(time, unit);
    let down = nanoseconds(time) - remainder;
    at(if remainder * 2 < i128::from(unit) { down } else { down + i128::from(unit) })
}

/// `Time.Compare`
pub(super) fn compare(time: DateTime<Utc>, other: DateTime<Utc>) -> i64 {
    match time.cmp(&other) {
        Ordering::Less => -1,
        Ordering::Equal => 0,
        Ordering::Greater => 1,
    }
}

/// `Time.IsZero`
pub(super) fn is_zero(time: DateTime<Utc>) -> bool {
    time.timestamp() == -SECONDS_BEFORE_EPOCH && nanosecond(&time) == 0
}

/// Seconds since year 1.
pub(super) fn seconds_since_year_1(time: DateTime<Utc>) -> i64 {
    time.timestamp() + SECONDS_BEFORE_EPOCH
}

/// Since the epoch.
fn nanoseconds(time: DateTime<Utc>) -> i128 {
    i128::from(time.timestamp()) * NANOSECONDS + i128::from(nanosecond(&time))
}

fn at(nanoseconds: i128) -> DateTime<Utc> {
    let within = u32::try_from(nanoseconds.rem_euclid(NANOSECONDS)).unwrap_or(0);
    i64::try_from(nanoseconds.div_euclid(NANOSECONDS))
        .ok()
        .and_then(|second| DateTime::from_timestamp(second, within))
        .unwrap_or(if nanoseconds < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC })
}

fn remainder(time: DateTime<Utc>, unit: i64) -> i128 {
    (nanoseconds(time) + i128::from(SECONDS_BEFORE_EPOCH) * NANOSECONDS).rem_euclid(i128::from(unit))
}

/// Days from the epoch to the first of a month; January is 0.
fn days_before_month(year: i128, month0: i128) -> i128 {
    // Years from March, so that the leap day is the last one.
    let year = if month0 < 2 { year - 1 } else { year };
    let month = (month0 + 10) % 12;
    let days_before_month = (153 * month + 2) / 5;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // March 1 of year 0 is 719468 days before the epoch.
    year * 365 + leap_days + days_before_month - 719_468
}
