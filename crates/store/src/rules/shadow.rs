//! Which rules are in shadow, and putting rules, groups and namespaces there.
//!
//! Whoever changes it takes the claims of the groups away: an evaluation that is under way would go by the word before.

mod evidence;

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
    prelude::Uuid,
    sea_query::{Expr, Query, SelectStatement},
};
use vigil_domain::{
    Timestamp,
    group::OWN_NAMESPACE,
    id::{GroupId, RuleId, UserId},
    shadow::Shadow,
};

use super::{
    RuleRow, TRIES,
    files::{self, FileRow},
    find, groups, replace,
    versions::{self, Change},
};
use crate::{
    db,
    entity::{
        rule::{ActiveModel, Column, Entity, Model},
        rule_file, rule_group,
    },
    evaluation::break_claims,
    write::{WriteError, expect_version},
};

pub use evidence::{Evidence, Which, evidence};

/// What groups and their namespaces say.
#[derive(Clone, Debug)]
pub(crate) struct Shadows {
    /// The group's word and its namespace's.
    by_group: BTreeMap<Uuid, (bool, bool)>,
    /// That of what the API made.
    own: bool,
}

impl Shadows {
    /// What is said of `rule`. If its group is gone, that was a nameless one of the API's.
    pub(crate) fn of(&self, rule: &Model) -> Shadow {
        let (group, namespace) = self.by_group.get(&rule.group_id).copied().unwrap_or((false, self.own));
        Shadow { rule: rule.is_shadow, group, namespace }
    }
}

/// What `groups` and their namespaces say: of these it reads the few that are in shadow, whatever the number of groups.
pub(crate) async fn shadows<C: ConnectionTrait>(db: &C, groups: &[rule_group::Model]) -> Result<Shadows, DbErr> {
    let dark = rule_file::Entity::find()
        .select_only()
        .column(rule_file::Column::Namespace)
        .filter(rule_file::Column::IsShadow.eq(true))
        .into_tuple::<String>()
        .all(db)
        .await?;
    let dark: BTreeSet<&str> = dark.iter().map(String::as_str).collect();
    let words = |group: &rule_group::Model| (group.id, (group.is_shadow, dark.contains(group.namespace.as_str())));
    Ok(Shadows { by_group: groups.iter().map(words).collect(), own: dark.contains(OWN_NAMESPACE) })
}

/// Rules that are in shadow: [`Shadow::is_on`] for the database to filter by.
pub(crate) fn in_shadow() -> Condition {
    let files = Query::select()
        .column(rule_file::Column::Namespace)
        .from(rule_file::Entity)
        .and_where(rule_file::Column::IsShadow.eq(true))
        .to_owned();
    let whole = Condition::any()
        .add(rule_group::Column::IsShadow.eq(true))
        .add(rule_group::Column::Namespace.in_subquery(files));
    let groups = Query::select().column(rule_group::Column::Id).from(rule_group::Entity).cond_where(whole).to_owned();
    Condition::any().add(Column::IsShadow.eq(true)).add(Column::GroupId.in_subquery(groups))
}

/// Their ids.
pub(crate) fn ids_in_shadow() -> SelectStatement {
    Query::select().column(Column::Id).from(Entity).cond_where(in_shadow()).to_owned()
}

/// Those of `rules` that are in shadow now.
pub async fn among<C: ConnectionTrait>(db: &C, rules: BTreeSet<Uuid>) -> Result<BTreeSet<Uuid>, DbErr> {
    if rules.is_empty() {
        return Ok(rules);
    }
    let found = Entity::find().select_only().column(Column::Id).filter(Column::Id.is_in(rules)).filter(in_shadow());
    Ok(found.into_tuple::<Uuid>().all(db).await?.into_iter().collect())
}

