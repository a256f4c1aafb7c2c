//! The store through its public face, on real files.

#![allow(clippy::unwrap_used, reason = "a test ends where its ground is not as it must be")]

mod bed;
mod browse;
mod damage;
mod disk;
mod keep;
mod model;
mod points;
mod retain;
