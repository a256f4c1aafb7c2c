//! Series for a query: of the names it mentions, with everything that makes series hard.

use vigil_promql::{Point, Series, SeriesLabels, stale_marker};

use crate::{corpus::Corpus, dice::Dice, held};

/// A query, the series it is asked of, and when.
pub(crate) struct Case {
    pub(crate) text: String,
    pub(crate) data: Vec<Series>,
    pub(crate) start_ms: i64,
    pub(crate) step_ms: i64,
    pub(crate) steps: i64,
    /// Whether two series have the same labels, which a store never hands out.
    pub(crate) doubled: bool,
}

const HARD: [f64; 14] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -0.0,
    1.0,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    5e-324,
    1e300,
    -1e300,
    9.3e18,
    0.1,
];

pub(crate) fn case(corpus: &Corpus, text: String, dice: &mut Dice) -> Case {
    let interval_ms = dice.pick(&[1_000, 10_000, 15_000, 30_000, 60_000, 300_000]);
    let length = dice.pick(&[0, 1, 2, 10, 40, 90]);
    let mut data: Vec<Series> = chosen(corpus, &text, dice)
        .into_iter()
        .map(|labels| Series { points: points(&labels, interval_ms, length, dice), labels })
        .collect();
    let doubled = dice.one_in(40) && !data.is_empty();
    if doubled {
        let again = data[dice.below(data.len())].clone();
        data.push(again);
    }
    let start_ms = interval_ms * whole(dice.below(length + 3)) + dice.pick(&[0, 0, 0, 1, -1, 500, -interval_ms]);
    let step_ms = dice.pick(&[1, 1_000, 7_000, 15_000, 60_000, 61_001, 3_600_000]);
    Case { text, data, start_ms, step_ms, steps: whole(dice.below(12)), doubled }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Label sets that the text may be about, some of them changed.
fn chosen(corpus: &Corpus, text: &str, dice: &mut Dice) -> Vec<SeriesLabels> {
    let mentioned = |labels: &&SeriesLabels| labels.metric().is_some_and(|name| text.contains(name));
    let mut found: Vec<&SeriesLabels> = corpus.series.iter().filter(mentioned).collect();
    dice.shuffle(&mut found);
    found.truncate(1 + dice.below(24));
    let others = dice.below(4);
    found.extend((0..others).map(|_| dice.one_of(&corpus.series)));
    let mut sets: Vec<SeriesLabels> = found.into_iter().map(|labels| changed(labels, dice)).collect();
    sets.sort();
    sets.dedup();
    dice.shuffle(&mut sets);
    sets
}

fn changed(labels: &SeriesLabels, dice: &mut Dice) -> SeriesLabels {
    if !dice.one_in(5) {
        return labels.clone();
    }
    let mut pairs: Vec<(&str, &str)> =
        labels.pairs().iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    let bounds = ["+Inf", "Inf", "inf", "0.1", "1", "1e3", "-1", "NaN", "", "x", "0x1p-2", "1_0"];
    match dice.below(5) {
        0 if !pairs.is_empty() => drop(pairs.remove(dice.below(pairs.len()))),
        1 => pairs.push(("job", dice.pick(&["x", "y", "é\"\\\n", ""]))),
        2 => pairs.push(("__name__", dice.pick(&["foo", "bar", "up", "a_bucket", "a.b"]))),
        _ => pairs.push(("le", dice.pick(&bounds))),
    }
    held::labels(&pairs)
}

#[derive(Clone, Copy)]
enum Shape {
    Counter,
    Bucket(f64),
    Gauge,
    Constant(f64),
    Hard,
}

fn shape(labels: &SeriesLabels, dice: &mut Dice) -> Shape {
    let bound = labels.get("le").and_then(|le| le.parse().ok());
    match (bound, dice.below(8)) {
        (Some(bound), 0..=5) => Shape::Bucket(bound),
        (_, 0..=2) => Shape::Counter,
        (_, 3..=5) => Shape::Gauge,
        (_, 6) => Shape::Constant(dice.pick(&HARD)),
        _ => Shape::Hard,
    }
}

fn points(labels: &SeriesLabels, interval_ms: i64, length: usize, dice: &mut Dice) -> Vec<Point> {
    let shape = shape(labels, dice);
    let (gaps, markers, resets) = (dice.pick(&[3, 20, 10_000]), dice.pick(&[4, 25, 10_000]), dice.pick(&[5, 1_000]));
    let from = if dice.one_in(4) { whole(dice.below(length + 1)) } else { 0 };
    let jitter = if dice.one_in(2) { interval_ms / 3 } else { 0 };
    let mut points: Vec<Point> = Vec::new();
    let mut total = 0.0;
    for index in from..whole(length) {
        if dice.one_in(gaps) {
            continue;
        }
        if dice.one_in(resets) {
            total = 0.0;
        }
        total += whole(dice.below(50)) as f64;
        let value = match shape {
            _ if dice.one_in(markers) => stale_marker(),
            Shape::Counter => total,
            Shape::Bucket(bound) => (total * (bound.clamp(0.0, 20.0) / 20.0)).floor(),
            Shape::Gauge => (dice.share() - 0.5) * 200.0,
            Shape::Constant(value) => value,
            Shape::Hard => dice.pick(&HARD),
        };
        let moved = if jitter == 0 { 0 } else { whole(dice.below(usize::try_from(jitter).unwrap_or(1))) };
        points.push(Point { at_ms: index * interval_ms + moved, value });
    }
    points
}
