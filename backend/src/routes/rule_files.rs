//! `/rule-files`: Prometheus' rule files, imported with a plan, exported without loss, and released to the API.

mod input;
mod output;
mod parse;

use axum::{
    extract::{DefaultBodyLimit, State},
    http::header::CONTENT_TYPE,
    response::IntoResponse,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use vigil_domain::rule_file::{Plan, PrometheusVersion};
use vigil_store::rules::{
    files::{self, Applied, Import, Scope},
    shadow,
};

pub(super) use self::parse::{group as parse_group, in_background};
use self::{
    input::{FilePatch, ImportQuery},
    output::{FileOut, PlanOut},
};
use super::notifications::push;
use crate::{
    auth::{Caller, Operator, Viewer},
    extract::{Json, Path, Query, Yaml},
    openapi::{Guarded, Reading, Writing},
    page::{Page, PageQuery},
    problem::{Problem, Result},
    state::AppState,
};

/// The longest rule file that is taken, in bytes: some tens of thousands of rules.
pub(super) const LARGEST_BODY: usize = 16 << 20;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list, import))
        .routes(routes!(export, change, remove))
        .routes(routes!(release))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
}

/// Lists namespaces by name: rule files, and `vigil` for what the API made.
#[utoipa::path(get, path = "/rule-files", tag = "rule-files", operation_id = "list_rule_files", params(PageQuery),
    responses((status = 200, description = "One page", body = Page<FileOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(_: Viewer, State(app): State<AppState>, Query(query): Query<PageQuery>) -> Result<Json<Page<FileOut>>> {
    let page = query.window::<String>()?;
    let rows = files::list(&app.db, page.after.as_deref(), page.rows()).await?;
    Ok(Json(Page::of(rows, &page, |row| row.file.namespace.clone(), FileOut::from)))
}

/// Makes the rules of a namespace those of a file.
///
/// Either all of it or, when anything in the file is wrong, nothing. A rule is known by its name and its labels, within
/// its group: it keeps its alerts when its expression, `for` or annotations change. Rules that are no longer in the file
/// go, and their alerts end. What the file owns can be changed by the next import only, unless it is released; except
/// `shadow`, for which a file has no word.
#[utoipa::path(post, path = "/rule-files", tag = "rule-files", operation_id = "import_rule_file", params(ImportQuery),
    request_body(description = "A rule file", content(
        ("application/yaml", example = json!("groups:\n- name: node\n  rules:\n  - alert: Down\n    expr: up == 0\n")),
        ("text/yaml"), ("text/plain"))),
    responses((status = 200, description = "What changed, or would", body = PlanOut), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn import(
    Operator(caller): Operator,
    State(app): State<AppState>,
    query: ImportQuery,
    Yaml(text): Yaml,
) -> Result<Json<PlanOut>> {
    let ImportQuery { namespace, dry_run, lenient, channel_id, shadow } = query;
    let dry_run = dry_run.unwrap_or_default();
    let unknown_fields = parse::unknown_fields(lenient.unwrap_or_default());
    let name = namespace.clone();
    let (import, warnings) = in_background(move || {
        let (file, warnings) = parse::file(&text, unknown_fields)?;
        Ok((Import::file(name, file, channel_id)?.with_shadow(shadow), warnings))
    })
    .await?;
    let plan = carry_out(&app, &import, dry_run, &caller).await?;
    Ok(Json(PlanOut::new(namespace, dry_run, &plan, &warnings)))
}

/// For which Prometheus a file is.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// The version of the Prometheus that is to read it: what that one does not know is folded into what it knows, or
    /// named and refused. When absent, the newest.
    #[param(example = "2.42")]
    target: Option<String>,
}

/// Writes a namespace as a rule file.
///
/// Importing it again changes nothing. Of the rules that the API made, those that are switched on are in it, thresholds
/// and matchers of servers within their expressions.
#[utoipa::path(get, path = "/rule-files/{namespace}", tag = "rule-files", operation_id = "export_rule_file",
    params(("namespace" = String, Path, description = "The file"), ExportQuery),
    responses((status = 200, description = "The file", content_type = "application/yaml", body = Object), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn export(
    _: Viewer,
    State(app): State<AppState>,
    Path(namespace): Path<String>,
    Query(query): Query<ExportQuery>,
) -> Result<impl IntoResponse> {
    let target = query.target.as_deref().map(str::parse::<PrometheusVersion>).transpose();
    let target = target.map_err(|error| Problem::field("target", error.to_string()))?;
    let file = files::export(&app.db, &namespace, &Scope::File).await?.ok_or(Problem::NotFound("the rule file"))?;
    let file = match target {
        Some(target) => file.for_target(target).map_err(|reasons| parse::unfit(&reasons))?,
        None => file,
    };
    Ok(([(CONTENT_TYPE, "application/yaml")], file.to_yaml()))
}

/// Changes a namespace: puts all its rules in shadow, or takes that back.
///
/// In shadow rules are evaluated and recorded, while nobody is told and nothing is written to the data source. What a
/// group or a rule says of itself stays. Once a rule is out of shadow, what fires is told as new.
#[utoipa::path(patch, path = "/rule-files/{namespace}", tag = "rule-files", operation_id = "update_rule_file",
    params(("namespace" = String, Path, description = "The file; `vigil` for what the API made")), request_body = FilePatch,
    responses((status = 200, description = "The file after the change", body = FileOut), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn change(
    _: Operator,
    State(app): State<AppState>,
    Path(namespace): Path<String>,
    Json(patch): Json<FilePatch>,
) -> Result<Json<FileOut>> {
    let row = match patch.shadow {
        Some(is_shadow) => shadow::set_namespace(&app.db, &namespace, is_shadow).await?,
        None => files::find(&app.db, &namespace).await?.ok_or(Problem::NotFound("the rule file"))?,
    };
    Ok(Json(row.into()))
}

/// Whether something is only to be planned.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemovalQuery {
    /// Says what would change, and changes nothing.
    #[param(default = false)]
    dry_run: Option<bool>,
}

/// Removes all rules of a namespace and ends their alerts. Their versions and their history stay.
#[utoipa::path(delete, path = "/rule-files/{namespace}", tag = "rule-files", operation_id = "remove_rule_file",
    params(("namespace" = String, Path, description = "The file"), RemovalQuery),
    responses((status = 200, description = "What changed, or would", body = PlanOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn remove(
    Operator(caller): Operator,
    State(app): State<AppState>,
    Path(namespace): Path<String>,
    Query(query): Query<RemovalQuery>,
) -> Result<Json<PlanOut>> {
    let dry_run = query.dry_run.unwrap_or_default();
    let import = Import::removal(namespace.clone(), Scope::File)?;
    let plan = carry_out(&app, &import, dry_run, &caller).await?;
    Ok(Json(PlanOut::new(namespace, dry_run, &plan, &[])))
}

/// Lets the API change the rules of a file.
///
/// They stay in their namespace; importing the file again takes them back and undoes what was changed.
#[utoipa::path(post, path = "/rule-files/{namespace}/release", tag = "rule-files", operation_id = "release_rule_file",
    params(("namespace" = String, Path, description = "The file")),
    responses((status = 200, description = "The file, no longer owning its rules", body = FileOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn release(_: Operator, State(app): State<AppState>, Path(namespace): Path<String>) -> Result<Json<FileOut>> {
    Ok(Json(files::release(&app.db, &namespace, app.now()).await?.into()))
}

/// Does what an import says, or only plans it.
pub(super) async fn carry_out(app: &AppState, import: &Import, dry_run: bool, caller: &Caller) -> Result<Plan> {
    if dry_run {
        return Ok(files::planned(&app.db, import).await?);
    }
    let by = (app.now(), app.deviations());
    let Applied { plan, due } = files::apply(&app.db, import, caller.user_id, by).await?;
    push(app, due).await;
    Ok(plan)
}
