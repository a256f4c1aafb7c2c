//! Rules as they are read: with their group, the worst state of their alerts and whether they are in shadow, in four
//! queries a page.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, prelude::Uuid, sea_query::Query,
};
use vigil_domain::{
    id::{RuleId, ServerId},
    rule::RuleKind,
    shadow::Shadow,
};

use super::shadow::{in_shadow, shadows};
use crate::{
    entity::{
        alert,
        rule::{Column, Entity, Model},
        rule_group,
    },
    write::contains,
};

/// A rule with what surrounds it.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleRow {
    pub rule: Model,
    pub group: rule_group::Model,
    /// `firing` if any of its alerts fires, otherwise `pending` if any is open.
    pub state: Option<String>,
    /// Whether it is in shadow, and by whose word.
    pub shadow: Shadow,
}

/// Which rules a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub server_id: Option<ServerId>,
    /// The rule file that its group came from, or that of what the API made.
    pub namespace: Option<String>,
    /// A named group's name.
    pub group: Option<String>,
    pub kind: Option<RuleKind>,
    pub severity: Option<String>,
    pub is_active: Option<bool>,
    pub in_shadow: Option<bool>,
    pub health: Option<&'static str>,
    /// Part of the name, whatever the case.
    pub name_contains: Option<String>,
}

impl Filter {
    pub(super) fn condition(&self) -> Condition {
        let in_groups = |column: rule_group::Column, text: &String| {
            let groups = Query::select()
                .column(rule_group::Column::Id)
                .from(rule_group::Entity)
                .and_where(column.eq(text))
                .to_owned();
            Column::GroupId.in_subquery(groups)
        };
        Condition::all()
            .add_option(self.server_id.map(|server| Column::ServerId.eq(server.0)))
            .add_option(self.namespace.as_ref().map(|text| in_groups(rule_group::Column::Namespace, text)))
            .add_option(self.group.as_ref().map(|text| in_groups(rule_group::Column::Name, text)))
            .add_option(self.kind.map(|kind| Column::Kind.eq(kind.as_str())))
            .add_option(self.severity.as_ref().map(|severity| Column::Severity.eq(severity)))
            .add_option(self.is_active.map(|is_active| Column::IsActive.eq(is_active)))
            .add_option(self.in_shadow.map(|is_so| if is_so { in_shadow() } else { in_shadow().not() }))
            .add_option(self.health.map(|health| Column::Health.eq(health)))
            .add_option(self.name_contains.as_ref().map(|text| contains(Column::Name, text)))
    }
}

/// One page of rules, newest first, beginning after `after`.
pub async fn list(
    db: &DatabaseConnection,
    filter: &Filter,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<RuleRow>, DbErr> {
    let condition = filter.condition().add_option(after.map(|after| Column::Id.lt(after)));
    let rules = Entity::find().filter(condition).order_by_desc(Column::Id).limit(limit).all(db).await?;
    surround(db, rules).await
}

/// One rule. Read again when it moved to another group between the reads.
pub async fn find(db: &DatabaseConnection, id: RuleId) -> Result<Option<RuleRow>, DbErr> {
    loop {
        let Some(rule) = Entity::find_by_id(id.0).one(db).await? else { return Ok(None) };
        if let Some(row) = surround(db, vec![rule]).await?.pop() {
            return Ok(Some(row));
        }
    }
}

/// Rules with what surrounds them, in their order.
pub(super) async fn surround<C: ConnectionTrait>(db: &C, rules: Vec<Model>) -> Result<Vec<RuleRow>, DbErr> {
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let group_ids = rules.iter().map(|rule| rule.group_id);
    let groups = rule_group::Entity::find().filter(rule_group::Column::Id.is_in(group_ids)).all(db).await?;
    let shadows = shadows(db, &groups).await?;
    let groups: BTreeMap<Uuid, rule_group::Model> = groups.into_iter().map(|group| (group.id, group)).collect();
    let theirs = Condition::all().add(alert::Column::RuleId.is_in(rules.iter().map(|rule| rule.id)));
    let mut states = states(db, theirs).await?;
    // A rule that lost its group between the two reads was just deleted or moved: it is not shown.
    let rows = rules.into_iter().filter_map(|rule| {
        let group = groups.get(&rule.group_id)?.clone();
        let (state, shadow) = (states.remove(&rule.id), shadows.of(&rule));
        Some(RuleRow { rule, group, state, shadow })
    });
    Ok(rows.collect())
}

/// The worst state of each rule's alerts that a condition selects: `firing` sorts before `pending`.
pub(super) async fn states<C: ConnectionTrait>(db: &C, alerts: Condition) -> Result<BTreeMap<Uuid, String>, DbErr> {
    let states = alert::Entity::find()
        .select_only()
        .column(alert::Column::RuleId)
        .column_as(alert::Column::State.min(), "state")
        .filter(alerts)
        .group_by(alert::Column::RuleId)
        .into_tuple::<(Uuid, String)>()
        .all(db)
        .await?;
    Ok(states.into_iter().collect())
}

/// Names of the rules that a condition selects, oldest first.
pub(crate) async fn names<C: ConnectionTrait>(db: &C, condition: Condition) -> Result<Vec<String>, DbErr> {
    let query = Entity::find().select_only().column(Column::Name).filter(condition);
    query.order_by_asc(Column::Id).into_tuple().all(db).await
}
