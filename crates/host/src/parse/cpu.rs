//! `/proc/stat`: time of each core by mode, and the kernel's totals.

use std::collections::BTreeMap;

use super::{ParseError, count};
use crate::{Family, Kind};

const WHAT: &str = "stat";
/// The unit of `/proc/stat`'s times is `1/USER_HZ` s, and `USER_HZ` is 100 on every Linux node exporter supports.
const USER_HZ: f64 = 100.0;
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];
const GUEST_MODES: [&str; 2] = ["user", "nice"];
/// An idle time that jumps back by this many seconds or more means that the core was unplugged and started anew.
const JUMP_BACK_SECONDS: f64 = 3.0;
const IDLE: usize = 3;

/// Time per core and mode in seconds, context switches, forks, interrupts, boot time and process counts.
///
/// `memory` is what earlier calls for the same host have seen: a core's `iowait` may go back by a few ticks, which
/// must not look like a counter that started anew.
///
/// # Errors
///
/// No core is named, or a line does not hold numbers.
pub fn stat(text: &str, memory: &mut CpuMemory) -> Result<Vec<Family>, ParseError> {
    let mut cpu = Family::new("node_cpu_seconds_total", Kind::Counter, "Seconds the CPUs spent in each mode.");
    let mut guest = Family::new(
        "node_cpu_guest_seconds_total",
        Kind::Counter,
        "Seconds the CPUs spent in guests (VMs) for each mode.",
    );
    let mut totals = Vec::new();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let Some(key) = words.next() else { continue };
        match key.strip_prefix("cpu") {
            Some("") => {}
            Some(core) => {
                count(WHAT, Some(core))?;
                let times = memory.steady(core, times(words)?);
                for (mode, value) in MODES.iter().zip(times) {
                    cpu.push([("cpu", core), ("mode", mode)], value);
                }
                for (mode, value) in GUEST_MODES.iter().zip(&times[MODES.len()..]) {
                    guest.push([("cpu", core), ("mode", mode)], *value);
                }
            }
            None => totals.extend(total(key, words.next())?),
        }
    }
    if cpu.metrics.is_empty() {
        return Err(ParseError::new(WHAT, text));
    }
    let mut families = vec![cpu, guest];
    families.append(&mut totals);
    Ok(families)
}

type Times = [f64; MODES.len() + GUEST_MODES.len()];

/// A core's times in seconds; modes that came with later kernels are 0.
fn times<'a>(words: impl Iterator<Item = &'a str>) -> Result<Times, ParseError> {
    let mut times = [0.0; MODES.len() + GUEST_MODES.len()];
    let mut read = 0;
    for (time, word) in times.iter_mut().zip(words) {
        *time = count(WHAT, Some(word))? / USER_HZ;
        read += 1;
    }
    // Linux 2.6 already had the first four.
    if read < 4 { Err(ParseError::new(WHAT, "a cpu line is cut off")) } else { Ok(times) }
}

fn total(key: &str, value: Option<&str>) -> Result<Option<Family>, ParseError> {
    let (kind, name, help) = match key {
        "intr" => (Kind::Counter, "node_intr_total", "Total number of interrupts serviced."),
        "ctxt" => (Kind::Counter, "node_context_switches_total", "Total number of context switches."),
        "btime" => (Kind::Gauge, "node_boot_time_seconds", "Node boot time, in unixtime."),
        "processes" => (Kind::Counter, "node_forks_total", "Total number of forks."),
        "procs_running" => (Kind::Gauge, "node_procs_running", "Number of processes in runnable state."),
        "procs_blocked" => {
            (Kind::Gauge, "node_procs_blocked", "Number of processes blocked waiting for I/O to complete.")
        }
        _ => return Ok(None),
    };
    Ok(Some(Family::new(name, kind, help).with(count(WHAT, value)?)))
}

/// The highest times seen of each core of one host.
#[derive(Clone, Debug, Default)]
pub struct CpuMemory {
    cores: BTreeMap<String, Times>,
}

impl CpuMemory {
    /// The times, none of them lower than before unless the core started anew.
    fn steady(&mut self, core: &str, new: Times) -> Times {
        let Some(old) = self.cores.get_mut(core) else {
            self.cores.insert(core.to_owned(), new);
            return new;
        };
        if old[IDLE] - new[IDLE] >= JUMP_BACK_SECONDS {
            *old = new;
        }
        for (old, new) in old.iter_mut().zip(new) {
            *old = old.max(new);
        }
        *old
    }
}
