//! `/metrics`: a server's figures, and queries that are passed through to the data source.

mod passed;
mod range;
mod summary;

use utoipa_axum::router::OpenApiRouter;

pub(super) use self::passed::{InstantQuery, RangeQuery, error_text};
use crate::state::AppState;

/// The most points per series that one query may ask for, as in Prometheus.
pub(super) const MOST_STEPS: i64 = 11_000;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    summary::routes().merge(range::routes()).merge(passed::routes())
}

/// How many evaluations `step` makes between `start` and `end`, all in milliseconds; `None` for no or a negative step.
pub(super) fn steps(start: i64, end: i64, step: i64) -> Option<i64> {
    (step > 0).then(|| end.saturating_sub(start).max(0) / step)
}
