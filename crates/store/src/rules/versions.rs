//! What a rule was after each edit.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, prelude::Uuid,
};
use serde::{Deserialize, Serialize};
use vigil_domain::{
    Labels, Span, Timestamp,
    id::{RuleId, UserId},
    rule::Threshold,
};

use crate::entity::{
    rule, rule_group,
    rule_version::{ActiveModel, Column, Entity, Model},
};

/// What an edit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Created,
    Updated,
    Deleted,
}

impl Change {
    /// The word in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// The fields a client writes, as they were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub name: String,
    pub expr: String,
    pub threshold: Option<Threshold>,
    #[serde(rename = "for")]
    pub hold: Span,
    pub keep_firing_for: Span,
    pub interval: Span,
    pub group: Option<String>,
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
    pub severity: Option<String>,
    pub server_id: Option<Uuid>,
    pub channel_ids: Vec<Uuid>,
    pub repeat_interval: Span,
    pub is_active: bool,
    /// By its own word. What was written before there was shadow was not in it.
    #[serde(default)]
    pub shadow: bool,
}

impl Snapshot {
    /// The rule as it stands.
    pub fn of(rule: &rule::Model, group: &rule_group::Model) -> Self {
        Self {
            name: rule.name.clone(),
            expr: rule.expr.clone(),
            threshold: super::threshold_of(rule),
            hold: Span::from_millis_i64(rule.hold_ms),
            keep_firing_for: Span::from_millis_i64(rule.keep_firing_ms),
            interval: super::interval_of(group),
            group: group.name.clone(),
            labels: rule.labels.0.clone(),
            annotations: rule.annotations.0.clone(),
            severity: rule.severity.clone(),
            server_id: rule.server_id,
            channel_ids: rule.channel_ids.0.clone(),
            repeat_interval: Span::from_millis_i64(rule.repeat_interval_ms),
            is_active: rule.is_active,
            shadow: rule.is_shadow,
        }
    }
}

/// One page of a rule's versions, newest first, beginning below version `below`. A deleted rule keeps them.
pub async fn versions(
    db: &DatabaseConnection,
    rule: RuleId,
    below: Option<i32>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let condition =
        Condition::all().add(Column::RuleId.eq(rule.0)).add_option(below.map(|below| Column::Version.lt(below)));
    Entity::find().filter(condition).order_by_desc(Column::Version).limit(limit).all(db).await
}

/// Writes down what the rule is now.
pub(super) async fn record(
    tx: &DatabaseTransaction,
    rule: &rule::Model,
    group: &rule_group::Model,
    change: Change,
    editor: Option<UserId>,
    now: Timestamp,
) -> Result<(), DbErr> {
    Entity::insert(row(rule, group, change, editor, now)?).exec_without_returning(tx).await.map(|_| ())
}

/// What the rule is now, as a row.
pub(super) fn row(
    rule: &rule::Model,
    group: &rule_group::Model,
    change: Change,
    editor: Option<UserId>,
    now: Timestamp,
) -> Result<ActiveModel, DbErr> {
    let snapshot = serde_json::to_value(Snapshot::of(rule, group)).map_err(|error| DbErr::Json(error.to_string()))?;
    Ok(ActiveModel {
        id: Set(Uuid::now_v7()),
        rule_id: Set(rule.id),
        version: Set(rule.version),
        change: Set(change.as_str().to_owned()),
        changed_by: Set(editor.map(Uuid::from)),
        changed_at: Set(now),
        snapshot: Set(snapshot),
    })
}
