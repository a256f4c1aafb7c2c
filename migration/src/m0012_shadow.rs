//! Rules in shadow: a rule, a group or a namespace may be, and what comes of it is known by it.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What may be in shadow, what happened there, and what channels were told of it only on paper: in the order in which
/// evaluations lock them.
const TABLES: [&str; 5] = ["rule_files", "rule_groups", "alert_events", "told", "rules"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            let column = boolean("is_shadow").default(false).to_owned();
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            manager.alter_table(Table::alter().table(table).drop_column("is_shadow").to_owned()).await?;
        }
        Ok(())
    }

    /// What was cut short could not be done again: a column that is there already is an error.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
