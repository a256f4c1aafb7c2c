//! `/rules`: expressions that make alerts, with every version of them. Rules of a file are shown, not changed.

mod input;
mod output;
mod preview;

use axum::{
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::IntoResponse,
};
use serde::Deserialize;
use utoipa::{IntoParams, openapi::Object};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_domain::{
    id::{RuleId, ServerId},
    rule::{RuleDraft, RuleKind},
};
use vigil_store::rules::{self, Filter, RuleRow, shadow};

use self::{
    input::{RuleIn, RulePatch},
    output::{RuleOut, VersionOut},
};
use super::{events::word, notifications::push};
use crate::{
    auth::{Operator, Viewer},
    extract::{IfMatch, Json, Path, Query},
    openapi::{Guarded, Reading, Writing},
    page::{Page, PageQuery, window},
    problem::{Problem, Result},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, update, delete))
        .routes(routes!(versions))
        .merge(preview::routes())
}

/// How the last evaluation of a rule went.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Health {
    Unknown,
    Ok,
    Err,
}

impl Health {
    const ALL: [Self; 3] = [Self::Unknown, Self::Ok, Self::Err];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Err => "err",
        }
    }
}

fn healths() -> Object {
    word(Health::ALL.map(Health::as_str))
}

fn kinds() -> Object {
    word(RuleKind::ALL.iter().map(|kind| kind.as_str()))
}

/// Which rules a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[param(value_type = Option<Uuid>)]
    server_id: Option<ServerId>,
    /// A rule file; `vigil` for what the API made.
    namespace: Option<String>,
    /// The name of a group.
    group: Option<String>,
    #[param(schema_with = kinds)]
    kind: Option<RuleKind>,
    severity: Option<String>,
    is_active: Option<bool>,
    /// Whether they are in shadow: by themselves, their group or their namespace.
    shadow: Option<bool>,
    #[param(schema_with = healths)]
    health: Option<Health>,
    /// Part of the name, whatever the case.
    q: Option<String>,
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists rules, newest first.
#[utoipa::path(get, path = "/rules", tag = "rules", operation_id = "list_rules", params(ListQuery),
    responses((status = 200, description = "One page", body = Page<RuleOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(_: Viewer, State(app): State<AppState>, Query(query): Query<ListQuery>) -> Result<Json<Page<RuleOut>>> {
    let page = window::<Uuid>(query.limit, query.cursor.as_deref())?;
    let filter = Filter {
        server_id: query.server_id,
        namespace: query.namespace,
        group: query.group,
        kind: query.kind,
        severity: query.severity,
        is_active: query.is_active,
        in_shadow: query.shadow,
        health: query.health.map(Health::as_str),
        name_contains: query.q,
    };
    let rows = rules::list(&app.db, &filter, page.after, page.rows()).await?;
    Ok(Json(Page::of(rows, &page, |row| row.rule.id, RuleOut::from)))
}

/// Adds a rule.
///
/// The first evaluation follows within one interval. A `group` that does not exist is made, with an interval of 1m.
#[utoipa::path(post, path = "/rules", tag = "rules", operation_id = "create_rule", request_body = RuleIn,
    responses(
        (status = 201, description = "Added", body = RuleOut, headers(("Location" = String, description = "Its address"))),
        Guarded, Writing,
    ),
    security(("bearer" = []), ("oauth2" = [])))]
async fn create(
    Operator(caller): Operator,
    State(app): State<AppState>,
    Json(body): Json<RuleIn>,
) -> Result<impl IntoResponse> {
    let spec = RuleDraft::from(body).check_with(app.deviations())?;
    let rule = RuleOut::from(rules::insert(&app.db, spec, caller.user_id, app.now()).await?);
    Ok((StatusCode::CREATED, [(LOCATION, format!("/api/v1/rules/{}", rule.id))], Json(rule)))
}

/// Shows a rule.
#[utoipa::path(get, path = "/rules/{id}", tag = "rules", operation_id = "show_rule", params(("id" = Uuid, Path, description = "The rule")),
    responses((status = 200, description = "The rule", body = RuleOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn show(_: Viewer, State(app): State<AppState>, Path(id): Path<RuleId>) -> Result<Json<RuleOut>> {
    let rule = rules::find(&app.db, id).await?.ok_or(Problem::NotFound("the rule"))?;
    Ok(Json(rule.into()))
}

/// Changes a rule.
///
/// Open alerts stay as they are; the next evaluation is by the new rule. Switching it off ends them, and so do another name
/// and other labels, for then it is another rule. Once it is out of shadow, what fires is told as new; in shadow nobody is
/// told of ends either. `shadow` alone can also be changed of a rule that a file owns.
#[utoipa::path(patch, path = "/rules/{id}", tag = "rules", operation_id = "update_rule", request_body = RulePatch,
    params(("id" = Uuid, Path, description = "The rule"), IfMatch),
    responses((status = 200, description = "The rule after the change", body = RuleOut), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn update(
    Operator(caller): Operator,
    State(app): State<AppState>,
    Path(id): Path<RuleId>,
    IfMatch(version): IfMatch,
    Json(patch): Json<RulePatch>,
) -> Result<Json<RuleOut>> {
    if let Some(is_shadow) = patch.only_shadow() {
        let rule = shadow::set_rule(&app.db, id, version, caller.user_id, app.now(), is_shadow).await?;
        return Ok(Json(rule.into()));
    }
    let deviations = app.deviations();
    let change = |row: &RuleRow| patch.clone().applied_to(row).check_with(deviations);
    let (rule, due) = rules::update(&app.db, id, version, caller.user_id, (app.now(), deviations), change).await?;
    push(&app, due).await;
    Ok(Json(rule.into()))
}

/// Removes a rule and ends its alerts. Its versions and its history stay.
#[utoipa::path(delete, path = "/rules/{id}", tag = "rules", operation_id = "delete_rule",
    params(("id" = Uuid, Path, description = "The rule"), IfMatch),
    responses((status = 204, description = "Removed"), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn delete(
    Operator(caller): Operator,
    State(app): State<AppState>,
    Path(id): Path<RuleId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode> {
    let due = rules::delete(&app.db, id, version, caller.user_id, (app.now(), app.deviations())).await?;
    push(&app, due).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists every version of a rule, newest first; also of one that was removed.
#[utoipa::path(get, path = "/rules/{id}/versions", tag = "rules", operation_id = "list_rule_versions",
    params(("id" = Uuid, Path, description = "The rule"), PageQuery),
    responses((status = 200, description = "One page", body = Page<VersionOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn versions(
    _: Viewer,
    State(app): State<AppState>,
    Path(id): Path<RuleId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<VersionOut>>> {
    let page = query.window::<i32>()?;
    let rows = rules::versions(&app.db, id, page.after, page.rows()).await?;
    if rows.is_empty() && page.after.is_none() {
        return Err(Problem::NotFound("the rule"));
    }
    let rows = rows.into_iter().map(VersionOut::try_from).collect::<std::result::Result<Vec<_>, _>>();
    let rows = rows.map_err(Problem::internal)?;
    Ok(Json(Page::of(rows, &page, |version| version.version, |version| version)))
}

#[cfg(test)]
mod tests;
