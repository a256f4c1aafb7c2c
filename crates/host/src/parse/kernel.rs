//! Small one-number files of `/proc`: load, open files, connection tracking, entropy; and the time of day.

use std::time::Duration;

use super::{ParseError, count};
use crate::Family;

/// The three load averages of `/proc/loadavg`.
///
/// # Errors
///
/// One of the three is missing or no number.
pub fn loadavg(text: &str) -> Result<Vec<Family>, ParseError> {
    let broken = || ParseError::new("loadavg", text);
    let mut loads = text.split_ascii_whitespace().map(|word| word.parse::<f64>().ok().filter(|load| load.is_finite()));
    let mut load = || loads.next().flatten().ok_or_else(broken);
    Ok(vec![
        Family::gauge("node_load1", "1m load average.", load()?),
        Family::gauge("node_load5", "5m load average.", load()?),
        Family::gauge("node_load15", "15m load average.", load()?),
    ])
}

/// Open and openable files of the whole host, from `/proc/sys/fs/file-nr`.
///
/// # Errors
///
/// There are not three numbers.
pub fn file_nr(text: &str) -> Result<Vec<Family>, ParseError> {
    let mut words = text.split_ascii_whitespace();
    let mut number = || count("file-nr", words.next());
    let (allocated, _unused, maximum) = (number()?, number()?, number()?);
    Ok(vec![
        Family::gauge("node_filefd_allocated", "File descriptor statistics: allocated.", allocated),
        Family::gauge("node_filefd_maximum", "File descriptor statistics: maximum.", maximum),
    ])
}

/// Tracked connections, from `nf_conntrack_count` and `nf_conntrack_max` of `/proc/sys/net/netfilter`.
///
/// # Errors
///
/// One of the two is no number.
pub fn conntrack(entries: &str, limit: &str) -> Result<Vec<Family>, ParseError> {
    let (entries, limit) = (count("nf_conntrack_count", Some(entries))?, count("nf_conntrack_max", Some(limit))?);
    Ok(vec![
        Family::gauge(
            "node_nf_conntrack_entries",
            "Number of currently allocated flow entries for connection tracking.",
            entries,
        ),
        Family::gauge("node_nf_conntrack_entries_limit", "Maximum size of connection tracking table.", limit),
    ])
}

/// From `entropy_avail` and `poolsize` of `/proc/sys/kernel/random`.
///
/// # Errors
///
/// One of the two is no number.
pub fn entropy(available: &str, pool_size: &str) -> Result<Vec<Family>, ParseError> {
    let (available, pool_size) = (count("entropy_avail", Some(available))?, count("poolsize", Some(pool_size))?);
    Ok(vec![
        Family::gauge("node_entropy_available_bits", "Bits of available entropy.", available),
        Family::gauge("node_entropy_pool_size_bits", "Bits of entropy pool.", pool_size),
    ])
}

/// The host's own time of day, `since_epoch` being the time since 1970.
pub fn time(since_epoch: Duration) -> Vec<Family> {
    let help = "System time in seconds since epoch (1970).";
    vec![Family::gauge("node_time_seconds", help, since_epoch.as_secs_f64())]
}
