//! Samples we read, and write back: instant and range queries against any Prometheus-compatible API, or the store in this
//! process, and remote write to it.
//!
//! What lives here: the wire, its limits and its failures, the short cache that lets many readers share one query, and
//! the `PromQL` of a server's summary. What does not: deciding what an answer means for a rule or for the source.

mod answer;
mod cache;
mod embedded;
mod error;
mod http;
mod naming;
mod options;
mod path;
mod remote_write;
pub mod summary;
#[cfg(test)]
mod tests;
mod written;

use std::time::Instant;

use vigil_domain::{QueryValue, Sample, Span, Timestamp};
use vigil_samples::Store;

pub use answer::{Answer, Series};
pub use cache::{CacheOptions, CachedDatasource, SharedAnswer};
pub use embedded::{Embedded, EmbeddedOptions};
pub use error::{QueryError, WriteError};
pub use http::{Http, LARGEST_ANSWER, RawAnswer};
pub use options::{HttpOptions, SetupError};
pub use path::ApiPath;
pub use written::{duration_millis, moment_millis};

/// Parameters of a query, as a form sends them: names may repeat.
pub type Pairs = Vec<(String, String)>;

/// Where samples are read and written back. Cheap to clone; clones share connections and limits.
#[derive(Clone, Debug)]
pub enum Datasource {
    /// A Prometheus-compatible API.
    Http(Http),
    /// The sample store in this process.
    Embedded(Embedded),
}

impl Datasource {
    /// Connects to nothing yet: checks `options` and prepares the client.
    pub fn http(options: HttpOptions) -> Result<Self, SetupError> {
        Http::new(options).map(Self::Http)
    }

    /// Reads what is in `store`, and adds to it.
    pub fn embedded(store: Store, options: EmbeddedOptions) -> Self {
        Self::Embedded(Embedded::new(store, options))
    }

    /// Evaluates `expr` at `at`, to the millisecond.
    pub async fn instant(&self, expr: &str, at: Timestamp) -> Result<Answer<QueryValue>, QueryError> {
        measured(async {
            match self {
                Self::Http(http) => http.instant(expr, at).await,
                Self::Embedded(embedded) => embedded.instant(expr, at).await,
            }
        })
        .await
    }

    /// Evaluates `expr` every `step` from `start` to `end`, both included.
    pub async fn range(
        &self,
        expr: &str,
        (start, end): (Timestamp, Timestamp),
        step: Span,
    ) -> Result<Answer<Vec<Series>>, QueryError> {
        measured(async {
            match self {
                Self::Http(http) => http.range(expr, (start, end), step).await,
                Self::Embedded(embedded) => embedded.range(expr, (start, end), step).await,
            }
        })
        .await
    }

    /// Every sample of a range selector such as `ALERTS[1d]`, looked back from `at`: as they were written, and none for
    /// the end of a series.
    pub async fn samples(&self, selector: &str, at: Timestamp) -> Result<Answer<Vec<Series>>, QueryError> {
        measured(async {
            match self {
                Self::Http(http) => http.samples(selector, at).await,
                Self::Embedded(embedded) => embedded.samples(selector, at).await,
            }
        })
        .await
    }

    /// Passes an instant query through; see [`Self::get_raw`].
    pub async fn query_raw(&self, pairs: &[(String, String)]) -> Result<RawAnswer, QueryError> {
        self.get_raw(&ApiPath::Query, pairs).await
    }

    /// Passes a range query through; see [`Self::get_raw`].
    pub async fn query_range_raw(&self, pairs: &[(String, String)]) -> Result<RawAnswer, QueryError> {
        self.get_raw(&ApiPath::QueryRange, pairs).await
    }

    /// Passes a read through and hands back the peer's status and envelope as they are, at most [`LARGEST_ANSWER`].
    ///
    /// Vigil's own credentials are used, so check the caller's first. What is not an envelope is an `Err`: a proxy's
    /// page, refused credentials, no answer. A `timeout` longer than Vigil waits is shortened.
    pub async fn get_raw(&self, path: &ApiPath, pairs: &[(String, String)]) -> Result<RawAnswer, QueryError> {
        measured(async {
            match self {
                Self::Http(http) => http.get_raw(path, pairs).await,
                Self::Embedded(embedded) => embedded.get_raw(path, pairs).await,
            }
        })
        .await
    }

    /// Writes one value of each series at `at`, to the millisecond, the stale marker among them. After an `Err` some may
    /// have been written; writing the same again is no mistake.
    ///
    /// A query at `at` sees them as soon as this returns, unless the source reads later than it takes.
    pub async fn write(&self, samples: &[Sample], at: Timestamp) -> Result<(), WriteError> {
        if samples.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        let result = match self {
            Self::Http(http) => http.write(samples, at).await,
            Self::Embedded(embedded) => embedded.write(samples, at).await,
        };
        let outcome = result.as_ref().map_or_else(WriteError::outcome, |()| "ok");
        metrics::counter!("vigil_datasource_writes_total", "outcome" => outcome).increment(1);
        metrics::histogram!("vigil_datasource_write_duration_seconds").record(started.elapsed().as_secs_f64());
        result
    }

    /// Whether rules write back without being told to: the store in this process always takes samples, a peer only when
    /// somebody has allowed it there.
    pub fn writes_by_default(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }

    /// Reachable, willing, and able to evaluate: a peer is asked for `vector(1)`.
    pub async fn healthy(&self) -> Result<(), QueryError> {
        match self {
            Self::Http(http) => measured(http.healthy()).await,
            // While its disk fails, it goes on answering from memory.
            Self::Embedded(_) => Ok(()),
        }
    }
}

/// Counts and times a query, whatever becomes of it.
async fn measured<T>(query: impl Future<Output = Result<T, QueryError>>) -> Result<T, QueryError> {
    let started = Instant::now();
    let result = query.await;
    let outcome = result.as_ref().map_or_else(QueryError::outcome, |_| "ok");
    metrics::counter!("vigil_datasource_queries_total", "outcome" => outcome).increment(1);
    metrics::histogram!("vigil_datasource_query_duration_seconds").record(started.elapsed().as_secs_f64());
    result
}
