//! `/proc/net/sockstat*`, `/proc/net/netstat` and `/proc/net/snmp*`: sockets and protocol counters.

use super::{ParseError, count, signed};
use crate::{Family, Kind};

/// Sockets by protocol and state, from `/proc/net/sockstat` or `/proc/net/sockstat6`.
///
/// `page_size` in bytes turns `mem`, which the kernel counts in pages, into `mem_bytes`.
///
/// # Errors
///
/// A line is no `PROTOCOL: name number …`, or there is none.
pub fn sockstat(text: &str, page_size: u64) -> Result<Vec<Family>, ParseError> {
    const WHAT: &str = "sockstat";
    let mut families = Vec::with_capacity(16);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let broken = || ParseError::new(WHAT, line);
        let (protocol, rest) = line.split_once(':').ok_or_else(broken)?;
        if !is_word(protocol) {
            return Err(broken());
        }
        let mut words = rest.split_ascii_whitespace();
        while let Some(state) = words.next() {
            let value = count(WHAT, words.next()).map_err(|_| broken())?;
            match (protocol, state) {
                ("sockets", "used") => {
                    let help = "Number of IPv4 sockets in use.";
                    families.push(Family::gauge("node_sockstat_sockets_used", help, value));
                }
                (_, "inuse" | "orphan" | "tw" | "alloc" | "memory") => families.push(sockets(protocol, state, value)),
                (_, "mem") => {
                    families.push(sockets(protocol, "mem", value));
                    families.push(sockets(protocol, "mem_bytes", value * page_size as f64));
                }
                _ => {}
            }
        }
    }
    if families.is_empty() { Err(ParseError::new(WHAT, text)) } else { Ok(families) }
}

fn sockets(protocol: &str, state: &str, value: f64) -> Family {
    let help = format!("Number of {protocol} sockets in state {state}.");
    Family::gauge(format!("node_sockstat_{protocol}_{state}"), help, value)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// node exporter's default `--collector.netstat.fields`.
fn is_wanted(protocol: &str, name: &str) -> bool {
    let starts = |start: &str| name.starts_with(start);
    match (protocol, name) {
        (_, "InErrors" | "InErrs")
        | ("Ip", "Forwarding")
        | ("Ip6" | "IpExt", "InOctets" | "OutOctets")
        | ("Icmp" | "Icmp6", "InMsgs" | "OutMsgs")
        | ("TcpExt", "TCPSynRetrans" | "TCPTimeouts")
        | ("Tcp", "ActiveOpens" | "InSegs" | "OutSegs" | "OutRsts" | "PassiveOpens" | "RetransSegs" | "CurrEstab")
        | ("Udp" | "Udp6", "InDatagrams" | "OutDatagrams" | "NoPorts" | "RcvbufErrors" | "SndbufErrors") => true,
        ("TcpExt", _) => starts("Listen") || starts("Syncookies"),
        _ => false,
    }
}

/// Protocol counters from `/proc/net/netstat`, `/proc/net/snmp` or `/proc/net/snmp6`.
///
/// The first two have a line of names and a line of values for each protocol, the third has one pair a line.
///
/// # Errors
///
/// Names and values do not match, or there are none.
pub fn netstat(text: &str) -> Result<Vec<Family>, ParseError> {
    const WHAT: &str = "netstat";
    let mut families = Vec::with_capacity(40);
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut fields = 0;
    while let Some(line) = lines.next() {
        let broken = || ParseError::new(WHAT, line);
        let Some((protocol, names)) = line.split_once(": ") else {
            let (name, value) = line.split_once(char::is_whitespace).ok_or_else(broken)?;
            fields += 1;
            families.extend(snmp6(name, value)?);
            continue;
        };
        let values = lines.next().and_then(|line| line.strip_prefix(protocol)?.strip_prefix(':')).ok_or_else(broken)?;
        let names: Vec<&str> = names.split_ascii_whitespace().collect();
        let values: Vec<&str> = values.split_ascii_whitespace().collect();
        if names.len() != values.len() {
            return Err(broken());
        }
        for (name, value) in names.into_iter().zip(values) {
            fields += 1;
            families.extend(statistic(protocol, name, value)?);
        }
    }
    if fields == 0 { Err(ParseError::new(WHAT, text)) } else { Ok(families) }
}

/// `Ip6InOctets` is `InOctets` of `Ip6`; names without a `6` have no protocol.
fn snmp6(key: &str, value: &str) -> Result<Option<Family>, ParseError> {
    match key.find('6') {
        Some(six) if six > 0 => statistic(&key[..=six], &key[six + 1..], value),
        _ => Ok(None),
    }
}

fn statistic(protocol: &str, name: &str, value: &str) -> Result<Option<Family>, ParseError> {
    if !is_word(protocol) || !is_wanted(protocol, name) || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(None);
    }
    let value = signed("netstat", value)?;
    let help = format!("Statistic {protocol}{name}.");
    Ok(Some(Family::new(format!("node_netstat_{protocol}_{name}"), Kind::Untyped, help).with(value)))
}
