//! `vigil apply`: a directory of rule files as what a running Vigil is to have.

use std::{
    collections::{BTreeSet, HashMap},
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use walkdir::WalkDir;

use crate::{
    Usage,
    client::Client,
    output,
    rules::{
        batch::{self, Planned},
        import,
        plan::{Plan, Tense, number},
        remote::{Listed, Remote, Settings, Step, Upload},
    },
};

/// The end of its help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  vigil apply -f rules/ --dry-run
  vigil apply -f rules/ --prune --yes

Every *.yml and *.yaml below the directory is a rule file, and its path from there is its namespace. What begins with a dot
is left out.";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The directory with the rule files.
    #[arg(short, long, value_name = "DIR")]
    files: PathBuf,
    /// Remove rule files that Vigil has and the directory has not. Rules without a file, and released ones, stay.
    #[arg(long)]
    prune: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    settings: Settings,
}

/// What has to happen so that Vigil has what the directory has.
#[derive(Debug, Default)]
struct Work<'a> {
    /// Files that change something, with their plans.
    imports: Vec<(&'a Upload, Plan)>,
    /// Files that change nothing, but own their rules again.
    retaken: Vec<&'a Upload>,
    /// Namespaces that go.
    removals: Vec<Plan>,
    /// How many files are as they should be.
    unchanged: usize,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.yes && !arguments.dry_run && !io::stdin().is_terminal() {
        return Err(
            Usage("nobody can be asked, as standard input is no terminal: give --yes or --dry-run".to_owned()).into()
        );
    }
    let files = rule_files(&arguments.files)?;
    let named = files.iter().map(|(path, namespace)| (path.as_path(), namespace.clone()));
    let (uploads, unread) = import::read(named);
    let remote = Remote::open(Client::signed_in()?, &arguments.settings).await?;
    let listed = remote.list().await?;
    let plans = match (batch::planned(&remote, &uploads).await?, unread) {
        (Planned::Plans(plans), unread) if unread.is_empty() => plans,
        (Planned::Plans(_), mistakes) => return Ok(refused(&mistakes)),
        (Planned::Mistakes(found), unread) => return Ok(refused(&[unread, found].concat())),
    };
    batch::warn(&uploads, &plans);
    let gone = if arguments.prune { gone(&listed, &uploads) } else { Vec::new() };
    let work = Work { removals: removals(&remote, &gone, Step::Plan).await?, ..Work::of(&uploads, plans, &listed) };
    output::print(work.report())?;
    if work.is_done() || arguments.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.yes && !is_wanted()? {
        output::line("Nothing was changed.")?;
        return Ok(ExitCode::FAILURE);
    }
    batch::applied(&remote, &work.files()).await?;
    removals(&remote, &gone, Step::Apply).await?;
    output::line("Applied.")?;
    Ok(ExitCode::SUCCESS)
}

fn refused(mistakes: &[String]) -> ExitCode {
    mistakes.iter().for_each(output::note);
    output::note("vigil: nothing was changed");
    ExitCode::FAILURE
}

/// The rule files below a folder in order, with their namespaces. At least one.
fn rule_files(folder: &Path) -> anyhow::Result<Vec<(PathBuf, String)>> {
    ensure!(folder.is_dir(), "{} is no directory; `vigil rules import` takes single files", folder.display());
    let mut files = Vec::new();
    let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.depth() == 0 || !is_hidden(entry.path())) {
        let entry = match entry {
            // A link to nowhere, as editors make them.
            Err(error) if error.path().is_some_and(is_hidden) => continue,
            entry => entry.with_context(|| format!("look through {}", folder.display()))?,
        };
        let is_yaml = entry.path().extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
        if is_yaml && entry.file_type().is_file() {
            let namespace = namespace(entry.path().strip_prefix(folder)?)?;
            files.push((entry.into_path(), namespace));
        }
    }
    ensure!(!files.is_empty(), "there is no *.yml or *.yaml in {}", folder.display());
    Ok(files)
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// A path as it is written everywhere, with slashes.
fn namespace(path: &Path) -> anyhow::Result<String> {
    let parts: Option<Vec<_>> = path.iter().map(|part| part.to_str()).collect();
    match parts {
        Some(parts) => Ok(parts.join("/")),
        None => bail!("the name of {} is not UTF-8", path.display()),
    }
}

/// Namespaces that are from files of which none is among the uploads.
fn gone<'a>(listed: &'a [Listed], uploads: &[Upload]) -> Vec<&'a str> {
    let kept: BTreeSet<_> = uploads.iter().map(|upload| upload.namespace.as_str()).collect();
    let gone = listed.iter().filter(|listed| listed.is_read_only() && !listed.is_own());
    gone.map(|listed| listed.namespace.as_str()).filter(|namespace| !kept.contains(namespace)).collect()
}

async fn removals(remote: &Remote, namespaces: &[&str], step: Step) -> anyhow::Result<Vec<Plan>> {
    let mut plans = Vec::new();
    for namespace in namespaces {
        let plan = remote.remove(namespace, step).await;
        plans.push(plan.with_context(|| format!("remove {namespace}"))?);
    }
    Ok(plans)
}

/// Asks the person at the terminal.
fn is_wanted() -> anyhow::Result<bool> {
    output::prompt("\nApply this? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).context("read the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

impl<'a> Work<'a> {
    /// Without what goes.
    fn of(uploads: &'a [Upload], plans: Vec<Plan>, listed: &[Listed]) -> Self {
        let listed: HashMap<_, _> = listed.iter().map(|listed| (listed.namespace.as_str(), listed)).collect();
        let mut work = Self::default();
        for (upload, plan) in uploads.iter().zip(plans) {
            let listed = listed.get(upload.namespace.as_str());
            // A file without groups is noted all the same.
            if plan.changes_something() || listed.is_none() {
                work.imports.push((upload, plan));
            } else if listed.is_some_and(|listed| listed.is_released()) {
                work.retaken.push(upload);
            } else {
                work.unchanged += 1;
            }
        }
        work
    }

    fn is_done(&self) -> bool {
        let Self { imports, retaken, removals, unchanged: _ } = self;
        imports.is_empty() && retaken.is_empty() && removals.is_empty()
    }

    /// What is to be imported.
    fn files(&self) -> Vec<&'a Upload> {
        self.imports.iter().map(|(upload, _)| *upload).chain(self.retaken.iter().copied()).collect()
    }

    /// What is to happen, file by file, and what it comes to.
    fn report(&self) -> String {
        let Self { imports, retaken, removals, unchanged } = self;
        let mut report: String = imports.iter().map(|(_, plan)| plan.report(Tense::Future)).collect();
        for upload in retaken {
            report += &format!("{}: owns its rules again, which were released\n", upload.namespace);
        }
        report.extend(removals.iter().map(|plan| plan.report(Tense::Future)));
        if self.is_done() {
            let they = if *unchanged == 1 { "it" } else { "they" };
            return format!("Nothing to do: {} as {they} should be.\n", is_or_are(*unchanged));
        }
        let counts =
            [(imports.len() + retaken.len(), "to import"), (removals.len(), "to remove"), (*unchanged, "unchanged")];
        let counts = counts.into_iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| format!("{} {what}", number(count, "file"))).collect();
        report + &format!("\n{}.\n", counts.join(", "))
    }
}

fn is_or_are(files: usize) -> String {
    format!("{} {}", number(files, "file"), if files == 1 { "is" } else { "are" })
}

#[cfg(test)]
mod tests;
