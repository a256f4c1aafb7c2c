//! Where the programs are that tests start. One that is missing ends the test with what installs it.

use std::path::{Path, PathBuf};

const PLACES: [&str; 4] = ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/bin"];

/// A program of the Debian package `package`.
///
/// # Panics
/// When it is not installed.
pub fn debian(program: &str, package: &str) -> PathBuf {
    let found = PLACES.iter().map(|place| Path::new(place).join(program)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{program} is missing: run ./tests/run, it installs {package}"))
}

/// `program` of the newest PostgreSQL that is installed.
///
/// # Panics
/// When none is installed.
pub fn postgresql(program: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
        .filter(|(_, home)| home.join("bin").join(program).exists())
        .max();
    let (_, home) = newest.unwrap_or_else(|| panic!("{program} is missing: run ./tests/run, it installs postgresql"));
    home.join("bin").join(program)
}

/// A program of this workspace, in the profile the tests were built in: `vigil`, `vigil-backend`, `vigil-worker`.
///
/// # Panics
/// When it was not built.
pub fn workspace(program: &str) -> PathBuf {
    let path = profile_directory().join(program);
    assert!(path.exists(), "{} is missing: run ./tests/run, or cargo build --workspace", path.display());
    path
}

/// The schemathesis `./tests/run` installed.
///
/// # Panics
/// When it did not.
pub fn schemathesis() -> PathBuf {
    let profile = profile_directory();
    let target = profile.parent().expect("a profile is a directory of the target directory");
    let path = target.join("schemathesis/bin/schemathesis");
    assert!(path.exists(), "{} is missing: run ./tests/run, it installs schemathesis", path.display());
    path
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("this package is a directory of the repository").to_owned()
}

/// `target/debug`, say: test programs lie in `deps/` inside.
fn profile_directory() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    let profile = program.ancestors().find(|path| path.join("deps").is_dir());
    profile.expect("cargo runs tests from its target directory").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "no-such-program is missing: run ./tests/run, it installs the-package")]
    fn a_missing_program_says_what_installs_it() {
        debian("no-such-program", "the-package");
    }

    #[test]
    fn the_repository_is_where_the_workspace_is() {
        assert!(repository().join("tests/Cargo.toml").exists());
        let profile = profile_directory();
        assert!(["debug", "release"].iter().any(|name| profile.ends_with(name)), "{}", profile.display());
    }
}
