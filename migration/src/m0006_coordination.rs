//! The data source's health, and who does what at the moment.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        source_status(manager).await?;
        source_incidents(manager).await?;
        leases(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["leases", "source_incidents", "source_status"] {
            manager.drop_table(Table::drop().table(Alias::new(table)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

async fn source_status(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("source_status").if_not_exists();
    table.col(text("id").primary_key());
    table.col(json_binary("status"));
    table.col(uuid_null("incident_id"));
    table.col(timestamp_with_time_zone("updated_at"));
    manager.create_table(table).await?;
    Ok(())
}

async fn source_incidents(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("source_incidents").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(timestamp_with_time_zone("failing_since"));
    table.col(timestamp_with_time_zone("declared_at"));
    table.col(timestamp_with_time_zone_null("ended_at"));
    table.col(text("error"));
    manager.create_table(table).await?;
    Ok(())
}

async fn leases(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("leases").if_not_exists();
    table.col(text("name").primary_key());
    table.col(text("holder"));
    table.col(timestamp_with_time_zone("expires_at"));
    manager.create_table(table).await?;
    Ok(())
}
