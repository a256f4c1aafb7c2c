//! Mistakes in what somebody sent, gathered so that all of them are told at once.

/// One mistake: which field, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Dotted path of the field in the input, such as `threshold.op`.
    pub field: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// A list of mistakes under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(Vec<FieldError>);

impl Mistakes {
    /// Notes one mistake.
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), message: message.into() });
    }

    /// Keeps a good value; notes a bad one under `field` and answers `None`.
    pub fn keep<T, E: std::fmt::Display>(&mut self, field: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// `value` if nothing is wrong, otherwise every mistake.
    pub fn or<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every mistake so far.
    pub fn into_vec(self) -> Vec<FieldError> {
        self.0
    }
}
