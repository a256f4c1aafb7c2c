//! Users, their sessions and API keys.

use sea_orm_migration::{prelude::*, schema::*};

use crate::index;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        users(manager).await?;
        refresh_tokens(manager).await?;
        api_keys(manager).await?;
        setup_tokens(manager).await?;
        ws_tickets(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["ws_tickets", "setup_tokens", "api_keys", "refresh_tokens", "users"] {
            manager.drop_table(Table::drop().table(Alias::new(table)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

async fn users(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("users").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(text("username").unique_key());
    table.col(text("password_hash"));
    table.col(string_len("role", 32));
    table.col(boolean("is_active"));
    table.col(integer("token_version"));
    table.col(integer("version"));
    table.col(timestamp_with_time_zone("created_at"));
    table.col(timestamp_with_time_zone("updated_at"));
    manager.create_table(table).await?;
    Ok(())
}

async fn refresh_tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("refresh_tokens").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(uuid("family_id"));
    table.col(uuid("user_id"));
    table.col(text("token_hash").unique_key());
    table.col(timestamp_with_time_zone("expires_at"));
    table.col(timestamp_with_time_zone_null("used_at"));
    table.col(timestamp_with_time_zone_null("revoked_at"));
    table.col(timestamp_with_time_zone("created_at"));
    manager.create_table(table).await?;
    index(manager, "refresh_tokens", &["family_id"]).await?;
    index(manager, "refresh_tokens", &["user_id"]).await?;
    index(manager, "refresh_tokens", &["expires_at"]).await?;
    Ok(())
}

async fn api_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("api_keys").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(uuid("user_id"));
    table.col(text("name"));
    table.col(text("key_hash").unique_key());
    table.col(text("prefix"));
    table.col(string_len("role", 32));
    table.col(timestamp_with_time_zone_null("expires_at"));
    table.col(timestamp_with_time_zone_null("last_used_at"));
    table.col(integer("version"));
    table.col(timestamp_with_time_zone("created_at"));
    table.col(timestamp_with_time_zone("updated_at"));
    manager.create_table(table).await?;
    index(manager, "api_keys", &["user_id"]).await?;
    Ok(())
}

async fn setup_tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("setup_tokens").if_not_exists();
    table.col(text("token_hash").primary_key());
    table.col(timestamp_with_time_zone("expires_at"));
    table.col(timestamp_with_time_zone_null("used_at"));
    table.col(timestamp_with_time_zone("created_at"));
    manager.create_table(table).await?;
    Ok(())
}

async fn ws_tickets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("ws_tickets").if_not_exists();
    table.col(text("ticket_hash").primary_key());
    table.col(uuid("user_id"));
    table.col(string_len("role", 32));
    table.col(uuid_null("credential_id"));
    table.col(timestamp_with_time_zone("expires_at"));
    table.col(timestamp_with_time_zone_null("session_expires_at"));
    manager.create_table(table).await?;
    index(manager, "ws_tickets", &["expires_at"]).await?;
    Ok(())
}
