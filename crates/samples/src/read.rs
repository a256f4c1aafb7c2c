//! Points for the evaluator: from memory, and from the file what is older.
//!
//! Memory is read on a blocking thread, because thousands of series take milliseconds. The file is read by `SQLite`'s own
//! threads, some thousand chunks at a time, and each lot is unpacked when it arrives, which takes some milliseconds too.

use std::sync::Arc;

use sqlx::SqlitePool;
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
    let (first, last) = (schema::bucket(first_ms.max(select.after_ms)) - 1, schema::bucket(until_ms));
    let mut total: usize = found.iter().map(|one| one.points.len()).sum();
    let mut damaged = 0;
    let lot = usize::try_from(LOT / (last - first + 1).max(1)).unwrap_or(1).max(1);
    for wanted in wanted.chunks(lot) {
        let ids: Vec<String> = wanted.iter().map(|(id, _)| id.to_string()).collect();
        let chunks = sqlx::query_scalar::<_, Option<Vec<u8>>>(CHUNKS)
            .bind(first)
            .bind(last)
            .bind(format!("[{}]", ids.join(",")))
            .bind(until_ms)
            .bind(select.after_ms);
        let chunks = chunks.fetch_one(readers).await?.unwrap_or_default();
        damaged += unpack(&chunks, select, found, &mut total, limit)?;
    }
    Ok(damaged)
}

/// Takes the chunks of a value of [`CHUNKS`]; how many of them were damaged.
fn unpack(
    mut value: &[u8],
    select: &Select,
    found: &mut [Found],
    total: &mut usize,
    limit: usize,
) -> Result<u64, ReadError> {
    let mut damaged = 0;
    while let Some((id, chunk, rest)) = split_chunk(value) {
        value = rest;
        let Ok(place) = found.binary_search_by_key(&id, |one| one.id) else { continue };
        match found[place].take_older(chunk, select) {
            Ok(more) => *total += more,
            Err(Damaged) => damaged += 1,
        }
        if *total > limit {
            return Err(ReadError::TooManyPoints { limit });
        }
    }
    Ok(damaged)
}

/// How often a lot looks for a series' chunks in a block of two hours, at most, unless one series alone takes more.
const LOT: i64 = 2_048;

/// All chunks of some series in one value, each after its series and its length: handing a row from `SQLite`'s thread to
/// another takes longer than unpacking several chunks.
///
/// Blocks ascend, and so do a series' chunks within one, so each series' chunks come in time order. `||` and `group_concat`
/// take the bytes of a blob as they are, and call what comes out a text.
const CHUNKS: &str = "
WITH RECURSIVE blocks (bucket) AS (VALUES (?1) UNION ALL SELECT bucket + 1 FROM blocks WHERE bucket < ?2),
found (series, bytes) AS (
    SELECT chunks.series, CAST(ifnull(chunks.bytes, '') AS BLOB) FROM blocks CROSS JOIN json_each(?3) AS wanted
    CROSS JOIN chunks ON chunks.bucket = blocks.bucket AND chunks.series = wanted.value
    WHERE chunks.first_ms <= ?4 AND chunks.last_ms > ?5
)
SELECT CAST(group_concat(printf('%08x%08x', series, length(bytes)) || bytes, '') AS BLOB) FROM found";

/// The first chunk of a value of [`CHUNKS`] with its series, and the rest.
fn split_chunk(value: &[u8]) -> Option<(u32, &[u8], &[u8])> {
    let (head, rest) = value.split_at_checked(16)?;
    let head = str::from_utf8(head).ok()?;
    let number = |digits: Option<&str>| u32::from_str_radix(digits?, 16).ok();
    let (id, length) = (number(head.get(..8))?, number(head.get(8..))?);
    let (chunk, rest) = rest.split_at_checked(length as usize)?;
    Some((id, chunk, rest))
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
