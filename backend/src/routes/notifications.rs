//! `/notifications`: what was said to whom, why, and how it went.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema, openapi::Object};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_domain::{
    Labels, Timestamp,
    id::{ChannelId, NotificationId, RuleId},
    message::{AlertLine, ForwardedAlert, MOST_ALERTS, Message},
    notification::{NotificationStatus, NotifyReason},
};
use vigil_store::{
    entity::notification_attempt,
    history::{self, NotificationFilter, Told},
};

use super::events::word;
use crate::{
    auth::Viewer,
    extract::{Json, Path, Query},
    openapi::{Guarded, Reading},
    page::{Page, window},
    problem::{Problem, Result},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(show))
}

/// Asks the workers to deliver what a change has just made due. Should the queue be away, the sweep finds it.
pub(super) async fn push(app: &AppState, due: Vec<NotificationId>) {
    if due.is_empty() {
        return;
    }
    if let Err(error) = app.queue.push_deliver(due).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "queue away; the sweep will deliver");
    }
}

fn reasons() -> Object {
    word(NotifyReason::ALL.iter().map(|reason| reason.as_str()))
}

fn statuses() -> Object {
    word(NotificationStatus::ALL.iter().map(|status| status.as_str()))
}

fn attempt_statuses() -> Object {
    word(["sending", "delivered", "failed", "unknown"])
}

fn line_states() -> Object {
    word(["firing", "resolved"])
}

/// One message to one channel.
#[derive(Serialize, ToSchema)]
#[schema(as = Notification)]
pub(crate) struct NotificationOut {
    id: Uuid,
    channel_id: Uuid,
    /// The rule it speaks of; none for messages about Vigil itself.
    #[schema(required)]
    rule_id: Option<Uuid>,
    /// Why it is sent, or with the status `shadow` would have been.
    #[schema(schema_with = reasons)]
    reason: String,
    #[schema(schema_with = statuses)]
    status: String,
    /// A send whose outcome is unknown was tried again: it may have arrived twice.
    maybe_duplicate: bool,
    /// What it speaks of: what fires, then what has ended; long lists are cut.
    alerts: Vec<LineOut>,
    /// Every try so far, oldest first.
    attempts: Vec<AttemptOut>,
    /// The newest failure.
    #[schema(required)]
    last_error: Option<String>,
    /// When it is, or was, to be tried next.
    due_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    #[schema(required)]
    delivered_at: Option<DateTime<Utc>>,
}

/// One alert of a message.
#[derive(Serialize, ToSchema)]
pub(crate) struct LineOut {
    #[schema(example = "8b2f1c9d7a6e5f40")]
    fingerprint: String,
    #[schema(value_type = BTreeMap<String, String>, example = json!({"alertname": "HighCpu", "instance": "web-1:9100"}))]
    labels: Labels,
    #[schema(schema_with = line_states)]
    state: &'static str,
}

/// One try to deliver.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptOut {
    at: DateTime<Utc>,
    #[schema(schema_with = attempt_statuses)]
    status: String,
    #[schema(required)]
    error: Option<String>,
    /// What the peer answered.
    #[schema(required)]
    peer_response: Option<String>,
}

impl From<AlertLine> for LineOut {
    fn from(line: AlertLine) -> Self {
        let state = if line.ended_at.is_some() { "resolved" } else { "firing" };
        Self { fingerprint: line.fingerprint.to_string(), labels: line.labels, state }
    }
}

impl LineOut {
    /// One of those that an Alertmanager was sent at `at`.
    fn forwarded(alert: ForwardedAlert, at: Timestamp) -> Self {
        let state = if alert.is_over(at) { "resolved" } else { "firing" };
        Self { fingerprint: alert.labels.fingerprint().to_string(), labels: alert.labels, state }
    }
}

impl From<notification_attempt::Model> for AttemptOut {
    fn from(row: notification_attempt::Model) -> Self {
        let notification_attempt::Model { at, status, error, peer_response, .. } = row;
        Self { at, status, error, peer_response }
    }
}

impl From<Told> for NotificationOut {
    fn from((row, attempts): Told) -> Self {
        let Message { alerts, forward, at, .. } = row.message.0;
        let forwarded = forward.into_iter().flat_map(|forward| forward.alerts).take(MOST_ALERTS);
        let forwarded = forwarded.map(|alert| LineOut::forwarded(alert, at));
        Self {
            id: row.id,
            channel_id: row.channel_id,
            rule_id: row.rule_id,
            reason: row.reason,
            status: row.status,
            maybe_duplicate: row.maybe_duplicate,
            alerts: alerts.into_iter().map(LineOut::from).chain(forwarded).collect(),
            attempts: attempts.into_iter().map(AttemptOut::from).collect(),
            last_error: row.last_error,
            due_at: row.due_at,
            created_at: row.created_at,
            delivered_at: row.delivered_at,
        }
    }
}

/// Which notifications a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[param(value_type = Option<Uuid>)]
    channel_id: Option<ChannelId>,
    #[param(value_type = Option<Uuid>)]
    rule_id: Option<RuleId>,
    #[param(schema_with = statuses)]
    status: Option<NotificationStatus>,
    #[param(schema_with = reasons)]
    reason: Option<NotifyReason>,
    /// Made from here on.
    from: Option<DateTime<Utc>>,
    /// Made up to here.
    to: Option<DateTime<Utc>>,
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists notifications with their attempts, newest first.
#[utoipa::path(get, path = "/notifications", tag = "notifications", operation_id = "list_notifications", params(ListQuery),
    responses((status = 200, description = "One page", body = Page<NotificationOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(
    _: Viewer,
    State(app): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<NotificationOut>>> {
    let page = window::<Uuid>(query.limit, query.cursor.as_deref())?;
    let filter = NotificationFilter {
        channel_id: query.channel_id,
        rule_id: query.rule_id,
        status: query.status.map(NotificationStatus::as_str),
        reason: query.reason.map(NotifyReason::as_str),
        from: query.from,
        to: query.to,
    };
    let rows = history::notifications(&app.db, &filter, page.after, page.rows()).await?;
    Ok(Json(Page::of(rows, &page, |(row, _)| row.id, NotificationOut::from)))
}

/// Shows one notification.
#[utoipa::path(get, path = "/notifications/{id}", tag = "notifications", operation_id = "show_notification",
    params(("id" = Uuid, Path, description = "The notification")),
    responses((status = 200, description = "The notification", body = NotificationOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn show(_: Viewer, State(app): State<AppState>, Path(id): Path<NotificationId>) -> Result<Json<NotificationOut>> {
    let told = history::notification(&app.db, id).await?.ok_or(Problem::NotFound("the notification"))?;
    Ok(Json(told.into()))
}
