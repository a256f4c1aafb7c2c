//! Prometheus' JSON, read straight into samples.
//!
//! No tree of values in between: an evaluation reads thousands of these a second. Only when `result` comes before
//! `resultType`, which no known source does, are its bytes looked at twice.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use vigil_domain::{Labels, QueryValue, Sample, Timestamp, number};

use crate::{QueryError, error::ErrorEnvelope};

/// What the source answered, with what it had to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    pub value: T,
    /// Prometheus' `warnings`; one says so when the answer is known to be partial.
    pub warnings: Vec<String>,
}

/// One series of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub labels: Labels,
    /// In time order; native histograms are left out.
    pub points: Vec<(Timestamp, f64)>,
}

/// Reads the answer to an instant query.
pub(crate) fn instant(body: &[u8]) -> Result<Answer<QueryValue>, QueryError> {
    let Answer { value, warnings } = read(body)?;
    let value = match value {
        Data::Vector(samples) => QueryValue::Vector(samples.into_iter().map(|element| element.0).collect()),
        Data::Scalar(value) => QueryValue::Scalar(value),
        Data::String(text) => QueryValue::String(text),
        Data::Matrix(_) => QueryValue::Matrix,
    };
    Ok(Answer { value, warnings })
}

/// Reads the answer to a range query, or to an instant query of a range.
pub(crate) fn range(body: &[u8]) -> Result<Answer<Vec<Series>>, QueryError> {
    let Answer { value, warnings } = read(body)?;
    let Data::Matrix(series) = value else {
        return Err(QueryError::Unreachable("answered with something else than a matrix".to_owned()));
    };
    Ok(Answer { value: series.into_iter().map(|element| element.0).collect(), warnings })
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    data: Option<Data>,
    warnings: Option<Vec<String>>,
    /// `VictoriaMetrics`' cluster sets it when a storage node is away.
    #[serde(rename = "isPartial", default)]
    is_partial: bool,
}

fn read(body: &[u8]) -> Result<Answer<Data>, QueryError> {
    let envelope: Envelope<'_> = match serde_json::from_slice(body) {
        Ok(envelope) => envelope,
        Err(error) => {
            return Err(QueryError::Unreachable(format!(
                "answered with something else than Prometheus' JSON: {error}"
            )));
        }
    };
    match envelope.data {
        Some(data) if envelope.status == "success" => {
            let mut warnings = envelope.warnings.unwrap_or_default();
            if envelope.is_partial {
                warnings.push("the answer is partial: a part of the data source is away".to_owned());
            }
            Ok(Answer { value: data, warnings })
        }
        Some(_) | None if ErrorEnvelope::read(body).is_some() => Err(QueryError::from_status(200, body)),
        Some(_) | None => Err(QueryError::Unreachable("answered without data".to_owned())),
    }
}

/// `{"resultType": …, "result": …}`.
enum Data {
    Vector(Vec<VectorElement>),
    Matrix(Vec<MatrixElement>),
    Scalar(f64),
    String(String),
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DataVisitor)
    }
}

struct DataVisitor;

impl<'de> Visitor<'de> for DataVisitor {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("resultType and result")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut kind: Option<Kind> = None;
        let mut unread: Option<&'de RawValue> = None;
        let mut data = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match (&*key, kind) {
                ("resultType", _) => kind = Some(map.next_value()?),
                ("result", Some(kind)) => {
                    data = Some(match kind {
                        Kind::Vector => Data::Vector(map.next_value()?),
                        Kind::Matrix => Data::Matrix(map.next_value()?),
                        Kind::Scalar => Data::Scalar(map.next_value::<ScalarPoint>()?.1.0),
                        Kind::String => Data::String(map.next_value::<StringPoint>()?.1),
                    });
                }
                ("result", None) => unread = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match (data, kind, unread) {
            (Some(data), _, _) => Ok(data),
            (None, Some(kind), Some(unread)) => read_late(kind, unread.get()).map_err(A::Error::custom),
            (None, None, _) => Err(A::Error::missing_field("resultType")),
            (None, _, None) => Err(A::Error::missing_field("result")),
        }
    }
}

fn read_late(kind: Kind, result: &str) -> Result<Data, serde_json::Error> {
    Ok(match kind {
        Kind::Vector => Data::Vector(serde_json::from_str(result)?),
        Kind::Matrix => Data::Matrix(serde_json::from_str(result)?),
        Kind::Scalar => Data::Scalar(serde_json::from_str::<ScalarPoint>(result)?.1.0),
        Kind::String => Data::String(serde_json::from_str::<StringPoint>(result)?.1),
    })
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Vector,
    Matrix,
    Scalar,
    String,
}

/// `[seconds, "1"]`: the instant is the one that was asked for.
#[derive(Deserialize)]
struct ScalarPoint(IgnoredAny, Number);

/// `[seconds, "text"]`.
#[derive(Deserialize)]
struct StringPoint(IgnoredAny, String);

#[derive(Deserialize)]
#[serde(try_from = "RawVectorElement")]
struct VectorElement(Sample);

/// `{"metric": {…}, "value": [seconds, "1"]}`, or `histogram` for a native one.
#[derive(Deserialize)]
struct RawVectorElement {
    #[serde(default)]
    metric: Metric,
    value: Option<ScalarPoint>,
    histogram: Option<IgnoredAny>,
}

impl TryFrom<RawVectorElement> for VectorElement {
    type Error = &'static str;

    fn try_from(raw: RawVectorElement) -> Result<Self, Self::Error> {
        let value = match (raw.value, raw.histogram) {
            (Some(point), _) => point.1.0,
            // An alert on a native histogram has value 0, as in Prometheus' own rules.
            (None, Some(_)) => 0.0,
            (None, None) => return Err("a sample without value"),
        };
        Ok(Self(Sample { labels: raw.metric.0, value }))
    }
}

#[derive(Deserialize)]
#[serde(from = "RawMatrixElement")]
struct MatrixElement(Series);

/// `{"metric": {…}, "values": [[seconds, "1"], …]}`.
#[derive(Deserialize)]
struct RawMatrixElement {
    #[serde(default)]
    metric: Metric,
    #[serde(default)]
    values: Vec<RangePoint>,
}

#[derive(Deserialize)]
struct RangePoint(f64, Number);

impl From<RawMatrixElement> for MatrixElement {
    fn from(raw: RawMatrixElement) -> Self {
        let points = raw.values.into_iter().filter_map(|RangePoint(seconds, value)| Some((moment(seconds)?, value.0)));
        Self(Series { labels: raw.metric.0, points: points.collect() })
    }
}

/// `None` outside of what a calendar holds.
fn moment(seconds: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_possible_truncation, reason = "saturates, and what saturates is no date")]
    Timestamp::from_timestamp_millis((seconds * 1_000.0).round() as i64)
}

/// Labels as the source names them; an empty value is no label.
#[derive(Default)]
struct Metric(Labels);

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MetricVisitor;

        impl<'de> Visitor<'de> for MetricVisitor {
            type Value = Metric;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a label set")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metric, A::Error> {
                let mut labels = Labels::default();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    labels.set(name, value);
                }
                Ok(Metric(labels))
            }
        }

        deserializer.deserialize_map(MetricVisitor)
    }
}

/// A value, which Prometheus writes as text because JSON has no NaN.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberVisitor;

        impl Visitor<'_> for NumberVisitor {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number as text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                number::parse(text).map(Number).ok_or_else(|| E::custom(format_args!("{text:?} is not a number")))
            }
        }

        deserializer.deserialize_str(NumberVisitor)
    }
}

#[cfg(test)]
mod tests;
