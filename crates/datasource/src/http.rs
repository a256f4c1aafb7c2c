//! A Prometheus-compatible API over HTTP.

mod write;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method, Request, Response, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use tokio::{sync::Semaphore, task, time::timeout};
use vigil_domain::{QueryValue, Span, Timestamp};

use crate::{
    Answer, ApiPath, HttpOptions, QueryError, Series, SetupError, answer, duration_millis, error::ErrorEnvelope,
    options::Connection,
};

/// The largest answer that is read, in bytes.
pub const LARGEST_ANSWER: usize = 32 * 1024 * 1024;
/// The largest error answer that is looked into.
const LARGEST_ERROR: usize = 64 * 1024;
/// The most memory that is reserved on the peer's word alone.
const FIRST_RESERVE: usize = 1024 * 1024;
/// Longer URLs go as a form instead: some proxies stop at 2,048 bytes.
const LONGEST_URL: usize = 1_500;
/// The source gives up after this share of our own time limit, so that a slow query and a hung source differ.
const PEER_SHARE: f64 = 0.9;

/// A client of one API. Clones share connections and the limit on queries under way.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    connection: Connection,
    /// Scheme, host and port, for messages.
    origin: String,
    timeout: Duration,
    slots: Semaphore,
}

/// What the peer answered, unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAnswer {
    /// 200, or the status that goes with an error envelope.
    pub status: u16,
    /// Prometheus' JSON envelope.
    pub body: Bytes,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Http").field(&self.0.origin).finish()
    }
}

