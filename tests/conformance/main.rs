//! The letter of Prometheus' alerting: `checklist.md` as black-box tests, each named after its line.
//!
//! A [`lab::Lab`] is a whole Vigil whose time a test moves, or waits for, mostly a second at a time, over samples that are
//! really there: in Debian's Prometheus, which Vigil (on PostgreSQL and Redis) asks and writes back to, and, for what it can
//! show, in the store of the process. Where Vigil differs on purpose (`docs/adr/0006-deviations-from-prometheus.md`), the test
//! says so and asserts the difference.

use std::collections::BTreeSet;

/// Declares lines of the checklist: each becomes a test on Prometheus and one on the store in the process.
macro_rules! lines {
    ($($(#[$doc:meta])* async fn $name:ident($lab:ident) $body:block)+) => {
        $(mod $name {
            #[allow(unused_imports, reason = "some lines need nothing of their section")]
            use super::*;

            $(#[$doc])*
            async fn line($lab: crate::lab::Lab) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn prometheus() {
                line(crate::lab::Lab::prometheus_for(stringify!($name)).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                line(crate::lab::Lab::embedded().await).await;
            }
        })+
    };
}

mod api;
mod files;
mod functions;
mod keeping;
mod lab;
mod labels;
mod listing;
mod restart;
mod results;
mod scheduling;
mod seen;
mod sending;
mod series;
mod states;
mod strict;
mod templates;
mod wire;

/// Where tests are whose names begin with the number of a line.
const FOLDERS: [&str; 3] = ["conformance", "e2e", "real"];

/// The number that a text begins with.
fn number(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The lines that tests of a folder are named after.
fn tested(folder: &str) -> BTreeSet<u32> {
    let folder = vigil_tests::programs::repository().join("tests").join(folder);
    let files = std::fs::read_dir(folder).expect("the directory is there").map(|file| file.expect("an entry").path());
    let sources = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    let sources: Vec<String> = sources.map(|path| std::fs::read_to_string(path).expect("a source file")).collect();
    let names = sources.iter().flat_map(|source| source.lines()).filter_map(|line| {
        let line = line.trim_start();
        ["async fn c", "fn c", "mod c"].iter().find_map(|begin| line.strip_prefix(begin))
    });
    names.filter_map(number).collect()
}

#[test]
fn every_line_of_the_checklist_has_a_test_and_every_test_a_line() {
    let lines = include_str!("checklist.md").lines().filter_map(|line| number(line.strip_prefix("- C")?));
    let lines: Vec<u32> = lines.collect();
    let expected: Vec<u32> = (1..=61).collect();
    assert_eq!(lines, expected, "the checklist's lines, in order and each once");
    let tested: BTreeSet<u32> = FOLDERS.into_iter().flat_map(tested).collect();
    let untested: Vec<_> = lines.iter().filter(|line| !tested.contains(*line)).collect();
    assert!(untested.is_empty(), "no test is named after these lines of the checklist: {untested:?}");
    let unknown: Vec<_> = tested.iter().filter(|number| !lines.contains(*number)).collect();
    assert!(unknown.is_empty(), "tests are named after lines that the checklist does not have: {unknown:?}");
}
