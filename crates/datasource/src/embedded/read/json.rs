//! Answers in Prometheus' JSON.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use vigil_domain::number;
use vigil_promql::{self as promql, SeriesLabels, Value};

use crate::RawAnswer;

#[derive(Serialize)]
struct Envelope<'a, T> {
    status: &'static str,
    data: &'a T,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    infos: &'a [String],
}

pub(super) fn success<T: Serialize + ?Sized>(data: &T, warnings: &[String]) -> RawAnswer {
    told(data, warnings, &[])
}

pub(super) fn told<T: Serialize + ?Sized>(data: &T, warnings: &[String], infos: &[String]) -> RawAnswer {
    let envelope = Envelope { status: "success", data: &data, warnings, infos };
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    RawAnswer { status: 200, body: Bytes::from(body) }
}

pub(super) fn failure(kind: &str, message: &str) -> RawAnswer {
    let status = match kind {
        "bad_data" => 400,
        "timeout" | "canceled" => 503,
        _ => 422,
    };
    let envelope = BTreeMap::from([("status", "error"), ("errorType", kind), ("error", message)]);
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    RawAnswer { status, body: Bytes::from(body) }
}

/// A label set as an object.
pub(super) struct Metric<'a>(pub(super) &'a SeriesLabels);

impl Serialize for Metric<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pairs = self.0.pairs();
        let mut map = serializer.serialize_map(Some(pairs.len()))?;
        for (name, value) in pairs {
            map.serialize_entry(name.as_ref(), value.as_ref())?;
        }
        map.end()
    }
}

/// `{"resultType": …, "result": …}`.
pub(super) struct Data<'a> {
    pub(super) value: &'a Value,
    pub(super) at_ms: i64,
}

/// `[seconds, "1"]`.
struct Pair(i64, f64);

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (seconds(self.0), number::format(self.1)).serialize(serializer)
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a float")]
fn seconds(at_ms: i64) -> f64 {
    at_ms as f64 / 1_000.0
}

#[derive(Serialize)]
struct Element<'a> {
    metric: Metric<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Pair>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Pair>>,
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        let kind = match self.value {
            Value::Scalar(_) => "scalar",
            Value::String(_) => "string",
            Value::Vector(_) => "vector",
            Value::Matrix(_) => "matrix",
        };
        map.serialize_entry("resultType", kind)?;
        match self.value {
            Value::Scalar(value) => map.serialize_entry("result", &Pair(self.at_ms, *value))?,
            Value::String(text) => map.serialize_entry("result", &(seconds(self.at_ms), text))?,
            Value::Vector(samples) => {
                let elements = samples.iter().map(|sample| Element {
                    metric: Metric(&sample.labels),
                    value: Some(Pair(self.at_ms, sample.value)),
                    values: None,
                });
                map.serialize_entry("result", &elements.collect::<Vec<_>>())?;
            }
            Value::Matrix(series) => {
                let pairs = |one: &promql::Series| one.points.iter().map(|at| Pair(at.at_ms, at.value)).collect();
                let elements = series.iter().map(|one| Element {
                    metric: Metric(&one.labels),
                    value: None,
                    values: Some(pairs(one)),
                });
                map.serialize_entry("result", &elements.collect::<Vec<_>>())?;
            }
        }
        map.end()
    }
}
