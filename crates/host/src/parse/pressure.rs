//! `/proc/pressure/*`: time in which tasks waited for a resource (Linux 4.20 and later).

use super::{ParseError, count};
use crate::Family;

/// What the tasks waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PressureResource {
    /// `/proc/pressure/cpu`
    Cpu,
    /// `/proc/pressure/io`
    Io,
    /// `/proc/pressure/memory`
    Memory,
}

impl PressureResource {
    /// All of them, each with its file's name below `/proc/pressure`.
    pub const ALL: [(Self, &'static str); 3] = [(Self::Cpu, "cpu"), (Self::Io, "io"), (Self::Memory, "memory")];

    fn waiting(self) -> (&'static str, &'static str) {
        match self {
            Self::Cpu => (
                "node_pressure_cpu_waiting_seconds_total",
                "Total time in seconds that processes have waited for CPU time",
            ),
            Self::Io => (
                "node_pressure_io_waiting_seconds_total",
                "Total time in seconds that processes have waited due to IO congestion",
            ),
            Self::Memory => (
                "node_pressure_memory_waiting_seconds_total",
                "Total time in seconds that processes have waited for memory",
            ),
        }
    }

    fn stalled(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Cpu => None,
            Self::Io => Some((
                "node_pressure_io_stalled_seconds_total",
                "Total time in seconds no process could make progress due to IO congestion",
            )),
            Self::Memory => Some((
                "node_pressure_memory_stalled_seconds_total",
                "Total time in seconds no process could make progress due to memory congestion",
            )),
        }
    }
}

/// Time in which some (`waiting`) or all (`stalled`) tasks waited for the resource, in seconds.
///
/// # Errors
///
/// A line that is needed is missing or has no total.
pub fn pressure(resource: PressureResource, text: &str) -> Result<Vec<Family>, ParseError> {
    let (name, help) = resource.waiting();
    let mut families = vec![Family::counter(name, help, total(text, "some")?)];
    if let Some((name, help)) = resource.stalled() {
        families.push(Family::counter(name, help, total(text, "full")?));
    }
    Ok(families)
}

/// The line's total; the kernel counts microseconds.
fn total(text: &str, line_start: &'static str) -> Result<f64, ParseError> {
    let line = text.lines().find(|line| line.split_ascii_whitespace().next() == Some(line_start));
    let total = line.and_then(|line| line.split_ascii_whitespace().find_map(|word| word.strip_prefix("total=")));
    let microseconds = count("pressure", total).map_err(|_| ParseError::new("pressure", line.unwrap_or(line_start)))?;
    // node exporter divides twice, which rounds differently from once by a million.
    Ok(microseconds / 1000.0 / 1000.0)
}
