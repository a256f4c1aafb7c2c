//! What is open, what happened and what was said: read-only queries for people.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid,
};
use vigil_domain::{
    Timestamp,
    id::{ChannelId, EventId, NotificationId, RuleId, ServerId},
};

use crate::{
    entity::{alert, alert_event, notification, notification_attempt},
    rules::shadow::ids_in_shadow,
};

/// Which open alerts a list shows.
#[derive(Clone, Debug, Default)]
pub struct AlertFilter {
    pub server_id: Option<ServerId>,
    pub rule_id: Option<RuleId>,
    pub severity: Option<String>,
    pub state: Option<&'static str>,
    /// Whether their rules are in shadow now.
    pub in_shadow: Option<bool>,
}

/// Where a page of open alerts ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertMark {
    pub active_at: Timestamp,
    pub rule_id: Uuid,
    pub fingerprint: String,
}

/// One page of open alerts, newest first, beginning after `after`.
pub async fn alerts(
    db: &DatabaseConnection,
    filter: &AlertFilter,
    after: Option<&AlertMark>,
    limit: u64,
) -> Result<Vec<alert::Model>, DbErr> {
    use alert::Column;
    let condition = Condition::all()
        .add_option(filter.server_id.map(|server| Column::ServerId.eq(server.0)))
        .add_option(filter.rule_id.map(|rule| Column::RuleId.eq(rule.0)))
        .add_option(filter.severity.as_ref().map(|severity| Column::Severity.eq(severity)))
        .add_option(filter.state.map(|state| Column::State.eq(state)))
        .add_option(filter.in_shadow.map(|is_so| match is_so {
            true => Column::RuleId.in_subquery(ids_in_shadow()),
            false => Column::RuleId.not_in_subquery(ids_in_shadow()),
        }))
        .add_option(after.map(older_alert));
    alert::Entity::find()
        .filter(condition)
        .order_by_desc(Column::ActiveAt)
        .order_by_desc(Column::RuleId)
        .order_by_desc(Column::Fingerprint)
        .limit(limit)
        .all(db)
        .await
}

fn older_alert(mark: &AlertMark) -> Condition {
    use alert::Column;
    let same_time = Condition::all().add(Column::ActiveAt.eq(mark.active_at));
    let same_rule = same_time.clone().add(Column::RuleId.eq(mark.rule_id));
    Condition::any()
        .add(Column::ActiveAt.lt(mark.active_at))
        .add(same_time.add(Column::RuleId.lt(mark.rule_id)))
        .add(same_rule.add(Column::Fingerprint.lt(&mark.fingerprint)))
}

/// Which events a list shows.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub server_id: Option<ServerId>,
    pub rule_id: Option<RuleId>,
    pub severity: Option<String>,
    pub state: Option<&'static str>,
    /// Whether their rules were in shadow then.
    pub is_shadow: Option<bool>,
    /// Slots from here on.
    pub from: Option<Timestamp>,
    /// Slots up to here.
    pub to: Option<Timestamp>,
}

/// One page of events, newest first, beginning after `after`.
pub async fn events(
    db: &DatabaseConnection,
    filter: &EventFilter,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<alert_event::Model>, DbErr> {
    use alert_event::Column;
    let condition = Condition::all()
        .add_option(filter.server_id.map(|server| Column::ServerId.eq(server.0)))
        .add_option(filter.rule_id.map(|rule| Column::RuleId.eq(rule.0)))
        .add_option(filter.severity.as_ref().map(|severity| Column::Severity.eq(severity)))
        .add_option(filter.state.map(|state| Column::State.eq(state)))
        .add_option(filter.is_shadow.map(|is_shadow| Column::IsShadow.eq(is_shadow)))
        .add_option(filter.from.map(|from| Column::EvaluatedAt.gte(from)))
        .add_option(filter.to.map(|to| Column::EvaluatedAt.lte(to)))
        .add_option(after.map(|after| Column::Id.lt(after)));
    alert_event::Entity::find().filter(condition).order_by_desc(Column::Id).limit(limit).all(db).await
}

/// One event.
pub async fn event(db: &DatabaseConnection, id: EventId) -> Result<Option<alert_event::Model>, DbErr> {
    alert_event::Entity::find_by_id(id.0).one(db).await
}

/// Which notifications a list shows.
#[derive(Clone, Debug, Default)]
pub struct NotificationFilter {
    pub channel_id: Option<ChannelId>,
    pub rule_id: Option<RuleId>,
    pub status: Option<&'static str>,
    pub reason: Option<&'static str>,
    /// Made from here on.
    pub from: Option<Timestamp>,
    /// Made up to here.
    pub to: Option<Timestamp>,
}

/// A notification with its attempts, oldest first.
pub type Told = (notification::Model, Vec<notification_attempt::Model>);

/// One page of notifications, newest first, beginning after `after`; their attempts come in one read.
pub async fn notifications(
    db: &DatabaseConnection,
    filter: &NotificationFilter,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Told>, DbErr> {
    use notification::Column;
    let condition = Condition::all()
        .add_option(filter.channel_id.map(|channel| Column::ChannelId.eq(channel.0)))
        .add_option(filter.rule_id.map(|rule| Column::RuleId.eq(rule.0)))
        .add_option(filter.status.map(|status| Column::Status.eq(status)))
        .add_option(filter.reason.map(|reason| Column::Reason.eq(reason)))
        .add_option(filter.from.map(|from| Column::CreatedAt.gte(from)))
        .add_option(filter.to.map(|to| Column::CreatedAt.lte(to)))
        .add_option(after.map(|after| Column::Id.lt(after)));
    let rows = notification::Entity::find().filter(condition).order_by_desc(Column::Id).limit(limit).all(db).await?;
    with_attempts(db, rows).await
}

/// One notification.
pub async fn notification(db: &DatabaseConnection, id: NotificationId) -> Result<Option<Told>, DbErr> {
    let row = notification::Entity::find_by_id(id.0).one(db).await?;
    Ok(with_attempts(db, row.into_iter().collect()).await?.pop())
}

async fn with_attempts(db: &DatabaseConnection, rows: Vec<notification::Model>) -> Result<Vec<Told>, DbErr> {
    use notification_attempt::Column;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let attempts = notification_attempt::Entity::find()
        .filter(Column::NotificationId.is_in(rows.iter().map(|row| row.id)))
        .order_by_asc(Column::NotificationId)
        .order_by_asc(Column::Id)
        .all(db)
        .await?;
    let mut by_notification: BTreeMap<Uuid, Vec<notification_attempt::Model>> = BTreeMap::new();
    for attempt in attempts {
        by_notification.entry(attempt.notification_id).or_default().push(attempt);
    }
    let told = rows.into_iter().map(|row| {
        let attempts = by_notification.remove(&row.id).unwrap_or_default();
        (row, attempts)
    });
    Ok(told.collect())
}
