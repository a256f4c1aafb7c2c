//! What a comparison with the Prometheus that still pages needs to know of what happened here: one state of the database.

use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid,
};
use vigil_domain::{Timestamp, id::RuleId, rule::RuleKind};

use super::super::{Filter, read::surround};
use crate::{
    db,
    entity::{
        alert, alert_event,
        rule::{Column, Entity},
        source_incident,
    },
    rules::RuleRow,
};

/// Which rules in shadow are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Which {
    pub namespace: Option<String>,
    /// A group's name.
    pub group: Option<String>,
    pub rule_id: Option<RuleId>,
    /// An alert's name.
    pub name: Option<String>,
}

impl Which {
    /// Whether it is every one of them.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    fn condition(&self) -> Condition {
        let filter = Filter {
            namespace: self.namespace.clone(),
            group: self.group.clone(),
            kind: Some(RuleKind::Alerting),
            in_shadow: Some(true),
            ..Filter::default()
        };
        filter
            .condition()
            .add_option(self.rule_id.map(|rule| Column::Id.eq(rule.0)))
            .add_option(self.name.as_ref().map(|name| Column::Name.eq(name)))
    }
}

/// What is known here. Each list has one more than was asked for where there are more.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The rules, by id.
    pub rules: Vec<RuleRow>,
    /// Names of the other alerting rules.
    pub others: Vec<String>,
    /// What happened to their alerts from a time on, oldest first.
    pub events: Vec<alert_event::Model>,
    /// What is open now.
    pub alerts: Vec<alert::Model>,
    /// Times at which the data source was down, those that ended before left out.
    pub incidents: Vec<source_incident::Model>,
}

/// Reads what is known of at most `most_rules` rules and `most_events` events since `from`.
pub async fn evidence(
    db: &DatabaseConnection,
    which: &Which,
    from: Timestamp,
    (most_rules, most_events): (u64, u64),
) -> Result<Evidence, DbErr> {
    let tx = db::read(db).await?;
    let rules = Entity::find().filter(which.condition()).order_by_asc(Column::Id).limit(most_rules + 1);
    let rules = surround(&tx, rules.all(&tx).await?).await?;
    let ids: Vec<Uuid> = rules.iter().map(|row| row.rule.id).collect();
    let others = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Name])
        .filter(Column::Kind.eq(RuleKind::Alerting.as_str()))
        .into_tuple::<(Uuid, String)>()
        .all(&tx)
        .await?;
    let events = alert_event::Entity::find()
        .filter(alert_event::Column::RuleId.is_in(ids.iter().copied()))
        .filter(alert_event::Column::EvaluatedAt.gte(from))
        .order_by_asc(alert_event::Column::EvaluatedAt)
        .order_by_asc(alert_event::Column::Id)
        .limit(most_events + 1);
    let events = events.all(&tx).await?;
    let alerts = alert::Entity::find().filter(alert::Column::RuleId.is_in(ids.iter().copied())).all(&tx).await?;
    let not_over = Condition::any()
        .add(source_incident::Column::EndedAt.is_null())
        .add(source_incident::Column::EndedAt.gte(from));
    let incidents = source_incident::Entity::find().filter(not_over).all(&tx).await?;
    tx.commit().await?;
    let others = others.into_iter().filter(|(id, _)| ids.binary_search(id).is_err()).map(|(_, name)| name);
    Ok(Evidence { rules, others: others.collect(), events, alerts, incidents })
}
