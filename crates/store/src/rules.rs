//! Rules: every edit with its version, its group's bookkeeping and the end of its alerts in one transaction.
//!
//! Locks are taken in one order by everybody: rule file, server, channels, groups by id, then rules and alerts.

mod ending;
pub mod files;
pub mod groups;
pub mod overview;
mod read;
pub mod shadow;
mod versions;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DatabaseTransaction, EntityTrait,
    QueryFilter, QuerySelect, prelude::Uuid,
};
use vigil_domain::{
    Deviations, FieldError, Labels, Timestamp,
    event::EventReason,
    id::{ChannelId, NotificationId, RuleId, ServerId, UserId},
    labels::SEVERITY,
    rule::{RuleKind, RuleSpec, Threshold},
};

use groups::Counted;
pub use groups::interval_of;
pub(crate) use read::names;
pub use read::{Filter, RuleRow, find, list};
pub use versions::{Change, Snapshot, versions};

use crate::{
    db,
    entity::{
        channel,
        rule::{ActiveModel, Column, Entity, Model},
        rule_group, server,
        stored::{StoredAnnotations, StoredIds, StoredLabels},
    },
    evaluation::{Ending, break_claims, close_alerts},
    servers::matchers_of,
    write::{WriteError, expect_version},
};

/// How often an edit that named no version is tried when others edit the same rule.
const TRIES: u32 = 30;

/// A rule's threshold, if it has one.
pub fn threshold_of(rule: &Model) -> Option<Threshold> {
    let op = rule.threshold_op.as_deref()?.parse().ok()?;
    Some(Threshold { op, value: rule.threshold_value? })
}

/// Whether the worker evaluates the rule, its server permitting: groups count these.
pub fn is_evaluated(rule: &Model) -> bool {
    rule.is_active
}

/// Adds a rule, with its group if that is new.
pub async fn insert(
    db: &DatabaseConnection,
    spec: RuleSpec,
    owner: UserId,
    now: Timestamp,
) -> Result<RuleRow, WriteError> {
    let tx = db::write(db).await?;
    let added = add(&tx, spec, Some(owner), now).await?;
    tx.commit().await?;
    Ok(added)
}

/// Adds a rule within a transaction; without an owner it is Vigil's own.
pub(crate) async fn add(
    tx: &DatabaseTransaction,
    spec: RuleSpec,
    owner: Option<UserId>,
    now: Timestamp,
) -> Result<RuleRow, WriteError> {
    let effective_expr = tie(tx, &spec).await?;
    let group = groups::enter(tx, &spec, spec.is_active, now).await?;
    let row = ActiveModel {
        id: Set(Uuid::now_v7()),
        group_id: Set(group.id),
        // Rules of a group run in the order they were made; imports may say otherwise.
        position: Set(0),
        kind: Set(RuleKind::Alerting.as_str().to_owned()),
        effective_expr: Set(effective_expr),
        owner_id: Set(owner.map(Uuid::from)),
        health: Set("unknown".to_owned()),
        last_error: Set(None),
        version: Set(1),
        created_at: Set(now),
        ..written(spec, now)
    };
    let rule = Entity::insert(row).exec_with_returning(tx).await?;
    versions::record(tx, &rule, &group, Change::Created, owner, now).await?;
    let shadow = shadow::of(tx, &rule, &group).await?;
    Ok(RuleRow { rule, group, state: None, shadow })
}

/// Changes a rule to what `change` makes of it; its open alerts stay unless it is switched off, or becomes another rule.
/// Also answers notifications to push.
pub async fn update(
    db: &DatabaseConnection,
    id: RuleId,
    expected: Option<i32>,
    editor: UserId,
    (now, deviations): (Timestamp, Deviations),
    change: impl Fn(&RuleRow) -> Result<RuleSpec, Vec<FieldError>>,
) -> Result<(RuleRow, Vec<NotificationId>), WriteError> {
    let mut tries = 1;
    loop {
        let before = find(db, id).await?.ok_or(WriteError::Missing)?;
        expect_version(expected, before.rule.version)?;
        let spec = change(&before)?;
        match apply(db, before, spec, editor, (now, deviations)).await {
            Err(WriteError::Stale) if expected.is_none() && tries < TRIES => tries += 1,
            outcome => return outcome,
        }
    }
}