impl Http {
    pub(crate) fn new(options: HttpOptions) -> Result<Self, SetupError> {
        let connection = Connection::new(&options)?;
        let origin = connection.api.origin().ascii_serialization();
        let slots = Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Self(Arc::new(Inner { connection, origin, timeout: options.timeout, slots })))
    }

    pub(crate) async fn instant(&self, expr: &str, at: Timestamp) -> Result<Answer<QueryValue>, QueryError> {
        let (time, limit) = (seconds(at.timestamp_millis()), self.peer_timeout());
        let pairs = [("query", expr), ("time", &time), ("timeout", &limit)];
        answer::instant(&self.success(&ApiPath::Query, &pairs).await?)
    }

    pub(crate) async fn samples(&self, selector: &str, at: Timestamp) -> Result<Answer<Vec<Series>>, QueryError> {
        let (time, limit) = (seconds(at.timestamp_millis()), self.peer_timeout());
        let pairs = [("query", selector), ("time", &time), ("timeout", &limit)];
        let body = self.success(&ApiPath::Query, &pairs).await?;
        // It may be megabytes: elsewhere, lest other queries wait.
        let read = task::spawn_blocking(move || answer::range(&body)).await;
        read.map_err(|_| QueryError::Unreachable("the program is ending".to_owned()))?
    }

    pub(crate) async fn range(
        &self,
        expr: &str,
        (start, end): (Timestamp, Timestamp),
        step: Span,
    ) -> Result<Answer<Vec<Series>>, QueryError> {
        let (start, end) = (seconds(start.timestamp_millis()), seconds(end.timestamp_millis()));
        let (step, limit) = (seconds(step.millis_i64()), self.peer_timeout());
        let pairs = [("query", expr), ("start", &start), ("end", &end), ("step", &step), ("timeout", &limit)];
        answer::range(&self.success(&ApiPath::QueryRange, &pairs).await?)
    }

    pub(crate) async fn healthy(&self) -> Result<(), QueryError> {
        let limit = self.peer_timeout();
        let pairs = [("query", "vector(1)"), ("timeout", &limit)];
        answer::instant(&self.success(&ApiPath::Query, &pairs).await?).map(|_| ())
    }

    pub(crate) async fn get_raw(&self, path: &ApiPath, pairs: &[(String, String)]) -> Result<RawAnswer, QueryError> {
        let limit = self.peer_timeout();
        let mut pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        if path.takes_timeout() {
            // What is no duration stays: the peer says so in its own words.
            pairs.retain(|(name, asked)| *name != "timeout" || !self.is_too_patient(asked));
            if !pairs.iter().any(|(name, _)| *name == "timeout") {
                pairs.push(("timeout", &limit));
            }
        }
        envelope(self.exchange(path, &pairs).await?)
    }

    /// The body of a 200.
    async fn success(&self, path: &ApiPath, pairs: &[(&str, &str)]) -> Result<Bytes, QueryError> {
        match self.exchange(path, pairs).await? {
            RawAnswer { status: 200, body } => Ok(body),
            RawAnswer { status, body } => Err(QueryError::from_status(status, &body)),
        }
    }

    /// Waits for a slot, then sends and reads: each within the time limit.
    async fn exchange(&self, path: &ApiPath, pairs: &[(&str, &str)]) -> Result<RawAnswer, QueryError> {
        self.in_turn(self.send(path, pairs)).await.map_err(QueryError::Timeout)?
    }

    /// Waits for a slot, then for `work`, each within the time limit. `Err` is that limit.
    async fn in_turn<T>(&self, work: impl Future<Output = T>) -> Result<T, Duration> {
        let limit = self.0.timeout;
        let late = |_| limit;
        let _slot = timeout(limit, self.0.slots.acquire()).await.map_err(late)?.expect("the semaphore is never closed");
        timeout(limit, work).await.map_err(late)
    }

    async fn send(&self, path: &ApiPath, pairs: &[(&str, &str)]) -> Result<RawAnswer, QueryError> {
        let response = self.execute(self.request(path, pairs)?).await;
        let response = response.map_err(|error| QueryError::from_transport(error, &self.0.origin))?;
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(RawAnswer { status, body: self.read(response, LARGEST_ANSWER).await? });
        }
        // The status says enough when the rest of an error cannot be had.
        let body = self.read(response, LARGEST_ERROR).await.unwrap_or_default();
        Ok(RawAnswer { status, body })
    }

    /// Sends one request, signed in. A kept connection may be closed by the other side just as it is used again; then
    /// it is sent once more, because reads can be repeated, and so can writes of the same samples.
    async fn execute(&self, mut request: Request) -> reqwest::Result<Response> {
        let Connection { client, authorization, .. } = &self.0.connection;
        if let Some(authorization) = authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let again = request.try_clone();
        match (client.execute(request).await, again) {
            (Err(error), Some(again)) if error.is_request() && !error.is_connect() => client.execute(again).await,
            (outcome, _) => outcome,
        }
    }

    fn request(&self, path: &ApiPath, pairs: &[(&str, &str)]) -> Result<Request, QueryError> {
        let mut url = self.url(&path.relative()?);
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        if url.as_str().len() <= LONGEST_URL || !path.takes_form() {
            return Ok(Request::new(Method::GET, url));
        }
        let form = url.query().unwrap_or_default().to_owned();
        url.set_query(None);
        let mut request = Request::new(Method::POST, url);
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(CONTENT_TYPE, kind);
        *request.body_mut() = Some(form.into());
        Ok(request)
    }

    /// The address of what is below `/api/v1/`.
    fn url(&self, relative: &str) -> Url {
        let mut url = self.0.connection.api.clone();
        url.set_path(&format!("{}{relative}", self.0.connection.api.path()));
        url
    }

    async fn read(&self, mut response: Response, limit: usize) -> Result<Bytes, QueryError> {
        let announced = usize::try_from(response.content_length().unwrap_or_default()).unwrap_or(usize::MAX);
        if announced > limit {
            return Err(QueryError::TooLarge { limit });
        }
        let mut body = Vec::with_capacity(announced.min(FIRST_RESERVE));
        let lost = |error| QueryError::from_transport(error, &self.0.origin);
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > limit {
                return Err(QueryError::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    fn peer_timeout(&self) -> String {
        format!("{}ms", self.peer_millis())
    }

    /// Whether the peer would go on when nobody waits any more.
    fn is_too_patient(&self, asked: &str) -> bool {
        duration_millis(asked).is_some_and(|asked| u128::try_from(asked).is_ok_and(|asked| asked > self.peer_millis()))
    }

    fn peer_millis(&self) -> u128 {
        self.0.timeout.mul_f64(PEER_SHARE).as_millis().max(1)
    }
}

/// Lets through what a caller of Prometheus' API can read: JSON under 200, or an error envelope.
fn envelope(answer: RawAnswer) -> Result<RawAnswer, QueryError> {
    let RawAnswer { status, body } = &answer;
    let refused = matches!(status, 401 | 403 | 407);
    let readable = if *status == 200 { looks_like_json(body) } else { ErrorEnvelope::read(body).is_some() };
    if readable && !refused {
        return Ok(answer);
    }
    if *status == 200 {
        return Err(QueryError::Unreachable("answered with something else than JSON".to_owned()));
    }
    Err(QueryError::from_status(*status, body))
}

fn looks_like_json(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{') && body.trim_ascii_end().last() == Some(&b'}')
}

/// Milliseconds as Prometheus reads them: seconds with three decimals.
fn seconds(millis: i64) -> String {
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    format!("{sign}{}.{:03}", millis / 1_000, millis % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_milliseconds() {
        for (millis, text) in
            [(1_700_000_000_123, "1700000000.123"), (0, "0.000"), (15_000, "15.000"), (-1_500, "-1.500"), (7, "0.007")]
        {
            assert_eq!(seconds(millis), text);
        }
    }
}
