//! `/proc/net/dev` and `/sys/class/net/*`: traffic and state of each network interface.

use super::{ParseError, count};
use crate::{Family, Kind};

/// `/proc/net/dev`'s columns under node exporter's names, in the order of the file.
const COLUMNS: [&str; 16] = [
    "receive_bytes",
    "receive_packets",
    "receive_errs",
    "receive_drop",
    "receive_fifo",
    "receive_frame",
    "receive_compressed",
    "receive_multicast",
    "transmit_bytes",
    "transmit_packets",
    "transmit_errs",
    "transmit_drop",
    "transmit_fifo",
    "transmit_colls",
    "transmit_carrier",
    "transmit_compressed",
];

/// Bytes, packets, errors and drops of each interface; none is ignored by default.
///
/// # Errors
///
/// The two header lines are missing, or an interface's line does not hold sixteen numbers.
pub fn net_dev(text: &str) -> Result<Vec<Family>, ParseError> {
    const WHAT: &str = "net/dev";
    let mut families: Vec<Family> = COLUMNS.iter().map(|column| statistic(column)).collect();
    let mut lines = text.lines();
    if !(lines.next().is_some_and(|line| line.contains('|')) && lines.next().is_some_and(|line| line.contains('|'))) {
        return Err(ParseError::new(WHAT, text));
    }
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let broken = || ParseError::new(WHAT, line);
        // The last colon, as an alias (`eth0:1`) has one in its name.
        let (device, numbers) = line.rsplit_once(':').ok_or_else(broken)?;
        let words: Vec<&str> = numbers.split_ascii_whitespace().collect();
        if words.len() < COLUMNS.len() {
            return Err(broken());
        }
        for (family, word) in families.iter_mut().zip(words) {
            let value = count(WHAT, Some(word)).map_err(|_| broken())?;
            family.push([("device", device.trim())], value);
        }
    }
    families.retain(|family| !family.metrics.is_empty());
    Ok(families)
}

fn statistic(name: &str) -> Family {
    let help = format!("Network device statistic {name}.");
    Family::new(format!("node_network_{name}_total"), Kind::Counter, help)
}

/// One interface and the text of its files below `/sys/class/net/<name>`.
///
/// A file that cannot be read, as the kernel refuses many of an interface that is down, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// For example `eth0`.
    pub name: String,
    /// `address`
    pub address: Option<String>,
    /// `broadcast`
    pub broadcast: Option<String>,
    /// `carrier`
    pub carrier: Option<String>,
    /// `carrier_changes`
    pub carrier_changes: Option<String>,
    /// `duplex`
    pub duplex: Option<String>,
    /// `flags`, hexadecimal
    pub flags: Option<String>,
    /// `ifalias`
    pub alias: Option<String>,
    /// `mtu`
    pub mtu: Option<String>,
    /// `operstate`
    pub state: Option<String>,
    /// `speed` in Mbit/s; -1 when the driver does not know
    pub speed: Option<String>,
    /// `statistics/rx_nohandler`
    pub unhandled: Option<String>,
    /// `tx_queue_len`
    pub queue_length: Option<String>,
}

/// State and properties of each interface. What is no number where one is due is left out.
pub fn interfaces(interfaces: &[Interface]) -> Vec<Family> {
    let mut up = Family::new("node_network_up", Kind::Gauge, "Value is 1 if operstate is 'up', 0 otherwise.");
    let mut info = Family::new(
        "node_network_info",
        Kind::Gauge,
        "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
    );
    for interface in interfaces {
        let state = word(&interface.state);
        up.push([("device", &interface.name)], if state == "up" { 1.0 } else { 0.0 });
        let labels = [
            ("address", word(&interface.address)),
            ("broadcast", word(&interface.broadcast)),
            ("device", &interface.name),
            ("duplex", word(&interface.duplex)),
            ("ifalias", word(&interface.alias)),
            ("operstate", state),
        ];
        info.push(labels, 1.0);
    }
    let gauge = |name, read: fn(&Interface) -> Option<i64>| property(interfaces, name, Kind::Gauge, read);
    let mut unhandled = statistic("receive_nohandler");
    fill(&mut unhandled, interfaces, |interface| number(&interface.unhandled));
    let families = [
        up,
        info,
        gauge("carrier", |interface| number(&interface.carrier)),
        property(interfaces, "carrier_changes_total", Kind::Counter, |interface| number(&interface.carrier_changes)),
        gauge("flags", |interface| i64::from_str_radix(word(&interface.flags).strip_prefix("0x")?, 16).ok()),
        gauge("mtu_bytes", |interface| number(&interface.mtu)),
        gauge("speed_bytes", |interface| number(&interface.speed)?.checked_mul(1_000_000 / 8)),
        gauge("transmit_queue_length", |interface| number(&interface.queue_length)),
        unhandled,
    ];
    families.into_iter().filter(|family| !family.metrics.is_empty()).collect()
}

fn property(interfaces: &[Interface], name: &str, kind: Kind, read: fn(&Interface) -> Option<i64>) -> Family {
    let help = format!("Network device property: {name}");
    let mut family = Family::new(format!("node_network_{name}"), kind, help);
    fill(&mut family, interfaces, read);
    family
}

fn fill(family: &mut Family, interfaces: &[Interface], read: fn(&Interface) -> Option<i64>) {
    for interface in interfaces {
        if let Some(value) = read(interface) {
            family.push([("device", &interface.name)], value as f64);
        }
    }
}

fn word(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("").trim()
}

fn number(text: &Option<String>) -> Option<i64> {
    word(text).parse().ok()
}
