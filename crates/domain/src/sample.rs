//! What a data source answers to an instant query.

use crate::Labels;

/// One series' value at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The series' labels, `__name__` included when the expression kept it.
    pub labels: Labels,
    /// May be `NaN` or infinite: a rule cares for presence, not for the value.
    pub value: f64,
}

/// The result of one instant query, by its type.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryValue {
    /// Any number of series.
    Vector(Vec<Sample>),
    /// One number without labels.
    Scalar(f64),
    /// A string literal; not usable by a rule.
    String(String),
    /// A range vector; not usable by a rule.
    Matrix,
}
