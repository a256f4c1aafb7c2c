//! The results of queries.

use std::sync::Arc;

use crate::{
    arguments::{sample, samples, text},
    function::{Asked, Env, Failure},
    value::{Sample, Text, Value, ValueMap},
};

/// The label that consoles of old put a value into.
const VALUE_LABEL: &str = "__value__";

/// What has more maps inside each other could not be printed, or even let go of, on a stack of usual size.
const HIGHEST: usize = 1_000;

pub(super) fn query(env: &mut Env<'_>, args: Vec<Value>) -> Result<Value, Failure> {
    let expression = text(&args, 0)?.lossy();
    match (env.ask)(&expression) {
        Asked::Answer(samples) => Ok(Value::Samples(samples.into_iter().map(Arc::new).collect())),
        Asked::Failed(error) => Err(Failure::Error(error)),
        Asked::NotYet => Err(Failure::Needs(expression.into_owned())),
    }
}

pub(super) fn first(args: &[Value]) -> Result<Value, Failure> {
    let first = samples(args, 0)?.first();
    let first = first.ok_or_else(|| Failure::new("first() called on vector with no elements"))?;
    Ok(Value::Sample(Some(Arc::clone(first))))
}

pub(super) fn label(args: &[Value]) -> Result<Value, Failure> {
    let (name, sample) = (text(args, 0)?, sample(args, 1)?);
    Ok(Value::Text(label_of(sample, name)))
}

pub(super) fn value(args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Float(sample(args, 0)?.value))
}

pub(super) fn strvalue(args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Text(label_of(sample(args, 0)?, &Text::from(VALUE_LABEL))))
}

pub(super) fn sort_by_label(args: &[Value]) -> Result<Value, Failure> {
    let (name, samples) = (text(args, 0)?, samples(args, 1)?);
    let mut sorted = samples.to_vec();
    sorted.sort_by_key(|sample| label_of(sample, name));
    Ok(Value::Samples(sorted.into()))
}

/// The arguments by the names `arg0`, `arg1` and so on.
///
/// # Errors
/// Where more maps would be inside each other than [`HIGHEST`].
pub(super) fn args(args: Vec<Value>) -> Result<Value, Failure> {
    let named = args.into_iter().enumerate().map(|(index, arg)| (Text::from(format!("arg{index}")), arg));
    let map: ValueMap = named.collect();
    if map.height() > HIGHEST {
        return Err(Failure::new(format!("more than {HIGHEST} maps inside each other")));
    }
    Ok(Value::Map(Arc::new(map)))
}

/// The empty text for a label that is not there.
fn label_of(sample: &Sample, name: &Text) -> Text {
    sample.labels.get(name).cloned().unwrap_or_else(|| Text::from(""))
}
