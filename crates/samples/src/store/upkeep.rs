//! What a store does by the clock: writing, forgetting, starting over, ending.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::{task, time};

use super::{Store, WriteError};
use crate::{
    flush::{self, JournalAge},
    options::milliseconds,
    retention,
    usage::Alarm,
};

impl Store {
    /// Flushes and applies retention until `shutdown`, then closes the store.
    ///
    /// While writing fails it is tried again less and less often, at least once a minute.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), WriteError> {
        tokio::pin!(shutdown);
        let mut failures = 0;
        let mut cleaned = time::Instant::now();
        loop {
            tokio::select! {
                () = &mut shutdown => return self.close().await,
                () = time::sleep(pause(self.0.options.flush_every, failures)) => {}
            }
            failures = if self.flush().await.is_ok() { 0 } else { failures + 1 };
            if failures > 0 || cleaned.elapsed() >= Alarm::EVERY {
                let all_gone = self.clean().await.unwrap_or(true);
                if all_gone {
                    cleaned = time::Instant::now();
                }
            }
        }
    }

    /// Writes what is not in the file yet.
    pub async fn flush(&self) -> Result<(), WriteError> {
        let mut age = self.0.journal_age.lock().await;
        let now_ms = self.0.options.clock.now_ms();
        let mut written = self.flush_once(&mut age, now_ms).await;
        if self.must_start_over(&written) {
            written = match self.start_over(now_ms).await {
                Ok(()) => self.flush_once(&mut age, now_ms).await,
                failed => failed,
            };
        }
        match &written {
            Ok(()) => self.0.pulse.worked(),
            Err(error) => self.0.pulse.failed(error, now_ms),
        }
        written
    }

    /// Deletes some of what is older than the retention, and warns when the store is nearly full. Whether all of it is gone.
    pub async fn clean(&self) -> Result<bool, WriteError> {
        let _writing = self.0.journal_age.lock().await;
        let usage = self.usage();
        if self.0.alarm.rings(&usage) {
            tracing::warn!(
                series = usage.series,
                samples = usage.samples,
                hint = usage.hint(),
                "the sample store is nearly full"
            );
        }
        let cutoff_ms = self.bounds().oldest_ms;
        let cleaned = retention::apply(&self.0.head, &self.0.file.pools().writer, cutoff_ms).await;
        let cleaned = cleaned.map_err(WriteError::from);
        if self.must_start_over(&cleaned) {
            self.start_over(self.0.options.clock.now_ms()).await?;
        }
        cleaned
    }

    /// Refuses further points, writes everything and closes the file. Nothing that was accepted is lost after `Ok`.
    pub async fn close(&self) -> Result<(), WriteError> {
        self.0.head.close();
        let written = self.flush().await;
        self.0.file.close().await;
        written
    }

    async fn flush_once(&self, age: &mut JournalAge, now_ms: i64) -> Result<(), WriteError> {
        let old_until_ms = now_ms.saturating_sub(milliseconds(self.0.options.in_memory));
        let (store, mut moved) = (self.clone(), std::mem::take(age));
        let collected = task::spawn_blocking(move || {
            let flush = flush::collect(&store.0.head, &mut moved, now_ms, old_until_ms);
            (flush, moved)
        });
        let (flush, moved) = collected.await.map_err(|_| WriteError::Ending)?;
        *age = moved;
        let written = flush.write(&self.0.file.pools().writer).await;
        match &written {
            Ok(()) => flush.succeeded(),
            Err(_) => self.0.pulse.dropped(self.forget(flush.failed(&self.0.head))),
        }
        Ok(written?)
    }

    fn must_start_over<T>(&self, outcome: &Result<T, WriteError>) -> bool {
        matches!(outcome, Err(WriteError::File(error)) if self.0.file.must_start_over(error))
    }

    /// Puts a damaged file aside and makes an empty one, to which the next flush writes all that memory has.
    async fn start_over(&self, now_ms: i64) -> Result<(), WriteError> {
        self.0.pulse.set_aside(self.0.file.start_over(now_ms).await?);
        let series: Vec<_> = self.0.head.index().all().cloned().collect();
        series.iter().for_each(|series| series.body().forget_file());
        self.0.head.give_back(series, self.0.catalogue.all());
        Ok(())
    }

    fn forget(&self, dropped: u64) -> u64 {
        self.0.head.samples.fetch_sub(dropped, Ordering::Relaxed);
        dropped
    }
}

/// How long until the next flush after so many failures in a row.
fn pause(flush_every: Duration, failures: u32) -> Duration {
    let longest = Duration::from_mins(1).max(flush_every);
    flush_every.saturating_mul(2_u32.saturating_pow(failures.min(8))).min(longest)
}
