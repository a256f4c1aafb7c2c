//! What an installation is given once: whoever removes it does not get it back.

use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, PaginatorTrait as _};
use vigil_domain::{Timestamp, rule::RuleSpec, server::ServerSpec};

use crate::{
    db,
    entity::{
        first_step::{ActiveModel, Column, Entity},
        rule, server,
    },
    rules, servers,
    write::WriteError,
};

const OWN_MACHINE: &str = "own_machine";

/// Registers the machine this process runs on, with rules to begin with, at the first start. An installation that has a
/// server or a rule by then is left as it is. Answers whether anything was added.
pub async fn own_machine(
    db: &DatabaseConnection,
    machine: ServerSpec,
    starter_rules: Vec<RuleSpec>,
    now: Timestamp,
) -> Result<bool, WriteError> {
    let tx = db::write(db).await?;
    let row = ActiveModel { name: Set(OWN_MACHINE.to_owned()), done_at: Set(now) };
    let noted = Entity::insert(row).on_conflict_do_nothing_on([Column::Name]).exec_without_returning(&tx).await?;
    let is_first = matches!(noted, sea_orm::TryInsertResult::Inserted(rows) if rows > 0);
    let adds = is_first && is_unused(&tx).await?;
    if adds {
        servers::insert(&tx, machine, now).await?;
        for spec in starter_rules {
            rules::add(&tx, spec, None, now).await?;
        }
    }
    tx.commit().await?;
    Ok(adds)
}

async fn is_unused<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    Ok(server::Entity::find().count(db).await? == 0 && rule::Entity::find().count(db).await? == 0)
}

#[cfg(test)]
mod tests;
