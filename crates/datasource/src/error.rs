//! What can go wrong with a query, and with a write. Each variant is a decision; the text is for people.

mod write;

use std::{error::Error, time::Duration};

use serde::Deserialize;

pub use write::WriteError;

/// Longer messages of the peer are cut: they are stored with every failed evaluation.
const LONGEST_MESSAGE: usize = 1_000;

/// What a redirect is told as; it is not followed, because credentials would follow too.
const REDIRECT: &str = "a redirect; configure the address it leads to";

/// A failed query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing usable came back: no connection, a cut one, a 429 or 5xx, or something that is not Prometheus' JSON.
    #[error("data source unreachable: {0}")]
    Unreachable(String),
    /// Nothing came back in time, or no request slot became free in time.
    #[error("data source did not answer within {0:?}")]
    Timeout(Duration),
    /// The source, or a proxy before it, does not accept Vigil's credentials.
    #[error("data source refused the credentials (status {0})")]
    Refused(u16),
    /// The source works and says that this query does not.
    #[error("{kind}: {message}")]
    Rejected {
        /// Prometheus' `errorType`, such as `bad_data` or `execution`.
        kind: String,
        message: String,
    },
    /// The answer is beyond what Vigil reads.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
}

impl QueryError {
    /// Whether the source is failing, so that other queries will fail too; otherwise only this query does.
    pub fn is_source_failure(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout(_) | Self::Refused(_) => true,
            Self::Rejected { .. } | Self::TooLarge { .. } => false,
        }
    }

    /// What is told of it where Prometheus tells the message of its engine: of a query that was rejected, the source's
    /// own words without their kind.
    pub fn reason(&self) -> String {
        if let Self::Rejected { message, .. } = self
            && !message.is_empty()
        {
            return message.clone();
        }
        self.to_string()
    }

    /// A word for this outcome in metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Timeout(_) => "timeout",
            Self::Refused(_) => "refused",
            Self::Rejected { .. } => "rejected",
            Self::TooLarge { .. } => "too_large",
        }
    }

    pub(crate) fn rejected(kind: &str, message: &str) -> Self {
        Self::Rejected { kind: kind.to_owned(), message: cut(message) }
    }

    /// A failure of the connection itself.
    pub(crate) fn from_transport(error: reqwest::Error, origin: &str) -> Self {
        Self::Unreachable(broken(error, origin))
    }

    /// What an answer with an error status means.
    ///
    /// A well-formed envelope that speaks of the query (`bad_data`, `execution`, `canceled`, `timeout`, or any with
    /// status 400 or 422) rejects the query. That includes a 503 with `timeout`: Vigil tells the source to give up
    /// before Vigil itself does, so one slow query says so in an envelope while a source that hangs says nothing. Only
    /// a query that timed out in Prometheus' own queue speaks of the source, because it never ran.
    pub(crate) fn from_status(status: u16, body: &[u8]) -> Self {
        if matches!(status, 401 | 403 | 407) {
            return Self::Refused(status);
        }
        let Some(envelope) = ErrorEnvelope::read(body) else {
            let hint = match status {
                300..=399 => REDIRECT,
                404 | 405 => "is this the base address of a Prometheus API?",
                429 => "too many requests",
                _ => "not Prometheus' JSON",
            };
            return Self::Unreachable(format!("answered {status}: {hint}"));
        };
        if envelope.speaks_of_the_query(status) {
            return Self::rejected(&envelope.kind, &envelope.message);
        }
        Self::Unreachable(cut(&format!("answered {status}: {}", envelope.message)))
    }
}

/// Prometheus' `{"status":"error","errorType":…,"error":…}`.
#[derive(Deserialize)]
pub(crate) struct ErrorEnvelope {
    status: String,
    #[serde(rename = "errorType")]
    kind: String,
    #[serde(rename = "error")]
    message: String,
}

impl ErrorEnvelope {
    /// `None` if `body` is anything else.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let envelope: Self = serde_json::from_slice(body).ok()?;
        (envelope.status == "error").then_some(envelope)
    }

    fn speaks_of_the_query(&self, status: u16) -> bool {
        match self.kind.as_str() {
            "bad_data" | "execution" | "canceled" => status != 429,
            "timeout" => !self.message.contains("query queue"),
            _ => matches!(status, 400 | 422),
        }
    }
}

/// A failure of the connection itself. The URL, which may carry a query or a token, stays out.
fn broken(error: reqwest::Error, origin: &str) -> String {
    let what = if error.is_connect() { "cannot connect to" } else { "connection failed to" };
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cut(&format!("{what} {origin}: {cause}"))
}

fn cut(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(kind: &str, message: &str) -> String {
        format!(r#"{{"status":"error","errorType":"{kind}","error":"{message}"}}"#)
    }

    #[test]
    fn only_an_envelope_about_the_query_spares_the_source() {
        for (status, body, source_fails) in [
            (400, envelope("bad_data", "parse error"), false),
            (422, envelope("execution", "many-to-many"), false),
            (422, envelope("422", "VictoriaMetrics says so"), false),
            (503, envelope("timeout", "query timed out in expression evaluation"), false),
            (503, envelope("timeout", "query timed out in query queue"), true),
            (499, envelope("canceled", "query was canceled"), false),
            (503, envelope("unavailable", "TSDB not ready"), true),
            (500, envelope("internal", "disk on fire"), true),
            (404, envelope("not_found", "nothing here"), true),
            (429, envelope("too_many_requests", "slow down"), true),
            (401, envelope("bad_data", "no"), true),
            (403, "forbidden".to_owned(), true),
            (302, String::new(), true),
            (400, "<html>plain HTTP sent to HTTPS port</html>".to_owned(), true),
            (429, "slow down".to_owned(), true),
            (502, "<html>bad gateway</html>".to_owned(), true),
            (503, r#"{"error":"timeout"}"#.to_owned(), true),
            (504, String::new(), true),
        ] {
            let error = QueryError::from_status(status, body.as_bytes());
            assert_eq!(error.is_source_failure(), source_fails, "{status} {body}: {error:?}");
        }
    }

    #[test]
    fn a_rejection_keeps_the_kind_and_the_sources_own_words() {
        let error = QueryError::from_status(400, envelope("bad_data", "parse error at char 3").as_bytes());
        assert_eq!(error.to_string(), "bad_data: parse error at char 3");
        assert_eq!(error.reason(), "parse error at char 3", "as Prometheus tells it of a rule");
        let silent = QueryError::from_status(422, envelope("execution", "").as_bytes());
        assert_eq!(silent.reason(), "execution: ");
        assert_eq!(QueryError::Refused(401).reason(), QueryError::Refused(401).to_string());
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let error = QueryError::from_status(400, envelope("bad_data", &"ü".repeat(5_000)).as_bytes());
        assert_eq!(error.to_string().chars().count(), "bad_data: ".len() + LONGEST_MESSAGE + 1);
    }
}
