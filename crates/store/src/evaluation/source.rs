//! The data source's status and its incidents, as rows.

use std::collections::BTreeSet;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait,
    QueryFilter, QuerySelect, prelude::Uuid, sea_query::OnConflict,
};
use vigil_domain::{
    Timestamp,
    id::{ChannelId, NotificationId},
    message::{Message, SourceLine},
    notification::NotifyReason,
    source::{Incident, Outcome, SourcePolicy, SourceStatus, observe},
};

use super::{LOG_CHANNEL, commit::RuleOutcome, listeners::Alertmanagers, read::evaluated};
use crate::{
    db,
    entity::{rule, source_incident, source_status, stored::StoredSourceStatus},
    outbox::{self, NewNotification},
    rules::shadow::in_shadow,
};

const ONLY: &str = "default";

/// The data source as it was last found.
#[derive(Clone, Debug, Default)]
pub struct CurrentSource {
    pub status: SourceStatus,
    pub incident_id: Option<Uuid>,
}

/// Reads the data source's status.
pub async fn current_source<C: ConnectionTrait>(db: &C) -> Result<CurrentSource, DbErr> {
    let row = source_status::Entity::find_by_id(ONLY).one(db).await?;
    Ok(row.map_or_else(CurrentSource::default, |row| CurrentSource {
        status: row.status.0,
        incident_id: row.incident_id,
    }))
}

/// Takes a probe's outcome into account; answers notifications to push.
pub async fn record_probe(
    db: &DatabaseConnection,
    outcome: &Outcome,
    now: Timestamp,
    policy: SourcePolicy,
) -> Result<Vec<NotificationId>, DbErr> {
    let tx = db::write(db).await?;
    let told = record(&tx, outcome, now, now, policy).await?;
    tx.commit().await?;
    Ok(told)
}

/// Takes a batch's outcome into account inside its commit. A source that works and worked before costs one read, one that
/// nobody asked nothing.
pub(super) async fn record(
    tx: &DatabaseTransaction,
    outcome: &Outcome,
    slot: Timestamp,
    now: Timestamp,
    policy: SourcePolicy,
) -> Result<Vec<NotificationId>, DbErr> {
    let is_old_news = match outcome {
        Outcome::Unasked => true,
        Outcome::Answered => current_source(tx).await?.status.failing_since.is_none(),
        Outcome::Failed(_) => false,
    };
    if is_old_news {
        return Ok(Vec::new());
    }
    lock(tx, now).await?;
    let before = current_source(tx).await?;
    let (status, incident) = observe(&before.status, outcome, slot, now, policy);
    let (incident_id, told) = match incident {
        Some(incident) => tell(tx, incident, &before, &status, now).await?,
        None => (before.incident_id.filter(|_| status.down_since.is_some()), Vec::new()),
    };
    let row = source_status::ActiveModel {
        id: Set(ONLY.to_owned()),
        status: Set(StoredSourceStatus(status)),
        incident_id: Set(incident_id),
        updated_at: Set(now),
    };
    source_status::Entity::update(row).exec(tx).await?;
    Ok(told)
}

/// Makes sure that the row exists and that nobody else decides on it before we commit.
async fn lock(tx: &DatabaseTransaction, now: Timestamp) -> Result<(), DbErr> {
    let row = source_status::ActiveModel {
        id: Set(ONLY.to_owned()),
        status: Set(StoredSourceStatus::default()),
        incident_id: Set(None),
        updated_at: Set(now),
    };
    let touch =
        OnConflict::column(source_status::Column::Id).update_column(source_status::Column::UpdatedAt).to_owned();
    source_status::Entity::insert(row).on_conflict(touch).exec_without_returning(tx).await.map(|_| ())
}

