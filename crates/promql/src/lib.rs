//! Evaluates `PromQL` over series it is handed. Pure: no clock, no I/O, no `async`.

mod select;
mod series;

pub use select::{Match, Matcher, Select, Wanted};
pub use series::{Point, STALE_MARKER_BITS, Series, SeriesLabels, is_stale_marker, stale_marker};
