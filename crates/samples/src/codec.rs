//! Points as few bits: [`Growing`] while a chunk still takes points, sealed bytes once it does not.
//!
//! Both keep every bit of every value (all `NaN`s, the stale marker among them) and any times that ascend.

mod bits;
mod growing;
mod integers;
mod sealed;
mod xor;

pub(crate) use growing::Growing;
pub(crate) use integers::scaled;
pub(crate) use sealed::{decode, seal};

/// Bytes that are not what [`seal`] makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the chunk is damaged")]
pub(crate) struct Damaged;

#[cfg(test)]
mod tests;
