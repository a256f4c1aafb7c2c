//! `vigil rules export`: the rules of a running Vigil as rule files.

use std::{
    fs,
    path::{Component, Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::Args;
use vigil_domain::rule_file::PrometheusVersion;

use super::{batch, plan::number, remote::Remote};
use crate::{
    Usage,
    client::{Client, Refusal},
    output,
};

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  vigil rules export --namespace node.yml > node.yml
  vigil rules export --namespace vigil --target 2.42 | promtool check rules /dev/stdin
  vigil rules export -o rules/

A file in the directory is called as its namespace. The namespace vigil holds the rules that were made without a file.";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Which rules, by the name of their file; may be given several times. Otherwise all.
    #[arg(long, value_name = "NAME")]
    namespace: Vec<String>,
    /// The version of the Prometheus that is to read them, such as 2.42; otherwise the newest.
    #[arg(long, value_name = "VERSION")]
    target: Option<PrometheusVersion>,
    /// Write a file for each namespace into this directory, in the place of one that is there.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let remote = Remote::read_only(Client::signed_in()?);
    let names = match arguments.namespace.as_slice() {
        [] => remote.list().await?.into_iter().map(|listed| listed.namespace).collect(),
        names => names.to_vec(),
    };
    let paths = match (&arguments.output, names.as_slice()) {
        (None, [_]) => Vec::new(),
        (None, names) => return Err(several(names).into()),
        (Some(folder), names) => places(folder, names)?,
    };
    let (texts, mistakes) = texts(&remote, &names, arguments.target).await?;
    if !mistakes.is_empty() {
        mistakes.iter().for_each(output::note);
        output::note("vigil: nothing was exported");
        return Ok(ExitCode::FAILURE);
    }
    match &arguments.output {
        None => output::print(texts.concat())?,
        Some(folder) => {
            for (path, text) in paths.iter().zip(&texts) {
                write(path, text).with_context(|| format!("write {}", path.display()))?;
            }
            output::line(format_args!("{} in {}", number(paths.len(), "file"), folder.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn several(names: &[String]) -> Usage {
    if names.is_empty() {
        return Usage("there are no rules to export".to_owned());
    }
    Usage(format!(
        "there are several namespaces: choose one of them with --namespace, or give -o DIR: {}",
        names.join(", ")
    ))
}

/// Where each namespace is to be written; never outside of the folder.
fn places(folder: &Path, names: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let place = |name: &String| {
        let parts: Vec<_> = Path::new(name).components().collect();
        let is_inside = parts.iter().all(|part| matches!(part, Component::Normal(_)));
        let rejoined = parts.iter().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        let advice = || format!("{name:?} is no name of a file in a directory: export it alone, with --namespace");
        (is_inside && rejoined == *name).then(|| folder.join(name)).with_context(advice)
    };
    names.iter().map(place).collect()
}

/// The text of each file; or why some cannot be had.
async fn texts(
    remote: &Remote,
    names: &[String],
    target: Option<PrometheusVersion>,
) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (mut texts, mut mistakes) = (Vec::new(), Vec::new());
    let bar = batch::bar(names.len(), "exporting");
    for name in names {
        match remote.export(name, target).await {
            Ok(text) => texts.push(text),
            Err(Refusal::Mistakes(found)) => {
                mistakes.extend(found.iter().map(|mistake| format!("{name}: {}", mistake.message)));
            }
            Err(refusal) => return Err(refusal).with_context(|| format!("export {name}")),
        }
        bar.inc(1);
    }
    Ok((texts, mistakes))
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places_of(name: &str) -> Result<Vec<PathBuf>, String> {
        places(Path::new("out"), &[name.to_owned()]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_namespace_is_a_path_below_the_directory() {
        assert_eq!(places_of("node.yml"), Ok(vec!["out/node.yml".into()]));
        assert_eq!(places_of("hosts/größe & co.yml"), Ok(vec!["out/hosts/größe & co.yml".into()]));
        for name in ["../x", "a/../../x", "/etc/x", "a//b", "./a", "a/", "a/."] {
            assert!(places_of(name).unwrap_err().contains("is no name of a file"), "{name}");
        }
    }

    #[test]
    fn several_namespaces_need_a_directory() {
        let told = several(&["a.yml".to_owned(), "vigil".to_owned()]).to_string();
        assert!(told.contains("give -o DIR: a.yml, vigil"), "{told}");
    }
}
