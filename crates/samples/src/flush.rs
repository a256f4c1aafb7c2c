//! From memory to the file: one transaction each flush, which either happens whole or not at all.
//!
//! It writes the new series, the chunks that were sealed, the points since the flush before as one row of the journal, and
//! deletes the journal's rows whose points all are in chunks. When it fails, nothing is lost: the points are still in the
//! chunks in memory, so the next flush writes all unfinished chunks in place of the journal rows that are missing.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection, SqlitePool};

use crate::{
    file,
    frame::{self, Entry},
    head::Head,
    metadata::Metadata,
    options::milliseconds,
    schema,
    series::{MemorySeries, Sealed},
    varint,
};

/// A point stays in the journal for at most about so long; then its unfinished chunk is written. A full chunk takes half an
/// hour at 15 s, so this is for series with rarer points.
const JOURNAL_SPAN: Duration = Duration::from_mins(45);
/// Chunks that may wait in memory for a file that cannot be written, in bytes.
const MAX_WAITING: usize = 48 << 20;
/// Rows of one statement: some thousand parameters.
const ROWS: usize = 500;

/// What one flush writes.
pub(crate) struct Flush {
    frame: u64,
    series: Vec<Arc<MemorySeries>>,
    metadata: BTreeMap<Arc<str>, Metadata>,
    journal: Option<Vec<u8>>,
    chunks: Vec<(Arc<MemorySeries>, Sealed)>,
    /// Earlier frames are not needed any more.
    first_needed: u64,
    checkpoint: bool,
}

/// When which frame of the journal was taken, oldest first.
#[derive(Default)]
pub(crate) struct JournalAge(VecDeque<(u64, i64)>);

impl JournalAge {
    /// Frames up to this one are too old to be waited for.
    fn overdue(&mut self, now_ms: i64) -> Option<u64> {
        let limit = now_ms.saturating_sub(milliseconds(JOURNAL_SPAN));
        let count = self.0.partition_point(|(_, taken_ms)| *taken_ms <= limit);
        let overdue = self.0.get(count.checked_sub(1)?).map(|(frame, _)| *frame);
        self.0.drain(..count - 1);
        overdue
    }

    /// Frames up to `frame` are as old as now.
    pub(crate) fn note(&mut self, frame: u64, now_ms: i64) {
        self.0.push_back((frame, now_ms));
    }
}

/// Takes from `head` what is to be written, and lets go of what is in the file and ends at `old_until_ms` or earlier.
pub(crate) fn collect(head: &Head, age: &mut JournalAge, now_ms: i64, old_until_ms: i64) -> Flush {
    let (frame, mut pending) = head.take_pending();
    let overdue = age.overdue(now_ms);
    age.note(frame, now_ms);
    let mut flush = Flush {
        frame,
        series: pending.series,
        metadata: pending.metadata,
        // A checkpoint writes every chunk, so it has these points.
        journal: if pending.checkpoint { None } else { journal(&mut pending.entries) },
        chunks: Vec::new(),
        first_needed: frame,
        checkpoint: pending.checkpoint,
    };
    for series in head.index().all() {
        let mut body = series.body();
        body.evict(old_until_ms);
        let waiting = body.sealed.iter().filter(|chunk| chunk.written.count < chunk.count).cloned();
        flush.chunks.extend(waiting.map(|chunk| (series.clone(), chunk)));
        if let Some(part) = body.growing.as_ref().filter(|part| part.written.count < part.points.count()) {
            if pending.checkpoint || overdue.is_some_and(|overdue| part.written.frame <= overdue) {
                flush.chunks.push((series.clone(), part.packed()));
            } else {
                flush.first_needed = flush.first_needed.min(part.written.frame);
            }
        }
    }
    flush.chunks.sort_by_key(|(series, chunk)| (schema::bucket(chunk.first_ms), series.id, chunk.first_ms));
    flush
}

fn journal(entries: &mut [Entry]) -> Option<Vec<u8>> {
    (!entries.is_empty()).then(|| frame::pack(entries))
}

impl Flush {
    /// Writes all of it or, on `Err`, nothing.
    pub(crate) async fn write(&self, writer: &SqlitePool) -> Result<(), sqlx::Error> {
        let nothing = self.series.is_empty() && self.metadata.is_empty() && self.chunks.is_empty();
        if nothing && self.journal.is_none() && !self.checkpoint {
            return Ok(());
        }
        let mut connection = writer.acquire().await?;
        let written = self.write_with(&mut connection).await;
        file::settle(connection, written).await
    }

