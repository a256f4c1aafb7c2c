//! What every job has at hand.

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use vigil_datasource::Datasource;
use vigil_domain::{Deviations, alert::Installation, id::NotificationId};
use vigil_runtime::{clock::Clock, config::Config};
use vigil_store::{live::Live, queue::Queue, seal::Sealer};

use crate::{channels::Senders, jobs::evaluate_group::Answers};

/// Connections and settings of a worker. Clones share them.
#[derive(Clone)]
pub struct Context {
    pub db: DatabaseConnection,
    pub queue: Queue,
    pub live: Live,
    pub datasource: Datasource,
    pub clock: Clock,
    pub config: Arc<Config>,
    /// What templates may know of this installation.
    pub installation: Installation,
    pub sealer: Sealer,
    pub senders: Senders,
    /// Names this process in leases and logs; unique per start.
    pub instance: String,
    /// What the data source answered in the last moments.
    pub answers: Answers,
}

impl Context {
    /// Whose way it is where Vigil's differs from Prometheus'.
    pub fn deviations(&self) -> Deviations {
        Deviations::configured(self.config.evaluation.strict_prometheus)
    }

    /// Whether alerts are written back to the data source as series.
    pub fn writes_alerts(&self) -> bool {
        let unasked = || self.deviations().write_alerts_unasked() || self.datasource.writes_by_default();
        self.config.evaluation.write_alerts.unwrap_or_else(unasked)
    }

    /// Says that notifications are due. A failure costs latency only: the sweep finds them.
    pub async fn push_deliver(&self, notifications: Vec<NotificationId>) {
        if let Err(error) = self.queue.push_deliver(notifications).await {
            tracing::warn!(%error, "queue unreachable: the sweep will deliver");
        }
    }
}
