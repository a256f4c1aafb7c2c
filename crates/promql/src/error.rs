//! Why a query has no answer.

/// What made the caller stop an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    Canceled,
    TimedOut,
}

/// Why a query has no answer. The variants are what a caller chooses by; the texts are for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The expression or the window is wrong (Prometheus' `bad_data`).
    #[error("{0}")]
    BadExpression(String),
    /// The expression is right, the data does not fit it (Prometheus' `execution`).
    #[error("{0}")]
    Execution(String),
    /// A limit of [`crate::Options`] was reached; the text names it.
    #[error("{0}")]
    Limit(String),
    #[error("query timed out in query execution")]
    TimedOut,
    #[error("query was canceled in query execution")]
    Canceled,
    /// A part of the language that is not evaluated here.
    #[error("{0} is not supported")]
    Unsupported(String),
}

impl From<Stop> for QueryError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Canceled => Self::Canceled,
            Stop::TimedOut => Self::TimedOut,
        }
    }
}

impl QueryError {
    pub(crate) fn same_labels() -> Self {
        Self::Execution("vector cannot contain metrics with the same labelset".to_owned())
    }
}
