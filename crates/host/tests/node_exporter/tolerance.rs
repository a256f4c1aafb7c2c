//! How far a value may lie outside of what node exporter said just before and just after.

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// `None` when the two cannot be compared.
///
/// Counters and constants must lie between the two scrapes, whatever moved; gauges that jump up and down within
/// milliseconds may lie outside by what a machine does meanwhile.
pub(crate) fn tolerance(name: &str) -> Option<f64> {
    match name {
        // How long each side took to collect.
        "node_scrape_collector_duration_seconds" => None,
        // The scrape itself holds sockets and files; the kernel gives file handles out in batches of each core.
        "node_filefd_allocated" => Some(256.0),
        "node_procs_running" | "node_procs_blocked" | "node_disk_io_now" => Some(16.0),
        // One step of the average, which the kernel takes every 5 s.
        "node_load1" | "node_load5" | "node_load15" => Some(0.1),
        "node_entropy_available_bits" => Some(64.0),
        "node_nf_conntrack_entries" | "node_netstat_Tcp_CurrEstab" => Some(16.0),
        // The bound grows by 500 ppm of the time between two looks, in whole microseconds.
        "node_timex_maxerror_seconds" | "node_timex_offset_seconds" => Some(0.001),
        // Others allocate and free meanwhile, node exporter's garbage collector among them.
        _ if is_moving_memory(name) => Some(32.0 * MEBIBYTE),
        "node_filesystem_avail_bytes" | "node_filesystem_free_bytes" => Some(32.0 * MEBIBYTE),
        "node_filesystem_files_free" => Some(1024.0),
        _ if name.starts_with("node_sockstat_") && name.ends_with("_bytes") => Some(4.0 * MEBIBYTE),
        _ if name.starts_with("node_sockstat_") => Some(64.0),
        // The kernel lets idle and iowait of a core go back by a tick or two.
        "node_cpu_seconds_total" => Some(0.02),
        _ => Some(0.0),
    }
}

fn is_moving_memory(name: &str) -> bool {
    let constants =
        ["MemTotal_bytes", "SwapTotal_bytes", "CommitLimit_bytes", "VmallocTotal_bytes", "Hugepagesize_bytes"];
    name.strip_prefix("node_memory_")
        .is_some_and(|field| !field.starts_with("HugePages") && !constants.contains(&field))
}
