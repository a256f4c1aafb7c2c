//! Vigil's own programs on real figures: Debian's Prometheus scrapes Debian's node exporter on this machine.

mod alertmanager;
mod demo;
mod differential;
mod discovery;
mod figures;
mod grafana;
mod live;
mod main_job;
mod on_its_own;
mod promtool;
mod rule_sets;
mod rule_tests;
mod rules;
mod rules_client;
mod rules_online;
mod watched;

use std::time::Duration;

use vigil_tests::services::{NodeExporter, Prometheus};

const SECOND: Duration = Duration::from_secs(1);
/// How long something may take that takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// This machine, scraped every second.
struct Machine {
    exporter: NodeExporter,
    prometheus: Prometheus,
}

impl Machine {
    /// One that has been scraped often enough for rates.
    async fn scraped() -> Self {
        let exporter = NodeExporter::start().await;
        let prometheus = Prometheus::start(&[exporter.address()], SECOND).await;
        prometheus.until_present("rate(node_cpu_seconds_total[5s])").await;
        Self { exporter, prometheus }
    }
}

/// Waits until `probe` says yes.
async fn until(what: &str, probe: impl AsyncFn() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !probe().await {
        assert!(std::time::Instant::now() < deadline, "{what}: not after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
