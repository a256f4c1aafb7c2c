//! An expression that makes alerts, or a metric.

use sea_orm::entity::prelude::*;

use super::stored::{StoredAnnotations, StoredIds, StoredLabels};

/// An expression that makes alerts, or a metric.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rules")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub group_id: Uuid,
    pub position: i32,
    /// [`vigil_domain::rule::RuleKind`].
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// The alert's name, or the metric's.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub expr: String,
    #[sea_orm(column_type = "Text")]
    pub effective_expr: String,
    pub threshold_op: Option<String>,
    pub threshold_value: Option<f64>,
    pub hold_ms: i64,
    pub keep_firing_ms: i64,
    #[sea_orm(column_type = "JsonBinary")]
    pub labels: StoredLabels,
    #[sea_orm(column_type = "JsonBinary")]
    pub annotations: StoredAnnotations,
    #[sea_orm(column_type = "Text")]
    pub severity: Option<String>,
    pub server_id: Option<Uuid>,
    #[sea_orm(column_type = "JsonBinary")]
    pub channel_ids: StoredIds,
    pub repeat_interval_ms: i64,
    pub is_active: bool,
    /// By its own word; its group and its namespace have theirs.
    pub is_shadow: bool,
    pub owner_id: Option<Uuid>,
    pub health: String,
    #[sea_orm(column_type = "Text")]
    pub last_error: Option<String>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
