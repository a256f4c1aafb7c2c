//! The embedded sample store: a head in memory, chunks in `SQLite`.
//!
//! [`Store`] takes points of many series ([`Store::append`]), keeps them for a while, and finds them again for the evaluator
//! of `PromQL` ([`Store::select`]) and for whoever browses ([`Store::series`], [`Store::label_names`], …). It is meant for one
//! machine and a stated limit, [`STATED_SERIES`] and [`STATED_SAMPLES`]; what is larger belongs into a Prometheus.
//!
//! A point's way: it is appended to the growing chunk of its series in memory (`series`), noted for the next flush (`head`),
//! written to the journal in the file (`flush`, every 3 s, synced), and some time later, with up to 120 others of its series,
//! as a sealed chunk (`codec`) that takes the journal's place. Opening reads the series, the chunks of the last hour and the
//! journal (`load`). So a crash or a power cut loses what came in the last seconds and nothing else.
//!
//! Beside the file lie `SQLite`'s own `-wal` and `-shm`, and a `.lock` that keeps a second process out.

mod admission;
mod browse;
mod codec;
mod file;
mod flush;
mod frame;
mod head;
mod health;
mod index;
mod load;
mod metadata;
mod options;
mod read;
mod retention;
mod schema;
mod series;
mod store;
mod usage;
mod varint;

pub use admission::{Appended, MAX_AHEAD_MS, MAX_LABELS, MAX_NAME_BYTES, MAX_VALUE_BYTES, Refusal, Refused};
pub use browse::Period;
pub use file::OpenError;
pub use head::SeriesRef;
pub use health::Health;
pub use metadata::Metadata;
pub use options::{Clock, Options};
pub use read::ReadError;
pub use store::{Store, WriteError};
pub use usage::{STATED_SAMPLES, STATED_SERIES, Usage};
