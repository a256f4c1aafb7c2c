//! Frames as text. A frame is written once however many clients get it; results of expressions are laid into it.

use std::fmt::Write;

use axum::{body::Bytes, extract::ws::Utf8Bytes};
use serde::Serialize;
use serde_json::{json, value::to_raw_value};
use vigil_datasource::summary::{METRICS, Summary};
use vigil_domain::{Labels, QueryValue, Timestamp, id::ServerId, number};

/// How a frame without results ends; results go in between the brackets.
const NO_RESULTS: &str = "[]}";
/// More series are no longer something one watches.
const MOST_SERIES: usize = 1_000;
/// Stands for the answer to an expression that has not been answered yet.
pub(super) const NO_ANSWER: &str = r#""data":null,"error":"no answer yet""#;

#[derive(Serialize)]
struct FrameOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    server_id: ServerId,
    at: Timestamp,
    metrics: &'a std::collections::BTreeMap<&'static str, Option<f64>>,
    missing: &'a std::collections::BTreeMap<&'static str, String>,
    /// Last: see [`with_results`].
    results: [(); 0],
}

/// The frame of a summary, without results.
pub(super) fn summary(server_id: ServerId, at: Timestamp, summary: &Summary) -> String {
    let Summary { metrics, missing } = summary;
    let frame = FrameOut { kind: "frame", server_id, at, metrics, missing, results: [] };
    serde_json::to_string(&frame).expect("numbers and text are JSON")
}

/// A summary of which nothing is known, and why.
pub(super) fn unknown(why: &str) -> Summary {
    Summary {
        metrics: METRICS.iter().map(|metric| (metric.name, None)).collect(),
        missing: METRICS.iter().map(|metric| (metric.name, why.to_owned())).collect(),
    }
}

