//! The part of Prometheus' API that may be passed through: reads only, by name.

use vigil_domain::labels::{METRIC_NAME, is_label_name};

use crate::QueryError;

/// One read of Prometheus' API.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ApiPath {
    Query,
    QueryRange,
    Series,
    Labels,
    /// The values of one label.
    LabelValues(String),
    Metadata,
    Exemplars,
    FormatQuery,
    BuildInfo,
}

impl ApiPath {
    /// The path below `/api/v1/`; refuses a label name that could mean another path.
    pub(crate) fn relative(&self) -> Result<String, QueryError> {
        let fixed = match self {
            Self::Query => "query",
            Self::QueryRange => "query_range",
            Self::Series => "series",
            Self::Labels => "labels",
            Self::Metadata => "metadata",
            Self::Exemplars => "query_exemplars",
            Self::FormatQuery => "format_query",
            Self::BuildInfo => "status/buildinfo",
            Self::LabelValues(name) if name == METRIC_NAME || is_label_name(name) => {
                return Ok(format!("label/{name}/values"));
            }
            Self::LabelValues(name) => {
                let message = format!("invalid label name: {name:?}");
                return Err(QueryError::Rejected { kind: "bad_data".to_owned(), message });
            }
        };
        Ok(fixed.to_owned())
    }

    /// Whether the API also takes the parameters as a form, which a long query needs.
    pub(crate) fn takes_form(&self) -> bool {
        !matches!(self, Self::LabelValues(_) | Self::Metadata | Self::BuildInfo)
    }

    /// Whether the API can be told to give up in time.
    pub(crate) fn takes_timeout(&self) -> bool {
        matches!(self, Self::Query | Self::QueryRange)
    }
}
