//! A server's summary: eleven figures from node exporter's metrics, each in `PromQL`, all in one query.
//!
//! Every expression yields at most one sample without labels, however many scrape jobs see the same host: sums run over
//! devices or cores, and `max` picks one of what is left. Pure text in, pure numbers out.

use std::collections::BTreeMap;

use vigil_domain::{Labels, Sample, labels::is_label_name, promql::quote};

/// The label that names each figure in the answer to [`summary_expr`].
const NAME_LABEL: &str = "vigil_metric";
/// Long enough for two scrapes a minute apart; after a start two scrapes of any interval are enough.
const RATE_WINDOW: &str = "5m";
/// Root, whatever it is on; the early boot one and those in memory hide the real one.
const ROOT_FILTER: &str = r#"mountpoint="/",fstype!~"rootfs|tmpfs|ramfs""#;
/// Filesystems on disks of this host: nothing in memory, read-only by nature, or on the network.
const DISK_FILTER: &str = r#"fstype!~"rootfs|tmpfs|devtmpfs|ramfs|overlay|squashfs|erofs|iso9660|autofs|nsfs|9p|virtiofs|ceph|cifs|smb.*|nfs.*|fuse[.].*""#;
/// Interfaces that carry traffic once: no loopback, bridges, bonds, VLANs, tunnels, or containers' ends.
const NETWORK_FILTER: &str = r#"device!~"lo|veth.*|docker.*|br.*|virbr.*|vmbr.*|fw(br|pr|ln).*|bond.*|team.*|vlan.*|.*[.][0-9]+|cni.*|flannel.*|cali.*|cilium.*|lxc.*|tunl.*|tun.*|tap.*|wg.*|dummy.*|ifb.*|kube.*|nodelocaldns""#;

/// What ties series to one server; never empty, so never all servers at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(String);

impl Selector {
    /// Equality matchers for each of `labels`; `None` if there is none, or one whose name is not a label's.
    pub fn new(labels: &Labels) -> Option<Self> {
        if labels.is_empty() || !labels.iter().all(|(name, _)| is_label_name(name)) {
            return None;
        }
        let matchers: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={}", quote(value))).collect();
        Some(Self(matchers.join(",")))
    }

    /// The matchers, such as `instance="web-1:9100"`.
    pub fn matchers(&self) -> &str {
        &self.0
    }
}

/// One figure of a summary.
pub struct Metric {
    /// As in the API, unit included.
    pub name: &'static str,
    /// For people and charts.
    pub unit: &'static str,
    /// The series without which there is no figure.
    series: &'static str,
    build: fn(&Selector) -> String,
}

