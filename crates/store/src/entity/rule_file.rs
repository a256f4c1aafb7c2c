//! A namespace of rule groups: a rule file, or what the API made.

use sea_orm::entity::prelude::*;

/// A namespace of rule groups: a rule file, or what the API made.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rule_files")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub namespace: String,
    pub imported_by: Option<Uuid>,
    /// The last import; none where nothing was imported.
    pub imported_at: Option<DateTimeUtc>,
    /// Whether all its rules are in shadow.
    pub is_shadow: bool,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
