//! A polite end: whoever works is told to stop, finishes what it holds, and is waited for.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a program waits for its tasks before it ends without them.
pub const LIMIT: Duration = Duration::from_secs(20);

/// The end of a program, shared by all its parts. Clones are the same end.
#[derive(Clone, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tracker: TaskTracker,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Shutdown {
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the end at SIGTERM or SIGINT. A second signal ends the process at once with status 1.
    ///
    /// Must be called inside a tokio runtime. `Err` when the signal handlers cannot be installed.
    pub fn listen_for_signals(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let token = self.token.clone();
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                };
                if token.is_cancelled() {
                    tracing::warn!(signal = name, "second signal: ending without waiting");
                    std::process::exit(1);
                }
                tracing::info!(signal = name, "shutting down");
                token.cancel();
            }
        });
        Ok(())
    }

    /// Cancelled when the end begins. Loops select on it; pass clones or children on freely.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Begins the end without waiting for it.
    pub fn begin(&self) {
        self.token.cancel();
    }

    pub fn has_begun(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Starts a task that [`wait`](Self::wait) waits for. `name` appears in the log if it panics or outstays the limit.
    pub fn spawn(&self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let entry = Entry::new(name, self.running.clone());
        self.tracker.spawn(async move {
            let _entry = entry;
            work.await;
        })
    }

    /// Begins the end and waits at most `limit` for the spawned tasks; `true` when all have ended.
    pub async fn wait(&self, limit: Duration) -> bool {
        self.token.cancel();
        self.tracker.close();
        let ended = tokio::time::timeout(limit, self.tracker.wait()).await.is_ok();
        if !ended {
            let tasks: Vec<_> = held(&self.running).keys().copied().collect();
            tracing::warn!(?tasks, "some tasks did not end in time");
        }
        ended
    }
}

/// Keeps a task's name in the list of running tasks while it lives.
struct Entry {
    name: &'static str,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Entry {
    fn new(name: &'static str, running: Arc<Mutex<BTreeMap<&'static str, usize>>>) -> Self {
        *held(&running).entry(name).or_default() += 1;
        Self { name, running }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(task = self.name, "a task panicked");
        }
        let mut running = held(&self.running);
        if let Some(count) = running.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                running.remove(self.name);
            }
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn work_in_hand_is_finished_before_the_end() {
        let shutdown = Shutdown::new();
        let finished = Arc::new(AtomicBool::new(false));
        let (token, done) = (shutdown.token(), finished.clone());
        shutdown.spawn("worker", async move {
            token.cancelled().await;
            tokio::task::yield_now().await;
            done.store(true, Ordering::SeqCst);
        });
        assert!(!shutdown.has_begun());
        assert!(shutdown.wait(LIMIT).await);
        assert!(finished.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_task_that_never_ends_is_left_behind_at_the_limit() {
        let shutdown = Shutdown::new();
        shutdown.spawn("stuck", pending());
        assert!(!shutdown.wait(Duration::from_millis(1)).await);
        assert_eq!(held(&shutdown.running).keys().copied().collect::<Vec<_>>(), ["stuck"]);
    }

    #[tokio::test]
    async fn a_panicking_task_does_not_hold_up_the_end() {
        let shutdown = Shutdown::new();
        let task = shutdown.spawn("broken", async { panic!("on purpose") });
        assert!(task.await.unwrap_err().is_panic());
        assert!(shutdown.wait(LIMIT).await);
        assert!(held(&shutdown.running).is_empty());
    }

    #[tokio::test]
    async fn sigterm_begins_the_end() {
        let shutdown = Shutdown::new();
        shutdown.listen_for_signals().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGTERM).unwrap();
        tokio::time::timeout(LIMIT, shutdown.token().cancelled()).await.unwrap();
        assert!(shutdown.has_begun());
    }
}
