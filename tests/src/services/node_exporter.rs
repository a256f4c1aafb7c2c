//! Prometheus' node exporter: this machine's own figures.

use super::{PATIENCE, User};
use crate::ports::free_port;
use crate::process::{Process, Program};
use crate::programs;

/// A private node exporter. Gone on drop, or when the test program ends.
pub struct NodeExporter {
    process: Process,
    address: String,
}

impl NodeExporter {
    /// # Panics
    /// When it is not installed or does not come up.
    pub async fn start() -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let path = programs::debian("prometheus-node-exporter", "prometheus-node-exporter");
        let exporter = Program::new(path).user(User::for_server("prometheus")).directory("/");
        let exporter = exporter.arg(format!("--web.listen-address={address}")).arg("--log.level=warn");
        let mut process = Process::start(exporter);
        process.until_healthy(&format!("http://{address}/metrics"), PATIENCE).await;
        Self { process, address }
    }

    /// `host:port`, as a scrape target and as the label `instance`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Ends it: its series go stale at the next scrape.
    pub fn stop(&mut self) {
        self.process.kill9();
    }

    /// # Panics
    /// When it does not come up.
    pub async fn start_again(&mut self) {
        self.process.start_again();
        self.process.until_healthy(&format!("http://{}/metrics", self.address), PATIENCE).await;
    }
}
