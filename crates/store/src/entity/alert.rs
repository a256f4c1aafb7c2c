//! An alert that is pending or firing.

use sea_orm::entity::prelude::*;

use super::stored::{StoredAnnotations, StoredLabels};

/// An alert that is pending or firing.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "alerts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub rule_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub fingerprint: String,
    pub server_id: Option<Uuid>,
    #[sea_orm(column_type = "Text")]
    pub severity: Option<String>,
    pub state: String,
    #[sea_orm(column_type = "Text")]
    pub value: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub labels: StoredLabels,
    #[sea_orm(column_type = "JsonBinary")]
    pub annotations: StoredAnnotations,
    pub active_at: DateTimeUtc,
    pub fired_at: Option<DateTimeUtc>,
    pub absent_since: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
