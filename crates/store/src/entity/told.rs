//! What a channel was last told about a rule.

use sea_orm::entity::prelude::*;

use super::stored::StoredFingerprints;

/// What a channel was last told about a rule.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "told")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub rule_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel_id: Uuid,
    #[sea_orm(column_type = "JsonBinary")]
    pub firing: StoredFingerprints,
    pub sent_at: DateTimeUtc,
    pub notification_id: Uuid,
    /// It was told on paper only, as the rule was in shadow.
    pub is_shadow: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
