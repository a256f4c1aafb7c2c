//! The data source as evaluations find it. One row.

use sea_orm::entity::prelude::*;

use super::stored::StoredSourceStatus;

/// The data source as evaluations find it. One row.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "source_status")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    #[sea_orm(column_type = "JsonBinary")]
    pub status: StoredSourceStatus,
    pub incident_id: Option<Uuid>,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
