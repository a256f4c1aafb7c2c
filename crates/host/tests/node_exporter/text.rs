//! Reads exposition text back, independently of the code that writes it.

use std::collections::BTreeMap;

/// One family as a scrape shows it.
#[derive(Debug, Default)]
pub(crate) struct Exposed {
    pub(crate) kind: String,
    pub(crate) help: String,
    /// By the labels as written, which both sides sort by name.
    pub(crate) series: BTreeMap<String, f64>,
}

/// The families of a scrape by name.
pub(crate) fn families(text: &str) -> BTreeMap<String, Exposed> {
    let mut families: BTreeMap<String, Exposed> = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help line names its family");
            families.entry(name.to_owned()).or_default().help = help.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type line names its family");
            families.entry(name.to_owned()).or_default().kind = kind.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
            let (name, labels) = series.split_at(series.find('{').unwrap_or(series.len()));
            let value = value.parse().expect("a sample's value is a number");
            let before = families.entry(name.to_owned()).or_default().series.insert(labels.to_owned(), value);
            assert!(before.is_none(), "twice in one scrape: {series}");
        }
    }
    families
}
