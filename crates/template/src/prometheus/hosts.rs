//! Host names and ports, by the rules of Go's `net.SplitHostPort`.

use std::net::{IpAddr, Ipv6Addr};

/// The host of `host:port`; what is none stays as it is.
pub(super) fn strip_port(address: &[u8]) -> Vec<u8> {
    split(address).map_or(address, |(host, _)| host).to_vec()
}

/// Without the domain after the host's name. An IP address stays as it is, and so does the port.
pub(super) fn strip_domain(address: &[u8]) -> Vec<u8> {
    let (host, port) = split(address).unwrap_or((address, b""));
    if is_ip(host) {
        return address.to_vec();
    }
    let name = host.split(|&byte| byte == b'.').next().unwrap_or(host);
    if port.is_empty() {
        name.to_vec()
    } else if name.contains(&b':') {
        [b"[", name, b"]:", port].concat()
    } else {
        [name, b":", port].concat()
    }
}

/// Host and port; an IPv6 address stands in brackets before its port.
fn split(address: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = address.iter().rposition(|&byte| byte == b':')?;
    let port = &address[colon + 1..];
    let host = match address {
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|&byte| byte == b']')?;
            // The bracket is one further on in the whole.
            if end + 2 != colon {
                return None;
            }
            &rest[..end]
        }
        _ => {
            let host = &address[..colon];
            if host.iter().any(|byte| matches!(byte, b':' | b'[' | b']')) {
                return None;
            }
            host
        }
    };
    let has_bracket = host.contains(&b'[') || port.iter().any(|byte| matches!(byte, b'[' | b']'));
    (!has_bracket).then_some((host, port))
}

/// As Go's `netip.ParseAddr` sees it: the address of an interface may have its name after a percent sign.
fn is_ip(host: &[u8]) -> bool {
    let Ok(host) = str::from_utf8(host) else {
        return is_scoped_ip(host);
    };
    host.parse::<IpAddr>().is_ok() || is_scoped_ip(host.as_bytes())
}

fn is_scoped_ip(host: &[u8]) -> bool {
    let Some(percent) = host.iter().position(|&byte| byte == b'%') else { return false };
    let address = str::from_utf8(&host[..percent]).ok().and_then(|address| address.parse::<Ipv6Addr>().ok());
    address.is_some() && percent + 1 < host.len()
}
