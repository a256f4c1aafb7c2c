//! A queue inside the process: bounded, without duplicates, and quiet while there is nothing to do.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{Notify, Semaphore, mpsc};

use super::{
    Job,
    lease::{Fetched, Holder, Lease},
};

/// Waiting jobs at most, per queue. Beyond it the oldest hint is dropped; the sweep finds its work again.
pub(super) const CAPACITY: usize = 100_000;

/// A first-in first-out queue for any number of producers and workers.
pub(super) struct MemoryQueue<T: Job> {
    waiting: Mutex<Waiting<T>>,
    arrived: Notify,
    running: Arc<AtomicU64>,
    taken: AtomicU64,
    capacity: usize,
}

struct Waiting<T: Job> {
    jobs: VecDeque<T>,
    keys: HashSet<T::Key>,
}

impl<T: Job> MemoryQueue<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting { jobs: VecDeque::new(), keys: HashSet::new() }),
            arrived: Notify::new(),
            running: Arc::default(),
            taken: AtomicU64::new(0),
            capacity,
        }
    }

    /// Appends jobs, except those that are waiting already.
    pub(super) fn push(&self, jobs: impl IntoIterator<Item = T>) {
        let mut waiting = self.lock();
        for job in jobs {
            if !waiting.keys.insert(job.key()) {
                continue;
            }
            if waiting.jobs.len() >= self.capacity
                && let Some(oldest) = waiting.jobs.pop_front()
            {
                waiting.keys.remove(&oldest.key());
                metrics::counter!("vigil_queue_dropped_total", "queue" => T::QUEUE).increment(1);
            }
            waiting.jobs.push_back(job);
            self.arrived.notify_one();
        }
    }

    /// Puts back, in front, what was taken and never started.
    fn put_back(&self, jobs: Vec<T>) {
        let mut waiting = self.lock();
        for job in jobs.into_iter().rev() {
            if waiting.keys.insert(job.key()) {
                waiting.jobs.push_front(job);
                self.arrived.notify_one();
            }
        }
    }

    /// Jobs that wait or run.
    pub(super) fn depth(&self) -> u64 {
        let waiting = self.lock();
        waiting.jobs.len() as u64 + self.running.load(Ordering::Acquire)
    }

    /// Takes the oldest job, waiting for one. Cancelling takes nothing.
    async fn take(&self) -> T {
        loop {
            let arrived = self.arrived.notified();
            {
                let mut waiting = self.lock();
                if let Some(job) = waiting.jobs.pop_front() {
                    waiting.keys.remove(&job.key());
                    self.running.fetch_add(1, Ordering::AcqRel);
                    return job;
                }
            }
            arrived.await;
        }
    }

    /// Hands jobs to one worker for as long as it lives, never more than it has slots for.
    pub(super) async fn feed(self: Arc<Self>, slots: Arc<Semaphore>, out: mpsc::UnboundedSender<Fetched<T>>) {
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            let job = self.take().await;
            let id = format!("m-{}", self.taken.fetch_add(1, Ordering::Relaxed));
            let lease = Lease::new(Holder::Memory { running: Arc::clone(&self.running) }, slot);
            if let Err(mpsc::error::SendError(unwanted)) = out.send(Fetched { id, job, lease }) {
                self.put_back(vec![unwanted.job]);
                return;
            }
        }
    }

    /// Takes back what a stopping worker had not started.
    pub(super) fn reclaim(&self, mut inbox: mpsc::UnboundedReceiver<Fetched<T>>) {
        inbox.close();
        let mut unstarted = Vec::new();
        while let Ok(fetched) = inbox.try_recv() {
            unstarted.push(fetched.job);
        }
        self.put_back(unstarted);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Job> fmt::Debug for MemoryQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryQueue").field("queue", &T::QUEUE).field("depth", &self.depth()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use vigil_domain::{id::NotificationId, job::DeliverNotification};

    use super::*;

    fn job() -> DeliverNotification {
        DeliverNotification { notification: NotificationId::random() }
    }

    #[tokio::test]
    async fn jobs_leave_in_the_order_they_came() {
        let queue = MemoryQueue::new(10);
        let jobs = [job(), job(), job()];
        queue.push(jobs);
        for expected in jobs {
            assert_eq!(queue.take().await, expected);
        }
    }

    #[tokio::test]
    async fn a_job_that_waits_already_is_not_queued_again_but_one_that_runs_is() {
        let queue = MemoryQueue::new(10);
        let one = job();
        queue.push([one, one]);
        assert_eq!(queue.depth(), 1);
        queue.take().await;
        queue.push([one]);
        assert_eq!(queue.depth(), 2, "one runs, one waits");
    }

    #[tokio::test]
    async fn a_full_queue_drops_its_oldest_job() {
        let queue = MemoryQueue::new(2);
        let jobs = [job(), job(), job()];
        queue.push(jobs);
        assert_eq!(queue.take().await, jobs[1]);
        queue.push([jobs[0]]);
        assert_eq!(queue.take().await, jobs[2]);
        assert_eq!(queue.take().await, jobs[0], "a dropped job may come again");
    }

    #[tokio::test]
    async fn a_waiting_worker_is_woken_by_a_push() {
        let queue = Arc::new(MemoryQueue::new(10));
        let one = job();
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.take().await }
        });
        tokio::task::yield_now().await;
        queue.push([one]);
        assert_eq!(waiting.await.unwrap(), one);
    }

    #[tokio::test]
    async fn a_cancelled_wait_takes_nothing() {
        let queue = MemoryQueue::new(10);
        {
            let mut wait = std::pin::pin!(queue.take());
            assert!(futures::poll!(&mut wait).is_pending());
            queue.push([job()]);
        }
        assert_eq!(queue.depth(), 1);
        queue.take().await;
    }

    #[tokio::test]
    async fn what_was_not_started_goes_back_to_the_front() {
        let queue = MemoryQueue::new(10);
        let jobs = [job(), job(), job()];
        queue.push(jobs);
        let first = queue.take().await;
        let second = queue.take().await;
        queue.put_back(vec![first, second]);
        for expected in jobs {
            assert_eq!(queue.take().await, expected);
        }
    }
}
