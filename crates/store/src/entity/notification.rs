//! One message to one channel: the outbox.

use sea_orm::entity::prelude::*;

use super::stored::StoredMessage;

/// One message to one channel: the outbox.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notifications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub channel_id: Uuid,
    pub rule_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub stream: String,
    pub reason: String,
    pub status: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub message: StoredMessage,
    pub maybe_duplicate: bool,
    pub attempt_count: i32,
    pub due_at: DateTimeUtc,
    pub lease_token: Option<Uuid>,
    pub lease_expires_at: Option<DateTimeUtc>,
    #[sea_orm(column_type = "Text")]
    pub last_error: Option<String>,
    pub created_at: DateTimeUtc,
    pub delivered_at: Option<DateTimeUtc>,
    pub finished_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
