//! `ConvertToFloat`: the numbers that functions take.

use super::parse_float::parse_float;
use crate::{arguments::wrong_type, function::Failure, gotime, value::Value};

/// The only argument as a number.
///
/// # Errors
/// A text that is none, or a value of a type that has none.
pub(super) fn to_float(args: &[Value]) -> Result<f64, Failure> {
    match args.first().ok_or_else(wrong_type)? {
        Value::Float(number) => Ok(*number),
        Value::Text(text) => parse_float(text.bytes()).map_err(Failure::new),
        Value::Int(number) | Value::Int64(number) => Ok(*number as f64),
        Value::Duration(nanos) => Ok(gotime::duration_seconds(*nanos)),
        other => {
            let go_type = other.go_type().map_or_else(|| "<nil>".to_owned(), |go_type| go_type.to_string());
            Err(Failure::new(format!("can't convert {go_type} to float")))
        }
    }
}
