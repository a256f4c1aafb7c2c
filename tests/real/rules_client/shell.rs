//! Somebody who runs `vigil` with a home of their own.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use vigil_tests::{app::text, installation::Installation, programs, scratch::Scratch};

/// Where commands are run: nothing of the environment of the tests is there.
pub(crate) struct Shell {
    pub(crate) home: std::sync::Arc<Scratch>,
    variables: Vec<(String, String)>,
}

/// How a command ended, and what it printed.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn is_success(&self) -> bool {
        self.status == Some(0)
    }
}

impl Shell {
    /// Nobody who is known anywhere.
    pub(crate) fn new() -> Self {
        let home = Scratch::new();
        let config = home.file("config").display().to_string();
        Self { home: home.into(), variables: vec![("XDG_CONFIG_HOME".to_owned(), config)] }
    }

    /// Somebody with a key of that role in the environment.
    pub(crate) async fn signed_in(vigil: &Installation, role: &str) -> Self {
        let key = vigil.api.post("/api-keys", json!({"name": "shell", "role": role})).await.ok();
        Self::new().with("VIGIL_URL", &vigil.api.url).with("VIGIL_TOKEN", &text(&key, "key"))
    }

    /// The same with another variable.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut variables = self.variables.clone();
        variables.retain(|(other, _)| other != name);
        variables.push((name.to_owned(), value.to_owned()));
        Self { home: self.home.clone(), variables }
    }

    /// Runs `vigil` with nothing on its standard input.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.fed(args, "")
    }

    /// Runs `vigil` with this on its standard input.
    pub(crate) fn fed(&self, args: &[&str], input: &str) -> Ran {
        output(self.here(command(&programs::workspace("vigil")).args(args)), input)
    }

    /// Runs `vigil` with nobody who reads what it prints.
    pub(crate) fn unheard(&self, args: &[&str]) -> Ran {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut vigil = command(&programs::workspace("vigil"));
        let vigil = self.here(vigil.args(args)).stdin(Stdio::null()).stdout(writer);
        let ended = tokio::task::block_in_place(|| vigil.output()).expect("vigil can be started");
        let err = String::from_utf8_lossy(&ended.stderr).into_owned();
        Ran { status: ended.status.code(), out: String::new(), err }
    }

    /// Runs `vigil` at a terminal where this is typed. Both outputs are one.
    pub(crate) fn typed(&self, args: &[&str], keys: &str) -> Ran {
        let vigil = programs::workspace("vigil").display().to_string();
        let line = [&[vigil.as_str()], args].concat().join(" ");
        let script = programs::debian("script", "bsdutils");
        output(self.here(command(&script).args(["--quiet", "--return", "--command", &line, "/dev/null"])), keys)
    }

    fn here<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        command.current_dir(self.home.path()).envs(variables)
    }
}

/// A program in an empty environment.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command
}

/// Runs a program to its end, other tasks going on meanwhile.
pub(crate) fn output(command: &mut Command, input: &str) -> Ran {
    tokio::task::block_in_place(|| {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        // One that ends without reading it does not want it.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("it is our child");
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Ran { status: output.status.code(), out, err }
    })
}
