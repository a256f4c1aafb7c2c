//! Points for the evaluator: from memory, and from the file what is older.
//!
//! Memory is read on a blocking thread, because thousands of series take milliseconds. Rows of the file are read by
//! `SQLite`'s own threads and unpacked one by one as they arrive, which never holds an async thread for long.

use std::sync::Arc;

use futures::TryStreamExt;
use sqlx::{Row, SqlitePool};
use vigil_promql::{Point, Select, Series, SeriesLabels, Wanted};

use crate::{
    codec::{self, Damaged},
    head::Head,
    schema,
    series::MemorySeries,
};

/// Why samples cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing is returned, so that nobody takes a part for the whole.
    #[error("the query selects more than {limit} samples; ask for a shorter range or fewer series")]
    TooManyPoints { limit: usize },
    #[error("cannot read old samples: {0}")]
    File(#[from] sqlx::Error),
    #[error("the program is ending")]
    Ending,
}

/// A series that a selection found, with what memory has of it.
pub(crate) struct Found {
    id: u32,
    labels: SeriesLabels,
    /// The part of the window that is in the file only: from the first to the last time.
    in_file: Option<(i64, i64)>,
    /// What the file had.
    older: Vec<Point>,
    /// What memory had.
    points: Vec<Point>,
}

/// What memory has of a selection, and where the file has more.
pub(crate) fn from_memory(head: &Head, select: &Select, limit: usize) -> Result<Vec<Found>, ReadError> {
    let matching = head.index().matching(&select.matchers);
    let mut found = Vec::with_capacity(matching.len());
    let mut total = 0;
    for series in matching {
        let Some(one) = one_from_memory(&series, select) else { continue };
        total += one.points.len();
        if total > limit {
            return Err(ReadError::TooManyPoints { limit });
        }
        found.push(one);
    }
    Ok(found)
}

fn one_from_memory(series: &Arc<MemorySeries>, select: &Select) -> Option<Found> {
    let body = series.body();
    let last = body.last?;
    if last.at_ms <= select.after_ms || body.first_ms > select.until_ms {
        return None;
    }
    let mut points = Vec::new();
    match select.wanted {
        Wanted::Newest => points.extend(body.newest(select.after_ms, select.until_ms)),
        Wanted::All => body.decode(select.after_ms, select.until_ms, &mut points),
    }
    let enough = select.wanted == Wanted::Newest && !points.is_empty();
    let more = body.file_until_ms > select.after_ms && body.first_ms <= body.file_until_ms && !enough;
    let in_file = more.then_some((body.first_ms, body.file_until_ms.min(select.until_ms)));
    let empty = points.is_empty() && in_file.is_none();
    (!empty).then(|| Found { id: series.id, labels: series.labels.clone(), in_file, older: Vec::new(), points })
}

/// What only the file has. How many rows were damaged.
pub(crate) async fn from_file(
    readers: &SqlitePool,
    select: &Select,
    found: &mut [Found],
    limit: usize,
) -> Result<u64, ReadError> {
    let wanted: Vec<_> = found.iter().filter_map(|one| Some((one.id, one.in_file?))).collect();
    let Some(until_ms) = wanted.iter().map(|(_, (_, until_ms))| *until_ms).max() else { return Ok(0) };
    let first_ms = wanted.iter().map(|(_, (first_ms, _))| *first_ms).min().unwrap_or(until_ms);
    let ids: Vec<String> = wanted.iter().map(|(id, _)| id.to_string()).collect();
    let mut total: usize = found.iter().map(|one| one.points.len()).sum();
    // Blocks ascend, and so do a series' chunks within one: each series' rows come in time order.
    let mut rows = sqlx::query(
        "WITH RECURSIVE blocks (bucket) AS (VALUES (?1) UNION ALL SELECT bucket + 1 FROM blocks WHERE bucket < ?2) \
         SELECT chunks.series, chunks.bytes FROM blocks CROSS JOIN json_each(?3) AS wanted \
         CROSS JOIN chunks ON chunks.bucket = blocks.bucket AND chunks.series = wanted.value \
         WHERE chunks.first_ms <= ?4 AND chunks.last_ms > ?5",
    )
    .bind(schema::bucket(first_ms.max(select.after_ms)) - 1)
    .bind(schema::bucket(until_ms))
    .bind(format!("[{}]", ids.join(",")))
    .bind(until_ms)
    .bind(select.after_ms)
    .fetch(readers);
    let mut damaged = 0;
    while let Some(row) = rows.try_next().await? {
        let id = row.try_get::<i64, _>(0)?;
        let Ok(place) = found.binary_search_by_key(&id, |one| i64::from(one.id)) else { continue };
        match found[place].take_older(row.try_get(1)?, select) {
            Ok(more) => total += more,
            Err(Damaged) => damaged += 1,
        }
        if total > limit {
            return Err(ReadError::TooManyPoints { limit });
        }
    }
    Ok(damaged)
}

impl Found {
    pub(crate) fn needs_file(&self) -> bool {
        self.in_file.is_some()
    }

    /// Takes a chunk that is newer than those before; by how many points this grew.
    fn take_older(&mut self, chunk: &[u8], select: &Select) -> Result<usize, Damaged> {
        let Some((_, until_ms)) = self.in_file else { return Ok(0) };
        let before = self.older.len();
        let decoded = codec::decode(chunk, select.after_ms, until_ms, &mut self.older);
        if decoded.is_err() {
            self.older.truncate(before);
        }
        if select.wanted == Wanted::Newest && self.older.len() > 1 {
            self.older.drain(..self.older.len() - 1);
        }
        decoded.map(|()| self.older.len().saturating_sub(before))
    }

    /// The series, or nothing when no point is in the window.
    pub(crate) fn into_series(mut self) -> Option<Series> {
        if !self.older.is_empty() {
            self.older.append(&mut self.points);
            self.points = self.older;
        }
        (!self.points.is_empty()).then_some(Series { labels: self.labels, points: self.points })
    }
}
