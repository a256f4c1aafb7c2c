//! `vigil rules check`: mistakes in rule files, what is probably not meant, and what a data source does not have.

mod asked;
mod source;

use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf, process::ExitCode, str::FromStr};

use clap::Args;
use vigil_domain::{
    Span,
    rule_file::{Expected, Finding, Known, Lint, LintOptions, Remark, RuleFile, Severity, lint},
};

use self::source::Asking;
use super::files::{self, Strictness};
use crate::output;

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  vigil rules check rules/*.yml
  vigil rules check --scrape-interval 1m --lint-fatal rules/*.yml
  vigil rules check --lint never-true,spelling - < rules.yml
  vigil rules check --datasource http://prometheus:9090 rules/*.yml
  vigil rules check --online --lint never-matching --lookback 1w rules/*.yml

Remarks:
  duplicate-rules  warning  two rules of one name with the same labels
  never-true       warning  a condition that cannot be true
  never-matching   warning  a selector that finds nothing; needs --datasource or --online
  short-range      warning  a range too short for two scrapes; needs --datasource, --online or --scrape-interval
  spelling         warning  a well-known label or annotation that is spelt almost right, or a label of the data source
  no-for           info     an alert that fires at the first evaluation that sees it";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Rule files; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How often metrics are scraped, such as 15s; then ranges too short for it are told. What a data source shows wins.
    #[arg(long, value_name = "DURATION")]
    scrape_interval: Option<Span>,
    /// Which remarks to make: all, none, or names with commas between them.
    #[arg(long, value_name = "NAMES", default_value = "all")]
    lint: Lints,
    /// End with status 3 if there are remarks that are warnings, and no mistakes.
    #[arg(long)]
    lint_fatal: bool,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    strictness: Strictness,
}

/// Some lints, by their names.
#[derive(Clone, Debug)]
struct Lints(BTreeSet<Lint>);

impl FromStr for Lints {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self(Lint::ALL.into())),
            "none" => Ok(Self(BTreeSet::new())),
            names => {
                let lints = names.split(',').map(str::parse::<Lint>).collect::<Result<_, _>>();
                lints.map(Self).map_err(|error| format!("{error}, and neither all nor none"))
            }
        }
    }
}

/// What came of a file, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Fine,
    Warnings,
    Mistakes,
}

/// Checks the files, first each by itself, then all together against a data source if there is one.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { files, scrape_interval, lint, lint_fatal, asking, strictness } = arguments;
    let source = asking.source()?;
    let read = |path: &PathBuf| Subject::read(path.to_string_lossy().into_owned(), files::text(path), *strictness);
    let subjects: Vec<_> = files.iter().map(read).collect();
    let good: Vec<_> = subjects.iter().filter_map(Subject::file).collect();
    let asked = match source {
        Some(source) => asked::ask(source, Expected::of(&good, &lint.0)).await,
        None => Ok(Known::default()),
    };
    // What can be said without a data source is said in any case.
    let (known, trouble) = asked.map_or_else(|error| (Known::default(), Some(error)), |known| (known, None));
    let options = LintOptions { lints: lint.0.clone(), scrape_interval: *scrape_interval, known };
    let mut worst = Verdict::Fine;
    for subject in &subjects {
        let (report, verdict) = subject.report(&options);
        output::print(report)?;
        worst = worst.max(verdict);
    }
    match (trouble, worst) {
        (Some(error), _) => Err(error),
        (None, Verdict::Mistakes) => Ok(ExitCode::FAILURE),
        (None, Verdict::Warnings) if *lint_fatal => Ok(ExitCode::from(3)),
        (None, Verdict::Warnings | Verdict::Fine) => Ok(ExitCode::SUCCESS),
    }
}

/// A file as it was read.
struct Subject {
    name: String,
    text: String,
    /// What is in it and what to warn of; or every mistake, with its place.
    parsed: Result<(RuleFile, Vec<Finding>), Vec<String>>,
}

impl Subject {
    /// `text` is what is in the file, or why it cannot be read.
    fn read(name: String, text: Result<String, String>, strictness: Strictness) -> Self {
        let (text, parsed) = match text {
            Ok(text) => {
                let parsed = files::parse(&text, strictness);
                let at = |mistakes: Vec<Finding>| mistakes.iter().map(|found| format!("{name}:{found}")).collect();
                (text, parsed.map_err(at))
            }
            Err(error) => (String::new(), Err(vec![format!("{name}: {error}")])),
        };
        Self { name, text, parsed }
    }

    /// What is in it, if that is without mistakes.
    fn file(&self) -> Option<&RuleFile> {
        self.parsed.as_ref().ok().map(|(file, _)| file)
    }

    /// A report about it, ending with an empty line.
    fn report(&self, options: &LintOptions) -> (String, Verdict) {
        let Self { name, text, parsed } = self;
        let mut report = format!("Checking {name}\n");
        let (file, warnings) = match parsed {
            Ok((file, warnings)) => (file, warnings.clone()),
            Err(mistakes) => {
                report += "  FAILED:\n";
                for mistake in mistakes {
                    // A String takes whatever is written to it.
                    let _ = writeln!(report, "  {mistake}");
                }
                return (report + "\n", Verdict::Mistakes);
            }
        };
        let remarks = lint(file, text, options);
        let verdict = match remarks.iter().map(|remark| remark.lint.severity()).max() {
            Some(Severity::Warning) => Verdict::Warnings,
            Some(Severity::Info) | None => Verdict::Fine,
        };
        let told = in_order(warnings, remarks);
        for (severity, finding) in &told {
            let _ = writeln!(report, "  {name}:{finding} [{}]", severity.as_str());
        }
        let rules: usize = file.groups.iter().map(|group| group.rules.len()).sum();
        let _ = writeln!(report, "  SUCCESS: {rules} rules found{}\n", counted(&told));
        (report, verdict)
    }
}

/// What is to be said about a file without mistakes, in the order of its text.
fn in_order(warnings: Vec<Finding>, remarks: Vec<Remark>) -> Vec<(Severity, Finding)> {
    let warnings = warnings.into_iter().map(|warning| (Severity::Warning, warning));
    let remarks = remarks.into_iter().map(|Remark { lint, finding }| {
        let message = format!("{} ({lint})", finding.message);
        (lint.severity(), Finding { message, ..finding })
    });
    let mut told: Vec<_> = warnings.chain(remarks).collect();
    told.sort_by_key(|(_, finding)| (finding.line, finding.column));
    told
}

/// `, 1 warning, 2 infos`; nothing of what there is none of.
fn counted(told: &[(Severity, Finding)]) -> String {
    let count = |wanted: Severity| told.iter().filter(|(severity, _)| *severity == wanted).count();
    let said =
        [(Severity::Warning, "warning"), (Severity::Info, "info")].map(|(severity, word)| (count(severity), word));
    let said = said.into_iter().filter(|(number, _)| *number > 0);
    said.map(|(number, word)| format!(", {number} {word}{}", if number == 1 { "" } else { "s" })).collect()
}

#[cfg(test)]
mod tests;
