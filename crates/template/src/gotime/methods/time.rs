//! The methods of `time.Time`.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

use super::method_of;
use crate::{
    arguments::{bytes, duration, int, text, time},
    function::{Failure, Function},
    gotime::{
        arithmetic::{add, add_date, compare, is_zero, round, sub, truncate},
        format::{format, nanosecond},
        marshal, time_string,
    },
    value::{Type, Value},
};

const NONE: &[Type] = &[];
const TIME: &[Type] = &[Type::Time];
const DURATION: &[Type] = &[Type::Duration];
const BYTES: &[Type] = &[Type::Bytes];

pub(super) static METHODS: &[Function] = &[
    method_of("Add", DURATION, |_, args| Ok(Value::Time(add(time(&args, 0)?, duration(&args, 1)?)))),
    method_of("AddDate", &[Type::Int, Type::Int, Type::Int], |_, args| {
        Ok(Value::Time(add_date(time(&args, 0)?, int(&args, 1)?, int(&args, 2)?, int(&args, 3)?)))
    }),
    method_of("After", TIME, |_, args| Ok(Value::Bool(time(&args, 0)? > time(&args, 1)?))),
    method_of("AppendBinary", BYTES, |_, args| Ok(joined(bytes(&args, 1)?, &marshal::binary(time(&args, 0)?)))),
    method_of("AppendFormat", &[Type::Bytes, Type::String], |_, args| {
        Ok(joined(bytes(&args, 1)?, &format(&time(&args, 0)?, text(&args, 2)?.bytes())))
    }),
    method_of("AppendText", BYTES, |_, args| {
        Ok(joined(bytes(&args, 1)?, &marshalled("Time.AppendText", marshal::rfc3339(time(&args, 0)?))?))
    }),
    method_of("Before", TIME, |_, args| Ok(Value::Bool(time(&args, 0)? < time(&args, 1)?))),
    method_of("Compare", TIME, |_, args| Ok(Value::Int(compare(time(&args, 0)?, time(&args, 1)?)))),
    method_of("Day", NONE, |_, args| Ok(Value::Int(time(&args, 0)?.day().into()))),
    method_of("Equal", TIME, |_, args| Ok(Value::Bool(time(&args, 0)? == time(&args, 1)?))),
    method_of("Format", &[Type::String], |_, args| Ok(Value::text(format(&time(&args, 0)?, text(&args, 1)?.bytes())))),
    method_of("GoString", NONE, |_, args| Ok(Value::text(marshal::go_string(time(&args, 0)?)))),
    method_of("GobEncode", NONE, |_, args| Ok(joined(&[], &marshal::binary(time(&args, 0)?)))),
    method_of("Hour", NONE, |_, args| Ok(Value::Int(time(&args, 0)?.hour().into()))),
    method_of("In", &[Type::LocationPointer], |_, args| match args.get(1) {
        Some(Value::Location) => Ok(Value::Time(time(&args, 0)?)),
        _ => Err(Failure::new("time: missing Location in call to Time.In")),
    }),
    method_of("IsDST", NONE, |_, _| Ok(Value::Bool(false))),
    method_of("IsZero", NONE, |_, args| Ok(Value::Bool(is_zero(time(&args, 0)?)))),
    method_of("Local", NONE, |_, args| Ok(Value::Time(time(&args, 0)?))),
    method_of("Location", NONE, |_, _| Ok(Value::Location)),
    method_of("MarshalBinary", NONE, |_, args| Ok(joined(&[], &marshal::binary(time(&args, 0)?)))),
    method_of("MarshalJSON", NONE, |_, args| {
        Ok(joined(&[], &marshalled("Time.MarshalJSON", marshal::json(time(&args, 0)?))?))
    }),
    method_of("MarshalText", NONE, |_, args| {
        Ok(joined(&[], &marshalled("Time.MarshalText", marshal::rfc3339(time(&args, 0)?))?))
    }),
    method_of("Minute", NONE, |_, args| Ok(Value::Int(time(&args, 0)?.minute().into()))),
    method_of("Month", NONE, |_, args| Ok(Value::Month(time(&args, 0)?.month()))),
    method_of("Nanosecond", NONE, |_, args| Ok(Value::Int(nanosecond(&time(&args, 0)?).into()))),
    method_of("Round", DURATION, |_, args| Ok(Value::Time(round(time(&args, 0)?, duration(&args, 1)?)))),
    method_of("Second", NONE, |_, args| Ok(Value::Int(time(&args, 0)?.second().into()))),
    method_of("String", NONE, |_, args| Ok(Value::text(time_string(&time(&args, 0)?)))),
    method_of("Sub", TIME, |_, args| Ok(Value::Duration(sub(time(&args, 0)?, time(&args, 1)?)))),
    method_of("Truncate", DURATION, |_, args| Ok(Value::Time(truncate(time(&args, 0)?, duration(&args, 1)?)))),
    method_of("UTC", NONE, |_, args| Ok(Value::Time(time(&args, 0)?))),
    method_of("Unix", NONE, |_, args| Ok(Value::Int64(time(&args, 0)?.timestamp()))),
    method_of("UnixMicro", NONE, |_, args| Ok(Value::Int64(since_epoch(time(&args, 0)?, 1_000_000)))),
    method_of("UnixMilli", NONE, |_, args| Ok(Value::Int64(since_epoch(time(&args, 0)?, 1_000)))),
    method_of("UnixNano", NONE, |_, args| Ok(Value::Int64(since_epoch(time(&args, 0)?, 1_000_000_000)))),
    method_of("Weekday", NONE, |_, args| Ok(Value::Weekday(time(&args, 0)?.weekday().num_days_from_sunday()))),
    method_of("Year", NONE, |_, args| Ok(Value::Int(time(&args, 0)?.year().into()))),
    method_of("YearDay", NONE, |_, args| Ok(Value::Int(time(&args, 0)?.ordinal().into()))),
];

/// In units of which a second has so many; what `int64` cannot hold wraps round, as in Go.
fn since_epoch(time: DateTime<Utc>, per_second: i64) -> i64 {
    let within = i64::from(nanosecond(&time)) / (1_000_000_000 / per_second);
    time.timestamp().wrapping_mul(per_second).wrapping_add(within)
}

fn joined(bytes: &[u8], more: &[u8]) -> Value {
    Value::Bytes([bytes, more].concat().into())
}

fn marshalled(method: &str, result: Result<Vec<u8>, &str>) -> Result<Vec<u8>, Failure> {
    result.map_err(|error| Failure::new(format!("{method}: {error}")))
}
