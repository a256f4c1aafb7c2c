//! Samples pushed to a Prometheus: remote write 1.0.
//!
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>

use std::sync::Arc;

use prost::Message;
use vigil_promql::Series;
use vigil_tests::services::Prometheus;

/// So many series go in one request.
const BATCH: usize = 100;

#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

impl From<&Series> for TimeSeries {
    fn from(series: &Series) -> Self {
        let label = |(name, value): &(Arc<str>, Arc<str>)| Label { name: name.to_string(), value: value.to_string() };
        let labels = series.labels.pairs().iter().map(label).collect();
        let samples = series.points.iter();
        let samples = samples.map(|point| Sample { value: point.value, timestamp: point.at_ms }).collect();
        Self { labels, samples }
    }
}

/// Writes `series` to `prometheus`, which must take them all.
pub(super) async fn push(prometheus: &Prometheus, series: &[Series]) {
    let client = reqwest::Client::new();
    for batch in series.chunks(BATCH) {
        let request = WriteRequest { timeseries: batch.iter().map(TimeSeries::from).collect() };
        let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec()).expect("less than 4 GiB");
        let request = client.post(format!("{}/api/v1/write", prometheus.url()));
        let request = request.header("content-encoding", "snappy").header("content-type", "application/x-protobuf");
        let request = request.header("x-prometheus-remote-write-version", "0.1.0").body(body);
        let answer = request.send().await.expect("Prometheus answers");
        let status = answer.status();
        assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap_or_default());
    }
}
