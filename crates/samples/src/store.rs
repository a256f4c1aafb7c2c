//! The store as its users see it.

mod upkeep;

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use tokio::{sync::Mutex, task};
use vigil_promql::{Matcher, Point, Select, Series, SeriesLabels};

use crate::{
    admission::{Appended, Bounds, Refusal},
    browse::{self, Period},
    file::{self, File, OpenError},
    flush::JournalAge,
    head::{Head, SeriesRef},
    health::{Health, Pulse},
    load::{self, Loaded},
    metadata::{Catalogue, Metadata},
    options::{Options, milliseconds},
    read::{self, ReadError},
    usage::{Alarm, Usage},
};

/// Why samples could not be written; the store keeps them in memory and tries again.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("cannot write samples: {0}")]
    File(#[from] sqlx::Error),
    #[error("cannot begin a new file for samples: {0}")]
    Open(#[from] OpenError),
    #[error("the program is ending")]
    Ending,
}

/// Samples of one machine's worth of servers. Clones are the same store.
///
/// Points are readable as soon as they are appended. They are written every [`Options::flush_every`] by [`Store::run`],
/// which must be running, and kept in memory for as long as that fails.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    head: Head,
    file: File,
    catalogue: Catalogue,
    pulse: Pulse,
    alarm: Alarm,
    options: Options,
    /// Held by whoever writes.
    journal_age: Mutex<JournalAge>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in `path`, which is made when missing, with its folder. A damaged file is renamed to
    /// `….damaged-<milliseconds>` and an empty one takes its place; damaged rows are left out.
    pub async fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let now_ms = options.clock.now_ms();
        let (file, aside) = File::open(path, options.max_bytes, now_ms).await?;
        let pulse = Pulse::default();
        aside.into_iter().for_each(|aside| pulse.set_aside(aside));
        let old_until_ms = now_ms.saturating_sub(milliseconds(options.in_memory));
        let loaded = match load::load(&file.pools().writer, old_until_ms).await {
            Err(error) if load::is_damage(&error) => {
                pulse.set_aside(file.start_over(now_ms).await?);
                Loaded::default()
            }
            loaded => loaded.map_err(|source| OpenError::Database { path: path.to_owned(), source })?,
        };
        pulse.damaged(loaded.damaged_rows);
        let mut journal_age = JournalAge::default();
        journal_age.note(loaded.next_frame, now_ms);
        tracing::info!(path = %path.display(), series = loaded.index.len(), samples = loaded.samples, "opened the sample store");
        Ok(Self(Arc::new(Inner {
            head: Head::new(loaded.index, loaded.next_frame + 1, loaded.samples, options.max_series),
            file,
            catalogue: Catalogue::new(loaded.metadata),
            pulse,
            alarm: Alarm::default(),
            options,
            journal_age: Mutex::new(journal_age),
        })))
    }

    /// Takes points. Each is taken or refused by itself, and what is taken is readable at once.
    ///
    /// The points of a series must ascend in time. The stale marker is a point like any other. Takes about a microsecond a
    /// point; call it from a blocking thread for batches of more than some thousands.
    pub fn append(&self, batch: &[(SeriesLabels, Point)]) -> Appended {
        self.0.head.append(batch, self.bounds())
    }

    /// Like [`Store::append`], without looking up the series by their labels.
    pub fn append_to(&self, batch: &[(SeriesRef, Point)]) -> Appended {
        self.0.head.append_to(batch, self.bounds())
    }

    /// The series with these labels, which begins to exist if there was none.
    pub fn series_ref(&self, labels: &SeriesLabels) -> Result<SeriesRef, Refusal> {
        self.0.head.series_ref(labels)
    }

    /// The series that have points in the window, with those that are wanted, in no particular order.
    ///
    /// Too many points are an error, never a part of them.
    pub async fn select(&self, select: &Select) -> Result<Vec<Series>, ReadError> {
        let limit = self.0.options.max_points;
        let (store, wanted) = (self.clone(), select.clone());
        let mut found = blocking(move || read::from_memory(&store.0.head, &wanted, limit)).await??;
        if found.iter().any(read::Found::needs_file) {
            let readers = self.0.file.pools().readers;
            let read = read::from_file(&readers, select, &mut found, limit).await;
            self.0.pulse.damaged(match &read {
                Ok(damaged_rows) => *damaged_rows,
                Err(ReadError::File(error)) => u64::from(file::is_damage(error)),
                Err(_) => 0,
            });
            read?;
        }
        Ok(found.into_iter().filter_map(read::Found::into_series).collect())
    }

    /// The label sets that one of the sets of matchers means; without any set: all.
    pub async fn series(&self, sets: &[Vec<Matcher>], period: Period) -> Result<Vec<SeriesLabels>, ReadError> {
        let (store, sets) = (self.clone(), sets.to_vec());
        blocking(move || browse::series(&store.0.head, &sets, period)).await
    }

    /// The label names of those series, in order.
    pub async fn label_names(&self, sets: &[Vec<Matcher>], period: Period) -> Result<Vec<Arc<str>>, ReadError> {
        let (store, sets) = (self.clone(), sets.to_vec());
        blocking(move || browse::label_names(&store.0.head, &sets, period)).await
    }

    /// The values that label `name` has on those series, in order.
    pub async fn label_values(
        &self,
        name: &str,
        sets: &[Vec<Matcher>],
        period: Period,
    ) -> Result<Vec<Arc<str>>, ReadError> {
        let (store, name, sets) = (self.clone(), name.to_owned(), sets.to_vec());
        blocking(move || browse::label_values(&store.0.head, &name, &sets, period)).await
    }

    /// Says what a metric is. Texts are cut at 1 KiB; beyond 10,000 metrics new ones are ignored.
    pub fn set_metadata(&self, metric: &str, about: Metadata) {
        if let Some((metric, about)) = self.0.catalogue.set(metric, about) {
            self.0.head.pending().metadata.insert(metric, about);
        }
    }

    /// What is known of the metrics that have series.
    pub fn metadata(&self) -> BTreeMap<Arc<str>, Metadata> {
        let mut known = self.0.catalogue.all();
        known.retain(|metric, _| browse::has_metric(&self.0.head, metric));
        known
    }

    /// How much of the stated limit is in use.
    pub fn usage(&self) -> Usage {
        let series = self.0.head.index().len() as u64;
        let samples = self.0.head.samples.load(Ordering::Relaxed);
        Usage::new(series, samples, self.0.file.bytes(), self.0.options.max_bytes)
    }

    /// Now, by the store's clock, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.0.options.clock.now_ms()
    }

    /// Whether samples reach the disk, and what was lost.
    pub fn health(&self) -> Health {
        self.0.pulse.get().clone()
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds::at(self.0.options.clock.now_ms(), milliseconds(self.0.options.retention))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ReadError> {
    task::spawn_blocking(work).await.map_err(|_| ReadError::Ending)
}
