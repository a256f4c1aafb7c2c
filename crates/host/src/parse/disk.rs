//! `/proc/diskstats`: reads, writes, discards and flushes of each block device.

use std::sync::LazyLock;

use regex::Regex;

use super::{ParseError, count};
use crate::{Family, Kind};

const WHAT: &str = "diskstats";
/// Sectors of `/proc/diskstats` have 512 bytes whatever the device's own have.
const SECTOR_BYTES: f64 = 512.0;
/// Times are in milliseconds. node exporter multiplies, which rounds differently from dividing by 1000.
const SECONDS_PER_TICK: f64 = 1.0 / 1000.0;

/// node exporter's default `--collector.diskstats.device-exclude`: RAM disks, loop devices, floppies and partitions.
static IGNORED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$").expect("a constant that a test compiles")
});

/// Name without `node_disk_`, help, and what a unit of the field is worth; in the order of the file's fields.
const FIELDS: [(&str, Kind, &str, f64); 17] = [
    ("reads_completed_total", Kind::Counter, "The total number of reads completed successfully.", 1.0),
    ("reads_merged_total", Kind::Counter, "The total number of reads merged.", 1.0),
    ("read_bytes_total", Kind::Counter, "The total number of bytes read successfully.", SECTOR_BYTES),
    ("read_time_seconds_total", Kind::Counter, "The total number of seconds spent by all reads.", SECONDS_PER_TICK),
    ("writes_completed_total", Kind::Counter, "The total number of writes completed successfully.", 1.0),
    ("writes_merged_total", Kind::Counter, "The number of writes merged.", 1.0),
    ("written_bytes_total", Kind::Counter, "The total number of bytes written successfully.", SECTOR_BYTES),
    (
        "write_time_seconds_total",
        Kind::Counter,
        "This is the total number of seconds spent by all writes.",
        SECONDS_PER_TICK,
    ),
    ("io_now", Kind::Gauge, "The number of I/Os currently in progress.", 1.0),
    ("io_time_seconds_total", Kind::Counter, "Total seconds spent doing I/Os.", SECONDS_PER_TICK),
    ("io_time_weighted_seconds_total", Kind::Counter, "The weighted # of seconds spent doing I/Os.", SECONDS_PER_TICK),
    ("discards_completed_total", Kind::Counter, "The total number of discards completed successfully.", 1.0),
    ("discards_merged_total", Kind::Counter, "The total number of discards merged.", 1.0),
    ("discarded_sectors_total", Kind::Counter, "The total number of sectors discarded successfully.", 1.0),
    (
        "discard_time_seconds_total",
        Kind::Counter,
        "This is the total number of seconds spent by all discards.",
        SECONDS_PER_TICK,
    ),
    ("flush_requests_total", Kind::Counter, "The total number of flush requests completed successfully", 1.0),
    (
        "flush_requests_time_seconds_total",
        Kind::Counter,
        "This is the total number of seconds spent by all flush requests.",
        SECONDS_PER_TICK,
    ),
];
/// What every kernel since 2.6 has: up to the weighted time.
const OLDEST_FIELDS: usize = 11;

/// Counters of each block device that is not ignored by default.
///
/// Linux 4.18 added discards and 5.5 flushes; an older kernel's families have no metrics and are left out.
///
/// # Errors
///
/// A line names no device or is cut off. An empty text is a host without disks.
pub fn diskstats(text: &str) -> Result<Vec<Family>, ParseError> {
    let mut families: Vec<Family> =
        FIELDS.iter().map(|(name, kind, help, _)| Family::new(format!("node_disk_{name}"), *kind, *help)).collect();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let broken = || ParseError::new(WHAT, line);
        let mut words = line.split_ascii_whitespace();
        count(WHAT, words.next()).map_err(|_| broken())?;
        count(WHAT, words.next()).map_err(|_| broken())?;
        let device = words.next().ok_or_else(broken)?;
        if IGNORED.is_match(device) {
            continue;
        }
        let mut read = 0;
        for ((family, (_, _, _, unit)), word) in families.iter_mut().zip(FIELDS).zip(words) {
            let value = count(WHAT, Some(word)).map_err(|_| broken())?;
            family.push([("device", device)], value * unit);
            read += 1;
        }
        if read < OLDEST_FIELDS {
            return Err(broken());
        }
    }
    families.retain(|family| !family.metrics.is_empty());
    Ok(families)
}
