//! The store in memory: takes points, knows what is not in the file yet.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use vigil_promql::{Point, SeriesLabels};

use crate::{
    admission::{self, Appended, Bounds, Refusal},
    frame::Entry,
    index::Index,
    metadata::Metadata,
    series::{MemorySeries, Pushed},
};

/// A series that points are appended to without a look-up by its labels. Stays good for as long as the store.
#[derive(Clone)]
pub struct SeriesRef(Arc<MemorySeries>);

impl SeriesRef {
    pub fn labels(&self) -> &SeriesLabels {
        &self.0.labels
    }
}

/// Locks are taken in the order index, body of a series, pending, and never the other way.
pub(crate) struct Head {
    index: RwLock<Index>,
    pending: Mutex<Pending>,
    /// The journal's frame that points which come now will be in, or one before it.
    frame: AtomicU64,
    /// Points in memory and in the file.
    pub(crate) samples: AtomicU64,
    max_series: usize,
    /// Read-locked while a batch is taken, so that closing waits for it.
    closed: RwLock<bool>,
}

/// What came since the last flush.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) entries: Vec<Entry>,
    pub(crate) series: Vec<Arc<MemorySeries>>,
    pub(crate) metadata: BTreeMap<Arc<str>, Metadata>,
    /// Points were not journalled because a flush failed: the next one writes all unfinished chunks instead.
    pub(crate) checkpoint: bool,
}

impl Head {
    pub(crate) fn new(index: Index, frame: u64, samples: u64, max_series: usize) -> Self {
        Self {
            index: RwLock::new(index),
            pending: Mutex::default(),
            frame: AtomicU64::new(frame),
            samples: AtomicU64::new(samples),
            max_series,
            closed: RwLock::new(false),
        }
    }

    pub(crate) fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is pending, for the frame whose number this returns. Points appended from now on are in a later one.
    pub(crate) fn take_pending(&self) -> (u64, Pending) {
        let mut pending = self.pending();
        let frame = self.frame.fetch_add(1, Ordering::SeqCst);
        (frame, std::mem::take(&mut *pending))
    }

    /// Gives back what could not be written. The points themselves are still in their chunks.
    pub(crate) fn give_back(&self, series: Vec<Arc<MemorySeries>>, metadata: BTreeMap<Arc<str>, Metadata>) {
        let mut pending = self.pending();
        let newer = std::mem::replace(&mut pending.series, series);
        pending.series.extend(newer);
        for (metric, about) in metadata {
            pending.metadata.entry(metric).or_insert(about);
        }
        pending.checkpoint = true;
        pending.entries = Vec::new();
    }

    /// Points are refused from now on.
    pub(crate) fn close(&self) {
        *self.closed.write().unwrap_or_else(PoisonError::into_inner) = true;
        self.pending().checkpoint = true;
    }

    pub(crate) fn append(&self, batch: &[(SeriesLabels, Point)], bounds: Bounds) -> Appended {
        let known: Vec<_> = {
            let index = self.index();
            batch.iter().map(|(labels, _)| index.get(labels).cloned()).collect()
        };
        self.append_all(batch.iter().zip(known).map(|((labels, point), series)| (labels, series, *point)), bounds)
    }

    pub(crate) fn append_to(&self, batch: &[(SeriesRef, Point)], bounds: Bounds) -> Appended {
        self.append_all(batch.iter().map(|(series, point)| (series.labels(), Some(series.0.clone()), *point)), bounds)
    }

    pub(crate) fn series_ref(&self, labels: &SeriesLabels) -> Result<SeriesRef, Refusal> {
        self.find_or_register(labels).map(SeriesRef)
    }

    fn append_all<'a>(
        &self,
        batch: impl Iterator<Item = (&'a SeriesLabels, Option<Arc<MemorySeries>>, Point)>,
        bounds: Bounds,
    ) -> Appended {
        let mut outcome = Appended::default();
        let mut entries = Vec::with_capacity(batch.size_hint().0);
        let frame = self.frame.load(Ordering::SeqCst);
        let closed = self.closed.read().unwrap_or_else(PoisonError::into_inner);
        for (labels, series, point) in batch {
            let pushed = match bounds.admit(point.at_ms) {
                Ok(()) if *closed => Err(Refusal::Closed),
                Ok(()) => self.push(labels, series, point, frame),
                Err(refusal) => Err(refusal),
            };
            match pushed {
                Ok((id, new)) => {
                    outcome.accepted += 1;
                    if new == Pushed::New {
                        entries.push(Entry { series: id, point });
                    }
                }
                Err(refusal) => outcome.refuse(refusal, labels, point),
            }
        }
        self.samples.fetch_add(entries.len() as u64, Ordering::Relaxed);
        let mut pending = self.pending();
        if !pending.checkpoint {
            pending.entries.append(&mut entries);
        }
        outcome
    }

    fn push(
        &self,
        labels: &SeriesLabels,
        mut known: Option<Arc<MemorySeries>>,
        point: Point,
        frame: u64,
    ) -> Result<(u32, Pushed), Refusal> {
        loop {
            let series = match known.take() {
                Some(series) => series,
                None => self.find_or_register(labels)?,
            };
            let mut body = series.body();
            if !body.gone {
                return Ok((series.id, body.push(point, frame)?));
            }
        }
    }

    fn find_or_register(&self, labels: &SeriesLabels) -> Result<Arc<MemorySeries>, Refusal> {
        if let Some(series) = self.index().get(labels) {
            return Ok(series.clone());
        }
        admission::check(labels)?;
        let mut index = self.index_mut();
        if let Some(series) = index.get(labels) {
            return Ok(series.clone());
        }
        if index.len() >= self.max_series {
            return Err(Refusal::TooManySeries);
        }
        let series = index.register(labels);
        self.pending().series.push(series.clone());
        Ok(series)
    }
}
