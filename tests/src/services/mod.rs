//! The real servers, as Debian ships them: started on free ports, with private directories, under their own users.

mod alertmanager;
mod node_exporter;
mod postgres;
mod prometheus;
mod redis;
mod user;

pub use alertmanager::Alertmanager;
pub use node_exporter::NodeExporter;
pub use postgres::Postgres;
pub use prometheus::Prometheus;
pub use redis::Redis;
pub use user::User;

use std::time::Duration;

/// How long a server may take to start or to stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
