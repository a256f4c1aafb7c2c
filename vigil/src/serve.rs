//! `vigil serve`: API, scheduler and workers in one process.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::net::TcpListener;
use vigil_backend::{AppState, Parts, setup};
use vigil_runtime::{Clock, Config, Secret, Shutdown, keys, metrics, shutdown, telemetry};
use vigil_samples::Store;
use vigil_worker::Context;

use crate::{first_steps, output, samples::Samples, stores};

pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    telemetry::init(&config.log);
    let shutdown = Shutdown::new();
    shutdown.listen_for_signals()?;
    Vigil::open(config, shutdown).await?.serve().await
}

/// All of Vigil in this process, open but not yet at work.
pub(crate) struct Vigil {
    listener: TcpListener,
    samples: Samples,
    ctx: Context,
    state: AppState,
    shutdown: Shutdown,
    /// Where people reach it. No trailing slash.
    pub(crate) base_url: String,
}

impl Vigil {
    pub(crate) async fn open(mut config: Config, shutdown: Shutdown) -> anyhow::Result<Self> {
        metrics::install();
        let listen = config.http.listen;
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("listen on {listen}; set VIGIL_HTTP__LISTEN to another address if something else is there")
        })?;
        config.http.listen = listener.local_addr()?;
        let stores = stores::open_current(&config).await?;
        let jwt_secret = key(&config, config.auth.jwt_secret.as_ref(), "jwt.key")?;
        let seal_key = key(&config, config.secrets.key.as_ref(), "secrets.key")?;
        let config = Arc::new(config);
        let samples = Samples::open(&config, &shutdown).await?;
        if let Some(hostname) = samples.hostname() {
            first_steps::own_machine(&stores.db, hostname, Clock::System.now()).await?;
        }
        let ctx = Context::new(&stores, samples.datasource.clone(), Arc::clone(&config), &seal_key, Clock::System)?;
        let base_url = vigil_backend::serve::base_url(&config, config.http.listen);
        let state = AppState::new(Parts {
            db: stores.db,
            queue: stores.queue,
            live: stores.live,
            cache: stores.cache,
            throttle: stores.throttle,
            datasource: ctx.datasource.clone(),
            clock: Clock::System,
            config,
            sealer: ctx.sealer.clone(),
            shutdown: shutdown.clone(),
            jwt_secret,
        });
        Ok(Self { listener, samples, ctx, state, shutdown, base_url })
    }

    /// The samples in this process, if that is where they are.
    pub(crate) fn store(&self) -> Option<&Store> {
        self.samples.store()
    }

    /// Works until the end begins, and ends in order.
    pub(crate) async fn serve(self) -> anyhow::Result<()> {
        let Self { listener, samples, ctx, state, shutdown, base_url } = self;
        if let Some(link) = setup::ensure_first_admin(&state, &base_url, Clock::System.now()).await? {
            // Whether anybody reads it or not.
            let _ = output::line(format_args!("No admin yet. Make one within 30 minutes: {link}"));
        }
        vigil_worker::run(&ctx, &shutdown);
        tracing::info!(address = %state.config.http.listen, docs = format!("{base_url}/docs"), "vigil is listening");
        vigil_backend::serve(listener, state, shutdown.clone()).await?;
        let ended = shutdown.wait(shutdown::LIMIT).await;
        samples.close().await;
        anyhow::ensure!(ended, "some work did not end in time; its leases will expire");
        Ok(())
    }
}

/// The configured key, or one that is made at the first start and kept beside the database.
fn key(config: &Config, configured: Option<&Secret>, file: &str) -> anyhow::Result<Secret> {
    match configured {
        Some(key) => Ok(key.clone()),
        None => Ok(keys::load_or_create_key(&config.database.directory(), file)?),
    }
}
