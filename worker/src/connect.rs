//! From configuration to a working context.

use std::sync::Arc;

use anyhow::Context as _;
use vigil_datasource::{Datasource, HttpOptions};
use vigil_domain::alert::Installation;
use vigil_runtime::{Clock, Config, Secret, config::DatasourceConfig};
use vigil_store::{seal::Sealer, stores::Stores};

use crate::{Context, channels::Senders, jobs::evaluate_group::Answers};

impl Context {
    /// A worker on stores that are open, which asks `datasource`. `key` opens channels' secrets.
    pub fn new(
        stores: &Stores,
        datasource: Datasource,
        config: Arc<Config>,
        key: &Secret,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let instance = format!("{}-{}", std::process::id(), uuid::Uuid::now_v7().simple());
        Ok(Self {
            db: stores.workers_db.clone(),
            queue: stores.queue.clone(),
            live: stores.live.clone(),
            datasource,
            clock,
            sealer: Sealer::new(key.expose()),
            senders: Senders::new(&config)?,
            installation: Installation::new(&config.evaluation.external_labels, &config.http.base_url()),
            config,
            instance,
            answers: Answers::default(),
        })
    }
}

/// Prepares the data source; nothing is asked yet.
pub fn datasource(config: &DatasourceConfig) -> anyhow::Result<Datasource> {
    let mut options = HttpOptions::new(config.base_url());
    options.path_prefix.clone_from(&config.path_prefix);
    options.bearer_token = config.bearer_token.as_ref().map(|token| token.expose().to_owned());
    options.username.clone_from(&config.username);
    options.password = config.password.as_ref().map(|password| password.expose().to_owned());
    options.headers = config.headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
    options.timeout = config.timeout();
    options.concurrency = config.concurrency;
    if let Some(path) = &config.ca_file {
        options.ca_pem = Some(std::fs::read(path).with_context(|| format!("read {}", path.display()))?);
    }
    Datasource::http(options).context("prepare the data source")
}
