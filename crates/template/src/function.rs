//! Functions a template can call, and what they may know.

use crate::value::{Sample, Type, Value};

/// A function with Go's idea of its parameters.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [Type],
    /// The type of any number of further arguments.
    pub(crate) variadic: Option<Type>,
    /// Arguments are as many as asked for, and of the types asked for: `Nil` for a nil of any of them.
    pub(crate) call: fn(&mut Env<'_>, Vec<Value>) -> Result<Value, Failure>,
}

/// What a function knows besides its arguments.
pub(crate) struct Env<'a> {
    /// Where Vigil or Prometheus is reached from outside, without a slash at the end.
    pub(crate) external_url: &'a str,
    /// The evaluation's time in milliseconds since the epoch.
    pub(crate) now_ms: i64,
    /// The longest text a function may make, in bytes.
    pub(crate) bytes: usize,
    /// What may still be done: nodes walked, functions called; making a text counts too, by its length.
    pub(crate) steps: usize,
    pub(crate) ask: &'a mut dyn FnMut(&str) -> Asked,
}

impl Env<'_> {
    /// Takes note of something that takes as long as `steps` nodes do.
    ///
    /// # Errors
    /// When not so many are left.
    pub(crate) fn pay(&mut self, steps: usize) -> Result<(), Failure> {
        self.steps = self.steps.checked_sub(steps).ok_or_else(|| Failure::new("the template takes too many steps"))?;
        Ok(())
    }
}

/// What came of a query that a template makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Answer(Vec<Sample>),
    /// In the source's words.
    Failed(String),
    /// Nobody has asked yet: expanding stops, to begin anew when the answer is there.
    NotYet,
}

/// Why a function gave no value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// In Go's words, without `error calling …`.
    Error(String),
    /// It needs the answer to this expression.
    Needs(String),
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self::Error(text.into())
    }
}
