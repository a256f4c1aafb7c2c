//! Asks file systems for their usage without ever waiting long for one that does not answer.
//!
//! `statfs` of a network file system whose server is gone blocks in the kernel and cannot be interrupted. So a thread
//! asks; when it does not answer in time it is left behind with that one mount, and another thread takes over.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    },
    thread,
    time::Duration,
};

use crate::parse::Usage;

/// How one mount is asked; another one in tests.
type Ask = Arc<dyn Fn(&Path) -> io::Result<Usage> + Send + Sync>;

/// Asks mounts, remembers which of them are stuck.
pub(crate) struct Prober {
    ask: Ask,
    limit: Duration,
    worker: Option<Worker>,
    stuck: BTreeMap<PathBuf, Receiver<io::Result<Usage>>>,
}

struct Worker {
    questions: Sender<PathBuf>,
    answers: Receiver<io::Result<Usage>>,
}

impl Prober {
    /// A prober that waits for an answer at most `limit`.
    pub(crate) fn new(limit: Duration) -> Self {
        Self::asking(limit, Arc::new(statfs))
    }

    fn asking(limit: Duration, ask: Ask) -> Self {
        Self { ask, limit, worker: None, stuck: BTreeMap::new() }
    }

    /// Forgets stuck mounts that are not mounted any more; their threads end when the kernel lets them.
    pub(crate) fn keep_only(&mut self, is_mounted: impl Fn(&Path) -> bool) {
        self.stuck.retain(|path, _| is_mounted(path));
    }

    /// The usage of the file system at `path`.
    ///
    /// # Errors
    ///
    /// The kernel's, or `TimedOut`: at once when an earlier question about this mount still has no answer.
    pub(crate) fn usage(&mut self, path: &Path) -> io::Result<Usage> {
        if let Some(answer) = self.stuck.get(path) {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) | Err(TryRecvError::Disconnected) => self.stuck.remove(path),
            };
        }
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start(self.ask.clone())?,
        };
        if worker.questions.send(path.to_owned()).is_err() {
            return Err(io::Error::other("the thread that asks file systems has ended"));
        }
        match worker.answers.recv_timeout(self.limit) {
            Ok(answer) => {
                self.worker = Some(worker);
                answer
            }
            Err(RecvTimeoutError::Timeout) => {
                self.stuck.insert(path.to_owned(), worker.answers);
                Err(io::ErrorKind::TimedOut.into())
            }
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the thread that asks file systems has ended")),
        }
    }
}

impl Worker {
    /// A thread that answers until nobody can ask it any more.
    fn start(ask: Ask) -> io::Result<Self> {
        let (questions, asked) = channel::<PathBuf>();
        let (answer, answers) = channel();
        thread::Builder::new().name("statfs".to_owned()).stack_size(64 * 1024).spawn(move || {
            for path in asked {
                if answer.send(ask(&path)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { questions, answers })
    }
}

fn statfs(path: &Path) -> io::Result<Usage> {
    let answer = nix::sys::statfs::statfs(path)?;
    Ok(Usage {
        block_size: answer.block_size() as u64,
        blocks: answer.blocks(),
        blocks_free: answer.blocks_free(),
        blocks_available: answer.blocks_available(),
        files: answer.files(),
        files_free: answer.files_free(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const USAGE: Usage =
        Usage { block_size: 4096, blocks: 10, blocks_free: 5, blocks_available: 4, files: 3, files_free: 2 };
    const LIMIT: Duration = Duration::from_millis(200);

    /// A prober for which `/dead` answers only once `release` is sent something, and a list of who was asked.
    fn prober_with_a_dead_mount() -> (Prober, Sender<()>, Arc<Mutex<Vec<PathBuf>>>) {
        let (release, released) = channel::<()>();
        let released = Mutex::new(released);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let ask = move |path: &Path| {
            log.lock().unwrap().push(path.to_owned());
            if path == Path::new("/dead") {
                let _ = released.lock().unwrap().recv();
            }
            Ok(USAGE)
        };
        (Prober::asking(LIMIT, Arc::new(ask)), release, asked)
    }

    #[test]
    fn a_dead_mount_does_not_keep_the_others_from_answering() {
        let (mut prober, _release, _) = prober_with_a_dead_mount();
        assert_eq!(prober.usage(Path::new("/dead")).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(prober.usage(Path::new("/alive")).unwrap(), USAGE);
    }

    #[test]
    fn a_dead_mount_is_not_asked_again_before_it_answers() {
        let (mut prober, release, asked) = prober_with_a_dead_mount();
        for _ in 0..3 {
            assert_eq!(prober.usage(Path::new("/dead")).unwrap_err().kind(), io::ErrorKind::TimedOut);
        }
        assert_eq!(asked.lock().unwrap().len(), 1);
        drop(release);
        // The old answer arrives at some time from now on; from then on the mount is asked again and answers.
        let answer = std::iter::repeat_with(|| prober.usage(Path::new("/dead"))).find_map(Result::ok);
        assert_eq!(answer, Some(USAGE));
    }

    #[test]
    fn a_dead_mount_that_is_unmounted_is_forgotten() {
        let (mut prober, _release, asked) = prober_with_a_dead_mount();
        assert!(prober.usage(Path::new("/dead")).is_err());
        prober.keep_only(|path| path != Path::new("/dead"));
        assert!(prober.usage(Path::new("/dead")).is_err());
        assert!(prober.usage(Path::new("/alive")).is_ok());
        assert!(asked.lock().unwrap().len() >= 2);
    }

    #[test]
    fn healthy_mounts_share_one_thread_and_errors_are_the_kernels() {
        let mut prober = Prober::new(Duration::from_secs(5));
        assert!(prober.usage(Path::new("/")).unwrap().blocks > 0);
        let error = prober.usage(Path::new("/does/not/exist")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(prober.stuck.is_empty() && prober.worker.is_some());
    }
}
