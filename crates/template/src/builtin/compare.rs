//! `eq` and its kin: numbers of one kind, texts, truths. What cannot be compared is an error.

use std::cmp::Ordering;

use super::Outcome;
use crate::{
    function::{Env, Failure},
    printf,
    value::{Type, Value},
};

/// A value as something that can be compared with its like.
#[derive(PartialEq)]
enum Basic<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Complex(f64, f64),
    Text(&'a [u8]),
    Other,
}

fn basic(value: &Value) -> Basic<'_> {
    match value {
        Value::Bool(truth) => Basic::Bool(*truth),
        Value::Int(n) | Value::Int64(n) | Value::Duration(n) => Basic::Int(*n),
        Value::Month(n) | Value::Weekday(n) => Basic::Int(i64::from(*n)),
        Value::Byte(n) => Basic::Uint(u64::from(*n)),
        Value::Float(n) => Basic::Float(*n),
        Value::Complex(re, im) => Basic::Complex(*re, *im),
        Value::Text(text) | Value::Html(text) => Basic::Text(text.bytes()),
        _ => Basic::Other,
    }
}

fn incompatible(left: &Value, right: &Value) -> Failure {
    let name = |value: &Value| value.go_type().unwrap_or(Type::Interface).to_string();
    Failure::new(format!("incompatible types for comparison: {} and {}", name(left), name(right)))
}

/// As `%s` and `%v` print it.
fn shown(env: &Env<'_>, format: &str, value: &Value) -> Result<String, Failure> {
    match printf::sprintf(format.as_bytes(), std::slice::from_ref(value), env.bytes) {
        Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
        Err(too_long) => Err(Failure::new(too_long.to_string())),
    }
}

fn equal(env: &Env<'_>, left: &Value, right: &Value) -> Result<bool, Failure> {
    Ok(match (basic(left), basic(right)) {
        (Basic::Int(int), Basic::Uint(uint)) | (Basic::Uint(uint), Basic::Int(int)) => u64::try_from(int) == Ok(uint),
        (Basic::Other, Basic::Other) => return others(env, left, right),
        (a, b) if std::mem::discriminant(&a) == std::mem::discriminant(&b) => a == b,
        _ if matches!(left, Value::Nil) || matches!(right, Value::Nil) => false,
        _ => return Err(incompatible(left, right)),
    })
}

/// Neither is a number, a text or a truth: nil, maps, slices, structs and pointers.
fn others(env: &Env<'_>, left: &Value, right: &Value) -> Result<bool, Failure> {
    let nil = |value: &Value| matches!(value, Value::Nil | Value::Sample(None));
    let type_of = |value: &Value| value.go_type().unwrap_or(Type::Interface);
    if left.kind() != right.kind() && !matches!(left, Value::Nil) && !matches!(right, Value::Nil) {
        let (one, other) = (shown(env, "%s", left)?, shown(env, "%v", right)?);
        let (left, right) = (type_of(left), type_of(right));
        return Err(Failure::new(format!("non-comparable types {one}: {left}, {right}: {other}")));
    }
    if nil(left) || nil(right) {
        return Ok(nil(left) == nil(right));
    }
    match right {
        Value::Labels(_) | Value::Map(_) | Value::Samples(_) | Value::Bytes(_) | Value::Data(_) => {
            let shown = shown(env, "%s", right)?;
            Err(Failure::new(format!("non-comparable type {shown}: {}", type_of(right))))
        }
        // Two pointers are equal when they point to the same thing.
        Value::Sample(Some(sample)) => {
            Ok(matches!(left, Value::Sample(Some(other)) if std::sync::Arc::ptr_eq(sample, other)))
        }
        Value::TimePointer(_) | Value::DurationPointer(_) => Ok(false),
        _ => Ok(left == right),
    }
}

fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, Failure> {
    let bad = || Failure::new("invalid type for comparison");
    Ok(match (basic(left), basic(right)) {
        (Basic::Other, _) | (_, Basic::Other) => return Err(bad()),
        (Basic::Bool(_), Basic::Bool(_)) | (Basic::Complex(..), Basic::Complex(..)) => return Err(bad()),
        (Basic::Int(a), Basic::Int(b)) => Some(a.cmp(&b)),
        (Basic::Uint(a), Basic::Uint(b)) => Some(a.cmp(&b)),
        (Basic::Int(a), Basic::Uint(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Basic::Uint(a), Basic::Int(b)) => Some(i128::from(a).cmp(&i128::from(b))),
        (Basic::Float(a), Basic::Float(b)) => a.partial_cmp(&b),
        (Basic::Text(a), Basic::Text(b)) => Some(a.cmp(b)),
        _ => return Err(incompatible(left, right)),
    })
}

/// Whether the first equals any of the others.
pub(super) fn eq(env: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    let (first, others) = args.split_first().ok_or_else(|| Failure::new("missing argument for comparison"))?;
    if others.is_empty() {
        return Err(Failure::new("missing argument for comparison"));
    }
    for other in others {
        if equal(env, first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn ne(env: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::Bool(!equal(env, &args[0], &args[1])?))
}

pub(super) fn lt(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::Bool(order(&args[0], &args[1])? == Some(Ordering::Less)))
}

pub(super) fn le(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::Bool(matches!(order(&args[0], &args[1])?, Some(Ordering::Less | Ordering::Equal))))
}

/// Go computes it as "not `le`": true for a NaN.
pub(super) fn gt(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::Bool(!matches!(order(&args[0], &args[1])?, Some(Ordering::Less | Ordering::Equal))))
}

/// Go computes it as "not `lt`": true for a NaN.
pub(super) fn ge(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::Bool(order(&args[0], &args[1])? != Some(Ordering::Less)))
}
