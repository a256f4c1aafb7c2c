//! What the samples are: a fleet of hosts with 500 series each, the same in every process and every run.
//!
//! Every value is a function of its series and its time, so whoever writes to Vigil and whoever writes to its peer need
//! not speak to each other. A third of the series never changes, as on real hosts; the others are counters with jitter,
//! most of them whole numbers or hundredths, gauges, and histograms whose service restarts every two or three days.

mod service;

use std::f64::consts::TAU;

pub(crate) const HOSTS: u64 = 50;
pub(crate) const STEP_MS: i64 = 15_000;
const DAY: f64 = 86_400.0;
/// 2026-01-01; counters began here.
const EPOCH_MS: i64 = 1_767_225_600_000;

/// A series: its labels by name, and what it tells.
pub(crate) struct Line {
    pub(crate) labels: Vec<(String, String)>,
    shape: Shape,
    seed: u64,
}

/// How a series moves.
#[derive(Clone, Copy)]
enum Shape {
    Constant(f64),
    /// Grows by about so much a second, counted in `unit`s; not rounded when that is 0. Begins anew every `life` seconds.
    Counter {
        rate: f64,
        unit: f64,
        life: f64,
    },
    /// The requests of a counter of that rate which took no longer than a bucket's bound.
    Bucket {
        rate: f64,
        share: f64,
        life: f64,
    },
    /// Swings around a middle by the hour of the day; new noise every `hold` steps.
    Gauge {
        middle: f64,
        swing: f64,
        unit: f64,
        hold: i64,
    },
    Time,
}

/// When host `host` is looked at in step `step`: each has its own moment, and one look in ten is a millisecond late.
pub(crate) fn moment_ms(host: u64, step: i64) -> i64 {
    let offset = (mixed(host) % STEP_MS.cast_unsigned()).cast_signed();
    step * STEP_MS + offset + i64::from(noise(host, step) < 0.1)
}

impl Line {
    pub(crate) fn value(&self, at_ms: i64) -> f64 {
        let seconds = (at_ms - EPOCH_MS) as f64 / 1_000.0;
        let step = at_ms / STEP_MS;
        match self.shape {
            Shape::Constant(value) => value,
            Shape::Time => at_ms as f64 / 1_000.0,
            Shape::Counter { rate, unit, life } => {
                let total = self.grown(seconds, step, rate, life);
                if unit == 0.0 { total } else { (total / unit).floor() / unit.recip() }
            }
            Shape::Bucket { rate, share, life } => (self.grown(seconds, step, rate, life).floor() * share).floor(),
            Shape::Gauge { middle, swing, unit, hold } => {
                let daily = (TAU * (seconds / DAY + self.phase())).sin();
                let noise = noise(self.seed, step.div_euclid(hold)) - 0.5;
                ((middle + swing * (0.7 * daily + 0.3 * noise)) / unit).round() / unit.recip()
            }
        }
    }

    /// Ascends until the life is over: more by day than by night, and no two steps alike.
    fn grown(&self, seconds: f64, step: i64, rate: f64, life: f64) -> f64 {
        let age = (seconds + self.phase() * life).rem_euclid(life);
        let daily = 0.3 * DAY / TAU * (1.0 - (TAU * age / DAY).cos());
        rate * (age + daily + 0.6 * STEP_MS as f64 / 1_000.0 * noise(self.seed, step))
    }

    /// The same for all series of one seed, from 0 to 1.
    fn phase(&self) -> f64 {
        noise(self.seed, 0)
    }
}

