//! A rule as it was after one edit.

use sea_orm::entity::prelude::*;

/// A rule as it was after one edit.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_versions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub rule_id: Uuid,
    pub version: i32,
    pub change: String,
    pub changed_by: Option<Uuid>,
    pub changed_at: DateTimeUtc,
    #[sea_orm(column_type = "JsonBinary")]
    pub snapshot: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
