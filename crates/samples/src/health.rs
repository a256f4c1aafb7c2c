//! How the store fares: whether it can write, what it lost, how full it is.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Whether samples reach the disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    /// Why writing fails at the moment. Reading and appending go on in memory meanwhile.
    pub error: Option<String>,
    /// Since when, in milliseconds since 1970.
    pub failing_since_ms: Option<i64>,
    /// Points lost because they could not be written for too long.
    pub dropped_samples: u64,
    /// Times that a row of the file could not be read, because it was damaged.
    pub damaged_rows: u64,
    /// What a damaged file was renamed to, the last if it happened more than once.
    pub set_aside: Option<PathBuf>,
}

impl Health {
    /// Whether nothing fails now; losses of the past do not count.
    pub fn is_good(&self) -> bool {
        self.error.is_none()
    }
}

/// Health as it changes; each change for the worse or the better is logged once.
#[derive(Default)]
pub(crate) struct Pulse(Mutex<Health>);

impl Pulse {
    pub(crate) fn get(&self) -> MutexGuard<'_, Health> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn failed(&self, error: &dyn std::error::Error, now_ms: i64) {
        let mut health = self.get();
        if health.error.is_none() {
            tracing::error!(%error, "cannot write samples; keeping them in memory and trying again");
            health.failing_since_ms = Some(now_ms);
        }
        health.error = Some(error.to_string());
    }

    pub(crate) fn worked(&self) {
        let mut health = self.get();
        if health.error.take().is_some() {
            tracing::info!("samples are written again");
            health.failing_since_ms = None;
        }
    }

    pub(crate) fn dropped(&self, samples: u64) {
        if samples == 0 {
            return;
        }
        let mut health = self.get();
        if health.dropped_samples == 0 {
            tracing::error!(samples, "too many samples wait to be written; dropping the oldest");
        }
        health.dropped_samples += samples;
    }

    pub(crate) fn damaged(&self, rows: u64) {
        if rows == 0 {
            return;
        }
        let mut health = self.get();
        if health.damaged_rows == 0 {
            tracing::warn!(rows, "rows of the sample store are damaged and left out");
        }
        health.damaged_rows += rows;
    }

    pub(crate) fn set_aside(&self, path: PathBuf) {
        tracing::error!(set_aside = %path.display(), "the sample store's file was damaged; beginning an empty one");
        self.get().set_aside = Some(path);
    }
}
