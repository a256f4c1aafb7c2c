//! The methods of `time.Duration`.

use super::method_of;
use crate::{
    arguments::duration,
    function::Function,
    gotime::duration::{duration_seconds, duration_string, in_units, round, truncate},
    value::{Type, Value},
};

const MINUTE: i64 = 60_000_000_000;
const HOUR: i64 = 60 * MINUTE;

pub(super) static METHODS: &[Function] = &[
    method_of("Abs", &[], |_, args| Ok(Value::Duration(duration(&args, 0)?.saturating_abs()))),
    method_of("Hours", &[], |_, args| Ok(Value::Float(in_units(duration(&args, 0)?, HOUR)))),
    method_of("Microseconds", &[], |_, args| Ok(Value::Int64(duration(&args, 0)? / 1_000))),
    method_of("Milliseconds", &[], |_, args| Ok(Value::Int64(duration(&args, 0)? / 1_000_000))),
    method_of("Minutes", &[], |_, args| Ok(Value::Float(in_units(duration(&args, 0)?, MINUTE)))),
    method_of("Nanoseconds", &[], |_, args| Ok(Value::Int64(duration(&args, 0)?))),
    method_of("Round", &[Type::Duration], |_, args| {
        Ok(Value::Duration(round(duration(&args, 0)?, duration(&args, 1)?)))
    }),
    method_of("Seconds", &[], |_, args| Ok(Value::Float(duration_seconds(duration(&args, 0)?)))),
    method_of("String", &[], |_, args| Ok(Value::text(duration_string(duration(&args, 0)?)))),
    method_of("Truncate", &[Type::Duration], |_, args| {
        Ok(Value::Duration(truncate(duration(&args, 0)?, duration(&args, 1)?)))
    }),
];
