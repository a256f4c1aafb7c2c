//! Lists in pages: a bounded number of items, and an opaque cursor to the next ones.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use crate::problem::{Problem, Result};

const DEFAULT_LIMIT: u64 = 50;
const LARGEST_LIMIT: u64 = 500;

/// The query of a list without filters. Lists with filters have these two fields among theirs and call [`window`].
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub(crate) limit: Option<u64>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
}

impl PageQuery {
    /// As [`window`].
    pub(crate) fn window<K: DeserializeOwned>(&self) -> Result<Window<K>> {
        window(self.limit, self.cursor.as_deref())
    }
}

/// Which part of a list is wanted.
#[derive(Debug)]
pub(crate) struct Window<K> {
    /// Items on the page.
    pub(crate) limit: u64,
    /// Sort key of the last item that the caller has.
    pub(crate) after: Option<K>,
}

impl<K> Window<K> {
    /// How many rows to read: one more than the page holds tells whether there is a next page.
    pub(crate) fn rows(&self) -> u64 {
        self.limit + 1
    }
}

/// Checks `limit` (1 to 500, 50 when absent) and opens `cursor`; 422 names what is wrong.
pub(crate) fn window<K: DeserializeOwned>(limit: Option<u64>, cursor: Option<&str>) -> Result<Window<K>> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=LARGEST_LIMIT).contains(&limit) {
        return Err(Problem::field("limit", format!("must be from 1 to {LARGEST_LIMIT}")));
    }
    let after = cursor.map(open).transpose()?;
    Ok(Window { limit, after })
}

fn open<K: DeserializeOwned>(cursor: &str) -> Result<K> {
    let key = URL_SAFE_NO_PAD.decode(cursor).ok().filter(|json| !json.windows(6).any(|six| six == b"\\u0000"));
    let key = key.and_then(|json| serde_json::from_slice(&json).ok());
    key.ok_or_else(|| Problem::field("cursor", "is not a next_cursor of this list"))
}

fn seal<K: Serialize>(key: &K) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).expect("sort keys are plain values"))
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Send it as `cursor` to get the next page; `null` on the last one.
    #[schema(required)]
    pub(crate) next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Makes a page of the rows that were read for `window` (up to [`Window::rows`] of them), `key` being their sort key.
    pub(crate) fn of<K: Serialize, R>(
        mut rows: Vec<R>,
        window: &Window<K>,
        key: impl Fn(&R) -> K,
        item: impl FnMut(R) -> T,
    ) -> Self {
        let limit = usize::try_from(window.limit).expect("at most 500");
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| seal(&key(row)));
        Self { items: rows.into_iter().map(item).collect(), next_cursor }
    }
}

impl<T> Page<Result<T>> {
    /// The page, if every item could be made.
    pub(crate) fn transpose(self) -> Result<Page<T>> {
        let items = self.items.into_iter().collect::<Result<Vec<T>>>()?;
        Ok(Page { items, next_cursor: self.next_cursor })
    }
}

#[cfg(test)]
mod tests;
