//! What every handler shares.

use std::{ops::Deref, sync::Arc};

use sea_orm::DatabaseConnection;
use vigil_datasource::{CacheOptions, CachedDatasource, Datasource};
use vigil_domain::{Deviations, Span, Timestamp, alert::Installation};
use vigil_runtime::{Clock, Config, Secret, Shutdown};
use vigil_store::{cache::Cache, live::Live, queue::Queue, seal::Sealer, throttle::Throttle};

use crate::{
    auth::{jwt::TokenKeys, password::Passwords},
    live::Hub,
};

/// Roughly the memory that answers shared between readers may take.
const SHARED_ANSWERS_BYTES: u64 = 64 << 20;

/// What a program hands to the API.
pub struct Parts {
    pub db: DatabaseConnection,
    pub queue: Queue,
    pub live: Live,
    pub cache: Cache,
    pub throttle: Throttle,
    pub datasource: Datasource,
    pub clock: Clock,
    pub config: Arc<Config>,
    pub sealer: Sealer,
    pub shutdown: Shutdown,
    /// Signs access tokens: at least 32 bytes, the same for all backends.
    pub jwt_secret: Secret,
}

/// The state of the API. Cheap to clone; clones are the same state.
#[derive(Clone)]
pub struct AppState(Arc<App>);

/// The fields of [`AppState`].
pub struct App {
    pub db: DatabaseConnection,
    pub queue: Queue,
    pub live: Live,
    /// Shared between processes.
    pub cache: Cache,
    pub throttle: Throttle,
    /// Every query is asked.
    pub datasource: Datasource,
    /// Identical queries within `datasource.cache_seconds` are asked once per process.
    pub queries: CachedDatasource,
    pub clock: Clock,
    pub config: Arc<Config>,
    /// What templates may know of this installation.
    pub installation: Installation,
    pub sealer: Sealer,
    pub shutdown: Shutdown,
    pub tokens: TokenKeys,
    pub passwords: Passwords,
    /// The WebSocket clients of this process.
    pub hub: Arc<Hub>,
    /// When this state was made, which is when the process started.
    pub started_at: Timestamp,
}

impl AppState {
    /// Derives the signing keys and the password checker from the configuration.
    pub fn new(parts: Parts) -> Self {
        let Parts { db, queue, live, cache, throttle, datasource, clock, config, sealer, shutdown, jwt_secret } = parts;
        let window =
            Span::from_millis_i64(i64::try_from(config.datasource.cache().as_millis()).expect("at most five minutes"));
        let options = CacheOptions { window, capacity_bytes: SHARED_ANSWERS_BYTES };
        let queries = CachedDatasource::new(datasource.clone(), options);
        let tokens = TokenKeys::new(&jwt_secret, config.auth.access_token());
        let passwords = Passwords::new(config.auth.bcrypt_cost);
        let installation = Installation::new(&config.evaluation.external_labels, &config.http.base_url());
        let started_at = clock.now();
        Self(Arc::new(App {
            db,
            queue,
            live,
            cache,
            throttle,
            datasource,
            queries,
            clock,
            config,
            installation,
            sealer,
            shutdown,
            tokens,
            passwords,
            hub: Arc::default(),
            started_at,
        }))
    }

    /// Whose way it is where Vigil's differs from Prometheus'.
    pub fn deviations(&self) -> Deviations {
        Deviations::configured(self.0.config.evaluation.strict_prometheus)
    }

    /// The current time. Ask once per request and pass it on.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl Deref for AppState {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}
