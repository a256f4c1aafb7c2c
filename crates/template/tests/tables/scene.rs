//! What every case is told.

use std::{collections::BTreeMap, fs, sync::Arc};

use vigil_template::{Asked, Expanded, LabelMap, Sample, Template, Text};

use super::rows;

/// The alert's labels, the external ones, and what queries find.
pub(crate) struct Scene {
    pub(crate) labels: Arc<LabelMap>,
    pub(crate) external_labels: Arc<LabelMap>,
    pub(crate) external_url: String,
    pub(crate) now_ms: i64,
    series: Vec<Sample>,
    /// Queries and the errors that they come to.
    fails: BTreeMap<String, String>,
}

impl Scene {
    /// Reads `scene.txt`.
    pub(crate) fn read() -> Self {
        let mut scene = Self {
            labels: Arc::default(),
            external_labels: Arc::default(),
            external_url: String::new(),
            now_ms: 0,
            series: Vec::new(),
            fails: BTreeMap::new(),
        };
        let text = fs::read_to_string(super::folder().join("scene.txt")).expect("the scene is there");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').expect("a word and what it says");
            scene.learn(word, rest);
        }
        scene
    }

    fn learn(&mut self, word: &str, rest: &str) {
        match word {
            "labels" => self.labels = label_map(rest),
            "external" => {
                let (name, value) = rest.split_once('=').expect("a label and its value");
                Arc::make_mut(&mut self.external_labels).insert(name.into(), value.trim_matches('"').into());
            }
            "url" => rest.clone_into(&mut self.external_url),
            "now" => self.now_ms = rest.parse().expect("milliseconds"),
            "series" => {
                let (series, value) = rest.rsplit_once(' ').expect("a series and its value");
                self.series.push(Sample { labels: label_map(series), value: rows::number(value) });
            }
            "fails" => {
                let (query, error) = rows::quoted(&rest[1..], '"');
                self.fails.insert(query, error.trim_start().to_owned());
            }
            _ => panic!("scene.txt says {word}, which means nothing"),
        }
    }

    /// What the source says: a number is itself, anything else a selector without operators.
    pub(crate) fn answer(&self, query: &str) -> Asked {
        if let Some(error) = self.fails.get(query) {
            return Asked::Failed(error.clone());
        }
        if let Ok(value) = query.parse() {
            return Asked::Answer(vec![Sample { labels: Arc::default(), value }]);
        }
        let wanted = label_map(query);
        let fits = |sample: &&Sample| wanted.iter().all(|(name, value)| sample.labels.get(name) == Some(value));
        Asked::Answer(self.series.iter().filter(fits).cloned().collect())
    }

    /// Expands a template, asking for one answer after the other.
    pub(crate) fn expand(&self, template: &Template, value: f64) -> Expanded {
        let mut known = BTreeMap::new();
        loop {
            let scene = vigil_template::Scene {
                labels: &self.labels,
                external_labels: &self.external_labels,
                external_url: &self.external_url,
                value,
                now_ms: self.now_ms,
            };
            let mut ask = |query: &str| known.get(query).cloned().unwrap_or(Asked::NotYet);
            match template.expand(scene, &mut ask) {
                Expanded::Needs(query) => {
                    let answer = self.answer(&query);
                    assert!(known.insert(query.clone(), answer).is_none(), "{query} is asked for although it is known");
                }
                expanded => return expanded,
            }
        }
    }
}

fn label_map(text: &str) -> Arc<LabelMap> {
    let labels = rows::labelled(text).into_iter();
    Arc::new(labels.map(|(name, value)| (Text::from(name), Text::from(value))).collect())
}
