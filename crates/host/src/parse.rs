//! One function per file of `/proc` or `/sys`: its text in, families out. No paths, no I/O, no clock.
//!
//! A text that cannot be what it should be is an error as a whole, as it is for node exporter: half a file must not
//! look like a host whose disks or cores have gone. Fields an older kernel does not have are left out.

mod cpu;
mod disk;
mod filesystem;
mod kernel;
mod memory;
mod network;
mod os;
mod pressure;
mod socket;
mod timex;

#[cfg(test)]
mod tests;

pub use cpu::{CpuMemory, stat};
pub use disk::diskstats;
pub use filesystem::{Mount, Usage, filesystems, mounts};
pub use kernel::{conntrack, entropy, file_nr, loadavg, time};
pub use memory::{meminfo, vmstat};
pub use network::{Interface, interfaces, net_dev};
pub use os::{Uname, os_release, uname};
pub use pressure::{PressureResource, pressure};
pub use socket::{netstat, sockstat};
pub use timex::{Timex, timex};

/// A text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: cannot read {text:?}")]
pub struct ParseError {
    /// What was read, for example `meminfo`.
    pub what: &'static str,
    /// The first line or field that could not be read, at most 80 characters of it.
    pub text: String,
}

impl ParseError {
    fn new(what: &'static str, text: &str) -> Self {
        Self { what, text: text.chars().take(80).collect() }
    }
}

/// A whole number of a counter's width.
///
/// Whole, because `u64::parse` is what keeps `inf`, `NaN` and `1e400` of a broken text out of the samples.
fn count(what: &'static str, text: Option<&str>) -> Result<f64, ParseError> {
    let text = text.unwrap_or("");
    text.trim().parse::<u64>().map(|number| number as f64).map_err(|_| ParseError::new(what, text))
}

/// A whole number that may be below zero, or as large as a counter that has wrapped below zero.
fn signed(what: &'static str, text: &str) -> Result<f64, ParseError> {
    text.trim().parse::<i128>().map(|number| number as f64).map_err(|_| ParseError::new(what, text))
}
