//! What node exporter says of five hosts, and Prometheus of its targets.

use vigil_promql::Series;

use super::series::{
    Life,
    Shape::{self, Always, Clock, Counter, Events, Gauge, Line, Turns},
    of_target, series,
};

/// One that is always there, one that reboots, one that is away for longer than a look back, one that is taken down,
/// and one that is new.
const HOSTS: [(&str, &str, Life); 5] = [
    ("web-1:9100", "web", Life::whole(3_217)),
    ("web-2:9100", "web", Life { gap_s: Some((1_230, 1_170)), restart_s: Some(1_200), ..Life::whole(9_431) }),
    ("db-1:9100", "db", Life { gap_s: Some((2_000, 1_580)), is_marked: false, ..Life::whole(613) }),
    ("old-1:9100", "batch", Life { until_s: 900, ..Life::whole(12_871) }),
    ("new-1:9100", "batch", Life { from_s: 700, ..Life::whole(5_431) }),
];

const NOT_A_NUMBER: f64 = f64::NAN;

/// Metric, labels beside the target's, shape.
const METRICS: &[(&str, &str, Shape)] = &[
    ("node_cpu_seconds_total", r#"cpu="0",mode="idle""#, Counter(0.61)),
    ("node_cpu_seconds_total", r#"cpu="0",mode="user""#, Counter(0.25)),
    ("node_cpu_seconds_total", r#"cpu="0",mode="system""#, Counter(0.11)),
    ("node_cpu_seconds_total", r#"cpu="0",mode="iowait""#, Counter(0.03)),
    ("node_cpu_seconds_total", r#"cpu="0",mode="steal""#, Counter(0.0)),
    ("node_cpu_seconds_total", r#"cpu="1",mode="idle""#, Counter(0.72)),
    ("node_cpu_seconds_total", r#"cpu="1",mode="user""#, Counter(0.17)),
    ("node_cpu_seconds_total", r#"cpu="1",mode="system""#, Counter(0.09)),
    ("node_cpu_seconds_total", r#"cpu="1",mode="iowait""#, Counter(0.02)),
    ("node_cpu_seconds_total", r#"cpu="1",mode="steal""#, Counter(0.0)),
    ("node_load1", "", Gauge(1.1, 0.9)),
    ("node_load5", "", Gauge(1.0, 0.5)),
    ("node_load15", "", Gauge(0.9, 0.2)),
    ("node_memory_MemTotal_bytes", "", Always(8_252_669_952.0)),
    ("node_memory_MemAvailable_bytes", "", Gauge(3.1e9, 2.6e9)),
    ("node_memory_MemFree_bytes", "", Gauge(1.2e9, 1.0e9)),
    ("node_memory_Buffers_bytes", "", Gauge(2.0e8, 1.0e8)),
    ("node_memory_Cached_bytes", "", Gauge(1.7e9, 6.0e8)),
    ("node_memory_SwapTotal_bytes", "", Always(0.0)),
    ("node_memory_SwapFree_bytes", "", Always(0.0)),
    ("node_vmstat_pgmajfault", "", Events(0.4)),
    ("node_vmstat_oom_kill", "", Events(0.003)),
    ("node_filesystem_size_bytes", r#"device="/dev/sda1",fstype="ext4",mountpoint="/""#, Always(42_140_499_968.0)),
    ("node_filesystem_avail_bytes", r#"device="/dev/sda1",fstype="ext4",mountpoint="/""#, Line(9.5e9, -1.9e6)),
    ("node_filesystem_files", r#"device="/dev/sda1",fstype="ext4",mountpoint="/""#, Always(2_621_440.0)),
    ("node_filesystem_files_free", r#"device="/dev/sda1",fstype="ext4",mountpoint="/""#, Gauge(2.3e6, 1.0e3)),
    ("node_filesystem_readonly", r#"device="/dev/sda1",fstype="ext4",mountpoint="/""#, Always(0.0)),
    ("node_filesystem_size_bytes", r#"device="/dev/sdb1",fstype="xfs",mountpoint="/data""#, Always(5.0e11)),
    ("node_filesystem_avail_bytes", r#"device="/dev/sdb1",fstype="xfs",mountpoint="/data""#, Gauge(2.0e11, 1.0e10)),
    ("node_filesystem_readonly", r#"device="/dev/sdb1",fstype="xfs",mountpoint="/data""#, Turns(&[0.0, 0.0, 0.0, 1.0])),
    ("node_filesystem_size_bytes", r#"device="tmpfs",fstype="tmpfs",mountpoint="/run""#, Always(825_270_272.0)),
    ("node_filesystem_avail_bytes", r#"device="tmpfs",fstype="tmpfs",mountpoint="/run""#, Always(824_000_512.0)),
    ("node_disk_read_bytes_total", r#"device="sda""#, Counter(81_920.0)),
    ("node_disk_written_bytes_total", r#"device="sda""#, Counter(409_600.0)),
    ("node_disk_io_time_seconds_total", r#"device="sda""#, Counter(0.19)),
    ("node_disk_reads_completed_total", r#"device="sda""#, Events(9.0)),
    ("node_disk_read_time_seconds_total", r#"device="sda""#, Counter(0.04)),
    ("node_disk_read_bytes_total", r#"device="sdb""#, Counter(1_024.0)),
    ("node_disk_written_bytes_total", r#"device="sdb""#, Counter(12_288.0)),
    ("node_disk_io_time_seconds_total", r#"device="sdb""#, Counter(0.01)),
    ("node_network_receive_bytes_total", r#"device="eth0""#, Counter(150_000.0)),
    ("node_network_transmit_bytes_total", r#"device="eth0""#, Counter(90_000.0)),
    ("node_network_receive_errs_total", r#"device="eth0""#, Events(0.02)),
    ("node_network_receive_packets_total", r#"device="eth0""#, Events(220.0)),
    ("node_network_receive_bytes_total", r#"device="lo""#, Counter(5_000.0)),
    ("node_network_transmit_bytes_total", r#"device="lo""#, Counter(5_000.0)),
    ("node_network_receive_bytes_total", r#"device="veth3f2a""#, Counter(700.0)),
    ("node_network_up", r#"device="eth0""#, Always(1.0)),
    ("node_context_switches_total", "", Counter(1_800.0)),
    ("node_forks_total", "", Events(1.3)),
    ("node_procs_running", "", Turns(&[1.0, 2.0, 1.0, 1.0, 4.0, 3.0])),
    ("node_procs_blocked", "", Turns(&[0.0, 0.0, 0.0, 0.0, 1.0])),
    ("node_filefd_allocated", "", Gauge(2_400.0, 500.0)),
    ("node_filefd_maximum", "", Always(9_223_372_036_854_775_807.0)),
    ("node_nf_conntrack_entries", "", Gauge(31_000.0, 30_000.0)),
    ("node_nf_conntrack_entries_limit", "", Always(65_536.0)),
    ("node_timex_offset_seconds", "", Gauge(0.0, 0.06)),
    ("node_timex_sync_status", "", Turns(&[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0])),
    ("node_time_seconds", "", Clock(0.004)),
    ("node_hwmon_temp_celsius", r#"chip="coretemp",sensor="temp1""#, Gauge(58.0, 20.0)),
    ("node_hwmon_temp_celsius", r#"chip="coretemp",sensor="temp2""#, Turns(&[51.0, 52.0, NOT_A_NUMBER, 53.0, 49.5])),
    ("node_systemd_unit_state", r#"name="nginx.service",state="active""#, Turns(&[1.0, 1.0, 1.0, 1.0, 0.0])),
    ("node_systemd_unit_state", r#"name="nginx.service",state="failed""#, Turns(&[0.0, 0.0, 0.0, 0.0, 1.0])),
    ("node_systemd_unit_state", r#"name="cron.service",state="active""#, Always(1.0)),
    ("node_textfile_mtime_seconds", r#"file="backup.prom""#, Always(1_709_240_000.0)),
    ("node_exporter_build_info", r#"version="1.7.0",goversion="go1.21.4""#, Always(1.0)),
];

/// When each host came up, which its second life changes.
const BOOTS: [f64; 5] = [1_708_300_000.0, 1_708_555_555.0, 1_706_000_123.0, 1_709_000_000.0, 1_709_250_500.0];

pub(super) fn all() -> Vec<Series> {
    let mut found = Vec::new();
    for ((instance, role, life), boot) in HOSTS.into_iter().zip(BOOTS) {
        let target = format!(r#"job="node",instance={instance:?},role={role:?}"#);
        let mut add = |metric, others: &str, shape, life| {
            found.push(series(of_target(metric, others, &target), shape, life));
        };
        METRICS.iter().for_each(|(metric, others, shape)| add(metric, others, *shape, life));
        let host = instance.split(':').next().unwrap_or_default();
        let uname = format!(r#"nodename="{host}.example.org",release="6.1.0-18-amd64",machine="x86_64""#);
        add("node_uname_info", &uname, Always(1.0), life);
        let boots = series(of_target("node_boot_time_seconds", "", &target), Always(boot), life);
        found.push(rebooted(boots, life));
        found.push(up(&target, life));
    }
    found
}

/// A boot time is a little later after a reboot.
fn rebooted(mut boots: Series, life: Life) -> Series {
    const LATER: f64 = 1_709_250_025.0;
    let restart_ms = life.restart_s.map_or(i64::MAX, |restart| super::series::END_MS - restart * 1_000);
    let after = boots.points.iter_mut().filter(|point| point.at_ms > restart_ms);
    after.for_each(|point| point.value = LATER);
    boots
}

/// Prometheus goes on to say that a target is away, until it is no longer its target.
fn up(target: &str, life: Life) -> Series {
    let tried = Life { gap_s: None, ..life };
    let mut up = series(of_target("up", "", target), Always(1.0), tried);
    for point in &mut up.points {
        let age_ms = super::series::END_MS - point.at_ms;
        if life.gap_s.is_some_and(|(from, until)| age_ms <= from * 1_000 && age_ms > until * 1_000) {
            point.value = 0.0;
        }
    }
    up
}
