//! `/metrics/query` and `/metrics/query_range`: Prometheus' own questions and answers, within limits.

use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use vigil_datasource::{ApiPath, Pairs, RawAnswer};
use vigil_domain::{Mistakes, promql};

use super::{
    MOST_STEPS,
    range::{moment_of, step_of},
    steps,
};
use crate::{
    auth::Viewer,
    extract::{Form, Query},
    openapi::{Asking, Guarded},
    problem::{Problem, ProblemBody, Result},
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(query, query_by_form)).routes(routes!(query_range, query_range_by_form))
}

/// An instant query. Other parameters are ignored.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(example = json!({"query": "up"}))]
pub(crate) struct InstantQuery {
    /// `PromQL`.
    #[param(min_length = 1, max_length = 16384, example = "up")]
    #[schema(min_length = 1, max_length = 16384)]
    query: String,
    /// RFC 3339 or Unix seconds; now when absent.
    time: Option<String>,
    /// How long it may take: a duration, or seconds. At most as long as Vigil waits.
    timeout: Option<String>,
    /// The most series to answer with.
    limit: Option<String>,
    /// How far back a sample may lie.
    lookback_delta: Option<String>,
    /// `all` asks for statistics of the query.
    stats: Option<String>,
}

/// A range query. Other parameters are ignored.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
#[schema(example = json!({"query": "up", "start": "1767322800", "end": "1767326400", "step": "30s"}))]
pub(crate) struct RangeQuery {
    /// `PromQL`.
    #[param(min_length = 1, max_length = 16384, example = "up")]
    #[schema(min_length = 1, max_length = 16384)]
    query: String,
    /// RFC 3339 or Unix seconds.
    #[param(example = "1767322800")]
    start: String,
    /// RFC 3339 or Unix seconds.
    #[param(example = "1767326400")]
    end: String,
    /// A duration such as `30s`, or seconds; at most 11,000 points.
    #[param(example = "30s")]
    step: String,
    /// How long it may take: a duration, or seconds. At most as long as Vigil waits.
    timeout: Option<String>,
    /// The most series to answer with.
    limit: Option<String>,
    /// How far back a sample may lie.
    lookback_delta: Option<String>,
    /// `all` asks for statistics of the query.
    stats: Option<String>,
}

/// Prometheus' envelope, as the data source sent it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"status": "success", "data": {"resultType": "vector",
    "result": [{"metric": {"__name__": "up", "instance": "web-1:9100"}, "value": [1767322800.0, "1"]}]}}))]
pub(crate) struct Envelope {
    /// `success` or `error`.
    status: String,
    /// `resultType` and `result`.
    #[schema(value_type = Object, required = false)]
    data: Option<serde_json::Value>,
    #[schema(required = false, nullable = false)]
    error_type: Option<String>,
    #[schema(required = false, nullable = false)]
    error: Option<String>,
}

impl InstantQuery {
    /// What is sent on; every mistake at once.
    fn check(self) -> Result<Pairs> {
        let mut mistakes = Mistakes::default();
        check_length(&self.query, &mut mistakes);
        if let Some(time) = self.time.as_deref() {
            mistakes.keep("time", moment_of(time));
        }
        let pairs = pairs([
            ("query", Some(self.query)),
            ("time", self.time),
            ("timeout", self.timeout),
            ("limit", self.limit),
            ("lookback_delta", self.lookback_delta),
            ("stats", self.stats),
        ]);
        Ok(mistakes.or(pairs)?)
    }
}