async fn tell(
    tx: &DatabaseTransaction,
    incident: Incident,
    before: &CurrentSource,
    status: &SourceStatus,
    now: Timestamp,
) -> Result<(Option<Uuid>, Vec<NotificationId>), DbErr> {
    let (rules, channels) = dependents(tx).await?;
    let (incident_id, reason, line) = match incident {
        Incident::Declared => {
            let (id, line) = begin(tx, status, rules, now).await?;
            (Some(id), NotifyReason::SourceDown, line)
        }
        Incident::Ended { failing_since, .. } => {
            let error = before.status.last_error.clone().unwrap_or_default();
            end(tx, before.incident_id, now).await?;
            (None, NotifyReason::SourceUp, SourceLine { failing_since, ended_at: Some(now), error, rules })
        }
    };
    let message = Message {
        reason,
        at: now,
        rule: None,
        alerts: Vec::new(),
        more_firing: 0,
        more_resolved: 0,
        source: Some(line),
        forward: None,
    };
    let new = channels.into_iter().map(|channel_id| NewNotification {
        channel_id,
        rule_id: None,
        stream: format!("source:{channel_id}"),
        reason,
        message: message.clone(),
        due_at: now,
    });
    let told = outbox::insert(tx, &new.collect::<Vec<_>>(), now).await?;
    Ok((incident_id, told))
}

/// Writes an incident down; answers what is said of it.
async fn begin(
    tx: &DatabaseTransaction,
    status: &SourceStatus,
    rules: u32,
    now: Timestamp,
) -> Result<(Uuid, SourceLine), DbErr> {
    let failing_since = status.failing_since.unwrap_or(now);
    let error = status.last_error.clone().unwrap_or_default();
    let id = Uuid::now_v7();
    let row = source_incident::ActiveModel {
        id: Set(id),
        failing_since: Set(failing_since),
        declared_at: Set(now),
        ended_at: Set(None),
        error: Set(error.clone()),
    };
    source_incident::Entity::insert(row).exec_without_returning(tx).await?;
    Ok((id, SourceLine { failing_since, ended_at: None, error, rules }))
}

async fn end(tx: &DatabaseTransaction, incident: Option<Uuid>, now: Timestamp) -> Result<(), DbErr> {
    let Some(id) = incident else { return Ok(()) };
    let ended = source_incident::ActiveModel { id: Set(id), ended_at: Set(Some(now)), ..Default::default() };
    source_incident::Entity::update(ended).exec(tx).await.map(|_| ())
}

/// Whether what became of a batch of these rules is said of the source. One whose rules are all in shadow does not say
/// that it fails while there are others, who will find that out themselves: nobody is told anything on its account.
pub(super) async fn is_heeded(
    tx: &DatabaseTransaction,
    rules: &[RuleOutcome],
    outcome: &Outcome,
) -> Result<bool, DbErr> {
    let is_paper = !rules.is_empty() && rules.iter().all(|outcome| outcome.rule.is_shadow);
    if !is_paper || *outcome == Outcome::Answered {
        return Ok(true);
    }
    let others = rule::Entity::find().filter(evaluated()).filter(in_shadow().not()).limit(1);
    Ok(others.one(tx).await?.is_none())
}

/// How many active rules depend on the source, and every channel that hears of one in messages; Vigil's log if none does.
/// Rules in shadow are not among them: where there are no others, nobody hears.
async fn dependents(tx: &DatabaseTransaction) -> Result<(u32, BTreeSet<ChannelId>), DbErr> {
    let lists = rule::Entity::find()
        .select_only()
        .column(rule::Column::ChannelIds)
        .filter(rule::Column::IsActive.eq(true))
        .filter(in_shadow().not())
        .into_tuple::<crate::entity::stored::StoredIds>()
        .all(tx)
        .await?;
    let rules = u32::try_from(lists.len()).unwrap_or(u32::MAX);
    let alertmanagers = Alertmanagers::all(tx).await?;
    let named = lists.into_iter().flat_map(|list| list.0).map(ChannelId);
    let mut channels: BTreeSet<ChannelId> = named.filter(|channel| !alertmanagers.contains(*channel)).collect();
    let is_paper = rules == 0 && rule::Entity::find().filter(rule::Column::IsActive.eq(true)).one(tx).await?.is_some();
    if channels.is_empty() && !is_paper {
        channels.insert(LOG_CHANNEL);
    }
    Ok((rules, channels))
}
