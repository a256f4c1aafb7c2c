//! The methods that a template can call on times and durations.

mod duration;
mod time;

use super::{month_name, weekday_name};
use crate::{
    arguments::wrong_type,
    function::{Env, Failure, Function},
    value::{Type, Value},
};

type Call = fn(&mut Env<'_>, Vec<Value>) -> Result<Value, Failure>;

static MONTH: &[Function] = &[method_of("String", &[], |_, args| match args.first() {
    Some(Value::Month(month)) => Ok(Value::text(month_name(*month))),
    _ => Err(wrong_type()),
})];

static WEEKDAY: &[Function] = &[method_of("String", &[], |_, args| match args.first() {
    Some(Value::Weekday(weekday)) => Ok(Value::text(weekday_name(*weekday))),
    _ => Err(wrong_type()),
})];

static LOCATION: &[Function] = &[method_of("String", &[], |_, _| Ok(Value::text("UTC")))];

/// The method of that name; its `call` takes the receiver before the arguments, which alone are in `params`.
pub(crate) fn method(receiver: Type, name: &str) -> Option<&'static Function> {
    let methods = match receiver {
        Type::Time | Type::TimePointer => time::METHODS,
        Type::Duration | Type::DurationPointer => duration::METHODS,
        Type::Month => MONTH,
        Type::Weekday => WEEKDAY,
        Type::LocationPointer => LOCATION,
        _ => return None,
    };
    methods.iter().find(|method| method.name == name)
}

/// What Go says of a method without arguments whose results are too many for a template, without `error calling …`.
pub(crate) fn bad_signature(receiver: Type, name: &str) -> Option<&'static str> {
    if !matches!(receiver, Type::Time | Type::TimePointer) {
        return None;
    }
    Some(match name {
        "Clock" => "function Clock has 3 return values; should be 1 or 2",
        "Date" => "function Date has 3 return values; should be 1 or 2",
        "ISOWeek" => "invalid function signature for ISOWeek: second return value should be error; is int",
        "Zone" => "invalid function signature for Zone: second return value should be error; is int",
        "ZoneBounds" => "invalid function signature for ZoneBounds: second return value should be error; is time.Time",
        _ => return None,
    })
}

const fn method_of(name: &'static str, params: &'static [Type], call: Call) -> Function {
    Function { name, params, variadic: None, call }
}
