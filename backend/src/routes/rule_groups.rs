//! `/rule-groups`: named groups, which own the interval of their rules.

use axum::{
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::IntoResponse,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_domain::{Labels, Span, id::GroupId, rule::GroupDraft};
use vigil_store::{
    entity::rule_group,
    rules::{groups, interval_of, shadow},
};

use crate::{
    auth::{Operator, Viewer},
    extract::{IfMatch, Json, Path, Query, double_option, given},
    openapi::{Guarded, Reading, Writing},
    page::{Page, window},
    problem::{Problem, Result},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// A named rule group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "node", "interval": "30s", "limit": 100}))]
pub(crate) struct GroupIn {
    /// Unique among the groups that the API makes.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// How often its rules are evaluated: whole seconds, `1s` to `7d`.
    #[serde(default)]
    #[schema(default = "1m", example = "30s")]
    interval: Option<String>,
    /// The most alerts one of its rules may have; a rule with more has none. 0 is no limit.
    #[serde(default)]
    #[schema(minimum = 0, default = 0)]
    limit: Option<i64>,
    /// How far back the data source is asked, for series that arrive late.
    #[serde(default)]
    #[schema(example = "30s")]
    query_offset: Option<String>,
    /// All its rules are evaluated and recorded, while nobody is told and nothing is written to the data source.
    #[serde(default)]
    #[schema(default = false)]
    shadow: Option<bool>,
}

/// Changes to a rule group: what is absent stays, `null` clears.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"interval": "15s"}))]
pub(crate) struct GroupPatch {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200)]
    name: Option<String>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false)]
    interval: Option<Option<String>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<i64>, required = false, minimum = 0)]
    limit: Option<Option<i64>>,
    #[serde(default, deserialize_with = "double_option")]
    #[schema(value_type = Option<String>, required = false)]
    query_offset: Option<Option<String>>,
    /// By itself this can be changed although a rule file owns the group, which has no word for it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool, required = false)]
    shadow: Option<bool>,
}

impl From<GroupIn> for GroupDraft {
    fn from(body: GroupIn) -> Self {
        let GroupIn { name, interval, limit, query_offset, shadow } = body;
        Self { name, interval, limit, query_offset, is_shadow: shadow }
    }
}

impl GroupPatch {
    /// What is to become of the group's shadow, if nothing else changes.
    fn only_shadow(&self) -> Option<bool> {
        match self {
            Self { name: None, interval: None, limit: None, query_offset: None, shadow } => *shadow,
            Self { .. } => None,
        }
    }

    /// The group as it would be.
    fn applied_to(self, row: &rule_group::Model) -> GroupDraft {
        let text = |millis: i64| Span::from_millis_i64(millis).to_string();
        GroupDraft {
            name: self.name.unwrap_or_else(|| row.name.clone().unwrap_or_default()),
            interval: self.interval.unwrap_or_else(|| Some(text(row.interval_ms))),
            limit: self.limit.unwrap_or(Some(row.alert_limit.max(0))),
            query_offset: self.query_offset.unwrap_or_else(|| row.query_offset_ms.map(text)),
            is_shadow: Some(self.shadow.unwrap_or(row.is_shadow)),
        }
    }
}

