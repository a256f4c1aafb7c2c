//! What a worker holds while it has a job: a slot, and the duty to say how it ended.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::keeper::Word;

/// A job on its way to the worker.
pub(super) struct Fetched<T> {
    pub(super) id: String,
    pub(super) job: T,
    pub(super) lease: Lease,
}

/// Holds a job. Dropping it without [`Lease::finish`] leaves the job to others.
pub(super) struct Lease {
    holder: Holder,
    finished: bool,
    _slot: OwnedSemaphorePermit,
}

/// Where the job came from and must be accounted for.
pub(super) enum Holder {
    Memory { running: Arc<AtomicU64> },
    Stream { id: String, keeper: mpsc::UnboundedSender<Word> },
}

impl Lease {
    pub(super) fn new(holder: Holder, slot: OwnedSemaphorePermit) -> Self {
        Self { holder, finished: false, _slot: slot }
    }

    /// The handler has ended, well or not: the job is over.
    pub(super) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        match &mut self.holder {
            Holder::Memory { running } => {
                running.fetch_sub(1, Ordering::AcqRel);
            }
            Holder::Stream { id, keeper } => {
                let id = std::mem::take(id);
                let word = if self.finished { Word::Finished(id) } else { Word::Dropped(id) };
                // A keeper that is gone has given its jobs back already.
                let _ = keeper.send(word);
            }
        }
    }
}

/// Carries a lease through apalis' task extensions, which must be cloneable, to the layer that takes it.
#[derive(Clone)]
pub(super) struct Parcel(Arc<Mutex<Option<Lease>>>);

impl Parcel {
    pub(super) fn new(lease: Lease) -> Self {
        Self(Arc::new(Mutex::new(Some(lease))))
    }

    pub(super) fn open(&self) -> Option<Lease> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
