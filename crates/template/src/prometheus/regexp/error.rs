//! What is wrong with a pattern, in Go's words.

use std::fmt;

/// Go's `syntax.Error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Go's `ErrorCode`.
    reason: String,
    /// The part of the pattern that is wrong; `None` where the `regex` crate has said what is wrong.
    expression: Option<String>,
}

impl SyntaxError {
    pub(super) fn new(reason: &str, expression: impl Into<String>) -> Self {
        Self { reason: reason.to_owned(), expression: Some(expression.into()) }
    }

    /// A pattern that Go would take, but not the crate.
    pub(super) fn of_crate(error: &regex::Error) -> Self {
        let text = error.to_string();
        // The reason stands after the pattern and a line that points into it.
        let reason = text.lines().find_map(|line| line.strip_prefix("error: "));
        let reason = reason.or_else(|| text.lines().next()).unwrap_or_default();
        Self { reason: reason.to_owned(), expression: None }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error parsing regexp: {}", self.reason)?;
        self.expression.as_ref().map_or(Ok(()), |expression| write!(f, ": `{expression}`"))
    }
}
