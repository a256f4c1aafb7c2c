//! An import in one transaction.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, Iterable, QueryFilter, QuerySelect, Statement, prelude::Uuid, sea_query::OnConflict,
};
use vigil_domain::{
    Deviations, Timestamp,
    event::EventReason,
    id::{NotificationId, UserId},
    rule_file::{Plan, plan},
};

use super::{
    Import, Scope,
    change::{Edit, Rows},
    read::{self, Standing},
};
use crate::{
    db,
    entity::{rule, rule_file, rule_group, rule_version},
    evaluation::{Ending, close_alerts},
    rules::{channels_named, shadow::mark_namespace},
    write::WriteError,
};

/// Rows in one statement: the parameters of the widest stay below SQLite's limit of 32,766.
const ROWS: usize = 500;

/// How often an import is tried that evaluations of its rules get in the way of.
const TRIES: u32 = 5;

/// What an import did.
#[derive(Clone, Debug)]
pub struct Applied {
    pub plan: Plan,
    /// Notifications to push.
    pub due: Vec<NotificationId>,
}

/// What an import would do. Nothing is kept.
pub async fn planned(db: &DatabaseConnection, import: &Import) -> Result<Plan, WriteError> {
    let tx = db::read(db).await?;
    channels_named(&tx, "channel_id", import.channels.as_deref().unwrap_or_default(), false).await?;
    let file = rule_file::Entity::find_by_id(&import.namespace).one(&tx).await?;
    let standing = read::standing(&tx, &import.namespace, &import.scope, false).await?;
    tx.commit().await?;
    refuse_missing(import, file.as_ref(), &standing)?;
    Ok(decided(import, file.as_ref(), &standing))
}

/// Does it.
pub async fn apply(
    db: &DatabaseConnection,
    import: &Import,
    editor: UserId,
    (now, deviations): (Timestamp, Deviations),
) -> Result<Applied, WriteError> {
    let mut tries = 1;
    loop {
        match attempt(db, import, editor, (now, deviations)).await {
            Err(error) if error.is_lost_race() && tries < TRIES => tries += 1,
            outcome => return outcome,
        }
    }
}

async fn attempt(
    db: &DatabaseConnection,
    import: &Import,
    editor: UserId,
    (now, deviations): (Timestamp, Deviations),
) -> Result<Applied, WriteError> {
    let tx = db::write(db).await?;
    let file = hold(&tx, import, editor, now).await?;
    channels_named(&tx, "channel_id", import.channels.as_deref().unwrap_or_default(), true).await?;
    let standing = read::standing(&tx, &import.namespace, &import.scope, true).await?;
    refuse_missing(import, file.as_ref(), &standing)?;
    let plan = decided(import, file.as_ref(), &standing);
    let first_position = first_position(&tx, import, &standing).await?;
    let rows = Edit { import, standing: &standing, first_position, editor, now }.rows(&plan)?;
    let due = write(&tx, rows, Ending { reason: EventReason::RuleDeleted, now, deviations }).await?;
    if let Some(shadow) = import.shadow.filter(|shadow| *shadow != is_shadow(file.as_ref())) {
        mark_namespace(&tx, &import.namespace, shadow).await?;
    }
    if import.removes {
        forget_if_empty(&tx, &import.namespace).await?;
    }
    tx.commit().await?;
    Ok(Applied { plan, due })
}

fn decided(import: &Import, file: Option<&rule_file::Model>, standing: &[Standing]) -> Plan {
    let plan = plan(&read::present(standing), &import.file, import.channels.as_deref());
    plan.with_shadow(is_shadow(file), import.shadow)
}

fn is_shadow(file: Option<&rule_file::Model>) -> bool {
    file.is_some_and(|file| file.is_shadow)
}

fn refuse_missing(import: &Import, file: Option<&rule_file::Model>, standing: &[Standing]) -> Result<(), WriteError> {
    let is_there = file.is_some() && (import.scope == Scope::File || !standing.is_empty());
    if import.removes && !is_there { Err(WriteError::Missing) } else { Ok(()) }
}