/// From 0 to 1, always the same for the same series and step.
fn noise(seed: u64, step: i64) -> f64 {
    (mixed(seed ^ step.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finaliser of `SplitMix64`.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Collects the lines of one host.
struct Lines {
    host: u64,
    lines: Vec<Line>,
}

impl Lines {
    fn add(&mut self, job: &str, metric: &str, labels: &[(&str, &str)], shape: Shape) {
        let seed = mixed(self.host << 32 | self.lines.len() as u64);
        self.seeded(job, metric, labels, shape, seed);
    }

    /// Buckets of one histogram have one seed: they count the same requests.
    fn seeded(&mut self, job: &str, metric: &str, labels: &[(&str, &str)], shape: Shape, seed: u64) {
        let port = if job == "node" { 9_100 } else { 8_080 };
        let instance = format!("host-{:02}:{port}", self.host);
        let env = if self.host.is_multiple_of(5) { "staging" } else { "production" };
        let fixed = [("__name__", metric), ("job", job), ("instance", instance.as_str()), ("env", env)];
        let all = fixed.iter().chain(labels).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut labels: Vec<_> = all.collect();
        labels.sort();
        self.lines.push(Line { labels, shape, seed });
    }

    fn constant(&mut self, metric: &str, labels: &[(&str, &str)], value: f64) {
        self.add("node", metric, labels, Shape::Constant(value));
    }

    /// Begins anew about once a year.
    fn counter(&mut self, metric: &str, labels: &[(&str, &str)], rate: f64, unit: f64) {
        self.add("node", metric, labels, Shape::Counter { rate, unit, life: 3e7 });
    }

    fn gauge(&mut self, metric: &str, labels: &[(&str, &str)], (middle, swing): (f64, f64), unit: f64, hold: i64) {
        self.add("node", metric, labels, Shape::Gauge { middle, swing, unit, hold });
    }

    fn service(&mut self, metric: &str, labels: &[(&str, &str)], shape: Shape) {
        self.add("api", metric, labels, shape);
    }
}

/// The 500 series of a host.
pub(crate) fn host(host: u64) -> Vec<Line> {
    let mut lines = Lines { host, lines: Vec::with_capacity(500) };
    cpus(&mut lines);
    disks(&mut lines);
    networks(&mut lines);
    memory(&mut lines);
    the_rest(&mut lines);
    units(&mut lines);
    service::add(&mut lines);
    lines.lines
}

fn cpus(lines: &mut Lines) {
    for cpu in 0..8 {
        for (mode, rate) in [
            ("idle", 0.62),
            ("user", 0.11),
            ("system", 0.04),
            ("iowait", 0.006),
            ("softirq", 0.002),
            ("irq", 0.0),
            ("nice", 0.0),
            ("steal", 0.0),
        ] {
            lines.counter("node_cpu_seconds_total", &[("cpu", &cpu.to_string()), ("mode", mode)], rate, 0.01);
        }
    }
}

fn disks(lines: &mut Lines) {
    for mount in ["/", "/boot", "/var", "/home", "/srv", "/tmp", "/opt", "/data"] {
        let of = [("device", "/dev/mapper/vg0"), ("fstype", "ext4"), ("mountpoint", mount)];
        lines.constant("node_filesystem_size_bytes", &of, 107_374_182_400.0);
        lines.gauge("node_filesystem_avail_bytes", &of, (48e9, 9e9), 4_096.0, 4);
        lines.gauge("node_filesystem_free_bytes", &of, (52e9, 9e9), 4_096.0, 4);
        lines.constant("node_filesystem_files", &of, 6_553_600.0);
        lines.gauge("node_filesystem_files_free", &of, (6e6, 2e5), 1.0, 4);
        lines.constant("node_filesystem_readonly", &of, 0.0);
        lines.constant("node_filesystem_device_error", &of, 0.0);
    }
    for device in ["sda", "sdb", "dm-0", "nvme0n1"] {
        for (metric, rate, unit) in [
            ("node_disk_reads_completed_total", 4.0, 1.0),
            ("node_disk_reads_merged_total", 0.3, 1.0),
            ("node_disk_read_bytes_total", 160_000.0, 512.0),
            ("node_disk_read_time_seconds_total", 0.004, 0.001),
            ("node_disk_writes_completed_total", 21.0, 1.0),
            ("node_disk_writes_merged_total", 9.0, 1.0),
            ("node_disk_written_bytes_total", 410_000.0, 512.0),
            ("node_disk_write_time_seconds_total", 0.03, 0.001),
            ("node_disk_io_time_seconds_total", 0.02, 0.001),
            ("node_disk_io_time_weighted_seconds_total", 0.05, 0.001),
        ] {
            lines.counter(metric, &[("device", device)], rate, unit);
        }
        lines.gauge("node_disk_io_now", &[("device", device)], (0.2, 1.0), 1.0, 1);
    }
}

fn networks(lines: &mut Lines) {
    for (device, busy) in [("eth0", 1.0), ("eth1", 0.2), ("lo", 0.5), ("docker0", 0.0)] {
        for way in ["receive", "transmit"] {
            for (what, rate) in [("bytes", 350_000.0), ("packets", 420.0), ("errs", 0.0), ("drop", 0.001)] {
                let metric = format!("node_network_{way}_{what}_total");
                lines.counter(&metric, &[("device", device)], rate * busy, 1.0);
            }
        }
        for (metric, value) in [
            ("node_network_up", 1.0),
            ("node_network_mtu_bytes", 1_500.0),
            ("node_network_speed_bytes", 125e6),
            ("node_network_carrier", 1.0),
        ] {
            lines.constant(metric, &[("device", device)], value);
        }
    }
}

fn memory(lines: &mut Lines) {
    lines.constant("node_memory_MemTotal_bytes", &[], 33_554_432_000.0);
    lines.constant("node_memory_SwapTotal_bytes", &[], 4_294_967_296.0);
    for name in ["MemAvailable", "MemFree", "Cached", "Buffers", "Active", "Inactive", "AnonPages", "Mapped", "Slab"] {
        lines.gauge(&format!("node_memory_{name}_bytes"), &[], (9e9, 3e9), 4_096.0, 1);
    }
    for name in ["SwapFree", "SwapCached", "Dirty", "Shmem", "KernelStack", "PageTables", "SReclaimable", "SUnreclaim"]
    {
        lines.gauge(&format!("node_memory_{name}_bytes"), &[], (2e8, 4e7), 4_096.0, 8);
    }
    for n in 0..21 {
        lines.constant(&format!("node_memory_Huge{n}_bytes"), &[], f64::from(n) * 2_097_152.0);
    }
}

fn the_rest(lines: &mut Lines) {
    for (metric, middle) in [("node_load1", 2.1), ("node_load5", 1.9), ("node_load15", 1.8)] {
        lines.gauge(metric, &[], (middle, 1.5), 0.01, 1);
    }
    lines.add("node", "node_time_seconds", &[], Shape::Time);
    lines.constant("node_boot_time_seconds", &[], 1_767_000_000.0);
    lines.constant("node_uname_info", &[("release", "6.1.0-28-amd64"), ("sysname", "Linux")], 1.0);
    lines.constant("up", &[], 1.0);
    lines.service("up", &[], Shape::Constant(1.0));
    lines.gauge("scrape_duration_seconds", &[], (0.021, 0.01), 0.000_000_1, 1);
    lines.gauge("scrape_samples_scraped", &[], (498.0, 0.1), 1.0, 1);
    for (metric, rate) in [
        ("node_vmstat_oom_kill", 0.000_01),
        ("node_vmstat_pgmajfault", 0.6),
        ("node_context_switches_total", 5_300.0),
        ("node_intr_total", 2_900.0),
        ("node_forks_total", 3.0),
    ] {
        lines.counter(metric, &[], rate, 1.0);
    }
    lines.gauge("node_procs_running", &[], (2.0, 4.0), 1.0, 1);
    lines.gauge("node_procs_blocked", &[], (0.0, 1.0), 1.0, 1);
    lines.gauge("node_timex_offset_seconds", &[], (0.0, 0.002), 0.000_000_001, 1);
    lines.constant("node_timex_sync_status", &[], 1.0);
    lines.gauge("node_filefd_allocated", &[], (4_200.0, 300.0), 32.0, 1);
    lines.constant("node_filefd_maximum", &[], 9.223_372_036_854_776e18);
    lines.gauge("node_nf_conntrack_entries", &[], (900.0, 400.0), 1.0, 1);
    lines.constant("node_nf_conntrack_entries_limit", &[], 262_144.0);
    lines.constant("node_entropy_available_bits", &[], 256.0);
}

fn units(lines: &mut Lines) {
    for unit in 0..14 {
        let name = format!("unit-{unit}.service");
        for state in ["active", "activating", "deactivating", "failed", "inactive"] {
            let of = [("name", name.as_str()), ("state", state), ("type", "simple")];
            lines.constant("node_systemd_unit_state", &of, f64::from(u8::from(state == "active")));
        }
    }
}
