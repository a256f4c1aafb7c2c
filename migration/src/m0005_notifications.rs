//! What was to be said, to whom, and how it went.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        notifications(manager).await?;
        notification_attempts(manager).await?;
        told(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["told", "notification_attempts", "notifications"] {
            manager.drop_table(Table::drop().table(Alias::new(table)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

async fn notifications(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("notifications").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(uuid("channel_id"));
    table.col(uuid_null("rule_id"));
    table.col(text("stream"));
    table.col(string_len("reason", 32));
    table.col(string_len("status", 32));
    table.col(json_binary("message"));
    table.col(boolean("maybe_duplicate"));
    table.col(integer("attempt_count"));
    table.col(timestamp_with_time_zone("due_at"));
    table.col(uuid_null("lease_token"));
    table.col(timestamp_with_time_zone_null("lease_expires_at"));
    table.col(text_null("last_error"));
    table.col(timestamp_with_time_zone("created_at"));
    table.col(timestamp_with_time_zone_null("delivered_at"));
    table.col(timestamp_with_time_zone_null("finished_at"));
    manager.create_table(table).await?;
    index(manager, "notifications", &["status", "due_at"]).await?;
    index(manager, "notifications", &["stream", "status", "id"]).await?;
    index(manager, "notifications", &["rule_id"]).await?;
    index(manager, "notifications", &["channel_id", "id"]).await?;
    index(manager, "notifications", &["created_at"]).await?;
    Ok(())
}

async fn notification_attempts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("notification_attempts").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(uuid("notification_id"));
    table.col(timestamp_with_time_zone("at"));
    table.col(timestamp_with_time_zone_null("finished_at"));
    table.col(string_len("status", 32));
    table.col(text_null("error"));
    table.col(text_null("peer_response"));
    manager.create_table(table).await?;
    index(manager, "notification_attempts", &["notification_id", "id"]).await?;
    Ok(())
}

async fn told(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("told").if_not_exists();
    table.col(uuid("rule_id"));
    table.col(uuid("channel_id"));
    table.col(json_binary("firing"));
    table.col(timestamp_with_time_zone("sent_at"));
    table.col(uuid("notification_id"));
    table.primary_key(Index::create().col("rule_id").col("channel_id"));
    manager.create_table(table).await?;
    index(manager, "told", &["notification_id"]).await?;
    Ok(())
}
