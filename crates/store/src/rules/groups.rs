//! Rule groups: named ones that people keep, and the nameless one of each rule without a group.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr,
    EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid, sea_query::OnConflict,
};
use vigil_domain::{
    FieldError, Span, Timestamp,
    group::{DEFAULT_INTERVAL, OWN_NAMESPACE, next_slot, phase},
    id::GroupId,
    rule::{GroupSpec, RuleSpec},
};

use crate::{
    db,
    entity::{
        rule,
        rule_group::{ActiveModel, Column, Entity, Model},
        stored::StoredLabels,
    },
    write::{WriteError, contains, expect_version, listed},
};

/// One page of named groups, newest first, beginning after `after`.
pub async fn list(
    db: &DatabaseConnection,
    namespace: Option<&str>,
    name_contains: Option<&str>,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let condition = Condition::all()
        .add(Column::Name.is_not_null())
        .add_option(namespace.map(|namespace| Column::Namespace.eq(namespace)))
        .add_option(name_contains.map(|text| contains(Column::Name, text)))
        .add_option(after.map(|after| Column::Id.lt(after)));
    Entity::find().filter(condition).order_by_desc(Column::Id).limit(limit).all(db).await
}

/// One named group.
pub async fn find(db: &DatabaseConnection, id: GroupId) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id.0).filter(Column::Name.is_not_null()).one(db).await
}

/// Adds a named group.
pub async fn insert(db: &DatabaseConnection, spec: GroupSpec, now: Timestamp) -> Result<Model, DbErr> {
    let GroupSpec { name, interval, limit, query_offset, is_shadow } = spec;
    let row = ActiveModel {
        alert_limit: Set(limit),
        query_offset_ms: Set(query_offset.map(Span::millis_i64)),
        is_shadow: Set(is_shadow),
        ..fresh(Some(name), interval, now)
    };
    Entity::insert(row).exec_with_returning(db).await
}

/// Changes a named group to what `edit` makes of it.
pub async fn update(
    db: &DatabaseConnection,
    id: GroupId,
    expected: Option<i32>,
    now: Timestamp,
    edit: impl FnOnce(&Model) -> Result<GroupSpec, Vec<FieldError>>,
) -> Result<Model, WriteError> {
    let tx = db::write(db).await?;
    let before = lock(&tx, id.0).await?.filter(|group| group.name.is_some()).ok_or(WriteError::Missing)?;
    refuse_owned(&before)?;
    expect_version(expected, before.version)?;
    let GroupSpec { name, interval, limit, query_offset, is_shadow } = edit(&before)?;
    let mut row = ActiveModel {
        id: Set(before.id),
        name: Set(Some(name)),
        interval_given: Set(true),
        alert_limit: Set(limit),
        query_offset_ms: Set(query_offset.map(Span::millis_i64)),
        is_shadow: Set(is_shadow),
        version: Set(before.version + 1),
        updated_at: Set(now),
        ..ActiveModel::default()
    };
    if interval != super::interval_of(&before) {
        reschedule(&mut row, GroupId(before.id), interval, now);
    }
    if is_shadow != before.is_shadow {
        // An evaluation that is under way goes by the word before.
        row.claim_token = Set(None);
        row.claim_expires_at = Set(None);
    }
    let after = Entity::update(row).exec(&tx).await?;
    tx.commit().await?;
    Ok(after)
}

/// Removes a named group; refused while it has rules.
pub async fn delete(db: &DatabaseConnection, id: GroupId, expected: Option<i32>) -> Result<(), WriteError> {
    let tx = db::write(db).await?;
    let group = lock(&tx, id.0).await?.filter(|group| group.name.is_some()).ok_or(WriteError::Missing)?;
    refuse_owned(&group)?;
    expect_version(expected, group.version)?;
    let names = super::names(&tx, Condition::all().add(rule::Column::GroupId.eq(id.0))).await?;
    if !names.is_empty() {
        let rules = listed(&names);
        return Err(WriteError::InUse(format!("the group has the rules {rules}; delete or move them first")));
    }
    Entity::delete_by_id(id.0).exec(&tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Refuses to change a group that its file owns, and what is in it.
pub(super) fn refuse_owned(group: &Model) -> Result<(), WriteError> {
    if group.from_file { Err(WriteError::OwnedByFile(group.namespace.clone())) } else { Ok(()) }
}

/// Whether a rule counts in its group before and after a change.
#[derive(Clone, Copy)]
pub(super) struct Counted {
    pub(super) before: bool,
    pub(super) after: bool,
}

/// The group that a rule goes into, made if need be, with the rule counted if it `counts`; nobody else changes it until
/// the end.
pub(super) async fn enter(
    tx: &DatabaseTransaction,
    spec: &RuleSpec,
    counts: bool,
    now: Timestamp,
) -> Result<Model, WriteError> {
    let group = match &spec.group {
        Some(name) => {
            let id = named(tx, name, now).await?;
            lock(tx, id).await?.ok_or(WriteError::Stale)?
        }
        None => {
            let row = fresh(None, spec.interval.unwrap_or(DEFAULT_INTERVAL), now);
            Entity::insert(row).exec_with_returning(tx).await?
        }
    };
    Ok(count(tx, group, i32::from(counts), now).await?)
}

/// Takes a rule from `group` to where `spec` wants it, which may be where it is.
pub(super) async fn change(
    tx: &DatabaseTransaction,
    group: Model,
    counted: Counted,
    spec: &RuleSpec,
    now: Timestamp,
) -> Result<Model, WriteError> {
    if group.name == spec.group {
        let group = lock(tx, group.id).await?.ok_or(WriteError::Stale)?;
        refuse_owned(&group)?;
        let group = with_interval(tx, group, spec.interval, now).await?;
        return Ok(count(tx, group, i32::from(counted.after) - i32::from(counted.before), now).await?);
    }
    // Both groups are locked in the order of their ids before either changes.
    let target = match &spec.group {
        Some(name) => Some(named(tx, name, now).await?),
        None => None,
    };
    let ids = [Some(group.id), target].into_iter().flatten();
    let locked = Entity::find().filter(Column::Id.is_in(ids)).order_by_asc(Column::Id).lock_exclusive().all(tx).await?;
    let old = locked.into_iter().find(|locked| locked.id == group.id).ok_or(WriteError::Stale)?;
    refuse_owned(&old)?;
    leave(tx, old, counted.before, now).await?;
    enter(tx, spec, counted.after, now).await
}

/// Takes a rule out of its group; a nameless group goes with its rule.
pub(super) async fn leave(tx: &DatabaseTransaction, group: Model, counted: bool, now: Timestamp) -> Result<(), DbErr> {
    if group.name.is_none() {
        Entity::delete_by_id(group.id).exec(tx).await?;
    } else {
        count(tx, group, -i32::from(counted), now).await?;
    }
    Ok(())
}

/// Reads a group and keeps others from changing it until the end of the transaction.
pub(super) async fn lock(tx: &DatabaseTransaction, id: Uuid) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id).lock_exclusive().one(tx).await
}

