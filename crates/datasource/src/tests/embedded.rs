//! Prometheus' reads, answered from the store in this process.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use vigil_domain::{Labels, QueryValue, Sample, Span, Timestamp, sample::stale_marker};
use vigil_promql::{Point, SeriesLabels};
use vigil_samples::{Clock, Metadata, Options, Store};

use crate::{ApiPath, Datasource, EmbeddedOptions, QueryError, WriteError};

/// Seconds since 1970.
const NOW: i64 = 1_800_000_000;

struct Bed {
    source: Datasource,
    store: Store,
    _folder: tempfile::TempDir,
}

/// `up` of two jobs, every 15 s for five minutes up to [`NOW`].
async fn bed() -> Bed {
    bed_with(Options::default()).await
}

async fn bed_with(options: Options) -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::new(|| NOW * 1_000);
    let store = Store::open(&folder.path().join("samples.db"), Options { clock, ..options }).await.unwrap();
    let series = |job: &str| {
        SeriesLabels::new([("__name__", "up"), ("job", job)].map(|(name, value)| (Arc::from(name), Arc::from(value))))
    };
    for back in (0..20).rev() {
        let at_ms = (NOW - back * 15) * 1_000;
        let one = |job: &str, value: f64| (series(job), Point { at_ms, value });
        assert_eq!(store.append(&[one("a", 1.0), one("b", 0.5)]).accepted, 2);
    }
    let about = Metadata { kind: "gauge".to_owned(), help: "Whether it answers.".to_owned(), unit: String::new() };
    store.set_metadata("up", about);
    let limits = vigil_promql::Options::default();
    let options = EmbeddedOptions { timeout: Duration::from_secs(10), concurrency: 2, limits };
    Bed { source: Datasource::embedded(store.clone(), options), store, _folder: folder }
}

