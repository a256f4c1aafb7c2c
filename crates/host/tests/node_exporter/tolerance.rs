//! How far a value may lie outside of what node exporter said just before and just after.

/// `None` when the two cannot be compared.
///
/// Counters and constants must lie between the two scrapes, whatever moved; gauges that jump up and down within
/// milliseconds may lie outside by what a busy machine does meanwhile.
pub(crate) fn tolerance(name: &str) -> Option<f64> {
    const MEBIBYTE: f64 = 1024.0 * 1024.0;
    match name {
        // How long each side took to collect, and which collectors each side has.
        "node_scrape_collector_duration_seconds" | "node_scrape_collector_success" => None,
        // The scrape itself holds sockets and files.
        "node_filefd_allocated" => Some(256.0),
        "node_procs_running" | "node_procs_blocked" | "node_disk_io_now" => Some(64.0),
        "node_load1" | "node_load5" | "node_load15" => Some(0.5),
        "node_entropy_available_bits" => Some(256.0),
        "node_nf_conntrack_entries" | "node_netstat_Tcp_CurrEstab" => Some(64.0),
        // Kernel bounds grow by 500 ppm of the time between two looks.
        "node_timex_maxerror_seconds" | "node_timex_offset_seconds" => Some(0.01),
        // Other builds allocate and free meanwhile.
        _ if name.starts_with("node_memory_") && !is_constant_memory(name) => Some(512.0 * MEBIBYTE),
        _ if name.starts_with("node_filesystem_") && name.ends_with("_bytes") && !name.contains("size") => {
            Some(256.0 * MEBIBYTE)
        }
        "node_filesystem_files_free" => Some(4096.0),
        _ if name.starts_with("node_sockstat_") && name.ends_with("_bytes") => Some(64.0 * MEBIBYTE),
        _ if name.starts_with("node_sockstat_") => Some(4096.0),
        // The kernel lets idle and iowait of a core go back by a tick or two.
        "node_cpu_seconds_total" => Some(0.05),
        _ => Some(0.0),
    }
}

fn is_constant_memory(name: &str) -> bool {
    let constants =
        ["MemTotal_bytes", "SwapTotal_bytes", "CommitLimit_bytes", "VmallocTotal_bytes", "Hugepagesize_bytes"];
    constants.iter().any(|constant| name.ends_with(constant))
}
