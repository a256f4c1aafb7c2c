//! The tables of the file.
//!
//! | table | a row is | key |
//! |---|---|---|
//! | `series` | the labels of a series, with a sum | number, never used twice |
//! | `extents` | the times of a series' first and last point in `chunks`; narrow, because it changes with each chunk | series |
//! | `chunks` | up to 120 points of a series, sealed ([`codec`](crate::codec)) | block of two hours, series, first time |
//! | `journal` | the points of all series since the row before ([`frame`](crate::frame)); deleted once all are in `chunks` | number, ascending |
//! | `metadata` | type, help and unit of a metric | metric |
//! | `totals` | points in `chunks` | one row |
//!
//! `chunks` is ordered by time before series: chunks that are written together stand together, so a flush touches few
//! pages, retention drops whole pages, and one series' chunks are found with one look-up per two hours.

/// The span of a block in milliseconds. No chunk spans more, so points at `t` are in the block of `t` or the one before.
pub(crate) const BUCKET_MS: i64 = 2 * 60 * 60 * 1_000;

/// Says whose file it is: "VGLS".
pub(crate) const APPLICATION_ID: i64 = 0x5647_4c53;
/// The version of these tables.
pub(crate) const VERSION: i64 = 1;

/// Makes the tables in an empty file.
pub(crate) const CREATE: &str = "
CREATE TABLE series (id INTEGER PRIMARY KEY AUTOINCREMENT, labels BLOB NOT NULL);
CREATE TABLE extents (series INTEGER PRIMARY KEY, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL);
CREATE TABLE chunks (
    bucket INTEGER NOT NULL, series INTEGER NOT NULL, first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL, count INTEGER NOT NULL, bytes BLOB NOT NULL,
    PRIMARY KEY (bucket, series, first_ms)
) WITHOUT ROWID;
CREATE TABLE journal (id INTEGER PRIMARY KEY, frame BLOB NOT NULL);
CREATE TABLE metadata (metric TEXT PRIMARY KEY, kind TEXT NOT NULL, help TEXT NOT NULL, unit TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), samples INTEGER NOT NULL);
INSERT INTO totals VALUES (1, 0);
PRAGMA application_id = 0x56474c53;
PRAGMA user_version = 1;
";

/// The block that a chunk beginning at `first_ms` is in.
pub(crate) fn bucket(first_ms: i64) -> i64 {
    first_ms.div_euclid(BUCKET_MS)
}