impl Bed {
    async fn read(&self, path: ApiPath, pairs: &[(&str, &str)]) -> (u16, Value) {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = self.source.get_raw(&path, &pairs).await.unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    async fn data(&self, path: ApiPath, pairs: &[(&str, &str)]) -> Value {
        let (status, body) = self.read(path, pairs).await;
        assert_eq!((status, &body["status"]), (200, &json!("success")), "{body}");
        body["data"].clone()
    }
}

#[tokio::test]
async fn queries_are_answered_in_prometheus_shapes() {
    let bed = bed().await;
    let at = "1800000000";
    assert_eq!(
        bed.data(ApiPath::Query, &[("query", "up > 0.6"), ("time", at)]).await,
        json!({"resultType": "vector", "result": [
            {"metric": {"__name__": "up", "job": "a"}, "value": [1_800_000_000.0, "1"]},
        ]})
    );
    let later = [("query", "up"), ("time", "1800000100"), ("lookback_delta", "90")];
    assert_eq!(bed.data(ApiPath::Query, &later).await, json!({"resultType": "vector", "result": []}));
    // Without a time it is now.
    assert_eq!(
        bed.data(ApiPath::Query, &[("query", "1 / 0")]).await,
        json!({"resultType": "scalar", "result": [1_800_000_000.0, "+Inf"]})
    );
    assert_eq!(
        bed.data(ApiPath::Query, &[("query", "'x'"), ("time", at)]).await,
        json!({"resultType": "string", "result": [1_800_000_000.0, "x"]})
    );
    let range = [("query", "sum(up)"), ("start", "1799999970"), ("end", at), ("step", "15s")];
    let values = json!([[1_799_999_970.0, "1.5"], [1_799_999_985.0, "1.5"], [1_800_000_000.0, "1.5"]]);
    assert_eq!(
        bed.data(ApiPath::QueryRange, &range).await,
        json!({"resultType": "matrix", "result": [{"metric": {}, "values": values}]})
    );
}

#[tokio::test]
async fn lookups_name_what_is_there() {
    let bed = bed().await;
    let up = |job: &str| json!({"__name__": "up", "job": job});
    assert_eq!(bed.data(ApiPath::Series, &[("match[]", "up")]).await, json!([up("a"), up("b")]));
    assert_eq!(bed.data(ApiPath::Series, &[("match[]", "up{job='b'}"), ("match[]", "none")]).await, json!([up("b")]));
    assert_eq!(bed.data(ApiPath::Series, &[("match[]", "up"), ("end", "1700000000")]).await, json!([]));
    assert_eq!(bed.data(ApiPath::Labels, &[]).await, json!(["__name__", "job"]));
    let job = || ApiPath::LabelValues("job".to_owned());
    assert_eq!(bed.data(job(), &[]).await, json!(["a", "b"]));
    assert_eq!(bed.data(job(), &[("match[]", "up{job!='a'}")]).await, json!(["b"]));
    let (_, limited) = bed.read(job(), &[("limit", "1")]).await;
    assert_eq!((&limited["data"], &limited["warnings"]), (&json!(["a"]), &json!(["results truncated due to limit"])));
    let about = json!({"up": [{"type": "gauge", "help": "Whether it answers.", "unit": ""}]});
    assert_eq!(bed.data(ApiPath::Metadata, &[]).await, about);
    assert_eq!(bed.data(ApiPath::Metadata, &[("metric", "none")]).await, json!({}));
    assert_eq!(bed.data(ApiPath::Exemplars, &[("query", "up")]).await, json!([]));
    assert_eq!(bed.data(ApiPath::FormatQuery, &[("query", "sum(up)by(job)")]).await, json!("sum by (job) (up)"));
}

#[tokio::test]
async fn what_there_is_to_say_about_an_answer_is_beside_its_data() {
    let bed = bed().await;
    let at = ("time", "1800000000");
    let (_, quiet) = bed.read(ApiPath::Query, &[("query", "up"), at]).await;
    assert_eq!((quiet.get("warnings"), quiet.get("infos")), (None, None));
    let (_, told) = bed.read(ApiPath::Query, &[("query", "quantile(2, rate(up[1m]))"), at]).await;
    assert_eq!(told["warnings"], json!(["PromQL warning: quantile value should be between 0 and 1, got 2"]));
    let info = "PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"up\"";
    assert_eq!(told["infos"], json!([info]));
    let (_, cut) = bed.read(ApiPath::Query, &[("query", "rate(up[1m])"), at, ("limit", "1")]).await;
    assert_eq!((&cut["warnings"], &cut["infos"]), (&json!(["results truncated due to limit"]), &json!([info])));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_in_an_envelope() {
    let bed = bed().await;
    for (path, pairs, status, kind, text) in [
        (ApiPath::Query, vec![("query", "up[")], 400, "bad_data", ""),
        (ApiPath::Query, vec![("query", "up"), ("time", "x")], 400, "bad_data", "invalid parameter \"time\""),
        (ApiPath::Query, vec![("query", "up"), ("timeout", "0")], 400, "bad_data", "invalid parameter \"timeout\""),
        (
            ApiPath::Query,
            vec![("query", "count_over_time(up[5m:1ms])"), ("timeout", "0.001")],
            503,
            "timeout",
            "query timed out",
        ),
        (ApiPath::Query, vec![("query", "up + on() up")], 422, "execution", "many-to-many matching not allowed"),
        (ApiPath::QueryRange, vec![("query", "up"), ("start", "0"), ("end", "1")], 400, "bad_data", "\"step\""),
        (
            ApiPath::QueryRange,
            vec![("query", "up"), ("start", "0"), ("end", "1800000000"), ("step", "1")],
            422,
            "execution",
            "exceeded maximum resolution of 11000 points",
        ),
        (ApiPath::Series, vec![], 400, "bad_data", "no match[] parameter provided"),
        (ApiPath::Series, vec![("match[]", "sum(up)")], 400, "bad_data", "is no series selector"),
        (ApiPath::Labels, vec![("start", "2"), ("end", "1")], 400, "bad_data", "end timestamp must not be before"),
        (ApiPath::LabelValues("a b".to_owned()), vec![], 400, "bad_data", "invalid label name: \"a b\""),
        (ApiPath::Labels, vec![("limit", "-1")], 400, "bad_data", "invalid parameter \"limit\""),
    ] {
        let (answered, body) = bed.read(path, &pairs).await;
        assert_eq!((answered, &body["errorType"]), (status, &json!(kind)), "{pairs:?}: {body}");
        assert!(body["error"].as_str().is_some_and(|error| error.contains(text)), "{pairs:?}: {body}");
    }
}

#[tokio::test]
async fn rules_are_answered_with_values_and_their_errors_do_not_blame_the_source() {
    let bed = bed().await;
    let at = Timestamp::from_timestamp(NOW, 0).unwrap();
    let QueryValue::Vector(samples) = bed.source.instant("count(up)", at).await.unwrap().value else {
        panic!("a vector is expected")
    };
    assert_eq!(samples.iter().map(|sample| sample.value.to_string()).collect::<Vec<_>>(), ["2"]);
    let from = at - chrono::TimeDelta::seconds(30);
    let series = bed.source.range("up", (from, at), "15s".parse::<Span>().unwrap()).await.unwrap().value;
    assert_eq!(series.iter().map(|series| series.points.len()).collect::<Vec<_>>(), [3, 3]);
    let error = bed.source.instant("up + on() up", at).await.unwrap_err();
    assert!(matches!(&error, QueryError::Rejected { kind, .. } if kind == "execution"), "{error}");
    assert!(!error.is_source_failure());
    bed.source.healthy().await.unwrap();
}

#[tokio::test]
async fn a_store_that_nears_its_limit_says_so_with_every_answer() {
    let pairs = [("query", "count(up)")];
    let (_, roomy) = bed().await.read(ApiPath::Query, &pairs).await;
    assert!(roomy["warnings"].is_null(), "{roomy}");
    let bed = bed_with(Options { max_bytes: Some(64 << 10), ..Options::default() }).await;
    let (status, full) = bed.read(ApiPath::Query, &pairs).await;
    let hint = full["warnings"][0].as_str().unwrap_or_default();
    assert!(status == 200 && hint.contains("bring a Prometheus and set VIGIL_DATASOURCE__URL"), "{full}");
}

fn seconds_from_now(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(NOW + seconds, 0).unwrap()
}

/// An `ALERTS` of the alert `name`.
fn alert(name: &str, value: f64) -> Sample {
    Sample { labels: Labels::from([("__name__", "ALERTS"), ("alertname", name)]), value }
}

impl Bed {
    /// `alertname` of every `ALERTS` at that time.
    async fn alerts(&self, at: Timestamp) -> Vec<String> {
        let QueryValue::Vector(samples) = self.source.instant("ALERTS", at).await.unwrap().value else {
            panic!("a vector is expected")
        };
        let name = |sample: &Sample| sample.labels.get("alertname").unwrap_or_default().to_owned();
        let mut names: Vec<_> = samples.iter().map(name).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn what_is_written_back_is_read_at_the_same_instant() {
    let bed = bed().await;
    assert!(bed.source.writes_by_default());
    let (first, second) = (seconds_from_now(0), seconds_from_now(15));
    bed.source.write(&[alert("A", 1.0), alert("B", 1.0)], first).await.unwrap();
    assert_eq!(bed.alerts(first).await, ["A", "B"]);
    assert_eq!(bed.alerts(seconds_from_now(-1)).await, [""; 0]);
    bed.source.write(&[alert("A", stale_marker()), alert("B", 1.0)], second).await.unwrap();
    assert_eq!(bed.alerts(second).await, ["B"]);
    assert_eq!(bed.alerts(seconds_from_now(14)).await, ["A", "B"]);
}

#[tokio::test]
async fn writing_the_same_again_is_no_mistake() {
    let bed = bed().await;
    for _ in 0..2 {
        bed.source.write(&[alert("A", 1.0), alert("B", stale_marker())], seconds_from_now(0)).await.unwrap();
    }
    assert_eq!(bed.alerts(seconds_from_now(0)).await, ["A"]);
}

#[tokio::test]
async fn what_the_store_refuses_is_named_and_keeps_nothing_else_back() {
    let bed = bed().await;
    bed.source.write(&[alert("A", 1.0), alert("B", 1.0)], seconds_from_now(0)).await.unwrap();
    let odd = Sample { labels: Labels::from([("__name__", "ALERTS"), ("a-b", "x")]), value: 1.0 };
    let a_year_ago = seconds_from_now(-365 * 86_400);
    for (samples, at, told) in [
        (
            vec![alert("A", 1.0), alert("C", 1.0)],
            seconds_from_now(-5),
            "out of order: the series has a later point (1 of",
        ),
        (
            vec![alert("A", 2.0), alert("B", 2.0)],
            seconds_from_now(0),
            "another value at this time (2 of them, such as {",
        ),
        (vec![odd], seconds_from_now(0), "a label's name is not [a-zA-Z_]"),
        (vec![alert("A", 1.0)], a_year_ago, "older than the store keeps points"),
        (vec![alert("A", 1.0)], seconds_from_now(3_600), "more than 10 minutes ahead"),
    ] {
        let error = bed.source.write(&samples, at).await.unwrap_err();
        assert!(matches!(error, WriteError::Rejected(_)) && !error.is_source_failure(), "{error:?}");
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(bed.alerts(seconds_from_now(0)).await, ["A", "B", "C"]);
}

#[tokio::test]
async fn a_closed_store_takes_nothing() {
    let bed = bed().await;
    bed.store.close().await.unwrap();
    let error = bed.source.write(&[alert("A", 1.0)], seconds_from_now(0)).await.unwrap_err();
    assert_eq!(error.to_string(), "samples were not written: the program is ending");
    assert!(error.is_source_failure());
}

#[tokio::test]
async fn a_long_write_is_taken_whole() {
    let bed = bed().await;
    let all: Vec<_> = (0..2_500).map(|n| alert(&n.to_string(), 1.0)).collect();
    bed.source.write(&all, seconds_from_now(0)).await.unwrap();
    assert_eq!(bed.alerts(seconds_from_now(0)).await.len(), 2_500);
}

#[tokio::test]
async fn samples_come_as_they_were_written_and_without_the_end_of_their_series() {
    let bed = bed().await;
    let now = Timestamp::from_timestamp(NOW, 0).unwrap();
    let ended = Sample { labels: Labels::from([("__name__", "up"), ("job", "b")]), value: stale_marker() };
    bed.source.write(&[ended], now + Span::from_secs(1).chrono()).await.unwrap();
    let found = bed.source.samples("up[31s]", now + Span::from_secs(1).chrono()).await.unwrap().value;
    let times = |job: &str| {
        let series = found.iter().find(|series| series.labels.get("job") == Some(job)).unwrap();
        series.points.iter().map(|(at, _)| at.timestamp()).collect::<Vec<_>>()
    };
    assert_eq!((times("a"), times("b")), (vec![NOW - 15, NOW], vec![NOW - 15, NOW]));
    let refused = bed.source.samples("up", now).await.unwrap_err();
    assert!(matches!(refused, QueryError::Rejected { .. }), "{refused}");
}
