//! The data source that rule files are checked against: which one, and the questions it can answer.

use std::{str::FromStr, time::Duration};

use anyhow::Context as _;
use clap::Args;
use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use vigil_datasource::{ApiPath, Datasource, HttpOptions, Pairs, QueryError};
use vigil_domain::{QueryValue, Sample, Span, Timestamp, labels::METRIC_NAME, promql, rule_file::scrape_interval};
use vigil_runtime::{Access, Clock, Secret, Surroundings};

use super::super::prometheus::without_password;
use crate::client;

/// How far back a series counts as there, unless it is said.
const LOOKBACK: Span = Span::from_secs(86_400);
/// Over how long samples are counted to find the densest series.
const COUNTED: Span = Span::from_secs(600);
/// Over how long the times of its samples are looked at: long enough for several at any usual interval.
const LOOKED_AT: Span = Span::from_secs(1_800);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Questions under way.
pub(super) const AT_ONCE: usize = 8;

/// Which data source is asked, and how.
#[derive(Debug, Args)]
pub(super) struct Asking {
    #[command(flatten)]
    place: Place,
    /// Sign in at the data source with this token.
    #[arg(long, value_name = "TOKEN", requires = "datasource", conflicts_with = "online")]
    bearer_token: Option<Secret>,
    /// Send this header with each request, such as X-Scope-OrgID=team; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", requires = "datasource", conflicts_with = "online")]
    header: Vec<Header>,
    /// How far back a series counts as there; otherwise 1d.
    #[arg(long, value_name = "DURATION", requires = "source")]
    lookback: Option<Span>,
}

#[derive(Debug, Args)]
#[group(id = "source", multiple = false)]
struct Place {
    /// Ask this Prometheus-compatible API what there is: its address before /api/v1. A user name and a password may stand
    /// in the address.
    #[arg(long, value_name = "URL")]
    datasource: Option<String>,
    /// Ask the data source of the Vigil that you are signed in to.
    #[arg(long)]
    online: bool,
}

#[derive(Clone, Debug)]
struct Header {
    name: String,
    value: Secret,
}

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.split_once('=').ok_or("write it like X-Scope-OrgID=team")?;
        Ok(Self { name: name.trim().to_owned(), value: Secret::from(value.trim()) })
    }
}

impl Asking {
    /// The data source to ask, if there is one. It is not asked yet.
    pub(super) fn source(&self) -> anyhow::Result<Option<Source>> {
        let Self { place: Place { datasource, online }, bearer_token, header, lookback } = self;
        let (name, mut options) = if let Some(url) = datasource {
            let url = client::base_url(url).context("--datasource")?;
            let mut options = HttpOptions::new(url.as_str());
            options.bearer_token = bearer_token.as_ref().map(|token| token.expose().to_owned());
            let headers = header.iter().map(|Header { name, value }| (name.clone(), value.expose().to_owned()));
            options.headers = headers.collect();
            (without_password(url), options)
        } else if *online {
            let Access { url, token } = Surroundings::of_this_process().access()?;
            let mut options = HttpOptions::new(format!("{url}/prometheus"));
            options.bearer_token = Some(token.expose().to_owned());
            (url, options)
        } else {
            return Ok(None);
        };
        (options.timeout, options.concurrency) = (PATIENCE, AT_ONCE);
        let datasource = Datasource::http(options).with_context(|| format!("ask {name} what it has"))?;
        let (to, lookback) = (Clock::System.now(), lookback.unwrap_or(LOOKBACK));
        Ok(Some(Source { datasource, name, from: to - lookback.chrono(), to }))
    }
}

/// A data source, and the time in which something is there. Clones share connections.
#[derive(Clone, Debug)]
pub(super) struct Source {
    datasource: Datasource,
    /// For people.
    pub(super) name: String,
    from: Timestamp,
    to: Timestamp,
}

/// Prometheus' envelope.
#[derive(Deserialize)]
struct Envelope<T> {
    data: Option<T>,
    error: Option<String>,
}

