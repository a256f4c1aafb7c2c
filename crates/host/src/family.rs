//! What a parser answers: metric families, each with its name, type, help and metrics.

use std::borrow::Cow;

use vigil_domain::{Labels, Sample};

/// A family's type, as the exposition format names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, except when what it counts starts anew.
    Counter,
    /// May go up and down.
    Gauge,
    /// node exporter does not say.
    Untyped,
}

impl Kind {
    /// The word after `# TYPE <name>`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Untyped => "untyped",
        }
    }
}

/// Metrics of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// For example `node_load1`.
    pub name: Cow<'static, str>,
    /// Counter, gauge or untyped.
    pub kind: Kind,
    /// node exporter's own help text.
    pub help: Cow<'static, str>,
    /// In the order of the text they come from; no two have the same labels.
    pub metrics: Vec<Metric>,
}

/// One series' labels, without the name, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Label names and values, sorted by name.
    pub labels: Vec<(&'static str, String)>,
    /// In the unit the family's name ends with.
    pub value: f64,
}

impl Family {
    /// A family that has no metrics yet.
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, kind: Kind, help: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), kind, help: help.into(), metrics: Vec::new() }
    }

    /// A counter with one metric that has no labels.
    pub(crate) fn counter(name: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>, value: f64) -> Self {
        Self::new(name, Kind::Counter, help).with(value)
    }

    /// A gauge with one metric that has no labels.
    pub(crate) fn gauge(name: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>, value: f64) -> Self {
        Self::new(name, Kind::Gauge, help).with(value)
    }

    /// The family with one more metric that has no labels.
    pub(crate) fn with(mut self, value: f64) -> Self {
        self.push([], value);
        self
    }

    /// Adds a metric; `labels` are sorted by name.
    pub(crate) fn push<const N: usize>(&mut self, labels: [(&'static str, &str); N], value: f64) {
        debug_assert!(labels.is_sorted());
        let labels = labels.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        self.metrics.push(Metric { labels, value });
    }
}

/// Every metric as a sample whose labels include `__name__`.
pub fn samples(families: &[Family]) -> Vec<Sample> {
    let mut samples = Vec::with_capacity(families.iter().map(|family| family.metrics.len()).sum());
    for family in families {
        for metric in &family.metrics {
            let mut labels: Labels = metric.labels.iter().map(|(name, value)| (*name, value.clone())).collect();
            labels.set("__name__", family.name.clone());
            samples.push(Sample { labels, value: metric.value });
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_carries_its_name_and_labels() {
        let mut family = Family::new("node_disk_io_now", Kind::Gauge, "help");
        family.push([("device", "sda")], 3.0);
        let expected = Labels::from([("__name__", "node_disk_io_now"), ("device", "sda")]);
        assert_eq!(samples(&[family]), [Sample { labels: expected, value: 3.0 }]);
    }
}
