//! Queries on servers. A change that concerns their rules takes effect on them in the same transaction.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr,
    EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid, sea_query::Query,
};
use vigil_domain::{
    Deviations, FieldError, Labels, Timestamp,
    event::EventReason,
    id::{NotificationId, ServerId},
    rule::effective_expr,
    server::{ServerSpec, matchers},
};

use crate::{
    db,
    entity::{
        rule, rule_group,
        server::{ActiveModel, Column, Entity, Model},
        stored::StoredLabels,
    },
    evaluation::{Ending, close_alerts},
    rules,
    write::{WriteError, contains, expect_version, listed},
};

/// Which servers a list shows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub is_active: Option<bool>,
    pub department: Option<String>,
    /// Part of the name, whatever the case.
    pub name_contains: Option<String>,
}

/// One page of servers, newest first, beginning after `after`.
pub async fn list(
    db: &DatabaseConnection,
    filter: &Filter,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Model>, DbErr> {
    let condition = Condition::all()
        .add_option(filter.is_active.map(|is_active| Column::IsActive.eq(is_active)))
        .add_option(filter.department.as_ref().map(|department| Column::Department.eq(department)))
        .add_option(filter.name_contains.as_ref().map(|text| contains(Column::Name, text)))
        .add_option(after.map(|after| Column::Id.lt(after)));
    Entity::find().filter(condition).order_by_desc(Column::Id).limit(limit).all(db).await
}

/// One server.
pub async fn find(db: &DatabaseConnection, id: ServerId) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(id.0).one(db).await
}

/// Active servers that have an `instance`, by name: what Prometheus is to scrape.
pub async fn scraped(db: &DatabaseConnection) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(Column::IsActive.eq(true))
        .filter(Column::Instance.is_not_null())
        .order_by_asc(Column::Name)
        .all(db)
        .await
}

/// The equality matchers that tie a server to its series.
pub fn matchers_of(server: &Model) -> Labels {
    matchers(server.instance.as_deref(), &server.selector.0)
}

/// Adds a server.
pub async fn insert<C: ConnectionTrait>(db: &C, spec: ServerSpec, now: Timestamp) -> Result<Model, DbErr> {
    let row = ActiveModel { id: Set(Uuid::now_v7()), version: Set(1), created_at: Set(now), ..written(spec, now) };
    Entity::insert(row).exec_with_returning(db).await
}

/// Changes a server to what `change` makes of it. Its rules' expressions follow, and the alerts of the rules of a
/// server that is switched off end. Also answers notifications to push.
pub async fn update(
    db: &DatabaseConnection,
    id: ServerId,
    expected: Option<i32>,
    (now, deviations): (Timestamp, Deviations),
    change: impl FnOnce(&Model) -> Result<ServerSpec, Vec<FieldError>>,
) -> Result<(Model, Vec<NotificationId>), WriteError> {
    let tx = db::write(db).await?;
    let before = Entity::find_by_id(id.0).lock_exclusive().one(&tx).await?.ok_or(WriteError::Missing)?;
    expect_version(expected, before.version)?;
    let spec = change(&before)?;
    let row = ActiveModel { version: Set(before.version + 1), ..written(spec, now) };
    let updated = Entity::update_many()
        .set(row)
        .filter(Column::Id.eq(before.id))
        .filter(Column::Version.eq(before.version))
        .exec_with_returning(&tx)
        .await?;
    let after = updated.into_iter().next().ok_or(WriteError::Stale)?;
    let ending = Ending { reason: EventReason::RuleDisabled, now, deviations };
    let told = follow(&tx, &before, &after, ending).await?;
    tx.commit().await?;
    Ok((after, told))
}

/// Removes a server; refused while rules watch it.
pub async fn delete(db: &DatabaseConnection, id: ServerId, expected: Option<i32>) -> Result<(), WriteError> {
    let tx = db::write(db).await?;
    let server = Entity::find_by_id(id.0).lock_exclusive().one(&tx).await?.ok_or(WriteError::Missing)?;
    expect_version(expected, server.version)?;
    let names: Vec<String> = rule::Entity::find()
        .select_only()
        .column(rule::Column::Name)
        .filter(rule::Column::ServerId.eq(id.0))
        .order_by_asc(rule::Column::Id)
        .into_tuple()
        .all(&tx)
        .await?;
    if !names.is_empty() {
        let rules = listed(&names);
        return Err(WriteError::InUse(format!(
            "the server is watched by the rules {rules}; delete or change them first"
        )));
    }
    Entity::delete_by_id(id.0).exec(&tx).await?;
    tx.commit().await?;
    Ok(())
}

fn written(spec: ServerSpec, now: Timestamp) -> ActiveModel {
    let ServerSpec { name, instance, selector, labels, department, description, is_active } = spec;
    ActiveModel {
        name: Set(name),
        instance: Set(instance),
        selector: Set(StoredLabels(selector)),
        labels: Set(StoredLabels(labels)),
        department: Set(department),
        description: Set(description),
        is_active: Set(is_active),
        updated_at: Set(now),
        ..ActiveModel::default()
    }
}

/// What a server's change means for its rules.
async fn follow(
    tx: &DatabaseTransaction,
    before: &Model,
    after: &Model,
    ending: Ending,
) -> Result<Vec<NotificationId>, WriteError> {
    let retied = matchers_of(before) != matchers_of(after);
    let switched_off = before.is_active && !after.is_active;
    if !retied && !switched_off {
        return Ok(Vec::new());
    }
    lock_groups(tx, after.id).await?;
    let watching =
        rule::Entity::find().filter(rule::Column::ServerId.eq(after.id)).order_by_asc(rule::Column::Id).all(tx).await?;
    if retied {
        retie(tx, &watching, &matchers_of(after)).await?;
    }
    if switched_off {
        return Ok(close_alerts(tx, &watching, ending).await?);
    }
    Ok(Vec::new())
}

/// Evaluations hold their groups while they write; waiting for them here keeps one order of locks everywhere.
async fn lock_groups(tx: &DatabaseTransaction, server: Uuid) -> Result<(), DbErr> {
    let watching = Query::select()
        .column(rule::Column::GroupId)
        .from(rule::Entity)
        .and_where(rule::Column::ServerId.eq(server))
        .to_owned();
    rule_group::Entity::find()
        .select_only()
        .column(rule_group::Column::Id)
        .filter(rule_group::Column::Id.in_subquery(watching))
        .order_by_asc(rule_group::Column::Id)
        .lock_exclusive()
        .into_tuple::<Uuid>()
        .all(tx)
        .await
        .map(|_| ())
}

async fn retie(tx: &DatabaseTransaction, watching: &[rule::Model], matchers: &Labels) -> Result<(), WriteError> {
    for rule in watching {
        let expr = effective_expr(&rule.expr, rules::threshold_of(rule), Some(matchers)).map_err(|error| {
            WriteError::invalid("selector", format!("does not suit the rule {:?}: {error}", rule.name))
        })?;
        let row = rule::ActiveModel { id: Set(rule.id), effective_expr: Set(expr), ..Default::default() };
        rule::Entity::update(row).exec(tx).await?;
    }
    Ok(())
}
