//! Times as Go code, RFC 3339 and Go's binary form.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

use super::{
    MONTHS,
    arithmetic::seconds_since_year_1,
    format::{format, nanosecond},
};

const RFC3339_NANO: &[u8] = b"2006-01-02T15:04:05.999999999Z07:00";

/// The version of Go's binary form for zones of whole minutes.
const BINARY_VERSION: u8 = 1;

/// The offset that stands for UTC in Go's binary form.
const BINARY_UTC: i16 = -1;

/// `Time.GoString`
pub(super) fn go_string(time: DateTime<Utc>) -> String {
    format!(
        "time.Date({}, time.{}, {}, {}, {}, {}, {}, time.UTC)",
        time.year(),
        MONTHS[time.month0() as usize],
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        nanosecond(&time)
    )
}

/// `Time.MarshalText`
///
/// # Errors
/// A year that has not four digits.
pub(super) fn rfc3339(time: DateTime<Utc>) -> Result<Vec<u8>, &'static str> {
    if !(0..=9999).contains(&time.year()) {
        return Err("year outside of range [0,9999]");
    }
    Ok(format(&time, RFC3339_NANO))
}

/// `Time.MarshalJSON`
///
/// # Errors
/// As `rfc3339`.
pub(super) fn json(time: DateTime<Utc>) -> Result<Vec<u8>, &'static str> {
    Ok([b"\"", rfc3339(time)?.as_slice(), b"\""].concat())
}

/// `Time.MarshalBinary`
pub(super) fn binary(time: DateTime<Utc>) -> Vec<u8> {
    let mut bytes = vec![BINARY_VERSION];
    bytes.extend(seconds_since_year_1(time).to_be_bytes());
    bytes.extend(nanosecond(&time).to_be_bytes());
    bytes.extend(BINARY_UTC.to_be_bytes());
    bytes
}