/// A rule group.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleGroup)]
pub(crate) struct GroupOut {
    id: Uuid,
    /// The rule file it came from; `vigil` for what the API made.
    #[schema(example = "vigil")]
    namespace: String,
    #[schema(example = "node")]
    name: String,
    /// Whether its rule file owns it: then it is changed by importing that again.
    read_only: bool,
    #[schema(value_type = String, example = "30s")]
    interval: Span,
    #[schema(minimum = 0)]
    limit: i64,
    #[schema(value_type = Option<String>, required, example = "30s")]
    query_offset: Option<Span>,
    /// Set on the alerts of its rules, under the rules' own.
    #[schema(value_type = BTreeMap<String, String>, example = json!({"team": "infra"}))]
    labels: Labels,
    /// By its own word: its rules may be in shadow by theirs, or its namespace's.
    shadow: bool,
    /// How many of its rules are evaluated.
    #[schema(minimum = 0)]
    active_rules: i32,
    /// When it was last evaluated.
    #[schema(required)]
    last_evaluation: Option<DateTime<Utc>>,
    /// How long that took: its queries and what was made of them.
    #[schema(required)]
    evaluation_seconds: Option<f64>,
    /// Evaluations that did not take place in time.
    #[schema(minimum = 0)]
    missed_slots: i64,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<rule_group::Model> for GroupOut {
    fn from(row: rule_group::Model) -> Self {
        Self {
            id: row.id,
            read_only: row.from_file,
            interval: interval_of(&row),
            limit: row.alert_limit.max(0),
            query_offset: row.query_offset_ms.map(Span::from_millis_i64),
            shadow: row.is_shadow,
            active_rules: row.rule_count,
            last_evaluation: row.evaluated_at,
            evaluation_seconds: row.evaluation_us.map(|micros| micros as f64 / 1e6),
            missed_slots: row.missed_slots,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            namespace: row.namespace,
            labels: row.labels.0,
            name: row.name.unwrap_or_default(),
        }
    }
}

/// Which groups a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// A rule file; `vigil` for what the API made.
    namespace: Option<String>,
    /// Part of the name, whatever the case.
    q: Option<String>,
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists named rule groups, newest first.
#[utoipa::path(get, path = "/rule-groups", tag = "rule-groups", operation_id = "list_rule_groups", params(ListQuery),
    responses((status = 200, description = "One page", body = Page<GroupOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(_: Viewer, State(app): State<AppState>, Query(query): Query<ListQuery>) -> Result<Json<Page<GroupOut>>> {
    let page = window::<Uuid>(query.limit, query.cursor.as_deref())?;
    let rows = groups::list(&app.db, query.namespace.as_deref(), query.q.as_deref(), page.after, page.rows()).await?;
    Ok(Json(Page::of(rows, &page, |row| row.id, GroupOut::from)))
}

/// Adds a named rule group.
#[utoipa::path(post, path = "/rule-groups", tag = "rule-groups", operation_id = "create_rule_group", request_body = GroupIn,
    responses(
        (status = 201, description = "Added", body = GroupOut, headers(("Location" = String, description = "Its address"))),
        Guarded, Writing,
    ),
    security(("bearer" = []), ("oauth2" = [])))]
async fn create(_: Operator, State(app): State<AppState>, Json(body): Json<GroupIn>) -> Result<impl IntoResponse> {
    let spec = GroupDraft::from(body).check()?;
    let group = GroupOut::from(groups::insert(&app.db, spec, app.now()).await?);
    Ok((StatusCode::CREATED, [(LOCATION, format!("/api/v1/rule-groups/{}", group.id))], Json(group)))
}

/// Shows a named rule group.
#[utoipa::path(get, path = "/rule-groups/{id}", tag = "rule-groups", operation_id = "show_rule_group",
    params(("id" = Uuid, Path, description = "The group")),
    responses((status = 200, description = "The group", body = GroupOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn show(_: Viewer, State(app): State<AppState>, Path(id): Path<GroupId>) -> Result<Json<GroupOut>> {
    let group = groups::find(&app.db, id).await?.ok_or(Problem::NotFound("the rule group"))?;
    Ok(Json(group.into()))
}

/// Changes a named rule group. Its rules follow a new interval at once.
///
/// `shadow` alone can also be changed of a group that a file owns.
#[utoipa::path(patch, path = "/rule-groups/{id}", tag = "rule-groups", operation_id = "update_rule_group", request_body = GroupPatch,
    params(("id" = Uuid, Path, description = "The group"), IfMatch),
    responses((status = 200, description = "The group after the change", body = GroupOut), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn update(
    _: Operator,
    State(app): State<AppState>,
    Path(id): Path<GroupId>,
    IfMatch(version): IfMatch,
    Json(patch): Json<GroupPatch>,
) -> Result<Json<GroupOut>> {
    if let Some(is_shadow) = patch.only_shadow() {
        return Ok(Json(shadow::set_group(&app.db, id, version, app.now(), is_shadow).await?.into()));
    }
    let edit = |row: &rule_group::Model| patch.applied_to(row).check();
    let group = groups::update(&app.db, id, version, app.now(), edit).await?;
    Ok(Json(group.into()))
}

/// Removes a rule group that has no rules.
#[utoipa::path(delete, path = "/rule-groups/{id}", tag = "rule-groups", operation_id = "delete_rule_group",
    params(("id" = Uuid, Path, description = "The group"), IfMatch),
    responses((status = 204, description = "Removed"), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn delete(
    _: Operator,
    State(app): State<AppState>,
    Path(id): Path<GroupId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode> {
    groups::delete(&app.db, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
