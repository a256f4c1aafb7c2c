//! How the work is done: `evaluation`, `delivery`, `live`, `retention`.

use std::{collections::BTreeMap, time::Duration};

use super::kind::{flag, integer, labels, seconds};
use super::reader::Reader;

/// The least wait that can be set: tests shorten what takes seconds in earnest.
const SHORTEST: f64 = 0.01;
const HOUR: f64 = 3600.0;

/// Seconds out of a configuration as a duration.
pub(super) fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).expect("waits are not negative and at most a day")
}

/// Evaluating rules.
#[derive(Clone, Debug)]
pub struct EvaluationConfig {
    /// Rules that travel in one job, at most.
    pub batch_rules: usize,
    /// Jobs at once per worker.
    pub concurrency: usize,
    pub claim_lease_seconds: f64,
    pub down_after_failures: u32,
    pub down_after_seconds: f64,
    pub query_offset_seconds: f64,
    pub resend_delay_seconds: f64,
    /// What templates know as `$externalLabels`, and Alertmanagers are sent with every alert.
    pub external_labels: BTreeMap<String, String>,
    /// Whether `ALERTS` and `ALERTS_FOR_STATE` are written to the data source. `None`: as that does by default.
    pub write_alerts: Option<bool>,
    /// Whether Vigil leaves its own ways where Prometheus does otherwise.
    pub strict_prometheus: bool,
}

impl EvaluationConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            batch_rules: reader.required("evaluation.batch_rules", integer(1..=1000)),
            concurrency: reader.required("evaluation.concurrency", integer(1..=256)),
            claim_lease_seconds: reader.required("evaluation.claim_lease_seconds", seconds(0.1..=HOUR)),
            down_after_failures: reader.required("evaluation.down_after_failures", integer(1..=1000)),
            down_after_seconds: reader.required("evaluation.down_after_seconds", seconds(SHORTEST..=HOUR)),
            query_offset_seconds: reader.required("evaluation.query_offset_seconds", seconds(0.0..=24.0 * HOUR)),
            resend_delay_seconds: reader.required("evaluation.resend_delay_seconds", seconds(0.0..=24.0 * HOUR)),
            external_labels: reader.required("evaluation.external_labels", labels()),
            write_alerts: reader.optional("evaluation.write_alerts", flag()),
            strict_prometheus: reader.required("evaluation.strict_prometheus", flag()),
        }
    }

    /// How long a claimed slot belongs to its worker.
    pub fn claim_lease(&self) -> Duration {
        duration(self.claim_lease_seconds)
    }

    /// How far before its slot a rule asks, unless its group says otherwise.
    pub fn query_offset(&self) -> Duration {
        duration(self.query_offset_seconds)
    }

    /// After how much more than this an Alertmanager is sent an alert again.
    pub fn resend_delay(&self) -> Duration {
        duration(self.resend_delay_seconds)
    }

    /// How long the data source must fail to be declared down.
    pub fn down_after(&self) -> Duration {
        duration(self.down_after_seconds)
    }
}

/// Delivering notifications.
#[derive(Clone, Debug)]
pub struct DeliveryConfig {
    /// Deliveries at once per worker.
    pub concurrency: usize,
    pub lease_seconds: f64,
    pub sweep_seconds: f64,
    pub retry_base_seconds: f64,
    pub retry_max_seconds: f64,
    pub max_attempts: u32,
    pub timeout_seconds: f64,
}

impl DeliveryConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let delivery = Self {
            concurrency: reader.required("delivery.concurrency", integer(1..=1024)),
            lease_seconds: reader.required("delivery.lease_seconds", seconds(0.1..=HOUR)),
            sweep_seconds: reader.required("delivery.sweep_seconds", seconds(SHORTEST..=HOUR)),
            retry_base_seconds: reader.required("delivery.retry_base_seconds", seconds(SHORTEST..=HOUR)),
            retry_max_seconds: reader.required("delivery.retry_max_seconds", seconds(SHORTEST..=24.0 * HOUR)),
            max_attempts: reader.required("delivery.max_attempts", integer(1..=1000)),
            timeout_seconds: reader.required("delivery.timeout_seconds", seconds(0.05..=600.0)),
        };
        reader.check(
            ["delivery.retry_max_seconds", "delivery.retry_base_seconds"],
            delivery.retry_max_seconds >= delivery.retry_base_seconds,
            "must be at least delivery.retry_base_seconds",
        );
        reader.check(
            ["delivery.lease_seconds", "delivery.timeout_seconds"],
            delivery.lease_seconds > delivery.timeout_seconds,
            "must be more than delivery.timeout_seconds, or an attempt is repeated while it is still running",
        );
        delivery
    }

    /// How long an attempt belongs to its worker.
    pub fn lease(&self) -> Duration {
        duration(self.lease_seconds)
    }

    /// How often due notifications are looked for beside the queue.
    pub fn sweep(&self) -> Duration {
        duration(self.sweep_seconds)
    }

    /// The wait after the first failure; it doubles with each.
    pub fn retry_base(&self) -> Duration {
        duration(self.retry_base_seconds)
    }

    pub fn retry_max(&self) -> Duration {
        duration(self.retry_max_seconds)
    }

    /// How long one attempt may take.
    pub fn timeout(&self) -> Duration {
        duration(self.timeout_seconds)
    }
}

/// Live results over WebSocket.
#[derive(Clone, Debug)]
pub struct LiveConfig {
    /// Clients at once per process.
    pub max_clients: usize,
    pub min_interval_seconds: f64,
    /// Extra expressions per client.
    pub max_expressions: usize,
    pub ping_seconds: f64,
}

impl LiveConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            max_clients: reader.required("live.max_clients", integer(1..=1_000_000)),
            min_interval_seconds: reader.required("live.min_interval_seconds", seconds(0.1..=HOUR)),
            max_expressions: reader.required("live.max_expressions", integer(0..=1000)),
            ping_seconds: reader.required("live.ping_seconds", seconds(0.05..=HOUR)),
        }
    }

    pub fn min_interval(&self) -> Duration {
        duration(self.min_interval_seconds)
    }

    pub fn ping(&self) -> Duration {
        duration(self.ping_seconds)
    }
}

/// How long history is kept.
#[derive(Clone, Debug)]
pub struct RetentionConfig {
    pub events_days: u32,
    pub notifications_days: u32,
}

impl RetentionConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            events_days: reader.required("retention.events_days", integer(1..=36_500)),
            notifications_days: reader.required("retention.notifications_days", integer(1..=36_500)),
        }
    }

    pub fn events(&self) -> Duration {
        days(self.events_days)
    }

    pub fn notifications(&self) -> Duration {
        days(self.notifications_days)
    }
}

/// The samples of this machine, kept in this process while no data source is configured.
#[derive(Clone, Debug)]
pub struct SamplesConfig {
    pub interval_seconds: f64,
    pub retention_days: u32,
}

impl SamplesConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            interval_seconds: reader.required("samples.interval_seconds", seconds(1.0..=300.0)),
            retention_days: reader.required("samples.retention_days", integer(1..=3_650)),
        }
    }

    /// How often the machine is looked at.
    pub fn interval(&self) -> Duration {
        duration(self.interval_seconds)
    }

    pub fn retention(&self) -> Duration {
        days(self.retention_days)
    }
}

fn days(days: u32) -> Duration {
    Duration::from_secs(u64::from(days) * 86_400)
}
