//! `vigil-worker`: evaluates rules and delivers notifications; as many as one likes.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use tokio::net::TcpListener;
use vigil_runtime::{Clock, Config, Shutdown, config::Program, crypto, exposition, metrics, shutdown, telemetry};
use vigil_store::stores::Stores;
use vigil_worker::{Context, connect};

#[tokio::main]
async fn main() -> ExitCode {
    crypto::install_crypto_provider();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vigil-worker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let config = Config::load(config_file()?.as_deref())?;
    config.check_distributed(Program::Worker)?;
    telemetry::init(&config.log);
    metrics::install();
    let redis = config.redis.url.as_ref().map(|url| (url.expose(), config.redis.prefix.as_str()));
    let stores = Stores::open(config.database.url.expose(), config.database.max_connections, redis).await?;
    stores.check_schema().await?;
    let key = config.secrets.key.clone().context("secrets.key is not set")?;
    let shutdown = Shutdown::new();
    shutdown.listen_for_signals()?;
    let ctx = Context::new(&stores, connect::datasource(&config.datasource)?, Arc::new(config), &key, Clock::System)?;
    if let Some(listen) = ctx.config.metrics.listen {
        let listener = TcpListener::bind(listen).await.with_context(|| format!("listen on {listen} for metrics"))?;
        shutdown.spawn("metrics", exposition::serve(listener, shutdown.token()));
    }
    shutdown.spawn("metrics upkeep", metrics::upkeep(shutdown.token()));
    vigil_worker::run(&ctx, &shutdown);
    tracing::info!(instance = ctx.instance, "vigil-worker is working");
    shutdown.token().cancelled().await;
    anyhow::ensure!(shutdown.wait(shutdown::LIMIT).await, "some work did not end in time; its leases will expire");
    Ok(())
}

/// `--config FILE`, the only argument.
fn config_file() -> anyhow::Result<Option<PathBuf>> {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (None, _) => Ok(None),
        (Some(flag), Some(file)) if flag == "--config" && arguments.next().is_none() => Ok(Some(file.into())),
        _ => anyhow::bail!("usage: vigil-worker [--config FILE]"),
    }
}
