//! What either side answered, in a form to compare.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

/// How far numbers may be apart, as a share of the larger.
const TOLERANCE: f64 = 1e-6;

#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// With Prometheus' word for the kind of mistake.
    Refused {
        status: u16,
        kind: String,
        message: String,
    },
    Given {
        kind: String,
        elements: Vec<Element>,
    },
}

/// One series; a scalar or a string is one without labels.
#[derive(Clone, Debug)]
pub(super) struct Element {
    labels: BTreeMap<String, String>,
    /// Seconds since 1970, and the value as it is written.
    points: Vec<(f64, String)>,
}

impl Answer {
    /// Reads Prometheus' envelope.
    pub(super) fn read(status: u16, body: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("a text in {body}")).to_owned();
        if body["status"] != "success" {
            return Self::Refused { status, kind: text(&body["errorType"]), message: text(&body["error"]) };
        }
        let (kind, result) = (text(&body["data"]["resultType"]), &body["data"]["result"]);
        let point = |pair: &Value| (pair[0].as_f64().unwrap_or_else(|| panic!("a time in {body}")), text(&pair[1]));
        let points = |element: &Value| match element["values"].as_array() {
            Some(values) => values.iter().map(point).collect(),
            None => vec![point(&element["value"])],
        };
        let elements = match kind.as_str() {
            "scalar" | "string" => vec![Element { labels: BTreeMap::new(), points: vec![point(result)] }],
            _ => result
                .as_array()
                .expect("a list of series")
                .iter()
                .map(|element| {
                    let labels = element["metric"].as_object().expect("labels").iter();
                    let labels = labels.map(|(name, value)| (name.clone(), text(value))).collect();
                    Element { labels, points: points(element) }
                })
                .collect(),
        };
        Self::Given { kind, elements }
    }

    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// How many values it holds.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Refused { .. } => 0,
            Self::Given { elements, .. } => elements.iter().map(|element| element.points.len()).sum(),
        }
    }

    /// Without an order among its series.
    pub(super) fn sorted(mut self) -> Self {
        if let Self::Given { elements, .. } = &mut self {
            elements.sort_by(|one, other| one.labels.cmp(&other.labels));
        }
        self
    }

    /// What is not as in `other`.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        match (self, other) {
            (Self::Refused { status, kind, .. }, Self::Refused { status: other_status, kind: other_kind, .. }) => {
                ((status, kind) != (other_status, other_kind)).then(|| format!("{self} instead of {other}"))
            }
            (Self::Given { kind, elements }, Self::Given { kind: other_kind, elements: others })
                if kind == other_kind && elements.len() == others.len() =>
            {
                elements.iter().zip(others).find_map(|(one, other)| one.difference(other))
            }
            _ => Some(format!("{self} instead of {other}")),
        }
    }
}

impl Element {
    fn difference(&self, other: &Self) -> Option<String> {
        if self.labels != other.labels || self.points.len() != other.points.len() {
            return Some(format!("{self} instead of {other}"));
        }
        let pairs = self.points.iter().zip(&other.points);
        let unlike = |((at, value), (other_at, other)): &(&(f64, String), &(f64, String))| {
            (at - other_at).abs() > 1e-3 || !is_same(value, other)
        };
        let ((at, value), (other_at, other)) = pairs.into_iter().find(unlike)?;
        Some(format!("{} has {value} at {at} instead of {other} at {other_at}", Labels(&self.labels)))
    }
}

fn is_same(one: &str, other: &str) -> bool {
    let (Ok(number), Ok(other_number)) = (one.parse::<f64>(), other.parse::<f64>()) else { return one == other };
    let apart = (number - other_number).abs();
    number.to_bits() == other_number.to_bits()
        || (number.is_nan() && other_number.is_nan())
        || apart <= TOLERANCE * number.abs().max(other_number.abs()) && apart.is_finite()
}

struct Labels<'a>(&'a BTreeMap<String, String>);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|(name, _)| *name == "__name__");
        name.iter().try_for_each(|(_, name)| f.write_str(name))?;
        let others: Vec<String> = others.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        write!(f, "{{{}}}", others.join(","))
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Labels(&self.labels))?;
        self.points.iter().try_for_each(|(_, value)| write!(f, " {value}"))
    }
}

/// One line for each series.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, kind, message } => write!(f, "refused ({status} {kind}: {message})"),
            Self::Given { elements, .. } if elements.is_empty() => f.write_str("nothing"),
            Self::Given { elements, .. } => {
                let lines: Vec<String> = elements.iter().map(Element::to_string).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

#[test]
fn numbers_are_the_same_within_the_tolerance_only() {
    for (one, other, same) in [
        ("1", "1.0000009", true),
        ("1", "1.0000011", false),
        ("1e-9", "1.1e-9", false),
        ("0", "1e-300", false),
        ("NaN", "NaN", true),
        ("+Inf", "+Inf", true),
        ("+Inf", "-Inf", false),
        ("+Inf", "1", false),
        ("NaN", "0", false),
        ("x", "x", true),
        ("x", "y", false),
    ] {
        assert_eq!(is_same(one, other), same, "{one} and {other}");
    }
}
