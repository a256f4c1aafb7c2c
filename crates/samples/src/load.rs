//! What a file holds, brought into memory when it is opened.

use std::{collections::BTreeMap, sync::Arc};

use futures::TryStreamExt;
use sqlx::{Row, SqlitePool};

use crate::{
    file, frame,
    index::Index,
    metadata::Metadata,
    schema,
    series::{Last, Pushed, Sealed},
    varint,
};

/// What was found.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) index: Index,
    pub(crate) metadata: BTreeMap<Arc<str>, Metadata>,
    /// The first free number of the journal.
    pub(crate) next_frame: u64,
    /// Points in chunks and in the journal.
    pub(crate) samples: u64,
    /// Rows that could not be read; they are left out.
    pub(crate) damaged_rows: u64,
}

/// Reads all but the chunks that end at `old_until_ms` or earlier.
pub(crate) async fn load(pool: &SqlitePool, old_until_ms: i64) -> Result<Loaded, sqlx::Error> {
    let mut loaded = Loaded::default();
    read_series(pool, &mut loaded).await?;
    read_recent_chunks(pool, &mut loaded, old_until_ms).await?;
    read_extents(pool, &mut loaded).await?;
    loaded.samples = sqlx::query_scalar::<_, i64>("SELECT samples FROM totals").fetch_one(pool).await?.cast_unsigned();
    replay_journal(pool, &mut loaded).await?;
    let mut rows = sqlx::query("SELECT metric, kind, help, unit FROM metadata").fetch(pool);
    while let Some(row) = rows.try_next().await? {
        let about = Metadata { kind: row.try_get(1)?, help: row.try_get(2)?, unit: row.try_get(3)? };
        loaded.metadata.insert(row.try_get::<String, _>(0)?.into(), about);
    }
    Ok(loaded)
}

async fn read_series(pool: &SqlitePool, loaded: &mut Loaded) -> Result<(), sqlx::Error> {
    let used = sqlx::query_scalar::<_, i64>("SELECT seq FROM sqlite_sequence WHERE name = 'series'");
    if let Some(used) = used.fetch_optional(pool).await?.and_then(|used| u32::try_from(used).ok()) {
        loaded.index.reserve(used);
    }
    let mut rows = sqlx::query("SELECT id, labels FROM series ORDER BY id").fetch(pool);
    while let Some(row) = rows.try_next().await? {
        let id = u32::try_from(row.try_get::<i64, _>(0)?).ok();
        let labels = varint::unpack_labels(row.try_get(1)?);
        match id.zip(labels) {
            Some((id, labels)) if loaded.index.get(&labels).is_none() => {
                loaded.index.insert(id, &labels);
            }
            _ => loaded.damaged_rows += 1,
        }
    }
    Ok(())
}

async fn read_recent_chunks(pool: &SqlitePool, loaded: &mut Loaded, old_until_ms: i64) -> Result<(), sqlx::Error> {
    let recent =
        "SELECT series, bytes FROM chunks WHERE bucket >= ?1 AND last_ms > ?2 ORDER BY bucket, series, first_ms";
    let mut rows = sqlx::query(recent).bind(schema::bucket(old_until_ms) - 1).bind(old_until_ms).fetch(pool);
    while let Some(row) = rows.try_next().await? {
        let id = u32::try_from(row.try_get::<i64, _>(0)?).unwrap_or(u32::MAX);
        // Chunks of a series that has gone wait for retention.
        let Some(series) = loaded.index.by_id(id) else { continue };
        match Sealed::from_file(row.try_get(1)?) {
            Ok((chunk, last)) => {
                let mut body = series.body();
                body.first_ms = body.first_ms.min(chunk.first_ms);
                body.last = Some(Last { at_ms: last.at_ms, value: Some(last.value) });
                body.sealed.push_back(chunk);
            }
            Err(_) => loaded.damaged_rows += 1,
        }
    }
    Ok(())
}

async fn read_extents(pool: &SqlitePool, loaded: &mut Loaded) -> Result<(), sqlx::Error> {
    let mut rows = sqlx::query("SELECT series, first_ms, last_ms FROM extents").fetch(pool);
    while let Some(row) = rows.try_next().await? {
        let id = u32::try_from(row.try_get::<i64, _>(0)?).unwrap_or(u32::MAX);
        let (first_ms, last_ms): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
        let Some(series) = loaded.index.by_id(id) else { continue };
        let mut body = series.body();
        let oldest_here = body.sealed.front().map(|chunk| chunk.first_ms);
        body.file_until_ms = match oldest_here {
            Some(oldest) if oldest <= first_ms => i64::MIN,
            Some(oldest) => oldest - 1,
            None => last_ms,
        };
        body.first_ms = body.first_ms.min(first_ms);
        if body.last.is_none_or(|last| last.at_ms < last_ms) {
            body.last = Some(Last { at_ms: last_ms, value: None });
        }
    }
    Ok(())
}

/// Points that a chunk has already are not later than the series' last, so they are refused and nothing is doubled.
async fn replay_journal(pool: &SqlitePool, loaded: &mut Loaded) -> Result<(), sqlx::Error> {
    let mut rows = sqlx::query("SELECT id, frame FROM journal ORDER BY id").fetch(pool);
    while let Some(row) = rows.try_next().await? {
        let frame = row.try_get::<i64, _>(0)?.cast_unsigned();
        loaded.next_frame = frame + 1;
        let Some(entries) = frame::unpack(row.try_get(1)?) else {
            loaded.damaged_rows += 1;
            continue;
        };
        for entry in entries {
            let Some(series) = loaded.index.by_id(entry.series) else { continue };
            if series.body().push(entry.point, frame) == Ok(Pushed::New) {
                loaded.samples += 1;
            }
        }
    }
    Ok(())
}

/// Whether a file with our mark does not hold what it should: damaged pages, a missing table, a column of another type.
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    const NO_SUCH_TABLE: &str = "1";
    let code = error.as_database_error().and_then(|error| error.code());
    file::is_damage(error) || code.as_deref() == Some(NO_SUCH_TABLE)
}