    async fn write_with(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let mut transaction = connection.begin().await?;
        let connection = &mut *transaction;
        self.write_series(connection).await?;
        self.write_chunks(connection).await?;
        if let Some(journal) = &self.journal {
            sqlx::query("INSERT INTO journal (id, frame) VALUES (?1, ?2)")
                .bind(self.frame.cast_signed())
                .bind(journal.as_slice())
                .execute(&mut *connection)
                .await?;
        }
        let needed = self.first_needed.cast_signed();
        sqlx::query("DELETE FROM journal WHERE id < ?1").bind(needed).execute(&mut *connection).await?;
        transaction.commit().await
    }

    async fn write_series(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        for rows in self.series.chunks(ROWS) {
            QueryBuilder::<Sqlite>::new("INSERT OR REPLACE INTO series (id, labels) ")
                .push_values(rows, |mut row, series| {
                    row.push_bind(i64::from(series.id)).push_bind(varint::pack_labels(&series.labels));
                })
                .build()
                .persistent(false)
                .execute(&mut *connection)
                .await?;
        }
        for (metric, about) in &self.metadata {
            sqlx::query("INSERT OR REPLACE INTO metadata (metric, kind, help, unit) VALUES (?1, ?2, ?3, ?4)")
                .bind(metric.as_ref())
                .bind(about.kind.as_str())
                .bind(about.help.as_str())
                .bind(about.unit.as_str())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    async fn write_chunks(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        if self.chunks.is_empty() {
            return Ok(());
        }
        for rows in self.chunks.chunks(ROWS) {
            QueryBuilder::<Sqlite>::new(
                "INSERT OR REPLACE INTO chunks (bucket, series, first_ms, last_ms, count, bytes) ",
            )
            .push_values(rows, |mut row, (series, chunk)| {
                row.push_bind(schema::bucket(chunk.first_ms)).push_bind(i64::from(series.id));
                row.push_bind(chunk.first_ms).push_bind(chunk.last_ms);
                row.push_bind(i64::from(chunk.count)).push_bind(chunk.bytes.as_ref());
            })
            .build()
            .persistent(false)
            .execute(&mut *connection)
            .await?;
            QueryBuilder::<Sqlite>::new("INSERT INTO extents (series, first_ms, last_ms) ")
                .push_values(rows, |mut row, (series, chunk)| {
                    row.push_bind(i64::from(series.id)).push_bind(chunk.first_ms).push_bind(chunk.last_ms);
                })
                .push(
                    " ON CONFLICT (series) DO UPDATE SET first_ms = min(first_ms, excluded.first_ms), \
                     last_ms = max(last_ms, excluded.last_ms)",
                )
                .build()
                .persistent(false)
                .execute(&mut *connection)
                .await?;
        }
        let new: i64 = self.chunks.iter().map(|(_, chunk)| i64::from(chunk.count - chunk.written.count)).sum();
        sqlx::query("UPDATE totals SET samples = samples + ?1").bind(new).execute(&mut *connection).await?;
        Ok(())
    }

    /// Notes in memory that it was written.
    pub(crate) fn succeeded(self) {
        for (series, chunk) in self.chunks {
            series.body().mark_written(chunk.first_ms, chunk.count, self.frame);
        }
    }

    /// Keeps for the next flush what was not written; how many points had to be dropped because too much waits.
    pub(crate) fn failed(self, head: &Head) -> u64 {
        head.give_back(self.series, self.metadata);
        drop_oldest(head, MAX_WAITING)
    }
}

/// Drops the oldest chunks that wait for the file until they are no more than `limit` bytes.
fn drop_oldest(head: &Head, limit: usize) -> u64 {
    let index = head.index();
    let mut waiting: Vec<(i64, usize, &Arc<MemorySeries>)> = Vec::new();
    for series in index.all() {
        let body = series.body();
        let chunks = body.sealed.iter().filter(|chunk| chunk.written.count < chunk.count);
        waiting.extend(chunks.map(|chunk| (chunk.first_ms, chunk.bytes.len(), series)));
    }
    let mut bytes: usize = waiting.iter().map(|(_, size, _)| size).sum();
    if bytes <= limit {
        return 0;
    }
    waiting.sort_by_key(|(first_ms, _, _)| *first_ms);
    let mut dropped = 0;
    for (_, size, series) in waiting {
        if bytes <= limit {
            break;
        }
        bytes -= size;
        dropped += u64::from(series.body().lose_oldest());
    }
    dropped
}

#[cfg(test)]
mod tests;
