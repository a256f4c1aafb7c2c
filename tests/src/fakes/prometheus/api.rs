//! `/api/v1/query` and `/api/v1/query_range`, by GET or POST, and what else a client may look at. Lookups have the labels
//! of every scripted series, whatever they ask for.

use super::{Answer, Asked, Shared, answer};
use crate::fakes::{Labels, received_now};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Parameters = HashMap<String, String>;

/// More points of one series than this are refused.
const MOST_POINTS: f64 = 11_000.0;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/v1/query", any(query))
        .route("/api/v1/query_range", any(query_range))
        .route("/api/v1/query_exemplars", any(async || answer::success(&json!([]))))
        .route("/api/v1/format_query", any(format_query))
        .route("/api/v1/series", any(series))
        .route("/api/v1/labels", any(labels))
        .route("/api/v1/label/{name}/values", get(label_values))
        .route("/api/v1/metadata", get(async || answer::success(&json!({}))))
        .route("/api/v1/status/buildinfo", get(buildinfo))
        .route("/-/healthy", get(async || "Prometheus Server is Healthy.\n"))
        .route("/-/ready", get(async || "Prometheus Server is Ready.\n"))
        .with_state(shared)
}

/// What both kinds of query read: parameters in the address, in a form, or in both.
type Request = (State<Arc<Shared>>, HeaderMap, Query<Parameters>, Result<Form<Parameters>, FormRejection>);

async fn query((State(shared), headers, Query(address), form): Request) -> Result<Response, BadData> {
    let parameters = merged(address, form);
    let time = instant(&parameters, "time")?;
    let (answer, _under_way) = answered(&shared, "query", &parameters, time, headers).await?;
    let time = seconds(time.unwrap_or_else(received_now));
    let is_range = parameters.get("query").is_some_and(|expr| expr.ends_with(']'));
    Ok(match answer {
        Answer::Vector(series) if is_range => {
            Json(answer::result("matrix", answer::matrix(&series, &[time]))).into_response()
        }
        Answer::Vector(series) => Json(answer::result("vector", answer::vector(&series, time))).into_response(),
        Answer::Scalar(value) => Json(answer::result("scalar", answer::point(time, value))).into_response(),
        Answer::Failure { status, body } => failure(status, body),
        Answer::Silence => std::future::pending().await,
    })
}

async fn query_range((State(shared), headers, Query(address), form): Request) -> Result<Response, BadData> {
    let parameters = merged(address, form);
    let (end, times) = steps(&parameters)?;
    let matrix =
        |series: &[(Labels, f64)]| Json(answer::result("matrix", answer::matrix(series, &times))).into_response();
    let (answer, _under_way) = answered(&shared, "query_range", &parameters, Some(end), headers).await?;
    Ok(match answer {
        Answer::Vector(series) => matrix(&series),
        Answer::Scalar(value) => matrix(&[(Labels::new(), value)]),
        Answer::Failure { status, body } => failure(status, body),
        Answer::Silence => std::future::pending().await,
    })
}

/// The end of a range, and the instants it asks for in seconds.
fn steps(parameters: &Parameters) -> Result<(DateTime<Utc>, Vec<f64>), BadData> {
    let (Some(start), Some(end)) = (instant(parameters, "start")?, instant(parameters, "end")?) else {
        return Err(BadData::parameter("start", "cannot parse \"\" to a valid timestamp"));
    };
    let step = parameters.get("step").and_then(|step| duration(step)).filter(|step| *step > 0.0);
    let step = step.ok_or_else(|| {
        BadData::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        )
    })?;
    if (seconds(end) - seconds(start)) / step > MOST_POINTS {
        let reason = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution";
        return Err(BadData(reason.to_owned()));
    }
    let times = std::iter::successors(Some(seconds(start)), |time| Some(time + step));
    Ok((end, times.take_while(|time| *time <= seconds(end)).collect()))
}

async fn format_query(Query(address): Query<Parameters>, form: Result<Form<Parameters>, FormRejection>) -> Json<Value> {
    answer::success(&json!(merged(address, form).get("query")))
}

async fn series(State(shared): State<Arc<Shared>>) -> Json<Value> {
    answer::success(&json!(shared.script().label_sets()))
}

async fn labels(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let sets = shared.script().label_sets();
    answer::success(&json!(sets.iter().flat_map(Labels::keys).collect::<BTreeSet<_>>()))
}

async fn label_values(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Json<Value> {
    let sets = shared.script().label_sets();
    answer::success(&json!(sets.iter().filter_map(|labels| labels.get(&name)).collect::<BTreeSet<_>>()))
}

async fn buildinfo() -> Json<Value> {
    answer::success(&json!({ "version": "2.42.0", "goVersion": "go1.19.8" }))
}

/// Records a query, waits as long as answers take, and finds what was scripted.
async fn answered<'a>(
    shared: &'a Shared,
    endpoint: &'static str,
    parameters: &Parameters,
    time: Option<DateTime<Utc>>,
    headers: HeaderMap,
) -> Result<(Answer, UnderWay<'a>), BadData> {
    let received_at = received_now();
    let expr = parameters.get("query").filter(|expr| !expr.is_empty()).cloned();
    let expr = expr.ok_or_else(|| BadData::parameter("query", "1:1: parse error: no expression found in input"))?;
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let headers = headers.iter().map(text).collect();
    // First of all: who waited for the question to arrive may look how many are under way.
    let under_way = UnderWay::begin(shared);
    let count = {
        let mut asked = shared.asked();
        asked.push(Asked { endpoint, expr: expr.clone(), time, received_at, headers });
        asked.len()
    };
    shared.count.send_replace(count);
    let (answer, delay) = {
        let script = shared.script();
        (script.answer(&expr), script.delay)
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    Ok((answer, under_way))
}

/// Counts a query for as long as it lives, also when its asker leaves.
struct UnderWay<'a>(&'a AtomicUsize);

impl<'a> UnderWay<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let now = shared.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_under_way.fetch_max(now, Ordering::SeqCst);
        Self(&shared.under_way)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn merged(mut address: Parameters, form: Result<Form<Parameters>, FormRejection>) -> Parameters {
    address.extend(form.map(|Form(form)| form).unwrap_or_default());
    address
}

/// A parameter in seconds or as RFC 3339; `None` when it is not there.
fn instant(parameters: &Parameters, name: &str) -> Result<Option<DateTime<Utc>>, BadData> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "out of range means not a time, which the conversion tells")]
    let numeric =
        text.parse::<f64>().ok().and_then(|time| DateTime::from_timestamp_millis((time * 1e3).round() as i64));
    let written = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let refusal = || BadData::parameter(name, &format!("cannot parse \"{text}\" to a valid timestamp"));
    numeric.or_else(written).map(Some).ok_or_else(refusal)
}

/// Seconds, as a number or with one unit.
fn duration(text: &str) -> Option<f64> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * unit)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 need 41 bits of 53")]
fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_millis() as f64 / 1e3
}

/// A request Prometheus does not understand, with the reason.
struct BadData(String);

impl BadData {
    fn parameter(name: &str, reason: &str) -> Self {
        Self(format!("invalid parameter \"{name}\": {reason}"))
    }
}

impl IntoResponse for BadData {
    fn into_response(self) -> Response {
        failure(400, answer::error("bad_data", &self.0))
    }
}

fn failure(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).expect("scripts name statuses of HTTP");
    let kind = if body.starts_with('{') { "application/json" } else { "text/plain; charset=utf-8" };
    (status, [(CONTENT_TYPE, kind)], body).into_response()
}