impl RangeQuery {
    /// What is sent on; every mistake at once.
    fn check(self) -> Result<Pairs> {
        let mut mistakes = Mistakes::default();
        check_length(&self.query, &mut mistakes);
        let start = mistakes.keep("start", moment_of(&self.start));
        let end = mistakes.keep("end", moment_of(&self.end));
        let step = mistakes.keep("step", step_of(&self.step));
        if let (Some(start), Some(end), Some(step)) = (start, end, step) {
            let steps = steps(start.timestamp_millis(), end.timestamp_millis(), step.millis_i64());
            if start > end {
                mistakes.add("end", "must not be before start");
            } else if steps.is_none_or(|steps| steps > MOST_STEPS) {
                mistakes.add("step", format!("makes more than {MOST_STEPS} points per series; use a longer one"));
            }
        }
        let pairs = pairs([
            ("query", Some(self.query)),
            ("start", Some(self.start)),
            ("end", Some(self.end)),
            ("step", Some(self.step)),
            ("timeout", self.timeout),
            ("limit", self.limit),
            ("lookback_delta", self.lookback_delta),
            ("stats", self.stats),
        ]);
        Ok(mistakes.or(pairs)?)
    }
}

fn check_length(query: &str, mistakes: &mut Mistakes) {
    if query.trim().is_empty() {
        mistakes.add("query", promql::ExprError::Empty.to_string());
    } else if query.len() > promql::LONGEST {
        mistakes.add("query", promql::ExprError::TooLong.to_string());
    }
}

fn pairs<const N: usize>(named: [(&str, Option<String>); N]) -> Pairs {
    let given = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    given.filter(|(_, value)| !value.is_empty()).collect()
}

/// What the caller sees of the peer's answer: a result, or what is wrong with the query, in the peer's own words.
fn passed(answer: RawAnswer) -> Result<Response> {
    let RawAnswer { status, body } = answer;
    let passed = match status {
        200 => StatusCode::OK,
        400 => StatusCode::BAD_REQUEST,
        422 => StatusCode::UNPROCESSABLE_ENTITY,
        // Prometheus' word for a query that took too long; everything else is its own trouble.
        503 => return Err(Problem::PeerTimeout(error_text(&body))),
        _ => return Err(Problem::Peer(error_text(&body))),
    };
    Ok((passed, [(CONTENT_TYPE, "application/json")], body).into_response())
}

pub(crate) fn error_text(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Told {
        error: String,
    }
    let told = serde_json::from_slice(body).map(|Told { error }| error);
    told.unwrap_or_else(|_| "the data source failed".to_owned())
}

async fn ask(app: &AppState, path: ApiPath, pairs: Pairs) -> Result<Response> {
    let answer = app.queries.get_raw(path, pairs, app.now()).await.map_err(|error| match Problem::from(error) {
        // Rules call it `expr`.
        Problem::Invalid(mistakes) => {
            Problem::field("query", mistakes.into_iter().map(|mistake| mistake.message).collect::<String>())
        }
        other => other,
    })?;
    passed(answer)
}

/// Passes an instant query through to the data source.
#[utoipa::path(get, path = "/metrics/query", tag = "metrics", operation_id = "query", params(InstantQuery),
    responses(
        (status = 200, description = "Prometheus' own answer", body = Envelope),
        (status = 400, description = "The data source does not understand the query", content((Envelope = "application/json"), (ProblemBody = "application/problem+json"))),
        (status = 414, description = "The query is too long for an address"),
        (status = 422, description = "The query is not valid, or fails", content((Envelope = "application/json"), (ProblemBody = "application/problem+json"))),
        Guarded, Asking,
    ),
    security(("bearer" = []), ("oauth2" = [])))]
async fn query(_: Viewer, State(app): State<AppState>, Query(query): Query<InstantQuery>) -> Result<Response> {
    ask(&app, ApiPath::Query, query.check()?).await
}

/// As the GET, for queries too long for an address.
#[utoipa::path(post, path = "/metrics/query", tag = "metrics", operation_id = "query_by_form",
    request_body(content = InstantQuery, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Prometheus' own answer", body = Envelope),
        (status = 400, description = "The data source does not understand the query", content((Envelope = "application/json"), (ProblemBody = "application/problem+json"))),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another content type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The query is not valid, or fails", content((Envelope = "application/json"), (ProblemBody = "application/problem+json"))),
        Guarded, Asking,
    ),
    security(("bearer" = []), ("oauth2" = [])))]
