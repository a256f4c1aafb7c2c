//! `index`, `slice` and `len`.

use super::Outcome;
use crate::{
    function::{Env, Failure},
    value::{Type, Value},
};

fn fail<T>(text: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::new(text))
}

fn type_of(value: &Value) -> Type {
    value.go_type().unwrap_or(Type::Interface)
}

/// Takes elements of elements: `index x 1 "a"` is `x[1]["a"]`.
pub(super) fn index(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    let mut args = args.into_iter();
    let mut item = args.next().unwrap_or(Value::Nil);
    if matches!(item, Value::Nil) {
        return fail("index of untyped nil");
    }
    for at in args {
        item = match item.indirect() {
            Value::Nil | Value::Sample(None) => return fail("index of nil pointer"),
            Value::Text(text) | Value::Html(text) => Value::Byte(*element(text.bytes(), &at, "string")?),
            Value::Bytes(bytes) => Value::Byte(*element(&bytes, &at, "slice")?),
            Value::Samples(samples) => Value::Sample(Some(element(&samples, &at, "slice")?.clone())),
            Value::Labels(labels) => {
                let key = key(&at)?;
                Value::Text(labels.get(&key).cloned().unwrap_or_else(|| "".into()))
            }
            Value::Map(map) => map.get(&key(&at)?).cloned().unwrap_or(Value::Nil),
            Value::Sample(Some(_)) => return fail(format!("can't index item of type {}", Type::Sample)),
            other => return fail(format!("can't index item of type {}", type_of(&other))),
        };
    }
    Ok(item)
}

fn element<'a, T>(items: &'a [T], at: &Value, of: &str) -> Result<&'a T, Failure> {
    let index = position(at, items.len())?;
    // As far as Go's check goes, the length itself is an index; its runtime then disagrees.
    items.get(index).ok_or_else(|| Failure::new(format!("reflect: {of} index out of range")))
}

fn position(at: &Value, length: usize) -> Result<usize, Failure> {
    let index = match at {
        Value::Int(n) | Value::Int64(n) | Value::Duration(n) => *n,
        Value::Byte(n) => i64::from(*n),
        Value::Month(n) | Value::Weekday(n) => i64::from(*n),
        Value::Nil => return fail("cannot index slice/array with nil"),
        other => return fail(format!("cannot index slice/array with type {}", type_of(other))),
    };
    match usize::try_from(index) {
        Ok(position) if position <= length => Ok(position),
        _ => fail(format!("index out of range: {index}")),
    }
}

fn key(at: &Value) -> Result<crate::value::Text, Failure> {
    match at {
        Value::Text(text) => Ok(text.clone()),
        Value::Nil => fail("value is nil; should be of type string"),
        other => fail(format!("value has type {}; should be string", type_of(other))),
    }
}

/// `slice x 1 3` is `x[1:3]`.
pub(super) fn slice(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    let mut args = args.into_iter();
    let item = args.next().unwrap_or(Value::Nil);
    let indexes: Vec<Value> = args.collect();
    if matches!(item, Value::Nil) {
        return fail("slice of untyped nil");
    }
    let item = match item.indirect() {
        Value::Sample(None) => return fail("slice of nil pointer"),
        item => item,
    };
    if indexes.len() > 3 {
        return fail(format!("too many slice indexes: {}", indexes.len()));
    }
    let length = match &item {
        Value::Text(_) | Value::Html(_) if indexes.len() == 3 => return fail("cannot 3-index slice a string"),
        Value::Text(text) | Value::Html(text) => text.bytes().len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Samples(samples) => samples.len(),
        Value::Sample(Some(_)) => return fail(format!("can't slice item of type {}", Type::Sample)),
        other => return fail(format!("can't slice item of type {}", type_of(other))),
    };
    let mut bounds = [0, length, length];
    for (bound, at) in bounds.iter_mut().zip(&indexes) {
        *bound = position(at, length)?;
    }
    let [start, end, capacity] = bounds;
    if start > end {
        return fail(format!("invalid slice index: {start} > {end}"));
    }
    if end > capacity {
        return fail(format!("invalid slice index: {end} > {capacity}"));
    }
    Ok(match item {
        Value::Text(text) => Value::text(&text.bytes()[start..end]),
        Value::Html(text) => Value::Html(text.bytes()[start..end].into()),
        Value::Bytes(bytes) => Value::Bytes(bytes[start..end].into()),
        Value::Samples(samples) => Value::Samples(samples[start..end].into()),
        other => other,
    })
}

pub(super) fn len(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    let length = match &args[0] {
        Value::Text(text) | Value::Html(text) => text.bytes().len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Labels(labels) => labels.len(),
        Value::Map(map) => map.len(),
        Value::Samples(samples) => samples.len(),
        Value::Nil | Value::Sample(None) => return fail("len of nil pointer"),
        Value::Sample(Some(_)) => return fail(format!("len of type {}", Type::Sample)),
        Value::Location => return fail("len of type time.Location"),
        other => return fail(format!("len of type {}", type_of(&other.clone().indirect()))),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}
