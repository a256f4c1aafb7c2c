//! `/alerts`: what is pending or firing now.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_domain::{
    Labels, Timestamp,
    alert::Annotations,
    id::{RuleId, ServerId},
};
use vigil_store::{
    entity::alert,
    history::{self, AlertFilter, AlertMark},
    rules::shadow,
};

use crate::{
    auth::Viewer,
    extract::{Json, Query},
    openapi::{Guarded, Reading},
    page::{Page, window},
    problem::Result,
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Where in its life an open alert is.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OpenState {
    Pending,
    Firing,
}

impl OpenState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// One series of one rule that is pending or firing.
#[derive(Serialize, ToSchema)]
#[schema(as = Alert)]
pub(crate) struct AlertOut {
    rule_id: Uuid,
    #[schema(required)]
    server_id: Option<Uuid>,
    /// Alertmanager's fingerprint of the labels.
    #[schema(example = "8b2f1c9d7a6e5f40")]
    fingerprint: String,
    #[schema(value_type = BTreeMap<String, String>, example = json!({"alertname": "HighCpu", "instance": "web-1:9100"}))]
    labels: Labels,
    #[schema(value_type = BTreeMap<String, String>)]
    annotations: Annotations,
    state: OpenState,
    /// Whether its rule is in shadow, so that nobody is told.
    shadow: bool,
    /// The sample's value as text: `97.5`, `NaN`, `+Inf`.
    #[schema(example = "97.5")]
    value: String,
    /// The slot that first saw it.
    active_at: DateTime<Utc>,
    /// The slot since which it fires.
    #[schema(required)]
    starts_at: Option<DateTime<Utc>>,
    /// The slot that first missed it, while `keep_firing_for` keeps it.
    #[schema(required)]
    keep_firing_since: Option<DateTime<Utc>>,
}

impl AlertOut {
    fn new(row: alert::Model, shadow: bool) -> Self {
        let alert::Model { rule_id, fingerprint, server_id, severity: _, state: _, value, labels, annotations, .. } =
            row;
        let alert::Model { active_at, fired_at, absent_since, .. } = row;
        Self {
            rule_id,
            server_id,
            fingerprint,
            labels: labels.0,
            annotations: annotations.0,
            state: if fired_at.is_some() { OpenState::Firing } else { OpenState::Pending },
            shadow,
            value,
            active_at,
            starts_at: fired_at,
            keep_firing_since: absent_since,
        }
    }
}

/// Which alerts a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[param(value_type = Option<Uuid>)]
    server_id: Option<ServerId>,
    #[param(value_type = Option<Uuid>)]
    rule_id: Option<RuleId>,
    severity: Option<String>,
    #[param(inline)]
    state: Option<OpenState>,
    /// Whether their rules are in shadow.
    shadow: Option<bool>,
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The sort key of the list, as it travels in the cursor.
#[derive(Serialize, Deserialize)]
struct Mark(i64, Uuid, String);

/// Lists open alerts, newest first.
#[utoipa::path(get, path = "/alerts", tag = "alerts", operation_id = "list_alerts", params(ListQuery),
    responses((status = 200, description = "One page", body = Page<AlertOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(_: Viewer, State(app): State<AppState>, Query(query): Query<ListQuery>) -> Result<Json<Page<AlertOut>>> {
    let page = window::<Mark>(query.limit, query.cursor.as_deref())?;
    let filter = AlertFilter {
        server_id: query.server_id,
        rule_id: query.rule_id,
        severity: query.severity,
        state: query.state.map(OpenState::as_str),
        in_shadow: query.shadow,
    };
    let after = page.after.as_ref().and_then(|Mark(millis, rule_id, fingerprint)| {
        let active_at = Timestamp::from_timestamp_millis(*millis)?;
        Some(AlertMark { active_at, rule_id: *rule_id, fingerprint: fingerprint.clone() })
    });
    let rows = history::alerts(&app.db, &filter, after.as_ref(), page.rows()).await?;
    let mark = |row: &alert::Model| Mark(row.active_at.timestamp_millis(), row.rule_id, row.fingerprint.clone());
    let in_shadow = shadow::among(&app.db, rows.iter().map(|row| row.rule_id).collect()).await?;
    Ok(Json(Page::of(rows, &page, mark, |row| {
        let is_shadow = in_shadow.contains(&row.rule_id);
        AlertOut::new(row, is_shadow)
    })))
}
