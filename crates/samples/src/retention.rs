//! What is older than the retention goes: chunks in small batches, then the series that have no points left.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use sqlx::{Connection, QueryBuilder, Row, Sqlite, SqliteConnection, SqlitePool};

use crate::{file, head::Head, schema};

/// Rows deleted in one transaction.
const BATCH: i64 = 2_000;
/// Transactions of one call, so that a flush never waits long. What remains goes with the next calls.
const BATCHES: usize = 20;

/// Deletes what ends before `cutoff_ms`, block by block. Whether all of it is gone.
pub(crate) async fn apply(head: &Head, writer: &SqlitePool, cutoff_ms: i64) -> Result<bool, sqlx::Error> {
    // No chunk spans more than a block, so the last of this one ends before the cutoff's block begins.
    let first_kept = schema::bucket(cutoff_ms) - 1;
    for _ in 0..BATCHES {
        let mut connection = writer.acquire().await?;
        let deleted = delete_batch(&mut connection, first_kept).await;
        let (rows, samples) = file::settle(connection, deleted).await?;
        head.samples.fetch_sub(samples.min(head.samples.load(Ordering::Relaxed)), Ordering::Relaxed);
        if rows < BATCH {
            let ids = forget_series(head, first_kept);
            let mut connection = writer.acquire().await?;
            let deleted = delete_series(&mut connection, &ids).await;
            return file::settle(connection, deleted).await.map(|()| true);
        }
    }
    Ok(false)
}

/// Deletes some of the chunks in blocks before `first_kept`: how many, and how many points they had.
async fn delete_batch(connection: &mut SqliteConnection, first_kept: i64) -> Result<(i64, u64), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    let old = "SELECT count(*), coalesce(sum(count), 0) FROM \
               (SELECT count FROM chunks WHERE bucket < ?1 ORDER BY bucket, series, first_ms LIMIT ?2)";
    let found = sqlx::query(old).bind(first_kept).bind(BATCH).fetch_one(&mut *transaction).await?;
    let (rows, samples): (i64, i64) = (found.try_get(0)?, found.try_get(1)?);
    if rows > 0 {
        sqlx::query(
            "DELETE FROM chunks WHERE (bucket, series, first_ms) IN \
             (SELECT bucket, series, first_ms FROM chunks WHERE bucket < ?1 ORDER BY bucket, series, first_ms LIMIT ?2)",
        )
        .bind(first_kept)
        .bind(BATCH)
        .execute(&mut *transaction)
        .await?;
        let less = "UPDATE totals SET samples = max(samples - ?1, 0)";
        sqlx::query(less).bind(samples).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok((rows, samples.cast_unsigned()))
}

/// Takes series out of the index whose last point is gone; their numbers.
fn forget_series(head: &Head, first_kept: i64) -> BTreeSet<u32> {
    let mut index = head.index_mut();
    let mut ids = BTreeSet::new();
    for series in index.all() {
        let mut body = series.body();
        body.first_ms = body.first_ms.max(first_kept * schema::BUCKET_MS);
        let over = body.last.is_none_or(|last| schema::bucket(last.at_ms) < first_kept);
        if over && body.needs_frame().is_none() {
            body.gone = true;
            ids.insert(series.id);
        }
    }
    index.remove(&ids);
    ids
}

async fn delete_series(connection: &mut SqliteConnection, ids: &BTreeSet<u32>) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = ids.iter().copied().collect();
    for some in ids.chunks(500) {
        let mut transaction = connection.begin().await?;
        for table in ["DELETE FROM series WHERE id IN (", "DELETE FROM extents WHERE series IN ("] {
            let mut delete = QueryBuilder::<Sqlite>::new(table);
            let mut list = delete.separated(", ");
            some.iter().for_each(|id| {
                list.push_bind(i64::from(*id));
            });
            list.push_unseparated(")");
            delete.build().persistent(false).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}