/// Removes a rule and ends its alerts; its versions and history stay. Answers notifications to push.
pub async fn delete(
    db: &DatabaseConnection,
    id: RuleId,
    expected: Option<i32>,
    editor: UserId,
    (now, deviations): (Timestamp, Deviations),
) -> Result<Vec<NotificationId>, WriteError> {
    let mut tries = 1;
    loop {
        let before = find(db, id).await?.ok_or(WriteError::Missing)?;
        expect_version(expected, before.rule.version)?;
        match remove(db, before, editor, (now, deviations)).await {
            Err(WriteError::Stale) if expected.is_none() && tries < TRIES => tries += 1,
            outcome => return outcome,
        }
    }
}

async fn apply(
    db: &DatabaseConnection,
    before: RuleRow,
    spec: RuleSpec,
    editor: UserId,
    (now, deviations): (Timestamp, Deviations),
) -> Result<(RuleRow, Vec<NotificationId>), WriteError> {
    let RuleRow { rule: old, group: old_group, state, shadow: was } = before;
    let tx = db::write(db).await?;
    let effective_expr = tie(&tx, &spec).await?;
    let counted = Counted { before: is_evaluated(&old), after: spec.is_active };
    let group = groups::change(&tx, old_group.clone(), counted, &spec, now).await?;
    let ends = ending::of_change((&old, &old_group), (&spec, &group), deviations);
    let due = match ends {
        Some(reason) => close_alerts(&tx, std::slice::from_ref(&old), Ending { reason, now, deviations }).await?,
        None => Vec::new(),
    };
    let severity = severity_of(&group.labels.0, &spec.labels);
    let mut row = ActiveModel { group_id: Set(group.id), version: Set(old.version + 1), ..written(spec, now) };
    if !group.labels.0.is_empty() {
        row.severity = Set(severity);
    }
    if old.effective_expr != effective_expr {
        row.health = Set("unknown".to_owned());
        row.last_error = Set(None);
    }
    row.effective_expr = Set(effective_expr);
    let rule = replace(&tx, &old, row).await?;
    versions::record(&tx, &rule, &group, Change::Updated, Some(editor), now).await?;
    let shadow = shadow::of(&tx, &rule, &group).await?;
    if was.is_on() != shadow.is_on() {
        let groups = Condition::all().add(rule_group::Column::Id.is_in([old.group_id, group.id]));
        break_claims(&tx, groups).await?;
    }
    tx.commit().await?;
    Ok((RuleRow { rule, group, state: state.filter(|_| ends.is_none()), shadow }, due))
}

async fn replace(tx: &DatabaseTransaction, old: &Model, row: ActiveModel) -> Result<Model, WriteError> {
    let replaced = Entity::update_many()
        .set(row)
        .filter(Column::Id.eq(old.id))
        .filter(Column::Version.eq(old.version))
        .exec_with_returning(tx)
        .await?;
    replaced.into_iter().next().ok_or(WriteError::Stale)
}

async fn remove(
    db: &DatabaseConnection,
    before: RuleRow,
    editor: UserId,
    (now, deviations): (Timestamp, Deviations),
) -> Result<Vec<NotificationId>, WriteError> {
    let RuleRow { rule, group, .. } = before;
    let tx = db::write(db).await?;
    let group = groups::lock(&tx, group.id).await?.ok_or(WriteError::Stale)?;
    groups::refuse_owned(&group)?;
    let ending = Ending { reason: EventReason::RuleDeleted, now, deviations };
    let due = close_alerts(&tx, std::slice::from_ref(&rule), ending).await?;
    let removed =
        Entity::delete_many().filter(Column::Id.eq(rule.id)).filter(Column::Version.eq(rule.version)).exec(&tx).await?;
    if removed.rows_affected == 0 {
        return Err(WriteError::Stale);
    }
    let last = Model { version: rule.version + 1, ..rule };
    versions::record(&tx, &last, &group, Change::Deleted, Some(editor), now).await?;
    groups::leave(&tx, group, is_evaluated(&last), now).await?;
    tx.commit().await?;
    Ok(due)
}

