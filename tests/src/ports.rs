//! Free ports for servers that cannot bind to port 0, or that must come back on the port they had.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Below the range the kernel takes ports of outgoing connections from (32768 and up): a stopped server's port is
/// then never taken by somebody's connection before the server is back.
const RANGE: std::ops::Range<u16> = 12_000..32_000;

/// A port of 127.0.0.1 that nobody listens on. No call in this process gets the same one again.
///
/// # Panics
/// When none is found.
pub fn free_port() -> u16 {
    static TAKEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    for _ in 0..10_000 {
        let port = rand::random_range(RANGE);
        let fresh = TAKEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
        if fresh && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {} and {}", RANGE.start, RANGE.end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_distinct_and_outside_the_ephemeral_range() {
        let ports: HashSet<u16> = (0..200).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 200);
        assert!(ports.iter().all(|port| RANGE.contains(port)));
        for port in ports {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("free");
        }
    }
}
