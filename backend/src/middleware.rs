//! What every request passes through.

use std::{any::Any, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, IF_MATCH, LOCATION, REFERRER_POLICY,
            RETRY_AFTER, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower::util::Either;
use tower_http::cors::{AllowOrigin, Any as AnyOrigin, CorsLayer};
use tracing::Instrument;
use uuid::Uuid;

use crate::{problem::Problem, state::AppState};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 128;

/// Swagger UI's own scripts and styles, and calls to this origin.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           frame-ancestors 'none'; base-uri 'none'";
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Gives the request an id and a span, measures it and counts it by the route that it matched.
///
/// The span has no query, headers or body: those hold secrets.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = method_name(request.method());
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or("unmatched", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!(
        "request",
        request.id = id.to_str().unwrap_or_default(),
        http.method = method,
        http.route = route
    );
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let mut response = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(REQUEST_ID, id);

    let took = started.elapsed();
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(http.status = status, duration_ms = took.as_secs_f64() * 1e3, "request answered"));
    metrics::histogram!("vigil_http_request_duration_seconds", "method" => method, "route" => route.clone())
        .record(took);
    metrics::counter!("vigil_http_requests_total", "method" => method, "route" => route, "status" => status.to_string())
        .increment(1);
    response
}

/// The caller's request id if it is a plain word, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_plain = |id: &&HeaderValue| {
        let word = id.as_bytes();
        (1..=LONGEST_REQUEST_ID).contains(&word.len())
            && word.iter().all(|c| c.is_ascii_alphanumeric() || b"-_.:".contains(c))
    };
    let given = headers.get(REQUEST_ID).filter(is_plain).cloned();
    given.unwrap_or_else(|| {
        HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a UUID is letters, digits and hyphens")
    })
}

/// A bounded set of names, as the method becomes a label.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("OTHER")
}

/// Headers that keep browsers from guessing, framing, leaking and caching.
pub(crate) async fn secure(request: Request, next: Next) -> Response {
    let is_docs = request.uri().path().starts_with("/docs");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(X_FRAME_OPTIONS, "DENY");
    default(REFERRER_POLICY, "no-referrer");
    default(CONTENT_SECURITY_POLICY, if is_docs { DOCS_POLICY } else { API_POLICY });
    default(CACHE_CONTROL, if is_docs { "no-cache" } else { "no-store" });
    response
}

/// Answers 503 when a request takes longer than configured. WebSockets are answered long before, by their upgrade.
pub(crate) async fn limit_time(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(state.config.http.request_timeout(), next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::Unavailable("the request took too long".to_owned()).into_response(),
    }
}

/// A panic is a bug; the caller learns no more than that.
pub(crate) fn answer_panic(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Problem::internal(text.unwrap_or_else(|| "a handler panicked".to_owned())).into_response()
}

/// Lets browser applications of these origins (`*`: of all) call the API; nothing when there are none.
pub(crate) fn cors(origins: &[String]) -> Either<CorsLayer, tower::layer::util::Identity> {
    if origins.is_empty() {
        return Either::Right(tower::layer::util::Identity::new());
    }
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, REQUEST_ID])
        .expose_headers([LOCATION, RETRY_AFTER, REQUEST_ID])
        .max_age(std::time::Duration::from_secs(600));
    Either::Left(if origins.iter().any(|origin| origin == "*") {
        layer.allow_origin(AnyOrigin)
    } else {
        layer.allow_origin(AllowOrigin::list(origins.iter().filter_map(|origin| origin.parse().ok())))
    })
}

#[cfg(test)]
mod tests;
