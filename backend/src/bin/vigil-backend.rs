//! `vigil-backend`: serves the API, beside others like it.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use vigil_backend::{serve, setup, start};
use vigil_runtime::{Config, Program, Shutdown, install_crypto_provider, metrics, shutdown, telemetry};

/// Serves Vigil's API; any number may run beside each other, with vigil-worker doing the work.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// A configuration file over the built-in defaults; VIGIL_* variables win over it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    install_crypto_provider();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vigil-backend: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut config = Config::load(arguments.config.as_deref())?;
    config.check_distributed(Program::Backend)?;
    telemetry::init(&config.log);
    metrics::install();
    let shutdown = Shutdown::new();
    shutdown.listen_for_signals()?;
    let listen = config.http.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("listen on {listen}; set VIGIL_HTTP__LISTEN to another address if something else is there")
    })?;
    config.http.listen = listener.local_addr()?;
    let base_url = serve::base_url(&config, config.http.listen);
    let state = start::open(config, shutdown.clone()).await?;
    if let Some(link) = setup::ensure_first_admin(&state, &base_url, state.now()).await? {
        println!("No admin yet. Make one within 30 minutes: {link}");
    }
    tracing::info!(address = %state.config.http.listen, docs = format!("{base_url}/docs"), "vigil-backend is listening");
    vigil_backend::serve(listener, state, shutdown.clone()).await?;
    anyhow::ensure!(shutdown.wait(shutdown::LIMIT).await, "some requests did not end in time");
    Ok(())
}
