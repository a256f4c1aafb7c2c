//! `vigil login` and `vigil logout`: a key to a running Vigil, for the commands that talk to one.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::{Context as _, ensure};
use clap::Args;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use vigil_domain::role::Role;
use vigil_runtime::{Credentials, Secret, Surroundings};

use crate::{
    Usage,
    client::{Client, Refusal},
    output,
    samples::hostname,
};

/// Where a Vigil on this machine is unless it is told otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:8000";

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "this is what --help shows")]
pub(crate) struct Arguments {
    /// Where Vigil is, such as https://vigil.example.com; otherwise VIGIL_URL, where you signed in last, or
    /// http://127.0.0.1:8000.
    url: Option<String>,
    /// Who signs in; otherwise it is asked.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Secret,
    refresh_token: Secret,
}

#[derive(Deserialize)]
struct Me {
    username: String,
    role: Role,
}

#[derive(Deserialize)]
struct NewKey {
    id: String,
    key: Secret,
}

pub(crate) async fn run(Arguments { url, username }: Arguments) -> anyhow::Result<()> {
    let surroundings = Surroundings::of_this_process();
    let file = surroundings.file()?.to_owned();
    // One that cannot be understood is written anew.
    let before = surroundings.kept().unwrap_or_default();
    let url = url.or_else(|| surroundings.url.clone()).or_else(|| before.as_ref().map(|kept| kept.url.clone()));
    let client = Client::nobody(url.as_deref().unwrap_or(DEFAULT_URL))?;
    let username = username.map_or_else(asked_username, Ok)?;
    let password = password(&client, &username)?;
    let form = [("username", username.as_str()), ("password", password.expose())];
    let tokens: Tokens = client.read(client.request(Method::POST, &["auth", "login"]).form(&form)).await?;
    let client = client.with(tokens.access_token);
    let me: Me = client.read(client.request(Method::GET, &["auth", "me"])).await?;
    let role = me.role.min(Role::Operator);
    let wanted = json!({"name": format!("vigil on {}", hostname()), "role": role});
    let key: NewKey = client.read(client.request(Method::POST, &["api-keys"]).json(&wanted)).await?;
    let credentials = Credentials { url: client.url().to_owned(), token: key.key, key_id: Some(key.id) };
    let kept = surroundings.keep(&credentials);
    if kept.is_err() {
        // Nobody will have it.
        let _ = delete_key(&client, &credentials).await;
    }
    // The session has done its work. It ends by itself if this fails.
    let over = json!({"refresh_token": tokens.refresh_token.expose()});
    let _ = client.send(client.request(Method::POST, &["auth", "logout"]).json(&over)).await;
    kept?;
    if let Some(before) = before
        && let Err(error) = revoked(&before).await
    {
        output::note(format_args!("vigil: the key that was kept before could not be deleted: {error:#}"));
    }
    if surroundings.token.is_some() || surroundings.url.as_ref().is_some_and(|url| *url != credentials.url) {
        output::note("vigil: VIGIL_URL or VIGIL_TOKEN is set and wins over this key");
    }
    let (url, name, file) = (&credentials.url, &me.username, file.display());
    output::line(format_args!("Signed in at {url} as {name} ({role}); the key is in {file}"))
}

pub(crate) async fn out() -> anyhow::Result<()> {
    let surroundings = Surroundings::of_this_process();
    let kept = surroundings.kept();
    if !surroundings.forget()? {
        return output::line("Nobody was signed in.");
    }
    let Ok(Some(kept)) = kept else {
        return output::line("Signed out on this machine; which key that was is not known.");
    };
    match revoked(&kept).await {
        Ok(()) => output::line(format_args!("Signed out of {}", kept.url)),
        Err(error) => {
            output::note(format_args!("vigil: the key itself could not be deleted there: {error:#}"));
            output::line(format_args!("Signed out of {} on this machine", kept.url))
        }
    }
}

/// Deletes a kept key with itself.
async fn revoked(kept: &Credentials) -> anyhow::Result<()> {
    let client = Client::nobody(&kept.url)?.with(kept.token.clone());
    delete_key(&client, kept).await
}

/// Deletes a key in Vigil. One that is not known there is as good as deleted.
async fn delete_key(client: &Client, credentials: &Credentials) -> anyhow::Result<()> {
    let Some(id) = &credentials.key_id else { return Ok(()) };
    match client.send(client.request(Method::DELETE, &["api-keys", id])).await {
        Ok(_) | Err(Refusal::UnknownKey { .. }) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}

fn asked_username() -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        return Err(Usage("nobody can be asked, as standard input is no terminal: give --username".to_owned()).into());
    }
    output::prompt("User name: ")?;
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("read the user name")?;
    let name = line.trim();
    ensure!(!name.is_empty(), "nobody signs in without a user name");
    Ok(name.to_owned())
}

/// From the terminal, which does not show it, or the first line of standard input.
fn password(client: &Client, username: &str) -> anyhow::Result<Secret> {
    let password = if io::stdin().is_terminal() {
        rpassword::prompt_password(format!("Password of {username} at {}: ", client.url()))
    } else {
        let mut input = String::new();
        let read = io::stdin().take(4_096).read_to_string(&mut input);
        read.map(|_| input.lines().next().unwrap_or_default().to_owned())
    };
    Ok(Secret::from(password.context("read the password")?))
}
