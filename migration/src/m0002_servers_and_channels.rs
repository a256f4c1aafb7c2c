//! Hosts that are watched and destinations that are told.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        servers(manager).await?;
        channels(manager).await?;
        log_channel(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["channels", "servers"] {
            manager.drop_table(Table::drop().table(Alias::new(table)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

async fn servers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("servers").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(text("name").unique_key());
    table.col(text_null("instance"));
    table.col(json_binary("selector"));
    table.col(json_binary("labels"));
    table.col(text_null("department"));
    table.col(text_null("description"));
    table.col(boolean("is_active"));
    table.col(integer("version"));
    table.col(timestamp_with_time_zone("created_at"));
    table.col(timestamp_with_time_zone("updated_at"));
    manager.create_table(table).await?;
    Ok(())
}

async fn channels(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("channels").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(text("name").unique_key());
    table.col(string_len("kind", 32));
    table.col(json_binary("config"));
    table.col(text_null("secret"));
    table.col(boolean("is_active"));
    table.col(text_null("disabled_reason"));
    table.col(integer("version"));
    table.col(timestamp_with_time_zone("created_at"));
    table.col(timestamp_with_time_zone("updated_at"));
    manager.create_table(table).await?;
    Ok(())
}

/// Vigil's own log, where rules that name no channel are heard. It is there from the start.
async fn log_channel(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let id = sea_orm_migration::sea_orm::prelude::Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);
    let at = sea_orm_migration::sea_orm::prelude::DateTimeUtc::UNIX_EPOCH;
    let mut insert = Query::insert();
    insert
        .into_table("channels")
        .columns(["id", "name", "kind", "config", "is_active", "version", "created_at", "updated_at"])
        .values_panic([
            id.into(),
            "log".into(),
            "log".into(),
            sea_orm_migration::sea_orm::prelude::Json::Object(Default::default()).into(),
            true.into(),
            1.into(),
            at.into(),
            at.into(),
        ]);
    manager.execute(insert).await
}
