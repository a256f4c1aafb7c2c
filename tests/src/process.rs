//! A child process as a test needs it: its output kept, its whole group gone on drop, killed or frozen at will.

use crate::reaper;
use crate::scratch::Scratch;
use crate::services::User;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What to start, and how. Started again, it is the same.
#[derive(Clone)]
pub struct Program {
    path: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    directory: Option<PathBuf>,
    user: Option<User>,
    clean: bool,
}

impl Program {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), args: vec![], variables: vec![], directory: None, user: None, clean: false }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    #[must_use]
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Starts with no environment variables but those of [`Self::env`].
    #[must_use]
    pub fn clean_env(mut self) -> Self {
        self.clean = true;
        self
    }

    /// The working directory; otherwise that of the tests.
    #[must_use]
    pub fn directory(mut self, path: impl AsRef<Path>) -> Self {
        self.directory = Some(path.as_ref().to_owned());
        self
    }

    /// Runs as this user; `None` is whoever runs the tests.
    #[must_use]
    pub fn user(mut self, user: Option<User>) -> Self {
        self.user = user;
        self
    }

    /// Runs to its end and returns what it printed to both outputs.
    ///
    /// # Panics
    /// When it cannot start or fails.
    pub fn run(&self) -> String {
        let output = self.command().stdin(Stdio::null()).output();
        let output = output.unwrap_or_else(|error| panic!("cannot start {}: {error}", self.path.display()));
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success(), "{} ended with {}:\n{text}", self.path.display(), output.status);
        text
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.args);
        if self.clean {
            command.env_clear();
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        command
    }
}

/// A running program, or one that has ended and may be started again. Killed on drop, with all it started.
pub struct Process {
    program: Program,
    child: Option<Child>,
    log: PathBuf,
    _home: Scratch,
}

impl Process {
    /// # Panics
    /// When the program cannot be started.
    pub fn start(program: Program) -> Self {
        let home = Scratch::new();
        let mut process = Self { program, child: None, log: home.file("output"), _home: home };
        process.start_again();
        process
    }

    /// Starts the same program with the same arguments. Its output goes on in the same file.
    ///
    /// # Panics
    /// When it is running, or cannot be started.
    pub fn start_again(&mut self) {
        assert!(!self.is_running(), "{} is running", self.program.path.display());
        self.kill9(); // what an ended one left behind in its group
        let log = File::options().create(true).append(true).open(&self.log).expect("our own directory is writable");
        let errors = log.try_clone().expect("a file can be shared");
        let mut command = self.program.command();
        command.process_group(0).stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command.spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program.path.display()));
        reaper::watch_group(child.id());
        self.child = Some(child);
    }

    /// Kills what runs, then starts it again.
    pub fn restart(&mut self) {
        self.kill9();
        self.start_again();
    }

    /// The process id, which is that of its group too.
    ///
    /// # Panics
    /// When it has ended.
    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap_or_else(|| panic!("{} has ended", self.program.path.display())).id()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.is_some() && self.exit_status().is_none()
    }

    /// All it has printed since its first start, both outputs together.
    pub fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Sends `signal` to the whole group. Nothing happens when it has ended.
    pub fn signal(&self, signal: Signal) {
        let Some(child) = &self.child else { return };
        let group = i32::try_from(child.id()).expect("process ids are positive and small");
        // The group may be gone already: not yet waited for, it still owns its number.
        let _ = killpg(Pid::from_raw(group), signal);
    }

    /// `SIGKILL`, and waits until it is dead.
    pub fn kill9(&mut self) {
        self.signal(Signal::SIGKILL);
        if let Some(mut child) = self.child.take() {
            child.wait().expect("it is our child");
            reaper::forget_group(child.id());
        }
    }

    /// Freezes the group (`SIGSTOP`): connections stay open and nothing answers.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets a frozen group go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// `SIGTERM`, and waits for the end.
    ///
    /// # Panics
    /// When it still runs after `patience`.
    pub async fn term(&mut self, patience: Duration) -> ExitStatus {
        self.end_by(Signal::SIGTERM, patience).await
    }

    /// Sends `signal` and waits for the end.
    ///
    /// # Panics
    /// When it still runs after `patience`.
    pub async fn end_by(&mut self, signal: Signal, patience: Duration) -> ExitStatus {
        self.signal(signal);
        self.exited(patience).await
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When it still runs after `patience`, or has been waited for before.
    pub async fn exited(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.exit_status() {
                self.signal(Signal::SIGKILL); // what it left behind in its group
                reaper::forget_group(self.id());
                self.child = None;
                return status;
            }
            assert!(Instant::now() < deadline, "{}", self.story(&format!("still runs after {patience:?}")));
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until `probe` says yes.
    ///
    /// # Panics
    /// When the program ends first, or `probe` says no for all of `patience`; with what the program printed.
    pub async fn until(&mut self, patience: Duration, probe: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + patience;
        while !probe().await {
            if let Some(status) = self.exit_status() {
                panic!("{}", self.story(&format!("ended with {status} before it was ready")));
            }
            assert!(Instant::now() < deadline, "{}", self.story(&format!("not ready after {patience:?}")));
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until `GET url` answers with success. Panics as [`Self::until`].
    pub async fn until_healthy(&mut self, url: &str, patience: Duration) {
        let client = reqwest::Client::new();
        let probe = async || {
            let answer = client.get(url).timeout(Duration::from_secs(2)).send().await;
            answer.is_ok_and(|response| response.status().is_success())
        };
        self.until(patience, probe).await;
    }

    fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.as_mut()?.try_wait().expect("it is our child")
    }

    fn story(&self, what: &str) -> String {
        format!("{} {what}; it printed:\n{}", self.program.path.display(), self.output())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill9();
    }
}

#[cfg(test)]
mod tests;
