//! The whole API on one screen: every URL, and what every request passes through.

use axum::{
    Router,
    body::Bytes,
    extract::DefaultBodyLimit,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    middleware::{from_fn, from_fn_with_state},
    response::IntoResponse,
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{middleware, openapi, problem::Problem, routes, state::AppState};

/// Everything that is served on the API's address.
pub async fn router(state: AppState) -> Router {
    let (routes, _) = routes::all().split_for_parts();
    let document = Bytes::from(openapi::openapi().to_json().expect("a document is plain values"));
    let body_limit = DefaultBodyLimit::max(state.config.http.body_limit_bytes);
    routes
        .route(openapi::PATH, get(async move || described(document)))
        .merge(SwaggerUi::new("/docs").config(Config::from(openapi::PATH).try_it_out_enabled(true)))
        .fallback(async || Problem::NotFound("this address"))
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed)
        // From the inside to the outside.
        .layer(body_limit)
        .layer(from_fn_with_state(state.clone(), middleware::limit_time))
        .layer(CatchPanicLayer::custom(middleware::answer_panic))
        .layer(from_fn(routes::in_envelope))
        .layer(CompressionLayer::new().quality(tower_http::CompressionLevel::Fastest))
        .layer(middleware::cors(&state.config.http.cors_origins))
        .layer(from_fn(middleware::secure))
        .layer(from_fn(middleware::observe))
        .with_state(state)
}

fn described(document: Bytes) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], document)
}