/// The answer to an expression, as the rest of an object that begins with `expr`: Prometheus' `data`, or an error.
pub(super) fn answer(at: Timestamp, value: Result<QueryValue, String>) -> String {
    match value.and_then(|value| data(at, value)) {
        Ok(data) => format!(r#""data":{data}"#),
        Err(error) => format!(r#""data":null,"error":{}"#, json!(error)),
    }
}

#[derive(Serialize)]
struct SeriesOut<'a> {
    metric: &'a Labels,
    value: (f64, String),
}

fn data(at: Timestamp, value: QueryValue) -> Result<String, String> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of today are far below 2^53")]
    let seconds = at.timestamp_millis() as f64 / 1e3;
    let point = |value: f64| (seconds, number::format(value));
    let (kind, result) = match &value {
        QueryValue::Vector(samples) if samples.len() > MOST_SERIES => {
            return Err(format!("has {} series; at most {MOST_SERIES} are sent", samples.len()));
        }
        QueryValue::Vector(samples) => {
            let series = samples.iter().map(|sample| SeriesOut { metric: &sample.labels, value: point(sample.value) });
            ("vector", to_raw_value(&series.collect::<Vec<_>>()))
        }
        QueryValue::Scalar(value) => ("scalar", to_raw_value(&point(*value))),
        QueryValue::String(text) => ("string", to_raw_value(&(seconds, text))),
        QueryValue::Matrix => return Err("evaluates to a range vector".to_owned()),
    };
    let result = result.expect("labels and numbers are JSON");
    Ok(format!(r#"{{"resultType":"{kind}","result":{result}}}"#))
}

/// Lays results into a frame: pairs of an expression, as JSON text, and its [`answer`].
pub(super) fn with_results<'a>(frame: &str, results: impl Iterator<Item = (&'a str, Utf8Bytes)>) -> Utf8Bytes {
    let mut text = frame.strip_suffix(NO_RESULTS).unwrap_or(frame).to_owned();
    for (index, (expr, answer)) in results.enumerate() {
        let opening = if index == 0 { '[' } else { ',' };
        let _ = write!(text, r#"{opening}{{"expr":{expr},{answer}}}"#);
    }
    text.push_str("]}");
    text.into()
}

/// Tells a client what is wrong with what it sent.
pub(super) fn error(message: &str) -> Utf8Bytes {
    json!({"type": "error", "message": message}).to_string().into()
}

/// What travels between processes: the instant in milliseconds, a space, the text.
pub(super) fn pack(at: Timestamp, text: &str) -> Bytes {
    format!("{} {text}", at.timestamp_millis()).into()
}

/// Reads what [`pack`] wrote; `None` if it is anything else.
pub(super) fn unpack(packed: &Bytes) -> Option<(Timestamp, Utf8Bytes)> {
    let space = packed.iter().position(|byte| *byte == b' ')?;
    let millis = std::str::from_utf8(&packed[..space]).ok()?.parse().ok()?;
    let text = Utf8Bytes::try_from(packed.slice(space + 1..)).ok()?;
    Some((Timestamp::from_timestamp_millis(millis)?, text))
}

#[cfg(test)]
mod tests {
    use vigil_domain::Sample;

    use super::*;

    fn at() -> Timestamp {
        "2026-01-02T03:04:05.250Z".parse().unwrap()
    }

    fn parsed(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_frame_has_all_eleven_figures_and_says_why_one_is_missing() {
        let mut known = unknown("no series");
        known.metrics.insert("load1", Some(0.5));
        known.missing.remove("load1");
        let server = ServerId::random();
        let frame = parsed(&summary(server, at(), &known));
        assert_eq!(frame["type"], "frame");
        assert_eq!(frame["server_id"], server.to_string());
        assert_eq!(frame["at"], "2026-01-02T03:04:05.250Z");
        assert_eq!(frame["metrics"].as_object().unwrap().len(), 11);
        assert_eq!(frame["metrics"]["load1"], 0.5);
        assert_eq!(frame["metrics"]["cpu_percent"], serde_json::Value::Null);
        assert_eq!(frame["missing"]["cpu_percent"], "no series");
        assert_eq!(frame["results"], json!([]));
    }

    #[test]
    fn results_are_laid_into_the_frame_in_prometheus_shape() {
        let base = summary(ServerId::random(), at(), &unknown("away"));
        let labels = Labels::from([("instance", "web \"1\"")]);
        let vector = answer(at(), Ok(QueryValue::Vector(vec![Sample { labels, value: f64::NAN }])));
        let scalar = answer(at(), Ok(QueryValue::Scalar(f64::INFINITY)));
        let failed = answer(at(), Err("bad_data: \"x\"".to_owned()));
        let pieces = [(r#""up""#, vector.into()), (r#""1""#, scalar.into()), (r#""x""#, failed.into())];
        let frame = parsed(with_results(&base, pieces.into_iter()).as_str());
        assert_eq!(
            frame["results"],
            json!([
                {"expr": "up", "data": {"resultType": "vector",
                    "result": [{"metric": {"instance": "web \"1\""}, "value": [1767323045.25, "NaN"]}]}},
                {"expr": "1", "data": {"resultType": "scalar", "result": [1767323045.25, "+Inf"]}},
                {"expr": "x", "data": null, "error": "bad_data: \"x\""},
            ])
        );
        assert_eq!(frame["metrics"], parsed(&base)["metrics"]);
    }

    #[test]
    fn what_has_too_many_series_or_no_instant_is_an_error() {
        let sample = Sample { labels: Labels::default(), value: 1.0 };
        for value in [QueryValue::Vector(vec![sample; MOST_SERIES + 1]), QueryValue::Matrix] {
            assert!(answer(at(), Ok(value)).starts_with(r#""data":null,"error":"#));
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_and_nothing_else_is() {
        let packed = pack(at(), "{\"a\": \"ü b\"}");
        assert_eq!(unpack(&packed), Some((at(), "{\"a\": \"ü b\"}".into())));
        for garbage in [&b""[..], b" ", b"1", b"x {}", b"1 \xff", b"99999999999999999999 {}"] {
            assert_eq!(unpack(&Bytes::copy_from_slice(garbage)), None, "{garbage:?}");
        }
    }
}
