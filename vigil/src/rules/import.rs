//! `vigil rules import`: rule files into a running Vigil.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use vigil_runtime::Secret;

use super::{
    batch::{self, Planned},
    files,
    plan::Tense,
    prometheus,
    remote::{Remote, Settings, Upload},
};
use crate::{Usage, client::Client, output};

/// The end of its help.
pub(super) const EXAMPLES: &str = "\
Examples:
  vigil login https://vigil.example.com
  vigil rules import --dry-run rules/*.yml
  vigil rules import --channel ops rules/node.yml
  vigil rules import --shadow rules/node.yml
  vigil rules import --from-prometheus http://prometheus:9090

A change is told in a line: + is new, ~ says something else, > stands elsewhere, - goes.";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Rule files; - is standard input.
    #[arg(required_unless_present = "from_prometheus", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the file is called in Vigil; otherwise its name without directories.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Import the rules that this Prometheus has loaded, each of its files under its name; a user name and a password may
    /// stand in the address.
    #[arg(long, value_name = "URL", conflicts_with = "files")]
    from_prometheus: Option<String>,
    /// Sign in at that Prometheus with this token.
    #[arg(long, value_name = "TOKEN", requires = "from_prometheus")]
    bearer_token: Option<Secret>,
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let namespace = arguments.namespace.as_deref();
    let (uploads, unread) = match &arguments.from_prometheus {
        Some(url) => (prometheus::uploads(url, arguments.bearer_token.as_ref(), namespace).await?, Vec::new()),
        None => read(named(&arguments.files, namespace)?),
    };
    let remote = Remote::open(Client::signed_in()?, &arguments.settings).await?;
    let plans = match (batch::planned(&remote, &uploads).await?, unread) {
        (Planned::Plans(plans), unread) if unread.is_empty() => plans,
        (Planned::Plans(_), mistakes) => return Ok(refused(&mistakes)),
        (Planned::Mistakes(found), unread) => return Ok(refused(&[unread, found].concat())),
    };
    batch::warn(&uploads, &plans);
    let (plans, tense) = if arguments.dry_run {
        (plans, Tense::Future)
    } else {
        let all: Vec<_> = uploads.iter().collect();
        (batch::applied(&remote, &all).await?, Tense::Past)
    };
    for plan in plans {
        output::print(plan.report(tense))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(mistakes: &[String]) -> ExitCode {
    mistakes.iter().for_each(output::note);
    output::note("vigil: nothing was imported");
    ExitCode::FAILURE
}

/// Files with the namespaces they become, each of which is another one.
fn named<'a>(files: &'a [PathBuf], namespace: Option<&str>) -> Result<Vec<(&'a Path, String)>, Usage> {
    if namespace.is_some() && files.len() > 1 {
        return Err(Usage("--namespace names one file, and there are several".to_owned()));
    }
    let mut taken: HashMap<String, &Path> = HashMap::new();
    let mut named = Vec::new();
    for path in files {
        let name = match (namespace, path.file_name()) {
            (Some(namespace), _) => namespace.to_owned(),
            (None, Some(name)) if path != Path::new("-") => name.to_string_lossy().into_owned(),
            (None, _) => return Err(Usage(format!("give {} a name with --namespace", path.display()))),
        };
        if let Some(other) = taken.insert(name.clone(), path) {
            let (path, other) = (path.display(), other.display());
            let advice = "import them apart with --namespace, or their directory with `vigil apply`";
            return Err(Usage(format!("both {other} and {path} would be {name:?}: {advice}")));
        }
        named.push((path.as_path(), name));
    }
    Ok(named)
}

/// What is in the files, and why some of them cannot be read.
pub(crate) fn read<'a>(files: impl IntoIterator<Item = (&'a Path, String)>) -> (Vec<Upload>, Vec<String>) {
    let (mut uploads, mut unread) = (Vec::new(), Vec::new());
    for (path, namespace) in files {
        let name = path.display().to_string();
        match files::text(path) {
            Ok(text) => uploads.push(Upload { name, namespace, text }),
            Err(error) => unread.push(format!("{name}: {error}")),
        }
    }
    (uploads, unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[&str], namespace: Option<&str>) -> Result<Vec<String>, String> {
        let files: Vec<_> = files.iter().map(PathBuf::from).collect();
        let named = named(&files, namespace).map_err(|error| error.to_string())?;
        Ok(named.into_iter().map(|(_, name)| name).collect())
    }

    #[test]
    fn a_namespace_is_the_name_of_the_file_unless_it_is_given() {
        assert_eq!(names(&["rules/node.yml", "./web.yml"], None), Ok(vec!["node.yml".into(), "web.yml".into()]));
        assert_eq!(names(&["rules/node.yml"], Some("a/b")), Ok(vec!["a/b".into()]));
        assert_eq!(names(&["-"], Some("in")), Ok(vec!["in".into()]));
    }

    #[test]
    fn two_files_never_become_one() {
        let told = names(&["a/node.yml", "b/node.yml"], None).unwrap_err();
        assert!(told.starts_with("both a/node.yml and b/node.yml would be \"node.yml\": "), "{told}");
        assert!(names(&["a.yml", "b.yml"], Some("c")).unwrap_err().contains("--namespace names one file"));
        assert!(names(&["-"], None).unwrap_err().contains("give - a name"));
        assert!(names(&["rules/.."], None).unwrap_err().contains("give rules/.. a name"));
    }

    #[test]
    fn files_that_cannot_be_read_do_not_hide_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let (good, missing) = (folder.path().join("a.yml"), folder.path().join("b.yml"));
        std::fs::write(&good, "groups: []\n").unwrap();
        let (uploads, unread) = read([(missing.as_path(), "b.yml".to_owned()), (good.as_path(), "a.yml".to_owned())]);
        assert_eq!(uploads.iter().map(|upload| upload.text.as_str()).collect::<Vec<_>>(), ["groups: []\n"]);
        assert_eq!(unread, [format!("{}: no such file", missing.display())]);
    }
}
