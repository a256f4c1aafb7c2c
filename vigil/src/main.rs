//! `vigil`: everything in one process, and the command line.

// They panic when nobody reads any more; `output` does not.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod apply;
mod client;
mod demo;
mod first_steps;
mod healthcheck;
mod login;
mod output;
mod rules;
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
    /// Work on Prometheus' rule files.
    #[command(subcommand)]
    Rules(rules::Command),
    /// Make the rule files of a running Vigil those of a directory.
    ///
    /// Prints what changes and asks before it does it. A file owns its rules, also those that were released. Status 0: done,
    /// or there was nothing to do; 1: mistakes, Vigil did not do it, or nobody said yes.
    #[command(after_long_help = apply::EXAMPLES)]
    Apply(apply::Arguments),
    /// Sign in at a running Vigil, for the commands that talk to one.
    ///
    /// Asks for the password, or reads it from standard input when that is no terminal. Keeps an API key that may change rules
    /// in $XDG_CONFIG_HOME/vigil/credentials.toml, otherwise in ~/.config; the password is not kept. VIGIL_URL and
    /// VIGIL_TOKEN win over what is kept.
    #[expect(clippy::doc_markdown, reason = "this is what --help shows")]
    Login(login::Arguments),
    /// Delete the API key of `vigil login`, here and in Vigil.
    Logout,
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
        Ok(status) => status,
        Err(error) if error.is::<output::Unheard>() => ExitCode::from(output::UNHEARD),
        Err(error) => {
            output::note(format_args!("vigil: {error:#}"));
            if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// The command line itself does not make sense: what to write instead. Ends with status 2, as what clap finds.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

async fn run(config: Option<PathBuf>, command: Command) -> anyhow::Result<ExitCode> {
    let load = || Config::load(config.as_deref());
    let done = match command {
        Command::Rules(command) => return rules::run(command).await,
        Command::Apply(arguments) => return apply::run(&arguments).await,
        Command::Login(arguments) => login::run(arguments).await,
        Command::Logout => login::out().await,
        Command::Serve => serve::run(load()?).await,
        Command::Demo(arguments) => demo::run(load()?, arguments).await,
        Command::Migrate => stores::migrate(&load()?).await,
        Command::User(command) => users::run(&load()?, command).await,
        Command::Openapi => output::line(vigil_backend::openapi().to_pretty_json()?),
        Command::Healthcheck { url: Some(url) } => healthcheck::run(&url).await,
        Command::Healthcheck { url: None } => healthcheck::run(&healthcheck::own(&load()?)).await,
    };
    done.map(|()| ExitCode::SUCCESS)
}