/// Puts a rule in shadow by its own word, or takes that back. Also of a rule that a file owns, as a file has no word for
/// it.
pub async fn set_rule(
    db: &DatabaseConnection,
    id: RuleId,
    expected: Option<i32>,
    editor: UserId,
    now: Timestamp,
    is_shadow: bool,
) -> Result<RuleRow, WriteError> {
    let mut tries = 1;
    loop {
        let before = find(db, id).await?.ok_or(WriteError::Missing)?;
        expect_version(expected, before.rule.version)?;
        match mark_rule(db, before, editor, now, is_shadow).await {
            Err(WriteError::Stale) if expected.is_none() && tries < TRIES => tries += 1,
            outcome => return outcome,
        }
    }
}

async fn mark_rule(
    db: &DatabaseConnection,
    before: RuleRow,
    editor: UserId,
    now: Timestamp,
    is_shadow: bool,
) -> Result<RuleRow, WriteError> {
    let RuleRow { rule: old, group, state, .. } = before;
    let tx = db::write(db).await?;
    let group = groups::lock(&tx, group.id).await?.ok_or(WriteError::Stale)?;
    break_claims(&tx, Condition::all().add(rule_group::Column::Id.eq(group.id))).await?;
    let row = ActiveModel {
        is_shadow: Set(is_shadow),
        version: Set(old.version + 1),
        updated_at: Set(now),
        ..ActiveModel::default()
    };
    let rule = replace(&tx, &old, row).await?;
    versions::record(&tx, &rule, &group, Change::Updated, Some(editor), now).await?;
    let shadow = of(&tx, &rule, &group).await?;
    tx.commit().await?;
    Ok(RuleRow { rule, group, state, shadow })
}

/// The same for a named group.
pub async fn set_group(
    db: &DatabaseConnection,
    id: GroupId,
    expected: Option<i32>,
    now: Timestamp,
    is_shadow: bool,
) -> Result<rule_group::Model, WriteError> {
    let tx = db::write(db).await?;
    let before = groups::lock(&tx, id.0).await?.filter(|group| group.name.is_some()).ok_or(WriteError::Missing)?;
    expect_version(expected, before.version)?;
    let row = rule_group::ActiveModel {
        id: Set(before.id),
        is_shadow: Set(is_shadow),
        claim_token: Set(None),
        claim_expires_at: Set(None),
        version: Set(before.version + 1),
        updated_at: Set(now),
        ..rule_group::ActiveModel::default()
    };
    let after = rule_group::Entity::update(row).exec(&tx).await?;
    tx.commit().await?;
    Ok(after)
}

/// The same for a namespace, that of what the API made among them.
pub async fn set_namespace(db: &DatabaseConnection, namespace: &str, is_shadow: bool) -> Result<FileRow, WriteError> {
    let tx = db::write(db).await?;
    rule_file::Entity::find_by_id(namespace).lock_exclusive().one(&tx).await?.ok_or(WriteError::Missing)?;
    let its = rule_group::Column::Namespace.eq(namespace);
    // In the order of their ids, as everybody locks groups.
    rule_group::Entity::find().filter(its).order_by_asc(rule_group::Column::Id).lock_exclusive().all(&tx).await?;
    mark_namespace(&tx, namespace, is_shadow).await?;
    let marked = files::find(&tx, namespace).await?.ok_or(WriteError::Missing)?;
    tx.commit().await?;
    Ok(marked)
}

/// Writes a namespace's word down. The caller holds its row and its groups.
pub(super) async fn mark_namespace(tx: &DatabaseTransaction, namespace: &str, is_shadow: bool) -> Result<(), DbErr> {
    rule_file::Entity::update_many()
        .col_expr(rule_file::Column::IsShadow, Expr::value(is_shadow))
        .filter(rule_file::Column::Namespace.eq(namespace))
        .exec(tx)
        .await?;
    break_claims(tx, Condition::all().add(rule_group::Column::Namespace.eq(namespace))).await
}

/// What is said of one rule, which is in `group`.
pub(super) async fn of<C: ConnectionTrait>(db: &C, rule: &Model, group: &rule_group::Model) -> Result<Shadow, DbErr> {
    Ok(shadows(db, std::slice::from_ref(group)).await?.of(rule))
}

#[cfg(test)]
mod tests;
