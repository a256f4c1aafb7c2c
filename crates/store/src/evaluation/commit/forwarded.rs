//! What Alertmanagers are sent, and what is remembered of it.

use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, Statement,
    sea_query::OnConflict,
};
use vigil_domain::{
    Fingerprint, Timestamp,
    forward::{Change, Forwarded, Forwarding},
    id::{NotificationId, RuleId},
};

use crate::{
    entity::{
        forwarded::{ActiveModel, Column, Entity},
        stored::{StoredAnnotations, StoredLabels},
    },
    outbox::{self, NewNotification},
};

/// Rows in one statement: SQLite takes 32,766 values in one.
const CHUNK: usize = 1_000;
/// Keys in one statement, which are a single value.
const KEYS: usize = 5_000;

/// Writes notifications, one per Alertmanager and rule, and what is remembered, a few statements for all rules.
/// Answers the notifications, due at once.
pub(in crate::evaluation) async fn forwarded(
    tx: &DatabaseTransaction,
    forwardings: &[(RuleId, &Forwarding)],
    slot: Timestamp,
    now: Timestamp,
) -> Result<Vec<NotificationId>, DbErr> {
    let (mut written, mut again, mut forgotten, mut new) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (rule, Forwarding { channels, message, changes }) in forwardings {
        for (fingerprint, change) in changes {
            match change {
                Change::Written(sent) => written.push(row(*rule, *fingerprint, sent)),
                Change::SentAgain => again.push(key(*rule, *fingerprint)),
                Change::Forgotten => forgotten.push(key(*rule, *fingerprint)),
            }
        }
        let Some(message) = message else { continue };
        new.extend(channels.iter().map(|channel| NewNotification {
            channel_id: *channel,
            rule_id: Some(*rule),
            stream: format!("alertmanager:{channel}:{rule}"),
            reason: message.reason,
            message: message.clone(),
            due_at: now,
        }));
    }
    forget(tx, &forgotten).await?;
    sent_again(tx, &again, slot).await?;
    write(tx, written).await?;
    outbox::insert(tx, &new, now).await
}

async fn write(tx: &DatabaseTransaction, mut rows: Vec<ActiveModel>) -> Result<(), DbErr> {
    use Column::{Annotations, Labels, LastSentAt, ResolvedAt, StartsAt};
    let replace = OnConflict::columns([Column::RuleId, Column::Fingerprint])
        .update_columns([LastSentAt, StartsAt, ResolvedAt, Labels, Annotations])
        .to_owned();
    while !rows.is_empty() {
        let chunk = rows.split_off(rows.len().saturating_sub(CHUNK));
        Entity::insert_many(chunk).on_conflict(replace.clone()).exec_without_returning(tx).await?;
    }
    Ok(())
}

fn row(rule: RuleId, fingerprint: Fingerprint, sent: &Forwarded) -> ActiveModel {
    let ended = sent.ended.as_ref();
    ActiveModel {
        rule_id: Set(rule.0),
        fingerprint: Set(fingerprint.to_string()),
        last_sent_at: Set(sent.last_sent_at),
        starts_at: Set(ended.map(|alert| alert.starts_at)),
        resolved_at: Set(ended.map(|alert| alert.ends_at)),
        labels: Set(ended.map(|alert| StoredLabels(alert.labels.clone()))),
        annotations: Set(ended.map(|alert| StoredAnnotations(alert.annotations.clone()))),
    }
}

/// The rule's identifier and the fingerprint, both in hexadecimal.
fn key(rule: RuleId, fingerprint: Fingerprint) -> String {
    format!("{}{fingerprint}", rule.0.simple())
}

/// Selects the keys that the first parameter has as a JSON list.
fn keys(backend: DbBackend) -> &'static str {
    match backend {
        DbBackend::Sqlite => "SELECT unhex(substr(value, 1, 32)), substr(value, 33) FROM json_each(?1)",
        _ => "SELECT substr(value, 1, 32)::uuid, substr(value, 33) FROM jsonb_array_elements_text($1::jsonb)",
    }
}

async fn sent_again(tx: &DatabaseTransaction, sent: &[String], slot: Timestamp) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    let (keys, second) = (keys(backend), if backend == DbBackend::Sqlite { "?2" } else { "$2" });
    let sql = format!("UPDATE forwarded SET last_sent_at = {second} WHERE (rule_id, fingerprint) IN ({keys})");
    for chunk in sent.chunks(KEYS) {
        let values = [json(chunk).into(), slot.into()];
        tx.execute_raw(Statement::from_sql_and_values(backend, sql.as_str(), values)).await?;
    }
    Ok(())
}

async fn forget(tx: &DatabaseTransaction, forgotten: &[String]) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    let sql = format!("DELETE FROM forwarded WHERE (rule_id, fingerprint) IN ({})", keys(backend));
    for chunk in forgotten.chunks(KEYS) {
        tx.execute_raw(Statement::from_sql_and_values(backend, sql.as_str(), [json(chunk).into()])).await?;
    }
    Ok(())
}

fn json(keys: &[String]) -> String {
    serde_json::to_string(keys).expect("a list of strings is JSON")
}
