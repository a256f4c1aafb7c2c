//! The database's shape, one file per change, for PostgreSQL and SQLite alike.
//!
//! Times are written by Vigil, never by the database: SQLite's own text form does not compare with ours.

#![expect(elided_lifetimes_in_paths, reason = "the macro of the trait wants the lifetime left out")]

use sea_orm_migration::prelude::{DbErr, Index, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

mod m0001_accounts;
mod m0002_servers_and_channels;
mod m0003_rules;
mod m0004_alerts;
mod m0005_notifications;
mod m0006_coordination;
mod m0007_first_steps;
mod m0008_evaluation_times;
mod m0009_rule_files;
mod m0010_forwarded;
mod m0011_recorded;
mod m0012_shadow;

/// Every migration, in order.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_accounts::Migration),
            Box::new(m0002_servers_and_channels::Migration),
            Box::new(m0003_rules::Migration),
            Box::new(m0004_alerts::Migration),
            Box::new(m0005_notifications::Migration),
            Box::new(m0006_coordination::Migration),
            Box::new(m0007_first_steps::Migration),
            Box::new(m0008_evaluation_times::Migration),
            Box::new(m0009_rule_files::Migration),
            Box::new(m0010_forwarded::Migration),
            Box::new(m0011_recorded::Migration),
            Box::new(m0012_shadow::Migration),
        ]
    }
}

async fn index(manager: &SchemaManager<'_>, table: &str, columns: &[&str]) -> Result<(), DbErr> {
    create_index(manager, table, columns, Index::create().to_owned()).await
}

async fn unique_index(manager: &SchemaManager<'_>, table: &str, columns: &[&str]) -> Result<(), DbErr> {
    create_index(manager, table, columns, Index::create().unique().to_owned()).await
}

async fn create_index(
    manager: &SchemaManager<'_>,
    table: &str,
    columns: &[&str],
    mut index: sea_orm_migration::prelude::IndexCreateStatement,
) -> Result<(), DbErr> {
    index.name(format!("{table}_{}_idx", columns.join("_"))).table(table.to_owned());
    for column in columns {
        index.col(column.to_owned().to_owned());
    }
    manager.create_index(index).await
}
