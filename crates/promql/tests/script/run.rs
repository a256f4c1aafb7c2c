//! Runs scripts.

use std::{collections::BTreeMap, sync::Arc};

use vigil_promql::{
    Answer, Matcher, Options, Point, Query, QueryError, Select, Series, SeriesLabels, Value, VectorSample, Wanted,
    is_stale_marker,
};

use super::{Eval, Loaded, Said, Step, When};

/// What an evaluation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Stable,
    /// Its text uses what Prometheus has behind a flag.
    Experimental,
    /// Its data or its result are native histograms.
    Histograms,
}

/// How an evaluation went.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) place: String,
    pub(crate) text: String,
    pub(crate) kind: Kind,
    /// What is wrong with the answer.
    pub(crate) wrong: Option<String>,
    /// Whether there was an answer at all.
    pub(crate) answered: bool,
}

#[derive(Default)]
struct Store {
    series: BTreeMap<SeriesLabels, BTreeMap<i64, f64>>,
    histograms: Vec<SeriesLabels>,
}

pub(crate) fn labels(pairs: &[(String, String)]) -> SeriesLabels {
    SeriesLabels::new(pairs.iter().map(|(name, value)| (Arc::from(name.as_str()), Arc::from(value.as_str()))))
}

fn chosen(matchers: &[Matcher], labels: &SeriesLabels) -> bool {
    matchers.iter().all(|matcher| matcher.matches(labels.get(&matcher.name).unwrap_or_default()))
}

impl Store {
    fn load(&mut self, loaded: &[Loaded]) {
        for one in loaded {
            let labels = labels(&one.labels);
            match &one.points {
                Some(points) => self.series.entry(labels).or_default().extend(points.iter().copied()),
                None => self.histograms.push(labels),
            }
        }
    }

    fn fetch(&self, select: &Select) -> Vec<Series> {
        let wanted = self.series.iter().filter(|(labels, _)| chosen(&select.matchers, labels));
        let series = wanted.map(|(labels, points)| {
            let points = points.range(select.after_ms + 1..=select.until_ms.max(select.after_ms + 1));
            let points = points.map(|(at_ms, value)| Point { at_ms: *at_ms, value: *value });
            let mut points: Vec<Point> = points.filter(|point| point.at_ms <= select.until_ms).collect();
            if select.wanted == Wanted::Newest {
                points.drain(..points.len().saturating_sub(1));
            }
            Series { labels: labels.clone(), points }
        });
        series.filter(|series| !series.points.is_empty()).collect()
    }
}

/// Runs a script; `experimental` says which texts use what is behind a flag.
pub(crate) fn run(steps: &[Step], experimental: impl Fn(&str) -> bool) -> Vec<Outcome> {
    let mut store = Store::default();
    let mut outcomes = Vec::new();
    for step in steps {
        match step {
            Step::Clear => store = Store::default(),
            Step::Load(loaded) => store.load(loaded),
            Step::Eval(eval) => outcomes.push(outcome(eval, &store, &experimental)),
        }
    }
    outcomes
}

fn outcome(eval: &Eval, store: &Store, experimental: &impl Fn(&str) -> bool) -> Outcome {
    let options = Options::default();
    let query = match eval.when {
        When::Instant(at_ms) => Query::instant(&eval.text, at_ms, &options),
        When::Range { start_ms, end_ms, step_ms } => Query::range(&eval.text, start_ms, end_ms, step_ms, &options),
    };
    let of_histograms = query.as_ref().is_ok_and(|query| {
        query.selects().iter().any(|select| store.histograms.iter().any(|labels| chosen(&select.matchers, labels)))
    });
    let kind = if experimental(&eval.text) {
        Kind::Experimental
    } else if of_histograms || eval.expected.histograms {
        Kind::Histograms
    } else {
        Kind::Stable
    };
    let answer = query.and_then(|query| {
        let fetched = query.selects().iter().map(|select| store.fetch(select)).collect();
        query.run(fetched, &|| None)
    });
    let answered = answer.is_ok();
    let wrong = judge(eval, answer).err();
    Outcome { place: eval.place.clone(), text: eval.text.clone(), kind, wrong, answered }
}

