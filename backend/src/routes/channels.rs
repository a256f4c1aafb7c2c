//! `/channels`: configured destinations. Secrets come in and never go out.

mod shape;
mod trial;

use axum::{
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::IntoResponse,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_domain::{channel::ChannelKind, id::ChannelId};
use vigil_store::{
    channels::{self, Filter, Kept},
    entity::channel,
    seal::Sealer,
};

use self::shape::{ChannelDraft, ChannelIn, ChannelOut, ChannelPatch, kinds};
use crate::{
    auth::{Operator, Viewer},
    extract::{IfMatch, Json, Path, Query},
    openapi::{Guarded, Reading, Writing},
    page::{Page, window},
    problem::{Problem, Result},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, update, delete)).merge(trial::routes())
}

/// Which channels a list shows.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[param(schema_with = kinds)]
    kind: Option<ChannelKind>,
    is_active: Option<bool>,
    /// Part of the name, whatever the case.
    q: Option<String>,
    /// Items per page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u64>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists channels, newest first.
#[utoipa::path(get, path = "/channels", tag = "channels", operation_id = "list_channels", params(ListQuery),
    responses((status = 200, description = "One page", body = Page<ChannelOut>), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn list(
    _: Viewer,
    State(app): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<ChannelOut>>> {
    let page = window::<Uuid>(query.limit, query.cursor.as_deref())?;
    let filter = Filter { kind: query.kind, is_active: query.is_active, name_contains: query.q };
    let rows = channels::list(&app.db, &filter, page.after, page.rows()).await?;
    Ok(Json(Page::of(rows, &page, |row| row.id, ChannelOut::from)))
}

/// Adds a channel.
#[utoipa::path(post, path = "/channels", tag = "channels", operation_id = "create_channel", request_body = ChannelIn,
    responses(
        (status = 201, description = "Added", body = ChannelOut, headers(("Location" = String, description = "Its address"))),
        Guarded, Writing,
    ),
    security(("bearer" = []), ("oauth2" = [])))]
async fn create(_: Operator, State(app): State<AppState>, Json(body): Json<ChannelIn>) -> Result<impl IntoResponse> {
    let id = ChannelId::random();
    let kept = sealed(ChannelDraft::from(body), id, None, &app.sealer)?;
    let channel = ChannelOut::from(channels::insert(&app.db, id, kept, app.now()).await?);
    Ok((StatusCode::CREATED, [(LOCATION, format!("/api/v1/channels/{id}"))], Json(channel)))
}

/// Shows a channel.
#[utoipa::path(get, path = "/channels/{id}", tag = "channels", operation_id = "show_channel", params(("id" = Uuid, Path, description = "The channel")),
    responses((status = 200, description = "The channel", body = ChannelOut), Guarded, Reading),
    security(("bearer" = []), ("oauth2" = [])))]
async fn show(_: Viewer, State(app): State<AppState>, Path(id): Path<ChannelId>) -> Result<Json<ChannelOut>> {
    let channel = channels::find(&app.db, id).await?.ok_or(Problem::NotFound("the channel"))?;
    Ok(Json(channel.into()))
}

/// Changes a channel. A secret that is absent, or `null` as it reads back, is kept.
#[utoipa::path(patch, path = "/channels/{id}", tag = "channels", operation_id = "update_channel", request_body = ChannelPatch,
    params(("id" = Uuid, Path, description = "The channel"), IfMatch),
    responses((status = 200, description = "The channel after the change", body = ChannelOut), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn update(
    _: Operator,
    State(app): State<AppState>,
    Path(id): Path<ChannelId>,
    IfMatch(version): IfMatch,
    Json(patch): Json<ChannelPatch>,
) -> Result<Json<ChannelOut>> {
    let change = |row: &channel::Model| sealed(patch.applied_to(row)?, id, row.secret.clone(), &app.sealer);
    let channel = channels::update(&app.db, id, version, app.now(), change).await?;
    Ok(Json(channel.into()))
}

/// Removes a channel that no rule uses.
#[utoipa::path(delete, path = "/channels/{id}", tag = "channels", operation_id = "delete_channel",
    params(("id" = Uuid, Path, description = "The channel"), IfMatch),
    responses((status = 204, description = "Removed"), Guarded, Writing),
    security(("bearer" = []), ("oauth2" = [])))]
async fn delete(
    _: Operator,
    State(app): State<AppState>,
    Path(id): Path<ChannelId>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode> {
    channels::delete(&app.db, id, version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Checks a channel and seals its secret; `kept` is the sealed one it has so far.
fn sealed(
    draft: ChannelDraft,
    id: ChannelId,
    kept: Option<String>,
    sealer: &Sealer,
) -> std::result::Result<Kept, Vec<vigil_domain::FieldError>> {
    let (mut channel, secret) = draft.check(kept)?;
    if let Some(secret) = secret {
        let sealed = sealer.seal(&secret, id).map_err(|error| {
            vec![vigil_domain::FieldError { field: "config".to_owned(), message: error.to_string() }]
        })?;
        channel.secret = Some(sealed);
    }
    Ok(channel)
}