/// Keeps others from importing the file until the end of the transaction; an import is noted in its row. Answers the row
/// that was there, or is now.
async fn hold(
    tx: &DatabaseTransaction,
    import: &Import,
    editor: UserId,
    now: Timestamp,
) -> Result<Option<rule_file::Model>, DbErr> {
    use rule_file::{ActiveModel, Column, Entity};
    if import.removes {
        return Entity::find_by_id(&import.namespace).lock_exclusive().one(tx).await;
    }
    let row = ActiveModel {
        namespace: Set(import.namespace.clone()),
        imported_by: Set(Some(editor.0)),
        imported_at: Set(Some(now)),
        is_shadow: Set(false),
        created_at: Set(now),
    };
    let again =
        OnConflict::column(Column::Namespace).update_columns([Column::ImportedBy, Column::ImportedAt]).to_owned();
    Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
    Entity::find_by_id(&import.namespace).one(tx).await
}

/// A file begins at the top; a group alone stays where it is, or comes last.
async fn first_position(tx: &DatabaseTransaction, import: &Import, standing: &[Standing]) -> Result<i32, DbErr> {
    use rule_group::{Column, Entity};
    match (&import.scope, standing) {
        (Scope::File, _) => Ok(0),
        (Scope::Group(_), [Standing { group, .. }, ..]) => Ok(group.position),
        (Scope::Group(_), []) => {
            let query = Entity::find().select_only().column_as(Column::Position.max(), "last");
            let query = query.filter(Column::Namespace.eq(import.namespace.as_str()));
            let last = query.into_tuple::<Option<i32>>().one(tx).await?.flatten();
            Ok(last.map_or(0, |last| last.saturating_add(1)))
        }
    }
}

/// Writes everything; answers notifications to push.
async fn write(tx: &DatabaseTransaction, rows: Rows, ending: Ending) -> Result<Vec<NotificationId>, DbErr> {
    let Rows { groups, groups_gone, rules, rules_gone, moved, versions } = rows;
    let mut due = Vec::new();
    for gone in rules_gone.chunks(ROWS) {
        due.extend(close_alerts(tx, gone, ending).await?);
        let ids = gone.iter().map(|rule| rule.id);
        rule::Entity::delete_many().filter(rule::Column::Id.is_in(ids)).exec(tx).await?;
    }
    for gone in groups_gone.chunks(ROWS) {
        let ids = gone.iter().copied();
        rule_group::Entity::delete_many().filter(rule_group::Column::Id.is_in(ids)).exec(tx).await?;
    }
    for groups in groups.chunks(ROWS) {
        let rows = groups.iter().cloned().map(rule_group::ActiveModel::from);
        let columns = rule_group::Column::iter().filter(|column| !matches!(column, rule_group::Column::Id));
        let replace = OnConflict::column(rule_group::Column::Id).update_columns(columns).to_owned();
        rule_group::Entity::insert_many(rows).on_conflict(replace).exec_without_returning(tx).await?;
    }
    for rules in rules.chunks(ROWS) {
        let rows = rules.iter().cloned().map(rule::ActiveModel::from);
        let columns = rule::Column::iter().filter(|column| !matches!(column, rule::Column::Id));
        let replace = OnConflict::column(rule::Column::Id).update_columns(columns).to_owned();
        rule::Entity::insert_many(rows).on_conflict(replace).exec_without_returning(tx).await?;
    }
    move_rules(tx, &moved).await?;
    for versions in versions.chunks(ROWS) {
        let rows = versions.iter().cloned();
        rule_version::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(due)
}

/// Writes places only: one statement, the rows in one JSON parameter keyed by the rule's identifier.
async fn move_rules(tx: &DatabaseTransaction, moved: &[(Uuid, i32)]) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => {
            "UPDATE rules SET position = v.value FROM json_each(?1) AS v WHERE rules.id = unhex(v.key)"
        }
        _ => {
            "UPDATE rules SET position = v.value::integer FROM jsonb_each_text($1::jsonb) AS v \
             WHERE rules.id = v.key::uuid"
        }
    };
    for chunk in moved.chunks(10 * ROWS) {
        let places: BTreeMap<String, i32> = chunk.iter().map(|(id, place)| (id.simple().to_string(), *place)).collect();
        let json = serde_json::to_string(&places).expect("a map of numbers is JSON");
        tx.execute_raw(Statement::from_sql_and_values(backend, sql, [json.into()])).await?;
    }
    Ok(())
}

async fn forget_if_empty(tx: &DatabaseTransaction, namespace: &str) -> Result<(), DbErr> {
    let of_file = rule_group::Column::Namespace.eq(namespace);
    if rule_group::Entity::find().filter(of_file).one(tx).await?.is_none() {
        rule_file::Entity::delete_by_id(namespace).exec(tx).await?;
    }
    Ok(())
}