/// What the data source will be asked; checks that server and channels exist, and keeps them there until the end.
async fn tie(tx: &DatabaseTransaction, spec: &RuleSpec) -> Result<String, WriteError> {
    let server = server_named(tx, spec.server_id, true).await?;
    channels_named(tx, "channel_ids", &spec.channel_ids, true).await?;
    effective(spec, server.as_ref())
}

/// What the data source would be asked for `spec`, without keeping anything.
pub async fn asked(db: &DatabaseConnection, spec: &RuleSpec) -> Result<String, WriteError> {
    let server = server_named(db, spec.server_id, false).await?;
    channels_named(db, "channel_ids", &spec.channel_ids, false).await?;
    effective(spec, server.as_ref())
}

fn effective(spec: &RuleSpec, server: Option<&server::Model>) -> Result<String, WriteError> {
    let matchers = server.map(matchers_of);
    spec.effective_expr(matchers.as_ref()).map_err(|error| WriteError::invalid("expr", error.to_string()))
}

async fn server_named<C: ConnectionTrait>(
    db: &C,
    id: Option<ServerId>,
    keep: bool,
) -> Result<Option<server::Model>, WriteError> {
    let Some(id) = id else { return Ok(None) };
    let query = server::Entity::find_by_id(id.0);
    let query = if keep { query.lock_shared() } else { query };
    let server = query.one(db).await?;
    let server = server.ok_or_else(|| WriteError::invalid("server_id", format!("there is no server {id}")))?;
    Ok(Some(server))
}

/// Checks that the channels which `field` names exist.
async fn channels_named<C: ConnectionTrait>(
    db: &C,
    field: &str,
    ids: &[ChannelId],
    keep: bool,
) -> Result<(), WriteError> {
    if ids.is_empty() {
        return Ok(());
    }
    let query = channel::Entity::find()
        .select_only()
        .column(channel::Column::Id)
        .filter(channel::Column::Id.is_in(ids.iter().map(|id| id.0)));
    let query = if keep { query.lock_shared() } else { query };
    let known: Vec<Uuid> = query.into_tuple().all(db).await?;
    let unknown = ids.iter().filter(|id| !known.contains(&id.0));
    let mistakes: Vec<FieldError> = unknown
        .map(|id| FieldError { field: field.to_owned(), message: format!("there is no channel {id}") })
        .collect();
    if mistakes.is_empty() { Ok(()) } else { Err(WriteError::Invalid(mistakes)) }
}

fn written(spec: RuleSpec, now: Timestamp) -> ActiveModel {
    let severity = spec.severity().map(str::to_owned);
    // The group keeps the interval.
    let RuleSpec { name, expr, threshold, hold, keep_firing, interval: _, group: _, .. } = spec;
    let RuleSpec { labels, annotations, server_id, channel_ids, repeat_interval, is_active, is_shadow, .. } = spec;
    ActiveModel {
        name: Set(name),
        expr: Set(expr),
        threshold_op: Set(threshold.map(|threshold| threshold.op.as_str().to_owned())),
        threshold_value: Set(threshold.map(|threshold| threshold.value)),
        hold_ms: Set(hold.millis_i64()),
        keep_firing_ms: Set(keep_firing.millis_i64()),
        labels: Set(StoredLabels(labels)),
        annotations: Set(StoredAnnotations(annotations)),
        severity: Set(severity),
        server_id: Set(server_id.map(Uuid::from)),
        channel_ids: Set(StoredIds(channel_ids.into_iter().map(Uuid::from).collect())),
        repeat_interval_ms: Set(repeat_interval.millis_i64()),
        is_active: Set(is_active),
        is_shadow: Set(is_shadow),
        updated_at: Set(now),
        ..ActiveModel::default()
    }
}

/// The label `severity` of a rule's alerts, as far as it is known before there is one: not if it is a template.
fn severity_of(group: &Labels, rule: &Labels) -> Option<String> {
    let severity = rule.get(SEVERITY).or_else(|| group.get(SEVERITY))?;
    (!severity.is_empty() && !severity.contains("{{")).then(|| severity.to_owned())
}
