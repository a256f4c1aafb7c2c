//! What a metric is: its type, what it tells, its unit.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// A metric's type in Prometheus' words (`counter`, `gauge`, `histogram`, `summary`, `unknown`, …), help text and unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    pub kind: String,
    pub help: String,
    pub unit: String,
}

/// Metrics that metadata is kept of.
const MAX_METRICS: usize = 10_000;
/// Bytes of a text.
const MAX_TEXT: usize = 1_024;

#[derive(Default)]
pub(crate) struct Catalogue(RwLock<BTreeMap<Arc<str>, Metadata>>);

impl Catalogue {
    pub(crate) fn new(known: BTreeMap<Arc<str>, Metadata>) -> Self {
        Self(RwLock::new(known))
    }

    pub(crate) fn all(&self) -> BTreeMap<Arc<str>, Metadata> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is to be written, if this says something new.
    pub(crate) fn set(&self, metric: &str, about: Metadata) -> Option<(Arc<str>, Metadata)> {
        if self.0.read().unwrap_or_else(PoisonError::into_inner).get(metric) == Some(&about) {
            return None;
        }
        let about = Metadata { kind: cut(about.kind), help: cut(about.help), unit: cut(about.unit) };
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let full = known.len() >= MAX_METRICS && !known.contains_key(metric);
        if full || metric.len() > MAX_TEXT || known.get(metric) == Some(&about) {
            return None;
        }
        let metric: Arc<str> = metric.into();
        known.insert(metric.clone(), about.clone());
        Some((metric, about))
    }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(help: &str) -> Metadata {
        Metadata { kind: "gauge".into(), help: help.into(), unit: String::new() }
    }

    #[test]
    fn only_what_is_new_is_to_be_written() {
        let catalogue = Catalogue::default();
        assert!(catalogue.set("up", about("one")).is_some());
        assert!(catalogue.set("up", about("one")).is_none());
        assert!(catalogue.set("up", about("two")).is_some());
        assert_eq!(catalogue.all()["up"], about("two"));
    }

    #[test]
    fn texts_and_their_number_are_bounded() {
        let catalogue = Catalogue::default();
        catalogue.set("up", about(&"ü".repeat(2_000)));
        assert_eq!(catalogue.all()["up"].help, "ü".repeat(512));
        for n in 0..10_100 {
            catalogue.set(&format!("metric_{n}"), about("x"));
        }
        assert_eq!(catalogue.all().len(), 10_000);
        assert!(catalogue.set("up", about("still changes")).is_some());
    }
}
