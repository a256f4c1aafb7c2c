//! The functions there are.

use crate::{builtin, function::Function, prometheus};

/// The function called `name`, if it is not one of those that the walk knows itself. Prometheus' come first.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    prometheus::function(name).or_else(|| builtin::function(name))
}

/// Whether a template may name it.
pub(crate) fn is_defined(name: &str) -> bool {
    matches!(name, "and" | "or" | "call") || find(name).is_some()
}