/// What a range selector comes to.
#[derive(Deserialize)]
struct Matrix {
    result: Vec<Ranged>,
}

#[derive(Deserialize)]
struct Ranged {
    /// Seconds since 1970, and the value.
    #[serde(default)]
    values: Vec<(f64, IgnoredAny)>,
}

impl Source {
    /// Whether there is such a series. What is there now is cheaper to ask for than all that has been.
    pub(super) async fn has(&self, selector: &str) -> Result<bool, QueryError> {
        let counted = self.datasource.instant(&format!("count({selector})"), self.to).await?;
        if matches!(&counted.value, QueryValue::Vector(samples) if !samples.is_empty()) {
            return Ok(true);
        }
        let found: Vec<IgnoredAny> = self.within(&ApiPath::Series, &[("match[]", selector), ("limit", "1")]).await?;
        Ok(!found.is_empty())
    }

    /// The names of all metrics.
    pub(super) async fn metrics(&self) -> Result<Vec<String>, QueryError> {
        self.within(&ApiPath::LabelValues("__name__".to_owned()), &[]).await
    }

    /// The labels of such series.
    pub(super) async fn labels(&self, selector: &str) -> Result<Vec<String>, QueryError> {
        self.within(&ApiPath::Labels, &[("match[]", selector)]).await
    }

    /// The values that a label of such series has.
    pub(super) async fn values(&self, label: &str, selector: &str) -> Result<Vec<String>, QueryError> {
        self.within(&ApiPath::LabelValues(label.to_owned()), &[("match[]", selector)]).await
    }

    /// How far apart the samples of the densest such series are, if there are enough to tell.
    pub(super) async fn interval(&self, selector: &str) -> Result<Option<Span>, QueryError> {
        let densest = format!("topk(1, count_over_time({selector}[{COUNTED}]))");
        let QueryValue::Vector(samples) = self.datasource.instant(&densest, self.to).await?.value else {
            return Ok(None);
        };
        let Some(Sample { mut labels, .. }) = samples.into_iter().next() else { return Ok(None) };
        labels.remove(METRIC_NAME);
        let Ok(series) = promql::scope(selector, &labels) else { return Ok(None) };
        let (expr, time) = (format!("{}[{LOOKED_AT}]", series.text), self.to.timestamp().to_string());
        let pairs = [("query", expr.as_str()), ("time", time.as_str())];
        let found: Matrix = self.read(&ApiPath::Query, &pairs).await?;
        let values = found.result.into_iter().next().map(|series| series.values).unwrap_or_default();
        // Seconds with three decimals.
        let times: Vec<i64> = values.into_iter().map(|(seconds, _)| (seconds * 1e3).round() as i64).collect();
        Ok(scrape_interval(&times))
    }

    /// Reads something of the time in which things are there.
    async fn within<T: DeserializeOwned>(&self, path: &ApiPath, pairs: &[(&str, &str)]) -> Result<T, QueryError> {
        let (from, to) = (self.from.timestamp().to_string(), self.to.timestamp().to_string());
        self.read(path, &[pairs, &[("start", from.as_str()), ("end", to.as_str())]].concat()).await
    }

    async fn read<T: DeserializeOwned>(&self, path: &ApiPath, pairs: &[(&str, &str)]) -> Result<T, QueryError> {
        let pairs: Pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = self.datasource.get_raw(path, &pairs).await?;
        match serde_json::from_slice::<Envelope<T>>(&answer.body) {
            Ok(Envelope { data: Some(data), error: _ }) => Ok(data),
            Ok(Envelope { data: None, error }) if answer.status >= 500 => {
                Err(QueryError::Unreachable(format!("answered {}: {}", answer.status, error.unwrap_or_default())))
            }
            Ok(Envelope { data: None, error }) => {
                Err(QueryError::Rejected { kind: answer.status.to_string(), message: error.unwrap_or_default() })
            }
            Err(error) => Err(QueryError::Unreachable(format!("answered with something unexpected: {error}"))),
        }
    }
}
