//! Many readers, one query: identical reads within a short window are asked once, in this process.
//!
//! For people's reads only (summaries, live frames, pass-through). Rules are evaluated at exact slots and never here.

use std::{mem::size_of, sync::Arc};

use moka::future::Cache;
use vigil_domain::{Labels, QueryValue, Span, Timestamp};

use crate::{Answer, ApiPath, Datasource, Pairs, QueryError, RawAnswer};

/// How long and how much is shared.
#[derive(Clone, Copy, Debug)]
pub struct CacheOptions {
    /// Readers within one window share an answer; zero shares nothing.
    pub window: Span,
    /// Roughly the memory that answers may take.
    pub capacity_bytes: u64,
}

/// An answer that others may hold too.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedAnswer {
    /// The instant it is for: that of the first reader in the window.
    pub at: Timestamp,
    pub answer: Answer<QueryValue>,
}

/// A data source whose identical reads are shared. Cheap to clone; clones share answers.
#[derive(Clone)]
pub struct CachedDatasource {
    source: Datasource,
    window: Span,
    instants: Cache<(i64, String), Arc<SharedAnswer>>,
    raws: Cache<(i64, ApiPath, Pairs), RawAnswer>,
}

impl CachedDatasource {
    /// Shares reads of `source`.
    pub fn new(source: Datasource, options: CacheOptions) -> Self {
        let CacheOptions { window, capacity_bytes } = options;
        // A window ends by its number; this only frees the memory. Half for each kind.
        let lifetime = (window.std() * 2).max(std::time::Duration::from_millis(1));
        let instants = Cache::builder()
            .max_capacity(capacity_bytes / 2)
            .time_to_live(lifetime)
            .weigher(|(_, expr): &(i64, String), shared: &Arc<SharedAnswer>| saturate(expr.len() + weight(shared)))
            .build();
        let raws = Cache::builder()
            .max_capacity(capacity_bytes / 2)
            .time_to_live(lifetime)
            .weigher(|(_, _, pairs): &(i64, ApiPath, Pairs), answer: &RawAnswer| {
                let asked: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
                saturate(asked + answer.body.len())
            })
            .build();
        Self { source, window, instants, raws }
    }

    /// The data source itself, unshared.
    pub fn source(&self) -> &Datasource {
        &self.source
    }

    /// Evaluates `expr` at `now`, or hands out what another reader of the same window got. Errors are shared with
    /// those who wait for the same query, and not kept.
    pub async fn instant(&self, expr: &str, now: Timestamp) -> Result<Arc<SharedAnswer>, QueryError> {
        let ask = async {
            let answer = self.source.instant(expr, now).await?;
            Ok(Arc::new(SharedAnswer { at: now, answer }))
        };
        let Some(window) = self.window_of(now) else { return ask.await };
        let entry = self.instants.entry((window, expr.to_owned())).or_try_insert_with(ask).await;
        finish(entry)
    }

    /// Passes a read through ([`Datasource::get_raw`]), or hands out what another reader of the same window got.
    pub async fn get_raw(&self, path: ApiPath, pairs: Pairs, now: Timestamp) -> Result<RawAnswer, QueryError> {
        let Some(window) = self.window_of(now) else { return self.source.get_raw(&path, &pairs).await };
        let key = (window, path.clone(), pairs.clone());
        let entry = self.raws.entry(key).or_try_insert_with(self.source.get_raw(&path, &pairs)).await;
        finish(entry)
    }

    /// `None` when nothing is shared.
    fn window_of(&self, now: Timestamp) -> Option<i64> {
        now.timestamp_millis().checked_div_euclid(self.window.millis_i64())
    }
}

fn finish<K, V: Clone>(entry: Result<moka::Entry<K, V>, Arc<QueryError>>) -> Result<V, QueryError> {
    let entry = entry.map_err(|error| (*error).clone())?;
    if !entry.is_fresh() {
        metrics::counter!("vigil_datasource_cache_hits_total").increment(1);
    }
    Ok(entry.into_value())
}

/// Roughly the bytes an answer takes in memory.
fn weight(shared: &SharedAnswer) -> usize {
    let fixed = size_of::<SharedAnswer>();
    match &shared.answer.value {
        QueryValue::Vector(samples) => {
            samples.iter().map(|sample| labels_weight(&sample.labels)).sum::<usize>() + fixed
        }
        QueryValue::String(text) => text.len() + fixed,
        QueryValue::Scalar(_) | QueryValue::Matrix => fixed,
    }
}

fn labels_weight(labels: &Labels) -> usize {
    let texts: usize = labels.iter().map(|(name, value)| name.len() + value.len() + 2 * size_of::<String>()).sum();
    texts + size_of::<Labels>() + size_of::<f64>()
}

fn saturate(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
