//! The letter of Prometheus' alerting: `checklist.md` as black-box tests, each named after its line.
//!
//! A [`lab::Lab`] is a whole Vigil whose time a test moves a second at a time, over samples that are really there: in
//! Debian's Prometheus, which Vigil (on PostgreSQL and Redis) asks and writes back to, and, for what it can show, in the
//! store of the process. Where Vigil differs on purpose (`docs/adr/0006-deviations-from-prometheus.md`), the test says
//! so and asserts the difference.

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
                line(crate::lab::Lab::prometheus().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn embedded() {
                line(crate::lab::Lab::embedded().await).await;
            }
        })+
    };
}

mod api;
mod keeping;
mod lab;
mod labels;
mod restart;
mod results;
mod scheduling;
mod seen;
mod series;
mod states;
mod strict;
mod templates;
mod wire;

/// The numbers of the checklist's lines are those of the tests.
#[test]
fn every_line_of_the_checklist_has_a_test_and_every_test_a_line() {
    let number =
        |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|digits| digits.parse::<u32>().ok());
    let lines = include_str!("checklist.md").lines().filter_map(|line| number(line.strip_prefix("- C")?));
    let folder = vigil_tests::programs::repository().join("tests/conformance");
    let files =
        std::fs::read_dir(folder).expect("the directory of this test").map(|file| file.expect("an entry").path());
    let sources = files.filter(|path| path.extension().is_some_and(|kind| kind == "rs"));
    let sources: Vec<String> = sources.map(|path| std::fs::read_to_string(path).expect("a source file")).collect();
    let names = sources.iter().flat_map(|source| source.lines()).map(str::trim_start);
    let names = names.filter_map(|line| line.strip_prefix("async fn c").or_else(|| line.strip_prefix("mod c")));
    let (lines, tests): (BTreeSet<u32>, BTreeSet<u32>) = (lines.collect(), names.filter_map(number).collect());
    assert_eq!(lines, tests);
}
