//! A Linux host's metrics under node exporter's names, types, help texts and labels: text in, samples out.
//!
//! [`parse`] turns the text of `/proc` and `/sys` files into [`Family`]s, wherever the text comes from; [`Collector`]
//! feeds it with this machine's files. Labels that tell hosts apart (`instance`, `job`) and `up` are the caller's.

mod clock;
mod collect;
mod exposition;
mod family;
mod mounts;
pub mod parse;

pub use collect::{Collector, Roots};
pub use exposition::exposition;
pub use family::{Family, Kind, Metric, samples};
pub use parse::ParseError;
