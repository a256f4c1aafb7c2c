//! What an evaluation needs to know, read once for a whole batch.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, ExprTrait, FromQueryResult, JoinType, QueryFilter,
    QueryOrder, QuerySelect, RelationDef,
    prelude::Uuid,
    sea_query::{IntoCondition, Query},
};
use vigil_domain::{
    Fingerprint, Labels, Span,
    alert::{Alert, AlertState, Alerts},
    forward::{Forwarded, Memory, Origin},
    id::{ChannelId, RuleId, ServerId},
    message::{ForwardedAlert, RuleLine},
    notification::{NotificationStatus, Told},
    number,
    record::Recorded,
    rule::Threshold,
    shadow::Shadow,
    source::SourceStatus,
};

use super::{
    claim::Claim,
    listeners::{Alertmanagers, Listeners},
    source,
};
use crate::{
    entity::{alert, forwarded, notification, recorded, rule, rule_group, server, told},
    rules::shadow::shadows,
};

/// Everything a claimed batch needs.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The groups, each with its active rules in order.
    pub groups: Vec<(rule_group::Model, Vec<BatchRule>)>,
    /// The data source as it was last found.
    pub source: SourceStatus,
}

/// A rule, its open alerts and what its channels know.
#[derive(Clone, Debug)]
pub struct BatchRule {
    pub rule: rule::Model,
    /// Whether it is in shadow, and by whose word.
    pub shadow: Shadow,
    pub alerts: Alerts,
    pub listeners: Listeners,
    pub told: BTreeMap<ChannelId, Told>,
    /// What its Alertmanagers were sent.
    pub forwarded: Memory,
    /// What it wrote last, if it is a recording rule; otherwise the series whose end could not be written yet.
    pub recorded: Recorded,
    /// The name of the rule's server.
    pub server: Option<String>,
}

impl BatchRule {
    /// What is forwarded of the rule, which messages speak of as `line`.
    pub fn origin<'a>(&'a self, line: &'a RuleLine) -> Origin<'a> {
        let channels = &self.listeners.alertmanagers;
        Origin { rule: line, expr: &self.rule.effective_expr, channels, memory: &self.forwarded }
    }

    /// The rule as messages speak of it.
    pub fn line(&self) -> RuleLine {
        let rule = &self.rule;
        let op = rule.threshold_op.as_deref().and_then(|op| op.parse().ok());
        let threshold = op.zip(rule.threshold_value).map(|(op, value)| Threshold { op, value }.to_string());
        RuleLine {
            id: RuleId(rule.id),
            name: rule.name.clone(),
            version: rule.version,
            severity: rule.severity.clone(),
            expr: rule.expr.clone(),
            threshold,
            hold: Span::from_millis_i64(rule.hold_ms),
            server_id: rule.server_id.map(ServerId),
            server: self.server.clone(),
            is_shadow: self.shadow.is_on(),
        }
    }
}

/// Reads a claimed batch: its rules that are evaluated, each with its group's labels under its own.
pub async fn read<C: ConnectionTrait>(db: &C, claim: &Claim) -> Result<Batch, DbErr> {
    let ids = claim.groups.iter().map(|group| group.id);
    let rules = rule::Entity::find()
        .filter(rule::Column::GroupId.is_in(ids))
        .filter(evaluated())
        .order_by_asc(rule::Column::GroupId)
        .order_by_asc(rule::Column::Position)
        .order_by_asc(rule::Column::Id)
        .all(db)
        .await?;
    let mut by_group: BTreeMap<Uuid, Vec<BatchRule>> = BTreeMap::new();
    for rule in with_state(db, rules, &claim.groups).await? {
        by_group.entry(rule.rule.group_id).or_default().push(rule);
    }
    let groups = claim.groups.iter().map(|group| {
        let mut rules = by_group.remove(&group.id).unwrap_or_default();
        for BatchRule { rule, .. } in &mut rules {
            lay_under(&group.labels.0, rule);
        }
        (group.clone(), rules)
    });
    Ok(Batch { groups: groups.collect(), source: source::current_source(db).await?.status })
}

/// Lays a group's labels under those of a rule of it.
pub(super) fn lay_under(group: &Labels, rule: &mut rule::Model) {
    if !group.is_empty() {
        rule.labels.0 = group.under(&rule.labels.0);
    }
}

/// Rules that are evaluated: active ones, without those of servers that are not.
pub(crate) fn evaluated() -> Condition {
    let mut active_servers = Query::select();
    active_servers.column(server::Column::Id).from(server::Entity).and_where(server::Column::IsActive.eq(true));
    let watched = rule::Column::ServerId.is_null().or(rule::Column::ServerId.in_subquery(active_servers));
    Condition::all().add(rule::Column::IsActive.eq(true)).add(watched)
}

/// Joins rules of `groups` with whether they are in shadow, their open alerts, who hears of them, what was told and sent,
/// what they recorded, and their servers' names, in a read each.
pub(super) async fn with_state<C: ConnectionTrait>(
    db: &C,
    rules: Vec<rule::Model>,
    groups: &[rule_group::Model],
) -> Result<Vec<BatchRule>, DbErr> {
    let ids: Vec<Uuid> = rules.iter().map(|rule| rule.id).collect();
    let shadows = shadows(db, groups).await?;
    let mut alerts = open_alerts(db, &ids).await?;
    let mut told = what_was_told(db, &ids).await?;
    let mut forwarded = what_was_forwarded(db, &ids).await?;
    let alertmanagers = Alertmanagers::of(db, &rules).await?;
    let mut recorded = what_was_recorded(db, &ids).await?;
    let servers = server_names(db, &rules).await?;
    let joined = rules.into_iter().map(|rule| BatchRule {
        shadow: shadows.of(&rule),
        alerts: alerts.remove(&rule.id).unwrap_or_default(),
        listeners: alertmanagers.listeners(&rule, shadows.of(&rule)),
        told: told.remove(&rule.id).unwrap_or_default(),
        forwarded: forwarded.remove(&rule.id).unwrap_or_default(),
        recorded: recorded.remove(&rule.id).unwrap_or_default(),
        server: rule.server_id.and_then(|id| servers.get(&id).cloned()),
        rule,
    });
    Ok(joined.collect())
}

