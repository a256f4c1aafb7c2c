//! Alerts and events, many at a time.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, QueryFilter,
    Statement, prelude::Uuid, sea_query::OnConflict,
};
use vigil_domain::{
    Fingerprint, Timestamp,
    alert::{Alert, AlertState, Transition},
    id::RuleId,
    labels::SEVERITY,
    message::RuleLine,
    number,
    record::Recorded,
};

use super::RuleOutcome;
use crate::entity::{
    alert, alert_event, recorded,
    stored::{StoredAnnotations, StoredLabels, StoredRecorded},
};

/// Rows in one statement: the parameters of the widest stay below SQLite's limit of 32,766.
const CHUNK: usize = 1_000;

/// An open alert of a rule.
#[derive(Clone, Copy)]
pub(super) struct Open<'a> {
    pub(super) rule: &'a RuleLine,
    pub(super) fingerprint: Fingerprint,
    pub(super) alert: &'a Alert,
}

/// Writes alerts whole, new or not.
pub(super) async fn write(tx: &DatabaseTransaction, open: &[Open<'_>]) -> Result<(), DbErr> {
    use alert::Column;
    let replace = OnConflict::columns([Column::RuleId, Column::Fingerprint])
        .update_columns([
            Column::ServerId,
            Column::Severity,
            Column::State,
            Column::Value,
            Column::Labels,
            Column::Annotations,
            Column::ActiveAt,
            Column::FiredAt,
            Column::AbsentSince,
        ])
        .to_owned();
    for chunk in open.chunks(CHUNK) {
        let rows = chunk.iter().map(row);
        alert::Entity::insert_many(rows).on_conflict(replace.clone()).exec_without_returning(tx).await?;
    }
    Ok(())
}

fn row(Open { rule, fingerprint, alert }: &Open<'_>) -> alert::ActiveModel {
    let (state, absent_since) = match alert.state {
        AlertState::Pending { .. } => ("pending", None),
        AlertState::Firing { absent_since, .. } => ("firing", absent_since),
    };
    alert::ActiveModel {
        rule_id: Set(rule.id.0),
        fingerprint: Set(fingerprint.to_string()),
        server_id: Set(rule.server_id.map(Into::into)),
        severity: Set(alert.labels.get(SEVERITY).map(str::to_owned)),
        state: Set(state.to_owned()),
        value: Set(number::format(alert.value)),
        labels: Set(StoredLabels(alert.labels.clone())),
        annotations: Set(StoredAnnotations(alert.annotations.clone())),
        active_at: Set(alert.state.active_at()),
        fired_at: Set(alert.state.fired_at()),
        absent_since: Set(absent_since),
    }
}

/// Writes values only: what most alerts need at most slots. One statement, the rows in one JSON parameter keyed by
/// the rule's identifier and the fingerprint in hexadecimal.
pub(super) async fn revalue(tx: &DatabaseTransaction, open: &[Open<'_>]) -> Result<(), DbErr> {
    let backend = tx.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => {
            "UPDATE alerts SET value = v.value FROM json_each(?1) AS v \
             WHERE alerts.rule_id = unhex(substr(v.key, 1, 32)) AND alerts.fingerprint = substr(v.key, 33)"
        }
        _ => {
            "UPDATE alerts SET value = v.value FROM jsonb_each_text($1::jsonb) AS v \
             WHERE alerts.rule_id = substr(v.key, 1, 32)::uuid AND alerts.fingerprint = substr(v.key, 33)"
        }
    };
    for chunk in open.chunks(5 * CHUNK) {
        let values: BTreeMap<String, String> = chunk
            .iter()
            .map(|open| (format!("{}{}", open.rule.id.0.simple(), open.fingerprint), number::format(open.alert.value)))
            .collect();
        let json = serde_json::to_string(&values).expect("a map of strings is JSON");
        tx.execute_raw(Statement::from_sql_and_values(backend, sql, [json.into()])).await?;
    }
    Ok(())
}

/// Removes alerts that are no longer open.
pub(in crate::evaluation) async fn remove_alerts(
    tx: &DatabaseTransaction,
    removed: &[(RuleId, Fingerprint)],
) -> Result<(), DbErr> {
    let mut by_rule: BTreeMap<RuleId, Vec<String>> = BTreeMap::new();
    for (rule, fingerprint) in removed {
        by_rule.entry(*rule).or_default().push(fingerprint.to_string());
    }
    for (rule, fingerprints) in by_rule {
        for chunk in fingerprints.chunks(10 * CHUNK) {
            alert::Entity::delete_many()
                .filter(alert::Column::RuleId.eq(rule.0))
                .filter(alert::Column::Fingerprint.is_in(chunk))
                .exec(tx)
                .await?;
        }
    }
    Ok(())
}

/// Writes down what recording rules wrote, where that is another set of series than before.
pub(super) async fn record(tx: &DatabaseTransaction, rules: &[RuleOutcome]) -> Result<(), DbErr> {
    use recorded::Column;
    let changed: Vec<(Uuid, &Recorded)> =
        rules.iter().filter_map(|outcome| Some((outcome.rule.id.0, outcome.recorded.as_ref()?))).collect();
    let replace = OnConflict::column(Column::RuleId).update_column(Column::Series).to_owned();
    for chunk in changed.chunks(CHUNK) {
        let rows = chunk.iter().map(|(rule, series)| recorded::ActiveModel {
            rule_id: Set(*rule),
            series: Set(StoredRecorded((*series).clone())),
        });
        recorded::Entity::insert_many(rows).on_conflict(replace.clone()).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Records what happened. Both times are kept: the slot it happened at and the time it was written.
pub(in crate::evaluation) async fn events(
    tx: &DatabaseTransaction,
    happened: &[(&RuleLine, &Transition)],
    slot: Timestamp,
    now: Timestamp,
) -> Result<(), DbErr> {
    for chunk in happened.chunks(CHUNK) {
        let rows = chunk.iter().map(|(rule, transition)| alert_event::ActiveModel {
            id: Set(Uuid::now_v7()),
            rule_id: Set(rule.id.0),
            rule_name: Set(rule.name.clone()),
            server_id: Set(rule.server_id.map(Into::into)),
            severity: Set(transition.alert.labels.get(SEVERITY).map(str::to_owned)),
            fingerprint: Set(transition.fingerprint.to_string()),
            labels: Set(StoredLabels(transition.alert.labels.clone())),
            annotations: Set(StoredAnnotations(transition.alert.annotations.clone())),
            state: Set(transition.to.as_str().to_owned()),
            value: Set(number::format(transition.alert.value)),
            reason: Set(transition.reason.as_str().to_owned()),
            is_shadow: Set(rule.is_shadow),
            active_at: Set(transition.alert.state.active_at()),
            starts_at: Set(transition.alert.state.fired_at()),
            evaluated_at: Set(slot),
            created_at: Set(now),
        });
        alert_event::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}
