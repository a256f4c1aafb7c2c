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
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use crate::parse::Usage;

/// What part of the limit each mount gets once the others have used it up: mounts die together, with their server, and
/// a collection must end before the next one is due.
const IMPATIENCE: u32 = 20;

type Answer = io::Result<Usage>;

/// How one mount is asked; another one in tests.
type Ask = Arc<dyn Fn(&Path) -> Answer + Send + Sync>;

/// Asks mounts, remembers which of them are stuck.
pub(crate) struct Prober {
    ask: Ask,
    limit: Duration,
    /// What each mount gets once the others have used the limit up.
    least: Duration,
    worker: Option<Worker>,
    stuck: BTreeMap<PathBuf, Receiver<Answer>>,
}

impl Prober {
    /// A prober that waits for all answers together `limit`, and a little more for each mount that is stuck.
    pub(crate) fn new(limit: Duration) -> Self {
        Self::asking(limit, limit / IMPATIENCE, Arc::new(statfs))
    }

    fn asking(limit: Duration, least: Duration, ask: Ask) -> Self {
        Self { ask, limit, least, worker: None, stuck: BTreeMap::new() }
    }

    /// The usage of the file system at each of `paths`, which are all that are mounted, in their order.
    ///
    /// An error is the kernel's or `TimedOut`: at once when an earlier question about the mount has no answer yet.
    /// Stuck mounts that are mounted no more are forgotten; their threads end when the kernel lets them.
    pub(crate) fn usages(&mut self, paths: &[PathBuf]) -> Vec<Answer> {
        self.stuck
            .retain(|stuck, answer| paths.contains(stuck) && matches!(answer.try_recv(), Err(TryRecvError::Empty)));
        let mut usages: Vec<Answer> = paths.iter().map(|_| Err(io::ErrorKind::TimedOut.into())).collect();
        let mut open: Vec<usize> = (0..paths.len()).filter(|index| !self.stuck.contains_key(&paths[*index])).collect();
        let deadline = Instant::now() + self.limit;
        while !open.is_empty() {
            let answered = self.ask(paths, &open, deadline, &mut usages);
            open.drain(..open.len().min(answered + 1));
        }
        usages
    }

    /// Has one thread ask the mounts of the indices `open`, one after the other; how many of them answered in time.
    fn ask(&mut self, paths: &[PathBuf], open: &[usize], deadline: Instant, usages: &mut [Answer]) -> usize {
        let worker = match self.worker.take().map_or_else(|| Worker::start(self.ask.clone()), Ok) {
            Ok(worker) => worker,
            Err(error) => {
                usages[open[0]] = Err(error);
                return 0;
            }
        };
        // When nobody takes the questions, nobody answers them either.
        let _ = worker.questions.send(open.iter().map(|index| paths[*index].clone()).collect());
        for (answered, index) in open.iter().enumerate() {
            let patience = deadline.saturating_duration_since(Instant::now()).max(self.least);
            match worker.answers.recv_timeout(patience) {
                Ok(answer) => usages[*index] = answer,
                Err(RecvTimeoutError::Timeout) => {
                    worker.left_behind.store(true, Ordering::Relaxed);
                    self.stuck.insert(paths[*index].clone(), worker.answers);
                    return answered;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    usages[*index] = Err(io::Error::other("the thread that asks file systems has ended"));
                    return answered;
                }
            }
        }
        self.worker = Some(worker);
        open.len()
    }
}

struct Worker {
    questions: Sender<Vec<PathBuf>>,
    answers: Receiver<Answer>,
    /// Nobody waits for further answers.
    left_behind: Arc<AtomicBool>,
}

