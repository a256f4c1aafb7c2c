//! What a first start brings, so that Vigil is of use a minute later: this machine as a server, and rules for it.

use anyhow::{Context as _, anyhow};
use sea_orm_migration::sea_orm::DatabaseConnection;
use vigil_domain::{FieldError, Timestamp, server::ServerDraft, starter};
use vigil_store::first_steps;

/// Registers this machine with the starter rules, if this is the first start.
pub(crate) async fn own_machine(db: &DatabaseConnection, hostname: &str, now: Timestamp) -> anyhow::Result<()> {
    let machine = ServerDraft {
        name: hostname.to_owned(),
        instance: Some(hostname.to_owned()),
        description: Some("The machine that Vigil runs on, registered at the first start.".to_owned()),
        is_active: true,
        ..ServerDraft::default()
    };
    let machine = machine.check().map_err(refused)?;
    let rules: Result<Vec<_>, _> = starter::pack().into_iter().map(|draft| draft.check().map_err(refused)).collect();
    let rules = rules?;
    let count = rules.len();
    if first_steps::own_machine(db, machine, rules, now).await.context("register this machine")? {
        tracing::info!(server = hostname, rules = count, "watching this machine, with rules to begin with");
    }
    Ok(())
}

fn refused(mistakes: Vec<FieldError>) -> anyhow::Error {
    let mistakes = mistakes.iter().map(|mistake| format!("{} {}", mistake.field, mistake.message));
    anyhow!("this machine cannot be registered: {}", mistakes.collect::<Vec<_>>().join("; "))
}
