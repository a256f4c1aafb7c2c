//! One change of state. Outlives its rule.

use sea_orm::entity::prelude::*;

use super::stored::{StoredAnnotations, StoredLabels};

/// One change of state. Outlives its rule.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub rule_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub rule_name: String,
    pub server_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub severity: Option<String>,
    pub fingerprint: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub labels: StoredLabels,
    #[sea_orm(column_type = "JsonBinary")]
    pub annotations: StoredAnnotations,
    pub state: String,
    #[sea_orm(column_type = "Text")]
    pub value: String,
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    /// Whether the rule was in shadow then.
    pub is_shadow: bool,
    pub active_at: DateTimeUtc,
    pub starts_at: Option<DateTimeUtc>,
    pub evaluated_at: DateTimeUtc,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
