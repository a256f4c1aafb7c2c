//! The data source inside the process: the sample store, and the evaluator over it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task, time};
use vigil_domain::{Labels, QueryValue, Sample, Span, Timestamp};
use vigil_promql::{self as promql, Query, Stop, Value};
use vigil_samples::{ReadError, Store};

use crate::{Answer, ApiPath, QueryError, RawAnswer, Series};

mod read;
mod write;

/// How queries are evaluated.
#[derive(Clone, Debug)]
pub struct EmbeddedOptions {
    /// For one query, from asking to having the answer.
    pub timeout: Duration,
    /// Most queries evaluated at once; more wait for their turn.
    pub concurrency: usize,
    /// The evaluator's limits.
    pub limits: promql::Options,
}

/// Evaluates over the embedded sample store. Cheap to clone.
#[derive(Clone)]
pub struct Embedded(Arc<Inner>);

struct Inner {
    store: Store,
    options: EmbeddedOptions,
    slots: Semaphore,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("options", &self.0.options).finish_non_exhaustive()
    }
}

/// Says "stop" to an evaluation whose asker is gone.
struct Asker(Arc<AtomicBool>);

impl Drop for Asker {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Embedded {
    pub(crate) fn new(store: Store, options: EmbeddedOptions) -> Self {
        let slots = Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS));
        Self(Arc::new(Inner { store, options, slots }))
    }

    pub(crate) async fn instant(&self, expr: &str, at: Timestamp) -> Result<Answer<QueryValue>, QueryError> {
        let query = Query::instant(expr, at.timestamp_millis(), &self.0.options.limits)?;
        let answer = self.run(query, None).await?;
        let value = match answer.value {
            Value::Scalar(value) => QueryValue::Scalar(value),
            Value::String(text) => QueryValue::String(text),
            Value::Vector(samples) => {
                let samples = samples.into_iter();
                let sample = |one: promql::VectorSample| Sample { labels: Labels::from(&one.labels), value: one.value };
                QueryValue::Vector(samples.map(sample).collect())
            }
            Value::Matrix(_) => QueryValue::Matrix,
        };
        Ok(Answer { value, warnings: answer.warnings })
    }

    pub(crate) async fn samples(&self, selector: &str, at: Timestamp) -> Result<Answer<Vec<Series>>, QueryError> {
        let query = Query::instant(selector, at.timestamp_millis(), &self.0.options.limits)?;
        matrix(self.run(query, None).await?)
    }

    pub(crate) async fn range(
        &self,
        expr: &str,
        (start, end): (Timestamp, Timestamp),
        step: Span,
    ) -> Result<Answer<Vec<Series>>, QueryError> {
        let (start_ms, end_ms) = (start.timestamp_millis(), end.timestamp_millis());
        let query = Query::range(expr, start_ms, end_ms, step.millis_i64(), &self.0.options.limits)?;
        matrix(self.run(query, None).await?)
    }

    pub(crate) async fn get_raw(&self, path: &ApiPath, pairs: &[(String, String)]) -> Result<RawAnswer, QueryError> {
        read::answer(self, path, pairs).await
    }

    /// Now, by the clock of the store.
    pub(crate) fn now_ms(&self) -> i64 {
        self.0.store.now_ms()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn limits(&self) -> &promql::Options {
        &self.0.options.limits
    }

    /// Fetches what the query needs and evaluates it on a thread of its own, within the asker's time if that is shorter.
    pub(crate) async fn run(&self, query: Query, at_most: Option<Duration>) -> Result<promql::Answer, QueryError> {
        let timeout = at_most.map_or(self.0.options.timeout, |at_most| at_most.min(self.0.options.timeout));
        let deadline = Instant::now() + timeout;
        let gone = Arc::new(AtomicBool::new(false));
        let asker = Asker(Arc::clone(&gone));
        let work = async {
            let _slot = self.0.slots.acquire().await.map_err(|_| QueryError::Timeout(timeout))?;
            let mut fetched = Vec::with_capacity(query.selects().len());
            for select in query.selects() {
                fetched.push(self.0.store.select(select).await?);
            }
            let stop = move || match gone.load(Ordering::Relaxed) {
                true => Some(Stop::Canceled),
                false => (Instant::now() >= deadline).then_some(Stop::TimedOut),
            };
            let evaluated = task::spawn_blocking(move || query.run(fetched, &stop)).await;
            let answer = evaluated.map_err(|_| QueryError::Unreachable("the program is ending".to_owned()))?;
            Ok(answer?)
        };
        let answer = time::timeout(timeout, work).await.unwrap_or(Err(QueryError::Timeout(timeout)));
        drop(asker);
        let mut answer = answer?;
        answer.warnings.extend(self.troubles());
        Ok(answer)
    }

    /// What whoever asks should know of the store.
    fn troubles(&self) -> impl Iterator<Item = String> {
        let store = &self.0.store;
        let unwritten = store.health().error.map(|error| format!("samples are not written to disk: {error}"));
        unwritten.into_iter().chain(store.usage().hint().map(str::to_owned))
    }
}

fn matrix(answer: promql::Answer) -> Result<Answer<Vec<Series>>, QueryError> {
    let Value::Matrix(series) = answer.value else {
        return Err(QueryError::rejected("bad_data", "the expression is no range"));
    };
    Ok(Answer { value: series.into_iter().map(Series::from).collect(), warnings: answer.warnings })
}

impl From<promql::Series> for Series {
    fn from(series: promql::Series) -> Self {
        let points = series.points.iter();
        let points = points.filter_map(|point| Some((Timestamp::from_timestamp_millis(point.at_ms)?, point.value)));
        Self { labels: Labels::from(&series.labels), points: points.collect() }
    }
}

impl From<promql::QueryError> for QueryError {
    fn from(error: promql::QueryError) -> Self {
        let kind = match &error {
            promql::QueryError::BadExpression(_) | promql::QueryError::Unsupported(_) => "bad_data",
            promql::QueryError::Execution(_) | promql::QueryError::Limit(_) => "execution",
            promql::QueryError::TimedOut => "timeout",
            promql::QueryError::Canceled => "canceled",
        };
        Self::rejected(kind, &error.to_string())
    }
}

impl From<ReadError> for QueryError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooManyPoints { .. } => Self::rejected("execution", &error.to_string()),
            ReadError::File(_) | ReadError::Ending => Self::Unreachable(error.to_string()),
        }
    }
}
