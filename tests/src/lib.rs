//! What the end-to-end tests stand on: the real servers, started privately, and fakes at the wire.
//!
//! Read in this order: [`app`] (the product inside a test, its clock moved by hand), [`fakes`] (Telegram and Prometheus as a test scripts them), [`services`] (PostgreSQL, Redis,
//! Prometheus, node exporter and Alertmanager as Debian ships them), [`process`] (any program, and how to kill it), [`installation`]
//! (Vigil's own programs, running as people run them).

pub mod api;
pub mod app;
pub mod cluster;
pub mod fakes;
pub mod installation;
pub mod ports;
pub mod process;
pub mod programs;
mod reaper;
pub mod scratch;
pub mod services;
