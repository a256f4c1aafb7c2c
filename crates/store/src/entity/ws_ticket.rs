//! A one-time ticket for browsers that cannot send a header.

use sea_orm::entity::prelude::*;

/// A one-time ticket for browsers that cannot send a header.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ws_tickets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub ticket_hash: String,
    pub user_id: Uuid,
    pub role: String,
    pub credential_id: Option<Uuid>,
    pub expires_at: DateTimeUtc,
    pub session_expires_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
