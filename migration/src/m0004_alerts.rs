//! Open alerts and everything that ever happened to one.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        alerts(manager).await?;
        alert_events(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["alert_events", "alerts"] {
            manager.drop_table(Table::drop().table(Alias::new(table)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

async fn alerts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("alerts").if_not_exists();
    table.col(uuid("rule_id"));
    table.col(string_len("fingerprint", 32));
    table.col(uuid_null("server_id"));
    table.col(text_null("severity"));
    table.col(string_len("state", 32));
    table.col(text("value"));
    table.col(json_binary("labels"));
    table.col(json_binary("annotations"));
    table.col(timestamp_with_time_zone("active_at"));
    table.col(timestamp_with_time_zone_null("fired_at"));
    table.col(timestamp_with_time_zone_null("absent_since"));
    table.primary_key(Index::create().col("rule_id").col("fingerprint"));
    manager.create_table(table).await?;
    index(manager, "alerts", &["server_id"]).await?;
    Ok(())
}

async fn alert_events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("alert_events").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(uuid("rule_id"));
    table.col(text("rule_name"));
    table.col(uuid_null("server_id"));
    table.col(text_null("severity"));
    table.col(string_len("fingerprint", 32));
    table.col(json_binary("labels"));
    table.col(json_binary("annotations"));
    table.col(string_len("state", 32));
    table.col(text("value"));
    table.col(text("reason"));
    table.col(timestamp_with_time_zone("active_at"));
    table.col(timestamp_with_time_zone_null("starts_at"));
    table.col(timestamp_with_time_zone("evaluated_at"));
    table.col(timestamp_with_time_zone("created_at"));
    manager.create_table(table).await?;
    index(manager, "alert_events", &["rule_id", "id"]).await?;
    index(manager, "alert_events", &["server_id", "id"]).await?;
    index(manager, "alert_events", &["severity", "id"]).await?;
    index(manager, "alert_events", &["state", "id"]).await?;
    index(manager, "alert_events", &["evaluated_at"]).await?;
    Ok(())
}