async fn open_alerts<C: ConnectionTrait>(db: &C, rules: &[Uuid]) -> Result<BTreeMap<Uuid, Alerts>, DbErr> {
    let rows = alert::Entity::find().filter(alert::Column::RuleId.is_in(rules.iter().copied())).all(db).await?;
    let mut by_rule: BTreeMap<Uuid, Alerts> = BTreeMap::new();
    for row in rows {
        by_rule.entry(row.rule_id).or_default().insert(fingerprint(&row.fingerprint)?, open_alert(row));
    }
    Ok(by_rule)
}

fn fingerprint(text: &str) -> Result<Fingerprint, DbErr> {
    text.parse().map_err(|_| DbErr::Type(format!("fingerprint {text}")))
}

fn open_alert(row: alert::Model) -> Alert {
    let active_at = row.active_at;
    let state = match row.fired_at {
        Some(fired_at) => AlertState::Firing { active_at, fired_at, absent_since: row.absent_since },
        None => AlertState::Pending { active_at },
    };
    let value = number::parse(&row.value).unwrap_or(f64::NAN);
    Alert { labels: row.labels.0, annotations: row.annotations.0, value, state }
}

#[derive(FromQueryResult)]
struct ToldRow {
    rule_id: Uuid,
    channel_id: Uuid,
    firing: crate::entity::stored::StoredFingerprints,
    sent_at: vigil_domain::Timestamp,
    is_shadow: bool,
    status: Option<String>,
}

async fn what_was_told<C: ConnectionTrait>(
    db: &C,
    rules: &[Uuid],
) -> Result<BTreeMap<Uuid, BTreeMap<ChannelId, Told>>, DbErr> {
    let rows = told::Entity::find()
        .select_only()
        .columns([told::Column::RuleId, told::Column::ChannelId, told::Column::Firing, told::Column::SentAt])
        .column(told::Column::IsShadow)
        .column(notification::Column::Status)
        .join(JoinType::LeftJoin, its_notification())
        .filter(told::Column::RuleId.is_in(rules.iter().copied()))
        .into_model::<ToldRow>()
        .all(db)
        .await?;
    let on_its_way = [NotificationStatus::Pending.as_str(), NotificationStatus::Sending.as_str()];
    let mut by_rule: BTreeMap<Uuid, BTreeMap<ChannelId, Told>> = BTreeMap::new();
    for row in rows {
        let in_flight = row.status.is_some_and(|status| on_its_way.contains(&status.as_str()));
        let told = Told { firing: row.firing.0, sent_at: row.sent_at, in_flight, is_shadow: row.is_shadow };
        by_rule.entry(row.rule_id).or_default().insert(ChannelId(row.channel_id), told);
    }
    Ok(by_rule)
}

async fn what_was_forwarded<C: ConnectionTrait>(db: &C, rules: &[Uuid]) -> Result<BTreeMap<Uuid, Memory>, DbErr> {
    let rows = forwarded::Entity::find().filter(forwarded::Column::RuleId.is_in(rules.iter().copied())).all(db).await?;
    let mut by_rule: BTreeMap<Uuid, Memory> = BTreeMap::new();
    for row in rows {
        let forwarded::Model { rule_id, fingerprint, last_sent_at, starts_at, resolved_at, labels, annotations } = row;
        let ended = starts_at.zip(resolved_at).map(|(starts_at, ends_at)| ForwardedAlert {
            labels: labels.unwrap_or_default().0,
            annotations: annotations.unwrap_or_default().0,
            starts_at,
            ends_at,
        });
        let sent = Forwarded { last_sent_at, ended };
        by_rule.entry(rule_id).or_default().insert(self::fingerprint(&fingerprint)?, sent);
    }
    Ok(by_rule)
}

async fn what_was_recorded<C: ConnectionTrait>(db: &C, rules: &[Uuid]) -> Result<BTreeMap<Uuid, Recorded>, DbErr> {
    let its = recorded::Column::RuleId.is_in(rules.iter().copied());
    let rows = recorded::Entity::find().filter(its).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.rule_id, row.series.0)).collect())
}

fn its_notification() -> RelationDef {
    told::Entity::belongs_to(notification::Entity)
        .from(told::Column::NotificationId)
        .to(notification::Column::Id)
        .on_condition(|_, _| Condition::all().into_condition())
        .into()
}

async fn server_names<C: ConnectionTrait>(db: &C, rules: &[rule::Model]) -> Result<BTreeMap<Uuid, String>, DbErr> {
    let ids: std::collections::BTreeSet<Uuid> = rules.iter().filter_map(|rule| rule.server_id).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let names = server::Entity::find()
        .select_only()
        .columns([server::Column::Id, server::Column::Name])
        .filter(server::Column::Id.is_in(ids))
        .into_tuple::<(Uuid, String)>()
        .all(db)
        .await?;
    Ok(names.into_iter().collect())
}