impl Metric {
    /// The metric called `name`, if there is one.
    pub fn find(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// `PromQL` for one server: at most one sample, without labels. For instant and range queries.
    pub fn expr(&self, server: &Selector) -> String {
        (self.build)(server)
    }
}

/// Every figure, in the order people read them.
pub const METRICS: &[Metric] = &[
    Metric { name: "cpu_percent", unit: "percent", series: "node_cpu_seconds_total", build: cpu_percent },
    Metric { name: "memory_percent", unit: "percent", series: "node_memory_MemAvailable_bytes", build: memory_percent },
    Metric { name: "memory_used_bytes", unit: "bytes", series: "node_memory_MemAvailable_bytes", build: memory_used },
    Metric { name: "memory_total_bytes", unit: "bytes", series: "node_memory_MemTotal_bytes", build: memory_total },
    Metric { name: "disk_percent", unit: "percent", series: "node_filesystem_size_bytes", build: disk_percent },
    Metric { name: "disk_used_bytes", unit: "bytes", series: "node_filesystem_size_bytes", build: disk_used },
    Metric { name: "disk_total_bytes", unit: "bytes", series: "node_filesystem_size_bytes", build: disk_total },
    Metric {
        name: "network_receive_bytes_per_second",
        unit: "bytes/second",
        series: "node_network_receive_bytes_total",
        build: |server| network("node_network_receive_bytes_total", server),
    },
    Metric {
        name: "network_transmit_bytes_per_second",
        unit: "bytes/second",
        series: "node_network_transmit_bytes_total",
        build: |server| network("node_network_transmit_bytes_total", server),
    },
    Metric { name: "load1", unit: "load", series: "node_load1", build: |server| one("node_load1", server) },
    Metric { name: "uptime_seconds", unit: "seconds", series: "node_boot_time_seconds", build: uptime },
];

/// All of [`METRICS`] in one query. Read the answer with [`parse_summary`].
pub fn summary_expr(server: &Selector) -> String {
    let named = |name: &str, expr: &str| format!(r#"label_replace({expr}, "{NAME_LABEL}", "{name}", "", "")"#);
    let parts: Vec<String> = METRICS.iter().map(|metric| named(metric.name, &metric.expr(server))).collect();
    format!("{} or {}", parts.join(" or "), named("up", &one("up", server)))
}

/// The figures of one server at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Every metric's name, `None` where there is no finite value.
    pub metrics: BTreeMap<&'static str, Option<f64>>,
    /// Why, for each that is `None`.
    pub missing: BTreeMap<&'static str, String>,
}

/// Sorts the answer to [`summary_expr`] for `server`.
pub fn parse_summary(server: &Selector, samples: &[Sample]) -> Summary {
    let value_of = |name: &str| {
        let sample = samples.iter().find(|sample| sample.labels.get(NAME_LABEL) == Some(name));
        sample.map(|sample| sample.value)
    };
    let up = value_of("up");
    let mut summary = Summary { metrics: BTreeMap::new(), missing: BTreeMap::new() };
    for metric in METRICS {
        let value = value_of(metric.name);
        let finite = value.filter(|value| value.is_finite());
        summary.metrics.insert(metric.name, finite);
        if finite.is_none() {
            summary.missing.insert(metric.name, why_missing(metric, server, value, up));
        }
    }
    summary
}

fn why_missing(metric: &Metric, server: &Selector, value: Option<f64>, up: Option<f64>) -> String {
    let series = format!("{}{{{}}}", metric.series, server.matchers());
    match (value, up) {
        (Some(value), _) => format!("{series} gives {}, which is no figure", vigil_domain::number::format(value)),
        (None, Some(0.0)) => format!("no series {series}: the target is scraped but does not answer (up is 0)"),
        (None, Some(_)) => format!("no series {series}, or not yet two scrapes of it; does this exporter provide it?"),
        (None, None) => format!("no series {series}; is node_exporter scraped?"),
    }
}

fn one(series: &str, server: &Selector) -> String {
    format!("max({series}{{{}}})", server.0)
}

fn cpu_percent(server: &Selector) -> String {
    let idle = format!(r#"rate(node_cpu_seconds_total{{mode="idle",{}}}[{RATE_WINDOW}])"#, server.0);
    format!("max(clamp_min(100 * (1 - avg without (cpu, mode) ({idle})), 0))")
}

fn memory_total(server: &Selector) -> String {
    one("node_memory_MemTotal_bytes", server)
}

fn memory_available(server: &Selector) -> String {
    one("node_memory_MemAvailable_bytes", server)
}

fn memory_used(server: &Selector) -> String {
    format!("({} - {})", memory_total(server), memory_available(server))
}

fn memory_percent(server: &Selector) -> String {
    format!("100 * (1 - {} / {})", memory_available(server), memory_total(server))
}

/// The size of the root filesystem, or of the largest one where root is not seen; with its labels.
fn disk(server: &Selector) -> String {
    let size = |filter: &str| format!("node_filesystem_size_bytes{{{filter},{}}}", server.0);
    format!("topk(1, {} or on () {})", size(ROOT_FILTER), size(DISK_FILTER))
}

fn disk_total(server: &Selector) -> String {
    format!("max({})", disk(server))
}

fn disk_used(server: &Selector) -> String {
    format!("max({} - node_filesystem_free_bytes{{{}}})", disk(server), server.0)
}

/// As `df` has it: of what programs may use, so that a disk that refuses their writes is at 100 %.
fn disk_percent(server: &Selector) -> String {
    let available = format!("node_filesystem_avail_bytes{{{}}}", server.0);
    let free = format!("node_filesystem_free_bytes{{{}}}", server.0);
    format!("max(100 * (1 - {available} / ({} - {free} + {available})))", disk(server))
}

fn network(series: &str, server: &Selector) -> String {
    let rate = format!("rate({series}{{{NETWORK_FILTER},{}}}[{RATE_WINDOW}])", server.0);
    format!("max(sum without (device) ({rate}))")
}

fn uptime(server: &Selector) -> String {
    format!("(time() - {})", one("node_boot_time_seconds", server))
}

#[cfg(test)]
mod tests;
