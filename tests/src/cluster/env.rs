//! What the programs of a cluster are told: their peers, and how long they wait.

use crate::app::{ADMIN, KEY};
use crate::process::Program;
use crate::programs;
use std::path::Path;
use std::time::Duration;

/// How long Vigil waits for what may have died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// A second or two, so that many faults fit into a minute.
    Short,
    /// As they are by default.
    Real,
}

impl Waits {
    /// How long it may take until everything is evaluated and delivered.
    pub fn settle(self) -> Duration {
        match self {
            Self::Short => Duration::from_secs(45),
            Self::Real => Duration::from_secs(150),
        }
    }

    /// How long after it was decided a notification must have arrived.
    pub fn lateness(self) -> Duration {
        match self {
            Self::Short => Duration::from_secs(15),
            // What died with its worker is taken over after twelve seconds, found by a sweep after at most five more, and
            // may wait for another that died before it.
            Self::Real => Duration::from_secs(40),
        }
    }

    /// How long a worker may take for an attempt before another takes it over.
    pub fn delivery_lease(self) -> Duration {
        match self {
            Self::Short => Duration::from_millis(2_500),
            Self::Real => Duration::from_secs(12),
        }
    }

    /// How long an outage of a server lasts.
    pub fn outage(self) -> Duration {
        match self {
            Self::Short => Duration::from_secs(5),
            Self::Real => Duration::from_secs(30),
        }
    }

    fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Real => &[],
            Self::Short => &[
                ("VIGIL_EVALUATION__CLAIM_LEASE_SECONDS", "1"),
                ("VIGIL_DELIVERY__LEASE_SECONDS", "2.5"),
                ("VIGIL_DELIVERY__TIMEOUT_SECONDS", "2"),
                ("VIGIL_DELIVERY__SWEEP_SECONDS", "0.5"),
                ("VIGIL_DELIVERY__RETRY_BASE_SECONDS", "0.2"),
                ("VIGIL_DELIVERY__RETRY_MAX_SECONDS", "1"),
                ("VIGIL_DATASOURCE__TIMEOUT_SECONDS", "2"),
            ],
        }
    }
}

/// What a cluster consists of.
#[derive(Clone, Debug)]
pub struct Setup {
    pub(super) workers: usize,
    pub(super) waits: Waits,
    pub(super) durable_redis: bool,
    variables: Vec<(&'static str, String)>,
}

impl Setup {
    /// So many workers, with the waits that the environment asks for.
    pub fn workers(workers: usize) -> Self {
        Self { workers, waits: super::rounds::waits(), durable_redis: false, variables: vec![] }
    }

    pub fn waits(&self) -> Waits {
        self.waits
    }

    /// A key of the configuration, for all programs.
    #[must_use]
    pub fn env(mut self, name: &'static str, value: impl ToString) -> Self {
        self.variables.push((name, value.to_string()));
        self
    }

    /// Whether Redis has what it had when it is started again.
    #[must_use]
    pub fn durable_redis(mut self, durable: bool) -> Self {
        self.durable_redis = durable;
        self
    }
}

/// The programs, each with its environment.
pub(super) struct Programs {
    variables: Vec<(String, String)>,
    directory: std::path::PathBuf,
}

impl Programs {
    /// `peers` are the addresses of PostgreSQL, Redis, Prometheus and Telegram.
    pub(super) fn new(setup: &Setup, peers: [&str; 4], directory: &Path) -> Self {
        let [database, redis, prometheus, telegram] = peers;
        let fixed = [
            ("VIGIL_DATABASE__URL", database),
            ("VIGIL_REDIS__URL", redis),
            ("VIGIL_DATASOURCE__URL", prometheus),
            ("VIGIL_TELEGRAM__API_URL", telegram),
            ("VIGIL_AUTH__JWT_SECRET", KEY),
            ("VIGIL_SECRETS__KEY", KEY),
            ("VIGIL_ADMIN__USERNAME", ADMIN.0),
            ("VIGIL_ADMIN__PASSWORD", ADMIN.1),
            ("VIGIL_AUTH__BCRYPT_COST", "4"),
            ("VIGIL_AUTH__ACCESS_TOKEN_SECONDS", "86400"),
            ("VIGIL_EVALUATION__BATCH_RULES", "5"),
        ];
        let own = setup.variables.iter().map(|(name, value)| (*name, value.as_str()));
        let all = fixed.into_iter().chain(setup.waits.variables().iter().copied()).chain(own);
        let variables = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { variables, directory: directory.to_owned() }
    }

    pub(super) fn migrate(&self) -> Program {
        self.program("vigil").arg("migrate")
    }

    pub(super) fn backend(&self, listen: &str) -> Program {
        self.program("vigil-backend").env("VIGIL_HTTP__LISTEN", listen)
    }

    pub(super) fn worker(&self) -> Program {
        self.program("vigil-worker")
    }

    fn program(&self, name: &str) -> Program {
        let program = Program::new(programs::workspace(name)).clean_env().directory(&self.directory);
        self.variables.iter().fold(program, |program, (name, value)| program.env(name, value))
    }
}
