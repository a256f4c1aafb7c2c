//! Rules evaluated in order at one slot. A rule without a named group has one of its own, without a name.

use sea_orm::entity::prelude::*;

use super::stored::{StoredLabels, StoredTimes};

/// Rules evaluated in order at one slot. A rule without a named group has one of its own, without a name.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_groups")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The rule file it belongs to; `vigil` for what the API made. Names are unique within one.
    #[sea_orm(column_type = "Text")]
    pub namespace: String,
    #[sea_orm(column_type = "Text")]
    pub name: Option<String>,
    /// Whether its file owns it: then the API only shows it.
    pub from_file: bool,
    /// Its place in the file.
    pub position: i32,
    pub interval_ms: i64,
    /// Whether somebody wrote the interval; otherwise it is the default.
    pub interval_given: bool,
    pub query_offset_ms: Option<i64>,
    /// As written: zero or less is no limit.
    pub alert_limit: i64,
    /// By its own word: whether all its rules are in shadow.
    pub is_shadow: bool,
    /// Laid under those of its rules.
    #[sea_orm(column_type = "JsonBinary")]
    pub labels: StoredLabels,
    pub phase_ms: i64,
    /// Rules that are evaluated: [`crate::rules::is_evaluated`].
    pub rule_count: i32,
    pub next_slot_ms: i64,
    pub evaluated_slot_ms: Option<i64>,
    pub evaluated_at: Option<DateTimeUtc>,
    pub evaluation_us: Option<i64>,
    #[sea_orm(column_type = "JsonBinary")]
    pub rule_times: Option<StoredTimes>,
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
