//! `vigil rules …`: rule files, on the command line.

pub(crate) mod batch;
mod check;
mod export;
mod files;
pub(crate) mod import;
pub(crate) mod plan;
mod prometheus;
pub(crate) mod remote;
mod unit_test;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look for mistakes in rule files, and for what is probably not meant.
    ///
    /// Prints every mistake with its file, line and column, and remarks about what Prometheus accepts but people usually
    /// do not mean. Needs no server; with --datasource or --online it also tells selectors that find nothing there.
    /// Status 0: no mistakes; 1: mistakes, or the data source does not answer; 3: with --lint-fatal, warnings.
    #[command(after_long_help = check::EXAMPLES)]
    Check(check::Arguments),
    /// Run unit tests of rule files, as promtool has them.
    ///
    /// A file of unit tests says which series there are, and which alerts fire and what expressions come to at which moments.
    /// promtool's files run unchanged, with the same verdicts. Needs no server. Status 0: all passed; 1: not all.
    #[command(after_long_help = unit_test::EXAMPLES)]
    Test(unit_test::Arguments),
    /// Import rule files into a running Vigil, or the rules that a Prometheus has loaded.
    ///
    /// Each file becomes a namespace: its rules are there afterwards, and no others of it. Rules that stay keep their
    /// alerts. Prints what changes; of several files nothing is imported while anything is wrong with one of them, and
    /// every mistake is told with its file, line and column. Status 0: done; 1: mistakes, or Vigil did not do it.
    #[command(after_long_help = import::EXAMPLES)]
    Import(import::Arguments),
    /// Write the rules of a running Vigil as rule files.
    ///
    /// Importing them again changes nothing. To standard output, or a file for each namespace into a directory. With
    /// --target for an older Prometheus: what that one does not know is folded into what it knows, or told and refused.
    #[command(after_long_help = export::EXAMPLES)]
    Export(export::Arguments),
}

pub(crate) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check(arguments) => check::run(&arguments).await,
        Command::Test(arguments) => unit_test::run(&arguments),
        Command::Import(arguments) => import::run(&arguments).await,
        Command::Export(arguments) => export::run(&arguments).await,
    }
}