fn judge(eval: &Eval, answer: Result<Answer, QueryError>) -> Result<(), String> {
    let expected = &eval.expected;
    let Answer { value, warnings, infos } = match answer {
        Ok(_) if expected.fails => return Err("an answer where an error was expected".to_owned()),
        Ok(answer) => answer,
        Err(error @ QueryError::Unsupported(_)) => return Err(format!("error: {error}")),
        Err(error) if !expected.fails => return Err(format!("error: {error}")),
        Err(error) => {
            let said = error.to_string();
            let wanted = expected.message.as_deref().unwrap_or_default();
            return if said.contains(wanted) {
                Ok(())
            } else {
                Err(format!("says {said:?} where {wanted:?} was expected"))
            };
        }
    };
    said(&warnings, &expected.warnings)?;
    said(&infos, &expected.infos)?;
    match value {
        Value::String(text) => same(&Some(text), &expected.string),
        Value::Scalar(value) => match expected.scalar {
            Some(wanted) if close(value, wanted) => Ok(()),
            wanted => Err(format!("{value} where {wanted:?} was expected")),
        },
        Value::Vector(samples) => vector(&samples, eval),
        Value::Matrix(series) => matrix(series, eval),
    }
}

fn said(found: &[String], expected: &[Said]) -> Result<(), String> {
    let right = expected.iter().all(|one| match one {
        Said::Nothing => found.is_empty(),
        Said::Something => !found.is_empty(),
        Said::Text(wanted) => found.contains(wanted),
        Said::Pattern(pattern) => found.iter().any(|text| pattern.is_match(&format!("{text} (1:1)"))),
    });
    if right { Ok(()) } else { Err(format!("says {found:?} where {expected:?} was expected")) }
}

fn same<T: PartialEq + std::fmt::Debug>(found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{found:?} where {wanted:?} was expected")) }
}

fn vector(samples: &[VectorSample], eval: &Eval) -> Result<(), String> {
    let mut found: Vec<(SeriesLabels, f64)> =
        samples.iter().map(|sample| (sample.labels.clone(), sample.value)).collect();
    let wanted = eval.expected.series.iter();
    let mut wanted: Vec<(SeriesLabels, f64)> =
        wanted.filter_map(|(pairs, values)| Some((labels(pairs), (*values.first()?)?))).collect();
    if !eval.expected.ordered {
        found.sort_by(|one, other| one.0.cmp(&other.0));
        wanted.sort_by(|one, other| one.0.cmp(&other.0));
    }
    let equal = found.len() == wanted.len()
        && found.iter().zip(&wanted).all(|(found, wanted)| found.0 == wanted.0 && close(found.1, wanted.1));
    if equal { Ok(()) } else { Err(format!("\n     {found:?}\nfor  {wanted:?}")) }
}

fn matrix(series: Vec<Series>, eval: &Eval) -> Result<(), String> {
    let When::Range { start_ms, step_ms, .. } = eval.when else {
        return Err("a range vector".to_owned());
    };
    let mut found: BTreeMap<SeriesLabels, Vec<(i64, f64)>> = BTreeMap::new();
    for one in series {
        found.insert(one.labels, one.points.iter().map(|point| (point.at_ms, point.value)).collect());
    }
    let mut wanted: BTreeMap<SeriesLabels, Vec<(i64, f64)>> = BTreeMap::new();
    for (pairs, values) in &eval.expected.series {
        let at = (0..).map(|index: i64| start_ms + index * step_ms);
        let points: Vec<(i64, f64)> = at.zip(values).filter_map(|(at, value)| Some((at, (*value)?))).collect();
        if !points.is_empty() {
            wanted.insert(labels(pairs), points);
        }
    }
    let equal = found.len() == wanted.len()
        && found.iter().zip(&wanted).all(|((found, points), (wanted, expected))| {
            found == wanted
                && points.len() == expected.len()
                && points.iter().zip(expected).all(|(one, other)| one.0 == other.0 && close(one.1, other.1))
        });
    if equal { Ok(()) } else { Err(format!("\n     {found:?}\nfor  {wanted:?}")) }
}

/// Equal to one part in a million, as the public suite compares.
fn close(found: f64, wanted: f64) -> bool {
    if found.is_nan() || wanted.is_nan() {
        return found.is_nan() && wanted.is_nan() && is_stale_marker(found) == is_stale_marker(wanted);
    }
    if found == wanted {
        return true;
    }
    let (difference, size) = ((found - wanted).abs(), found.abs() + wanted.abs());
    difference / size.min(f64::MAX) < 1e-6 || size < f64::MIN_POSITIVE
}
