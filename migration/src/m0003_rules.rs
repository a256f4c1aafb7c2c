//! Rule groups, rules and every version of them.

use sea_orm_migration::{prelude::*, schema::*};

use crate::{index, unique_index};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        rule_groups(manager).await?;
        rules(manager).await?;
        rule_versions(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["rule_versions", "rules", "rule_groups"] {
            manager.drop_table(Table::drop().table(Alias::new(table)).if_exists().to_owned()).await?;
        }
        Ok(())
    }
}

async fn rule_groups(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("rule_groups").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(text_null("name").unique_key());
    table.col(big_integer("interval_ms"));
    table.col(big_integer_null("query_offset_ms"));
    table.col(integer("alert_limit"));
    table.col(big_integer("phase_ms"));
    table.col(integer("rule_count"));
    table.col(big_integer("next_slot_ms"));
    table.col(big_integer_null("evaluated_slot_ms"));
    table.col(timestamp_with_time_zone_null("evaluated_at"));
    table.col(integer_null("evaluation_ms"));
    table.col(big_integer("missed_slots"));
    table.col(big_integer_null("claim_slot_ms"));
    table.col(uuid_null("claim_token"));
    table.col(timestamp_with_time_zone_null("claim_expires_at"));
    table.col(integer("version"));
    table.col(timestamp_with_time_zone("created_at"));
    table.col(timestamp_with_time_zone("updated_at"));
    manager.create_table(table).await?;
    index(manager, "rule_groups", &["next_slot_ms"]).await?;
    index(manager, "rule_groups", &["claim_token"]).await?;
    Ok(())
}

async fn rules(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("rules").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(uuid("group_id"));
    table.col(integer("position"));
    table.col(text("name"));
    table.col(text("expr"));
    table.col(text("effective_expr"));
    table.col(string_len_null("threshold_op", 32));
    table.col(double_null("threshold_value"));
    table.col(big_integer("hold_ms"));
    table.col(big_integer("keep_firing_ms"));
    table.col(json_binary("labels"));
    table.col(json_binary("annotations"));
    table.col(text_null("severity"));
    table.col(uuid_null("server_id"));
    table.col(json_binary("channel_ids"));
    table.col(big_integer("repeat_interval_ms"));
    table.col(boolean("is_active"));
    table.col(uuid_null("owner_id"));
    table.col(string_len("health", 32));
    table.col(text_null("last_error"));
    table.col(integer("version"));
    table.col(timestamp_with_time_zone("created_at"));
    table.col(timestamp_with_time_zone("updated_at"));
    manager.create_table(table).await?;
    index(manager, "rules", &["group_id"]).await?;
    index(manager, "rules", &["server_id"]).await?;
    index(manager, "rules", &["name"]).await?;
    Ok(())
}

async fn rule_versions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create();
    table.table("rule_versions").if_not_exists();
    table.col(uuid("id").primary_key());
    table.col(uuid("rule_id"));
    table.col(integer("version"));
    table.col(string_len("change", 32));
    table.col(uuid_null("changed_by"));
    table.col(timestamp_with_time_zone("changed_at"));
    table.col(json_binary("snapshot"));
    manager.create_table(table).await?;
    unique_index(manager, "rule_versions", &["rule_id", "version"]).await?;
    Ok(())
}
