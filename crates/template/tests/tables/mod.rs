//! The tables of templates and their outputs, and the scene in which they are expanded.
//!
//! The files are written by `scripts/template-table`, which says what is in them.

mod rows;
mod scene;

use std::path::PathBuf;

pub(crate) use rows::Case;
pub(crate) use scene::Scene;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")
}

/// Reads a table with the columns value, template and output, and perhaps more.
pub(crate) fn expansions(file: &str) -> Vec<Case> {
    rows::expansions(&folder().join(file))
}

/// Reads a table with the columns template and error.
pub(crate) fn refusals(file: &str) -> Vec<Case> {
    rows::refusals(&folder().join(file))
}
