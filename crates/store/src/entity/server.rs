//! A host we watch.

use sea_orm::entity::prelude::*;

use super::stored::StoredLabels;

/// A host we watch.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "servers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique, column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub instance: Option<String>,
    #[sea_orm(column_type = "JsonBinary")]
    pub selector: StoredLabels,
    #[sea_orm(column_type = "JsonBinary")]
    pub labels: StoredLabels,
    #[sea_orm(column_type = "Text")]
    pub department: Option<String>,
    #[sea_orm(column_type = "Text")]
    pub description: Option<String>,
    pub is_active: bool,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
