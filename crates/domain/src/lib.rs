//! The words and the decisions of Vigil, and nothing that acts.
//!
//! No clock, database, HTTP or `async` in here: every function takes what it needs, time included, and returns what
//! was decided. Live evaluation, previews and replays call the same functions, so they cannot disagree.

pub mod alert;
pub mod announce;
pub mod channel;
pub mod deviations;
pub mod duration;
pub mod event;
pub mod field;
pub mod forward;
pub mod group;
pub mod id;
pub mod job;
pub mod labels;
pub mod message;
pub mod notification;
pub mod number;
pub mod promql;
pub mod record;
pub mod role;
pub mod rule;
pub mod rule_file;
pub mod sample;
pub mod server;
pub mod shadow;
pub mod source;
pub mod starter;

pub use deviations::Deviations;
pub use duration::Span;
pub use field::{FieldError, Mistakes};
pub use labels::{Fingerprint, Labels};
pub use sample::{QueryValue, Sample};

/// A moment in UTC. Vigil keeps milliseconds everywhere, as Prometheus does.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
