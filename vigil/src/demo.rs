//! `vigil demo`: a small incident through the whole path, as anybody could play it through the API, on data that are
//! thrown away afterwards.

mod client;
mod play;

use std::{io::Read as _, path::Path};

use anyhow::Context as _;
use clap::Args;
use vigil_runtime::{Config, Secret, Shutdown, keys, telemetry};

use crate::{output, serve::Vigil};
use client::Client;
use play::Play;

/// Who the demo signs in as.
const USER: &str = "demo";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Tell this Telegram chat instead of the log; its number, or @name of a public one.
    #[arg(long, requires = "bot_token_stdin", allow_hyphen_values = true)]
    chat_id: Option<String>,
    /// Read the bot's token from standard input.
    #[arg(long, requires = "chat_id")]
    bot_token_stdin: bool,
    /// Go on running after the incident, until interrupted.
    #[arg(long)]
    keep: bool,
}

/// A Telegram chat to tell.
struct Chat {
    id: String,
    bot_token: Secret,
}

pub(crate) async fn run(mut config: Config, arguments: Arguments) -> anyhow::Result<()> {
    let chat = arguments.chat_id.map(|id| bot_token().map(|bot_token| Chat { id, bot_token })).transpose()?;
    let folder = tempfile::Builder::new().prefix("vigil-demo-").tempdir().context("make a folder for the demo")?;
    let password = keys::load_or_create_key(folder.path(), "password")?;
    throw_away(&mut config, folder.path(), &password);
    telemetry::init(&config.log);
    let shutdown = Shutdown::new();
    shutdown.listen_for_signals()?;
    let vigil = Vigil::open(config, shutdown.clone()).await?;
    let store = vigil.store().cloned().context("the demo keeps its samples in this process")?;
    output::line("A small incident, from a metric to a message and back, on data that are thrown away.")?;
    let (base_url, password_shown) = (&vigil.base_url, password.expose());
    output::line(format_args!("Look on at {base_url}/docs as {USER} with the password {password_shown}\n"))?;
    let client = Client::new(&vigil.base_url)?;
    let serving = tokio::spawn(vigil.serve());
    let play = async {
        let client = client.sign_in(USER, password.expose()).await?;
        Play::new(client, store, chat).run().await
    };
    let played = shutdown.token().run_until_cancelled(play).await;
    let stays = arguments.keep && matches!(played, Some(Ok(())));
    if stays && output::line("\nStill running; press Ctrl-C to end it and to throw its data away.").is_ok() {
        shutdown.token().cancelled().await;
    }
    shutdown.begin();
    serving.await.context("the demo's Vigil broke down")??;
    played.unwrap_or_else(|| Err(anyhow::anyhow!("interrupted before the incident was over")))?;
    output::line("\nThat was all, and nothing of it was kept. `vigil` without a command begins in earnest.")
}

/// A configuration that shares nothing with the installation that may be here, but says where Telegram is.
fn throw_away(config: &mut Config, folder: &Path, password: &Secret) {
    let Config { telegram, .. } = std::mem::take(config);
    config.telegram = telegram;
    config.database.url = Secret::from(format!("sqlite://{}/vigil.db", folder.display()));
    config.http.listen.set_port(0);
    config.admin.username = Some(USER.to_owned());
    config.admin.password = Some(password.clone());
    config.auth.bcrypt_cost = 4;
    "warn,vigil::notification=info".clone_into(&mut config.log.level);
}

/// The first line of standard input.
fn bot_token() -> anyhow::Result<Secret> {
    let mut input = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut input).context("read the bot's token")?;
    Ok(Secret::from(input.lines().next().unwrap_or_default().trim().to_owned()))
}
