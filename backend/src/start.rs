//! From configuration to the state of the API, for a program that runs nothing else.

use std::{fs, sync::Arc};

use anyhow::Context;
use vigil_datasource::{Datasource, HttpOptions};
use vigil_runtime::{Clock, Config, Shutdown, config::DatasourceConfig};
use vigil_store::{seal::Sealer, stores::Stores};

use crate::state::{AppState, Parts};

/// Opens everything that `config` names. The database's schema must be this build's.
///
/// # Errors
/// When a store cannot be opened, the schema is another one, or a key is missing.
pub async fn open(config: Config, shutdown: Shutdown) -> anyhow::Result<AppState> {
    let redis = config.redis.url.as_ref().map(|url| (url.expose(), config.redis.prefix.as_str()));
    let stores = Stores::open(config.database.url.expose(), config.database.max_connections, redis).await?;
    stores.check_schema().await?;
    let Stores { db, queue, live, cache, throttle, .. } = stores;
    let seal_key = config.secrets.key.as_ref().context("secrets.key is not set")?;
    Ok(AppState::new(Parts {
        db,
        queue,
        live,
        cache,
        throttle,
        datasource: datasource(&config.datasource)?,
        clock: Clock::System,
        sealer: Sealer::new(seal_key.expose()),
        shutdown,
        jwt_secret: config.auth.jwt_secret.clone().context("auth.jwt_secret is not set")?,
        config: Arc::new(config),
    }))
}

fn datasource(config: &DatasourceConfig) -> anyhow::Result<Datasource> {
    let mut options = HttpOptions::new(config.base_url());
    options.path_prefix.clone_from(&config.path_prefix);
    options.bearer_token = config.bearer_token.as_ref().map(|token| token.expose().to_owned());
    options.username.clone_from(&config.username);
    options.password = config.password.as_ref().map(|password| password.expose().to_owned());
    options.headers = config.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
    options.timeout = config.timeout();
    options.concurrency = config.concurrency;
    if let Some(path) = &config.ca_file {
        options.ca_pem = Some(fs::read(path).with_context(|| format!("read {}", path.display()))?);
    }
    Datasource::http(options).context("prepare the data source")
}
