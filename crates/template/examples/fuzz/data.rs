//! The alert of a case, and what queries find.

use std::sync::Arc;

use vigil_template::{Asked, LabelMap, Sample, Scene};

use crate::dice::Dice;

const VALUES: [f64; 14] = [
    0.0,
    -0.0,
    1.0,
    -1.5,
    0.5,
    1e3,
    1e6,
    1e21,
    1e-7,
    1.435_065_584e9,
    f64::MAX,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];
const NAMES: [&str; 6] = ["job", "instance", "__name__", "num", "nope", "__value__"];
const TEXTS: [&str; 10] =
    ["", "api", "web-1.example.com:8080", "12.5", "a\nb", "<\"&'>", "日本 🦀", "[::1]:80", "$1", "%d {{1}}"];

/// A template and what it is told.
pub(crate) struct Case {
    pub(crate) text: String,
    pub(crate) value: f64,
    pub(crate) labels: Arc<LabelMap>,
    external_labels: Arc<LabelMap>,
    now_ms: i64,
    found: Vec<Sample>,
}

/// Makes up all but the text.
pub(crate) fn case(text: String, dice: &mut Dice) -> Case {
    let found = (0..dice.below(4)).map(|_| Sample { labels: labels(dice), value: value(dice) });
    let found = found.collect();
    let now_ms = dice.pick(&[0, 120_000, 1_435_065_584_128, -1, i64::MAX, i64::MIN]);
    Case { text, value: value(dice), labels: labels(dice), external_labels: labels(dice), now_ms, found }
}

fn value(dice: &mut Dice) -> f64 {
    if dice.one_in(4) { f64::from_bits(dice.next()) } else { dice.pick(&VALUES) }
}

fn labels(dice: &mut Dice) -> Arc<LabelMap> {
    let pairs = (0..dice.below(5)).map(|_| (dice.pick(&NAMES).into(), dice.pick(&TEXTS).into()));
    Arc::new(pairs.collect())
}

impl Case {
    pub(crate) fn scene(&self) -> Scene<'_> {
        Scene {
            labels: &self.labels,
            external_labels: &self.external_labels,
            external_url: "https://vigil.example.com/path",
            value: self.value,
            now_ms: self.now_ms,
        }
    }

    /// The same for the same query.
    pub(crate) fn answer(&self, query: &str) -> Asked {
        match query.len() % 7 {
            0 => Asked::Failed(format!("no {query:.20}")),
            1 => Asked::Answer(Vec::new()),
            _ => Asked::Answer(self.found.clone()),
        }
    }
}
