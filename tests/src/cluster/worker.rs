//! One `vigil-worker` process: it can be killed from outside, or told at which step to kill itself.

use crate::process::{Process, Program};
use nix::sys::signal::Signal;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// A worker under a supervisor that is the test.
pub struct Worker {
    program: Program,
    process: Process,
    /// `host:port` of its own `/metrics`.
    metrics: String,
    /// What its earlier lives printed.
    before: String,
}

impl Worker {
    pub(super) fn start(program: Program, metrics: String) -> Self {
        let program = program.env("VIGIL_METRICS__LISTEN", &metrics);
        let process = Process::start(program.clone());
        Self { program, process, metrics, before: String::new() }
    }

    /// Waits until it works.
    ///
    /// # Panics
    /// When it ends instead.
    pub async fn ready(&mut self) {
        self.process.until_healthy(&format!("http://{}/metrics", self.metrics), super::START).await;
    }

    /// `SIGKILL`, and it stays dead.
    pub fn kill9(&mut self) {
        self.process.kill9();
    }

    /// Kills it if it lives, and starts it anew. Does not wait until it works.
    pub fn restart(&mut self) {
        self.replace(self.program.clone());
    }

    /// As [`Self::restart`], but it will kill itself at its `visit`-th time at the step.
    pub fn restart_to_die_at(&mut self, step: &str, visit: u32) {
        self.replace(self.program.clone().env("FAULT_AT", format!("{step}:{visit}")));
    }

    /// As [`Self::restart`], but each time it reaches the step it freezes there for so long.
    pub fn restart_to_freeze_at(&mut self, step: &str, pause: Duration) {
        self.replace(self.program.clone().env("FAULT_PAUSE", format!("{step}:{}", pause.as_millis())));
    }

    fn replace(&mut self, program: Program) {
        self.process.kill9();
        self.before.push_str(&self.process.output());
        self.before.push_str("--- started again\n");
        self.process = Process::start(program);
    }

    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// # Panics
    /// When it has ended, with what it printed.
    pub fn assert_running(&mut self) {
        assert!(self.is_running(), "a worker ended by itself; it printed:\n{}", self.story());
    }

    /// Asserts that it has ended by `SIGKILL`. Nobody but itself sent one: see [`Self::restart_to_die_at`].
    ///
    /// # Panics
    /// When it lives or ended in another way.
    pub async fn assert_killed_itself(&mut self) {
        let status = self.process.exited(Duration::from_secs(5)).await;
        assert_eq!(status.signal(), Some(Signal::SIGKILL as i32), "it ended with {status}:\n{}", self.story());
    }

    /// `SIGTERM`, and waits for the end.
    ///
    /// # Panics
    /// When it still runs after `patience`.
    pub async fn term(&mut self, patience: Duration) -> ExitStatus {
        self.process.term(patience).await
    }

    /// Freezes it (`SIGSTOP`).
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process.resume();
    }

    /// # Panics
    /// When it has ended.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The sum of all series of one of its metrics; `None` when it does not answer or has none.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let url = format!("http://{}/metrics", self.metrics);
        let request = reqwest::Client::new().get(url).timeout(Duration::from_secs(5));
        let text = request.send().await.ok()?.text().await.ok()?;
        let series = text.lines().filter(|line| {
            line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])) //
        });
        let values: Vec<f64> = series.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// All it has printed, in all its lives.
    pub fn story(&self) -> String {
        format!("{}{}", self.before, self.process.output())
    }
}
