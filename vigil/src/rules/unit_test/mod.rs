//! `vigil rules test`: unit tests of rule files, as promtool has them, on the evaluator in this program.
//!
//! No server and no disk takes part: series are in memory, time is what the tests say. Source:
//! prometheus/prometheus `cmd/promtool/unittest.go`.

mod difference;
mod evaluate;
mod input;
mod json;
mod notation;
mod outcome;
mod report;
mod run;
mod scan;
mod series;
mod suite;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Args;
use regex::Regex;

use super::files::Strictness;
use crate::output;
use outcome::FileOutcome;
use report::Style;

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  vigil rules test tests/*.yml
  vigil rules test --run 'disk|memory' --diff tests/host.yml

A file of unit tests, tests/host.yml:
  rule_files: [../rules/host.yml]
  evaluation_interval: 1m
  tests:
  - name: a full disk
    interval: 1m
    input_series:
    - {series: 'disk_free_percent{host=\"a\"}', values: '50 20-1x20'}
    alert_rule_test:
    - eval_time: 20m
      alertname: DiskFull
      exp_alerts:
      - exp_labels: {severity: critical, host: a}
        exp_annotations: {summary: a is full}
    promql_expr_test:
    - expr: disk_free_percent < 10
      eval_time: 15m
      exp_samples:
      - {labels: 'disk_free_percent{host=\"a\"}', value: 6}

Values are numbers, _ for none, stale for the end, 1+2x3 for 1 3 5 7 and 1x3 for 1 1 1 1. All of the notation:
https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Files of unit tests. Each names the rule files it tests, seen from where it is.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Run only tests whose name matches this regular expression; may be given several times.
    #[arg(long, value_name = "REGEX")]
    run: Vec<String>,
    /// Show only what differs between what is expected and what was got.
    #[arg(long)]
    diff: bool,
    /// Print one JSON document instead of text.
    #[arg(long, conflicts_with = "diff")]
    json: bool,
    #[command(flatten)]
    strictness: Strictness,
}

/// Runs the tests; success is that all of them passed.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let only = match arguments.run.as_slice() {
        [] => None,
        all => Some(Regex::new(&all.join("|")).context("--run is no regular expression")?),
    };
    let style = if arguments.diff { Style::Difference } else { Style::Whole };
    let mut outcomes = Vec::new();
    for file in &arguments.files {
        let outcome = suite::run(file, only.as_ref(), arguments.strictness);
        if !arguments.json {
            output::print(report::report(&outcome, style))?;
        }
        outcomes.push(outcome);
    }
    if arguments.json {
        output::line(format_args!("{:#}", json::report(&outcomes)))?;
    }
    Ok(if outcomes.iter().all(FileOutcome::passed) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