/// The id of the API's group called `name`, made with the default interval if there is none.
async fn named(tx: &DatabaseTransaction, name: &str, now: Timestamp) -> Result<Uuid, WriteError> {
    if let Some(id) = id_of(tx, name).await? {
        return Ok(id);
    }
    let unless_there = OnConflict::columns([Column::Namespace, Column::Name]).do_nothing().to_owned();
    let row = fresh(Some(name.to_owned()), DEFAULT_INTERVAL, now);
    Entity::insert(row).on_conflict(unless_there).exec_without_returning(tx).await?;
    id_of(tx, name).await?.ok_or(WriteError::Stale)
}

async fn id_of<C: ConnectionTrait>(db: &C, name: &str) -> Result<Option<Uuid>, DbErr> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Namespace.eq(OWN_NAMESPACE))
        .filter(Column::Name.eq(name))
        .into_tuple()
        .one(db)
        .await
}

async fn with_interval(
    tx: &DatabaseTransaction,
    group: Model,
    interval: Option<Span>,
    now: Timestamp,
) -> Result<Model, DbErr> {
    let Some(interval) = interval.filter(|interval| *interval != super::interval_of(&group)) else { return Ok(group) };
    let mut row = ActiveModel { id: Set(group.id), updated_at: Set(now), ..ActiveModel::default() };
    reschedule(&mut row, GroupId(group.id), interval, now);
    Entity::update(row).exec(tx).await
}

/// Keeps the number of rules that are evaluated. A group that had none is due from now on, not since it stopped.
async fn count(tx: &DatabaseTransaction, group: Model, more: i32, now: Timestamp) -> Result<Model, DbErr> {
    if more == 0 {
        return Ok(group);
    }
    let rule_count = (group.rule_count + more).max(0);
    let mut row = ActiveModel { id: Set(group.id), rule_count: Set(rule_count), ..ActiveModel::default() };
    if group.rule_count == 0 {
        row.next_slot_ms = Set(next(super::interval_of(&group), Span::from_millis_i64(group.phase_ms), now));
    }
    Entity::update(row).exec(tx).await
}

/// A group of the API without rules.
pub(super) fn fresh(name: Option<String>, interval: Span, now: Timestamp) -> ActiveModel {
    let id = GroupId::random();
    let mut row = ActiveModel {
        id: Set(id.0),
        namespace: Set(OWN_NAMESPACE.to_owned()),
        name: Set(name),
        from_file: Set(false),
        is_shadow: Set(false),
        position: Set(0),
        // Also said in an export of a group that was left at the default: elsewhere that may be another.
        interval_given: Set(true),
        query_offset_ms: Set(None),
        alert_limit: Set(0),
        labels: Set(StoredLabels::default()),
        rule_count: Set(0),
        evaluated_slot_ms: Set(None),
        evaluated_at: Set(None),
        evaluation_us: Set(None),
        rule_times: Set(None),
        missed_slots: Set(0),
        claim_slot_ms: Set(None),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..ActiveModel::default()
    };
    reschedule(&mut row, id, interval, now);
    row
}

/// Sets interval, phase and next slot; an evaluation of the old schedule that is under way loses its claim.
pub(super) fn reschedule(row: &mut ActiveModel, id: GroupId, interval: Span, now: Timestamp) {
    let phase = phase(id, interval);
    row.interval_ms = Set(interval.millis_i64());
    row.phase_ms = Set(phase.millis_i64());
    row.next_slot_ms = Set(next(interval, phase, now));
    row.claim_token = Set(None);
    row.claim_expires_at = Set(None);
}

pub(super) fn next(interval: Span, phase: Span, now: Timestamp) -> i64 {
    next_slot(now, interval, phase).timestamp_millis()
}

/// A group's interval is what its rules show.
pub fn interval_of(group: &Model) -> Span {
    Span::from_millis_i64(group.interval_ms)
}
