//! `/events`: every change of state of every alert, newest first.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_domain::{
    Labels,
    alert::Annotations,
    event::{EventReason, EventState},
    id::{EventId, RuleId, ServerId},
};
use vigil_store::{
    entity::alert_event,
    history::{self, EventFilter},
};

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

/// The schema of a word that is one of `known`.
pub(super) fn word<'a>(known: impl IntoIterator<Item = &'a str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(known)).build()
}

fn states() -> Object {
    word(EventState::ALL.iter().map(|state| state.as_str()))
}

fn reasons() -> Object {
    word(EventReason::ALL.iter().map(|reason| reason.as_str()))
}

/// One change of state.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventOut {
    id: Uuid,
    rule_id: Uuid,
    /// As it was called then.
    rule_name: String,
    #[schema(required)]
    server_id: Option<Uuid>,
    #[schema(required, example = "critical")]
    severity: Option<String>,
    /// Alertmanager's fingerprint of the labels.
    #[schema(example = "8b2f1c9d7a6e5f40")]
    fingerprint: String,
    #[schema(value_type = BTreeMap<String, String>, example = json!({"alertname": "HighCpu", "instance": "web-1:9100"}))]
    labels: Labels,
    #[schema(value_type = BTreeMap<String, String>)]
    annotations: Annotations,
    #[schema(schema_with = states)]
    state: String,
    /// The sample's value as text: `97.5`, `NaN`, `+Inf`.
    #[schema(example = "97.5")]
    value: String,
    #[schema(schema_with = reasons)]
    reason: String,
    /// Whether its rule was in shadow, so that nobody was told.
    shadow: bool,
    /// The slot that first saw the alert.
    active_at: DateTime<Utc>,
    /// The slot since which it fired.
    #[schema(required)]
    starts_at: Option<DateTime<Utc>>,
    /// The slot: the instant the evaluation was for.
    evaluated_at: DateTime<Utc>,
    /// When it was written down.
    created_at: DateTime<Utc>,
}

impl From<alert_event::Model> for EventOut {
    fn from(row: alert_event::Model) -> Self {
        let alert_event::Model {
            id, rule_id, rule_name, server_id, severity, fingerprint, labels, annotations, ..
        } = row;
        let alert_event::Model {
            state, value, reason, is_shadow, active_at, starts_at, evaluated_at, created_at, ..
        } = row;
        let (labels, annotations) = (labels.0, annotations.0);
        Self {
            id,
            rule_id,
            rule_name,
            server_id,
            severity,
            fingerprint,
            labels,
            annotations,
            state,
            value,
            reason,
            shadow: is_shadow,
            active_at,
            starts_at,
            evaluated_at,
            created_at,
        }
    }
}

/// Which events a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[param(value_type = Option<Uuid>)]
    server_id: Option<ServerId>,
    #[param(value_type = Option<Uuid>)]
    rule_id: Option<RuleId>,
    severity: Option<String>,
    #[param(schema_with = states)]
    state: Option<EventState>,
    /// Whether their rules were in shadow then.
    shadow: Option<bool>,
    /// Slots from here on.
    from: Option<DateTime<Utc>>,
    /// Slots up to here.
    to: Option<DateTime<Utc>>,
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists events, newest first. Also serves as the list of recent alerts.
#[utoipa::path(get, path = "/events", tag = "events", operation_id = "list_events", params(ListQuery),
    responses((status = 200, description = "One page", body = Page<EventOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(_: Viewer, State(app): State<AppState>, Query(query): Query<ListQuery>) -> Result<Json<Page<EventOut>>> {
    let page = window::<Uuid>(query.limit, query.cursor.as_deref())?;
    let ListQuery { server_id, rule_id, severity, state, shadow: is_shadow, from, to, .. } = query;
    let state = state.map(EventState::as_str);
    let filter = EventFilter { server_id, rule_id, severity, state, is_shadow, from, to };
    let rows = history::events(&app.db, &filter, page.after, page.rows()).await?;
    Ok(Json(Page::of(rows, &page, |row| row.id, EventOut::from)))
}

/// Shows one event.
#[utoipa::path(get, path = "/events/{id}", tag = "events", operation_id = "show_event", params(("id" = Uuid, Path, description = "The event")),
    responses((status = 200, description = "The event", body = EventOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn show(_: Viewer, State(app): State<AppState>, Path(id): Path<EventId>) -> Result<Json<EventOut>> {
    let event = history::event(&app.db, id).await?.ok_or(Problem::NotFound("the event"))?;
    Ok(Json(event.into()))
}
