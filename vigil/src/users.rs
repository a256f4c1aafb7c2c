//! `vigil user …`: people, managed on the machine itself.

use std::io::Read;

use anyhow::{Context, bail, ensure};
use clap::Subcommand;
use vigil_backend::auth::{
    name,
    password::{self, Passwords},
};
use vigil_domain::role::Role;
use vigil_runtime::{Clock, Config};
use vigil_store::{
    accounts::users::{self, NewUser, UserChange},
    stores::Stores,
};

use crate::{output, stores};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add somebody who can sign in.
    Create {
        name: String,
        /// viewer, operator or admin.
        #[arg(long, default_value = "viewer")]
        role: Role,
        /// Read the password from standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Set somebody's password; ends their sessions.
    Passwd {
        name: String,
        /// Read the password from standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// List who can sign in.
    List,
}

pub(crate) async fn run(config: &Config, command: Command) -> anyhow::Result<()> {
    let stores = stores::open_current(config).await?;
    let passwords = Passwords::new(config.auth.bcrypt_cost);
    match command {
        Command::Create { name, role, password_stdin: _ } => create(&stores, &passwords, &name, role).await,
        Command::Passwd { name, password_stdin: _ } => passwd(&stores, &passwords, &name).await,
        Command::List => list(&stores).await,
    }
}

async fn create(stores: &Stores, passwords: &Passwords, name: &str, role: Role) -> anyhow::Result<()> {
    let username = name::parse(name).map_err(|mistake| anyhow::anyhow!("the name {mistake}"))?;
    if users::by_username(&stores.db, &username).await?.is_some() {
        bail!("there is a user {username:?} already");
    }
    let password_hash = passwords.hash(&read_password()?).await?;
    let new = NewUser { username, password_hash, role, is_active: true };
    let user = users::create(&stores.db, new, Clock::System.now()).await.context("add the user")?;
    output::line(format_args!("created {} ({})", user.username, user.role))
}

async fn passwd(stores: &Stores, passwords: &Passwords, name: &str) -> anyhow::Result<()> {
    let username = name::fold(name);
    let found = users::by_username(&stores.db, &username).await?;
    let user = found.with_context(|| format!("there is no user {username:?}"))?;
    let change = UserChange { password_hash: Some(passwords.hash(&read_password()?).await?), ..UserChange::default() };
    users::change(&stores.db, user.id, change, None, Clock::System.now()).await?;
    output::line(format_args!("changed the password of {username}"))
}

async fn list(stores: &Stores) -> anyhow::Result<()> {
    let mut after = None;
    loop {
        let page = users::list(&stores.db, after, 500).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for user in page {
            let state = if user.is_active { "active" } else { "inactive" };
            output::line(format_args!("{}\t{}\t{state}", user.username, user.role))?;
        }
    }
}

/// The first line of standard input.
fn read_password() -> anyhow::Result<String> {
    let mut input = String::new();
    std::io::stdin().take(4_096).read_to_string(&mut input).context("read the password")?;
    let password = input.lines().next().unwrap_or_default().to_owned();
    let good = password::check(&password);
    ensure!(good.is_ok(), "the password {}", good.err().unwrap_or_default());
    Ok(password)
}
