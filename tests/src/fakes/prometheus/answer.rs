//! Answers in the shapes of Prometheus' HTTP API.

use crate::fakes::Labels;
use axum::Json;
use serde_json::{Value, json};

/// `{"status": "success", "data": …}` with one kind of result.
pub(super) fn result(kind: &str, result: Value) -> Value {
    json!({ "status": "success", "data": { "resultType": kind, "result": result } })
}

/// `{"status": "success", "data": …}` with anything else.
pub(super) fn success(data: &Value) -> Json<Value> {
    Json(json!({ "status": "success", "data": data }))
}

/// The body of a failure.
pub(super) fn error(kind: &str, reason: &str) -> String {
    json!({ "status": "error", "errorType": kind, "error": reason }).to_string()
}

/// The series of an instant vector, at `time` (seconds).
pub(super) fn vector(series: &[(Labels, f64)], time: f64) -> Value {
    series.iter().map(|(metric, value)| json!({ "metric": metric, "value": point(time, *value) })).collect()
}

/// The series of a range, each with its one value at every step.
pub(super) fn matrix(series: &[(Labels, f64)], times: &[f64]) -> Value {
    let points = |value| times.iter().map(|time| point(*time, value)).collect::<Vec<_>>();
    series.iter().map(|(metric, value)| json!({ "metric": metric, "values": points(*value) })).collect()
}

/// `[time, "value"]`: values are text, so that they can be infinite or none.
pub(super) fn point(time: f64, value: f64) -> Value {
    let text = match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value if value.is_nan() => "NaN".to_owned(),
        value => value.to_string(),
    };
    json!([time, text])
}