impl Worker {
    /// A thread that answers until nobody can ask it any more, or waits for it any more.
    fn start(ask: Ask) -> io::Result<Self> {
        let (questions, asked) = channel::<Vec<PathBuf>>();
        let (answer, answers) = channel();
        let left_behind = Arc::new(AtomicBool::new(false));
        let alone = Arc::clone(&left_behind);
        thread::Builder::new().name("statfs".to_owned()).stack_size(64 * 1024).spawn(move || {
            for path in asked.into_iter().flatten() {
                if alone.load(Ordering::Relaxed) || answer.send(ask(&path)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { questions, answers, left_behind })
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
    /// Long enough for a healthy answer on a busy machine.
    const LIMIT: Duration = Duration::from_secs(1);

    /// A prober for which mounts below `/dead` answer only once the sender is dropped, and a list of who was asked.
    fn prober_with_dead_mounts() -> (Prober, Sender<()>, Arc<Mutex<Vec<PathBuf>>>) {
        let (release, released) = channel::<()>();
        let released = Mutex::new(released);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let ask = move |path: &Path| {
            log.lock().unwrap().push(path.to_owned());
            if path.starts_with("/dead") {
                let _ = released.lock().unwrap().recv();
            }
            Ok(USAGE)
        };
        (Prober::asking(LIMIT, LIMIT, Arc::new(ask)), release, asked)
    }

    /// Which of the mounts answer.
    fn healthy(prober: &mut Prober, paths: &[&str]) -> Vec<bool> {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        prober.usages(&paths).into_iter().map(|answer| answer.is_ok_and(|usage| usage == USAGE)).collect()
    }

    #[test]
    fn dead_mounts_do_not_keep_the_others_from_answering() {
        let (mut prober, _release, _) = prober_with_dead_mounts();
        let mounts = ["/a", "/dead/1", "/b", "/dead/2", "/c"];
        assert_eq!(healthy(&mut prober, &mounts), [true, false, true, false, true]);
    }

    #[test]
    fn mounts_that_die_together_are_not_waited_for_one_by_one() {
        let (mut prober, _release, _) = prober_with_dead_mounts();
        prober.least = LIMIT / 100;
        let started = Instant::now();
        let mounts: Vec<String> = (0..20).map(|number| format!("/dead/{number}")).collect();
        let mounts: Vec<&str> = mounts.iter().map(String::as_str).collect();
        assert_eq!(healthy(&mut prober, &mounts), [false; 20]);
        assert!(started.elapsed() < LIMIT * 10, "{:?}", started.elapsed());
    }

    #[test]
    fn a_dead_mount_is_not_asked_again_before_it_answers() {
        let (mut prober, release, asked) = prober_with_dead_mounts();
        for _ in 0..3 {
            assert_eq!(healthy(&mut prober, &["/dead", "/alive"]), [false, true]);
        }
        assert_eq!(asked.lock().unwrap().iter().filter(|path| path.starts_with("/dead")).count(), 1);
        drop(release);
        // The old answer arrives at some time from now on; from then on the mount is asked again and answers.
        assert!(std::iter::repeat_with(|| healthy(&mut prober, &["/dead"])).any(|answers| answers == [true]));
    }

    #[test]
    fn a_dead_mount_that_is_unmounted_is_forgotten() {
        let (mut prober, _release, _) = prober_with_dead_mounts();
        assert_eq!(healthy(&mut prober, &["/dead"]), [false]);
        assert_eq!(prober.stuck.len(), 1);
        assert_eq!(healthy(&mut prober, &["/alive"]), [true]);
        assert!(prober.stuck.is_empty());
    }

    #[test]
    fn a_thread_left_behind_asks_nobody_else() {
        let (mut prober, release, asked) = prober_with_dead_mounts();
        assert_eq!(healthy(&mut prober, &["/dead", "/alive"]), [false, true]);
        let answer = prober.stuck.remove(Path::new("/dead")).expect("it is stuck");
        drop(release);
        assert_eq!(answer.recv().expect("the old answer").expect("it is healthy"), USAGE);
        assert!(answer.recv().is_err(), "the thread has ended");
        assert_eq!(*asked.lock().unwrap(), [Path::new("/dead"), Path::new("/alive")]);
    }

    #[test]
    fn healthy_mounts_share_one_thread_and_errors_are_the_kernels() {
        let mut prober = Prober::new(Duration::from_secs(30));
        let answers = prober.usages(&["/".into(), "/does/not/exist".into()]);
        assert!(answers[0].as_ref().is_ok_and(|usage| usage.blocks > 0));
        assert_eq!(answers[1].as_ref().unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(prober.stuck.is_empty() && prober.worker.is_some());
        assert!(prober.usages(&[]).is_empty());
    }
}