async fn query_by_form(_: Viewer, State(app): State<AppState>, Form(query): Form<InstantQuery>) -> Result<Response> {
    ask(&app, ApiPath::Query, query.check()?).await
}

/// Passes a range query through to the data source.
#[utoipa::path(get, path = "/metrics/query_range", tag = "metrics", operation_id = "query_range", params(RangeQuery),
    responses(
        (status = 200, description = "Prometheus' own answer", body = Envelope),
        (status = 400, description = "The data source does not understand the query", content((Envelope = "application/json"), (ProblemBody = "application/problem+json"))),
        (status = 414, description = "The query is too long for an address"),
        (status = 422, description = "The query is not valid, or fails", content((Envelope = "application/json"), (ProblemBody = "application/problem+json"))),
        Guarded, Asking,
    ),
    security(("bearer" = []), ("oauth2" = [])))]
async fn query_range(_: Viewer, State(app): State<AppState>, Query(query): Query<RangeQuery>) -> Result<Response> {
    ask(&app, ApiPath::QueryRange, query.check()?).await
}

/// As the GET, for queries too long for an address.
#[utoipa::path(post, path = "/metrics/query_range", tag = "metrics", operation_id = "query_range_by_form",
    request_body(content = RangeQuery, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Prometheus' own answer", body = Envelope),
        (status = 400, description = "The data source does not understand the query", content((Envelope = "application/json"), (ProblemBody = "application/problem+json"))),
        (status = 413, description = "The body is too large", body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another content type", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The query is not valid, or fails", content((Envelope = "application/json"), (ProblemBody = "application/problem+json"))),
        Guarded, Asking,
    ),
    security(("bearer" = []), ("oauth2" = [])))]
async fn query_range_by_form(
    _: Viewer,
    State(app): State<AppState>,
    Form(query): Form<RangeQuery>,
) -> Result<Response> {
    ask(&app, ApiPath::QueryRange, query.check()?).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(query: &str, start: &str, end: &str, step: &str) -> Result<Pairs> {
        let owned = str::to_owned;
        let (query, start, end, step) = (owned(query), owned(start), owned(end), owned(step));
        RangeQuery { query, start, end, step, timeout: None, limit: None, lookback_delta: None, stats: None }.check()
    }

    #[test]
    fn what_is_sent_on_is_what_came_in() {
        let sent = range("up", "1767322800", "1767326400.5", "30s").unwrap();
        let expected = [("query", "up"), ("start", "1767322800"), ("end", "1767326400.5"), ("step", "30s")];
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn queries_beyond_the_limits_never_leave() {
        let fields = |outcome: Result<Pairs>| match outcome {
            Err(Problem::Invalid(mistakes)) => mistakes.into_iter().map(|mistake| mistake.field).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(fields(range("up", "0", "11001", "1")), ["step"]);
        assert!(range("up", "0", "11000", "1").is_ok());
        assert_eq!(fields(range("up", "10", "9", "1")), ["end"]);
        assert_eq!(fields(range(" ", "x", "y", "0")), ["query", "start", "end", "step"]);
        assert_eq!(fields(range(&"x".repeat(promql::LONGEST + 1), "0", "1", "1")), ["query"]);
    }

    #[test]
    fn only_answers_about_the_query_keep_the_peers_status() {
        let answer = |status| {
            passed(RawAnswer { status, body: r#"{"status":"error","errorType":"x","error":"told"}"#.into() })
                .map_or_else(|problem| problem.status(), |response| response.status())
                .as_u16()
        };
        for (peer, ours) in [(200, 200), (400, 400), (422, 422), (500, 502), (404, 502), (499, 502), (503, 504)] {
            assert_eq!(answer(peer), ours, "{peer}");
        }
    }
}
