//! `Time.Format`.

use std::io::Write as _;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

use super::{
    MONTHS, WEEKDAYS,
    layout::{Element, next_element},
};

/// The time in the layout's form. What is no element of a layout is copied.
pub(super) fn format(time: &DateTime<Utc>, mut layout: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(layout.len() + 10);
    while !layout.is_empty() {
        let (text, element, rest) = next_element(layout);
        out.extend_from_slice(text);
        if let Some(element) = element {
            write_element(&mut out, time, element);
        }
        layout = rest;
    }
    out
}

fn write_element(out: &mut Vec<u8>, time: &DateTime<Utc>, element: Element) {
    match element {
        Element::LongYear => write_year(out, time.year()),
        Element::Year => write_number(out, time.year().unsigned_abs() % 100, 2),
        Element::LongMonth | Element::Month | Element::LongWeekday | Element::Weekday => {
            out.extend_from_slice(name(time, element).as_bytes());
        }
        Element::NumMonth => write_number(out, time.month(), 0),
        Element::ZeroMonth => write_number(out, time.month(), 2),
        Element::Day => write_number(out, time.day(), 0),
        Element::UnderDay => write_padded(out, time.day(), 2),
        Element::ZeroDay => write_number(out, time.day(), 2),
        Element::UnderYearDay => write_padded(out, time.ordinal(), 3),
        Element::ZeroYearDay => write_number(out, time.ordinal(), 3),
        Element::Hour => write_number(out, time.hour(), 2),
        Element::Hour12 => write_number(out, time.hour12().1, 0),
        Element::ZeroHour12 => write_number(out, time.hour12().1, 2),
        Element::Minute => write_number(out, time.minute(), 0),
        Element::ZeroMinute => write_number(out, time.minute(), 2),
        Element::Second => write_number(out, time.second(), 0),
        Element::ZeroSecond => write_number(out, time.second(), 2),
        Element::UpperPm => out.extend_from_slice(if time.hour12().0 { b"PM" } else { b"AM" }),
        Element::LowerPm => out.extend_from_slice(if time.hour12().0 { b"pm" } else { b"am" }),
        Element::ZoneName => out.extend_from_slice(b"UTC"),
        Element::ZoneOrZ => out.push(b'Z'),
        Element::Zone(offset) => out.extend_from_slice(offset.as_bytes()),
        Element::Fraction { separator, digits, trimmed } => {
            write_fraction(out, nanosecond(time), separator, digits, trimmed);
        }
    }
}

/// The nanosecond within the second.
pub(super) fn nanosecond(time: &DateTime<Utc>) -> u32 {
    // A leap second has more of them with chrono; there is none in Go.
    time.timestamp_subsec_nanos().min(999_999_999)
}

fn name(time: &DateTime<Utc>, element: Element) -> &'static str {
    let month = MONTHS[time.month0() as usize];
    let weekday = WEEKDAYS[time.weekday().num_days_from_sunday() as usize];
    match element {
        Element::LongMonth => month,
        Element::Month => &month[..3],
        Element::LongWeekday => weekday,
        _ => &weekday[..3],
    }
}

/// At least four digits, and the sign of a year before year 0.
pub(super) fn write_year(out: &mut Vec<u8>, year: i32) {
    if year < 0 {
        out.push(b'-');
    }
    write_number(out, year.unsigned_abs(), 4);
}

fn write_number(out: &mut Vec<u8>, number: u32, width: usize) {
    let _ = write!(out, "{number:0width$}");
}

fn write_padded(out: &mut Vec<u8>, number: u32, width: usize) {
    let _ = write!(out, "{number:width$}");
}

fn write_fraction(out: &mut Vec<u8>, nanosecond: u32, separator: u8, digits: usize, trimmed: bool) {
    let all = format!("{nanosecond:09}");
    let mut shown = &all[..digits.min(9)];
    if trimmed {
        shown = shown.trim_end_matches('0');
        if shown.is_empty() {
            return;
        }
    }
    out.push(separator);
    out.extend_from_slice(shown.as_bytes());
}
