//! Live results over real sockets, with a Prometheus at the wire that remembers what it was asked.

#![expect(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod access;
mod app;
mod client;
mod endings;
mod expressions;
mod frames;
mod misuse;
mod prometheus;
mod replicas;
