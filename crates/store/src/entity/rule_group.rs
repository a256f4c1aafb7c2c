//! Rules evaluated in order at one slot. A rule without a named group has one of its own, without a name.

use sea_orm::entity::prelude::*;

/// Rules evaluated in order at one slot. A rule without a named group has one of its own, without a name.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_groups")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique, column_type = "Text")]
    pub name: Option<String>,
    pub interval_ms: i64,
    pub query_offset_ms: Option<i64>,
    pub alert_limit: i32,
    pub phase_ms: i64,
    pub rule_count: i32,
    pub next_slot_ms: i64,
    pub evaluated_slot_ms: Option<i64>,
    pub evaluated_at: Option<DateTimeUtc>,
    pub evaluation_ms: Option<i32>,
    pub missed_slots: i64,
    pub claim_slot_ms: Option<i64>,
    pub claim_token: Option<Uuid>,
    pub claim_expires_at: Option<DateTimeUtc>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
