//! Arguments, and the receiver before them, out of the vector that a function or method gets.
//!
//! Whoever calls has checked their types, so that the errors of another type are never said to a template.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::{
    function::Failure,
    value::{Sample, Text, Value},
};

pub(crate) fn text(args: &[Value], index: usize) -> Result<&Text, Failure> {
    match args.get(index) {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(wrong_type()),
    }
}

pub(crate) fn int(args: &[Value], index: usize) -> Result<i64, Failure> {
    match args.get(index) {
        Some(Value::Int(number)) => Ok(*number),
        _ => Err(wrong_type()),
    }
}

pub(crate) fn time(args: &[Value], index: usize) -> Result<DateTime<Utc>, Failure> {
    match args.get(index) {
        Some(Value::Time(time) | Value::TimePointer(time)) => Ok(*time),
        _ => Err(wrong_type()),
    }
}

/// In nanoseconds.
pub(crate) fn duration(args: &[Value], index: usize) -> Result<i64, Failure> {
    match args.get(index) {
        Some(Value::Duration(nanos) | Value::DurationPointer(nanos)) => Ok(*nanos),
        _ => Err(wrong_type()),
    }
}

/// Nil is no bytes.
pub(crate) fn bytes(args: &[Value], index: usize) -> Result<&[u8], Failure> {
    match args.get(index) {
        Some(Value::Bytes(bytes)) => Ok(bytes),
        Some(Value::Nil) => Ok(&[]),
        _ => Err(wrong_type()),
    }
}

/// Where a sample is needed.
///
/// # Errors
/// Go's panic for a nil pointer.
pub(crate) fn sample(args: &[Value], index: usize) -> Result<&Sample, Failure> {
    match args.get(index) {
        Some(Value::Sample(Some(sample))) => Ok(sample),
        Some(Value::Sample(None) | Value::Nil) => {
            Err(Failure::new("runtime error: invalid memory address or nil pointer dereference"))
        }
        _ => Err(wrong_type()),
    }
}

/// Nil is no samples.
pub(crate) fn samples(args: &[Value], index: usize) -> Result<&[Arc<Sample>], Failure> {
    match args.get(index) {
        Some(Value::Samples(samples)) => Ok(samples),
        Some(Value::Nil) => Ok(&[]),
        _ => Err(wrong_type()),
    }
}

pub(crate) fn wrong_type() -> Failure {
    Failure::new("reflect: Call using a value of another type")
}
