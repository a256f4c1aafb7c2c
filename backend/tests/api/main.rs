//! The API over a database of its own, request by request.

#![expect(clippy::unwrap_used, reason = "a failed expectation ends the test")]

mod api_keys;
mod app;
mod channels;
mod document;
mod history;
mod metrics;
mod operations;
mod problems;
mod prometheus;
mod prometheus_rules;
mod rule_files;
mod ruler;
mod rules;
mod servers;
mod setup;
mod shadow;
mod sign_in;
mod users;
