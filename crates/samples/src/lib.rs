//! The embedded sample store: a head in memory, chunks in SQLite.
