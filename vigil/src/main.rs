//! `vigil`: everything in one process, and the command line.

mod demo;
mod first_steps;
mod healthcheck;
mod samples;
mod serve;
mod stores;
mod users;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use vigil_runtime::{Config, crypto};

/// Decides when something is wrong and tells the right people, once, readably.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// A configuration file over the built-in defaults; VIGIL_* variables win over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run API, scheduler and workers in one process (the default).
    Serve,
    /// Play a small incident from a metric to a message and back, on data that are thrown away.
    Demo(demo::Arguments),
    /// Bring the database's schema up to date.
    Migrate,
    /// Manage people who can sign in.
    #[command(subcommand)]
    User(users::Command),
    /// Print the OpenAPI document.
    Openapi,
    /// Ask a running Vigil whether it is ready; status 0 if it is.
    Healthcheck {
        /// What to ask, instead of the configured address.
        #[arg(long)]
        url: Option<String>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    crypto::install_crypto_provider();
    let Arguments { config, command } = Arguments::parse();
    match run(config, command.unwrap_or(Command::Serve)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vigil: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Option<PathBuf>, command: Command) -> anyhow::Result<()> {
    let load = || Config::load(config.as_deref());
    match command {
        Command::Serve => serve::run(load()?).await,
        Command::Demo(arguments) => demo::run(load()?, arguments).await,
        Command::Migrate => stores::migrate(&load()?).await,
        Command::User(command) => users::run(&load()?, command).await,
        Command::Openapi => {
            println!("{}", vigil_backend::openapi().to_pretty_json()?);
            Ok(())
        }
        Command::Healthcheck { url: Some(url) } => healthcheck::run(&url).await,
        Command::Healthcheck { url: None } => healthcheck::run(&healthcheck::own(&load()?)).await,
    }
}
