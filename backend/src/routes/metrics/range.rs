//! `GET /metrics/servers/{id}/range`: one figure of a server over time.

use axum::{body::Bytes, extract::State, response::Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema, openapi::Object};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;
use vigil_datasource::{
    Series, duration_millis, moment_millis,
    summary::{METRICS, Metric, Selector},
};
use vigil_domain::{Mistakes, Span, Timestamp, id::ServerId, number};

use super::{
    MOST_STEPS, steps,
    summary::{ready, selector_of, shared_failure},
};
use crate::{
    auth::Viewer,
    extract::{Path, Query},
    openapi::{Asking, Guarded, Reading},
    problem::Result,
    routes::events::word,
    state::AppState,
};

/// The time shown when no start is given.
const DEFAULT_RANGE: Span = Span::from_secs(3_600);
/// About as many points as a chart has pixels to spend.
const WANTED_POINTS: u64 = 240;
/// A step that is not given is at least this long: shorter than that nobody scrapes.
const SHORTEST_STEP: Span = Span::from_secs(15);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(range))
}

fn names() -> Object {
    word(METRICS.iter().map(|metric| metric.name))
}

/// What to show, and from when to when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RangeQuery {
    /// A figure of the summary.
    #[param(schema_with = names, required = true)]
    metric: String,
    /// RFC 3339 or Unix seconds; an hour before `end` when absent.
    #[param(example = "2026-01-02T03:00:00Z")]
    start: Option<String>,
    /// RFC 3339 or Unix seconds; now when absent.
    #[param(example = "2026-01-02T04:00:00Z")]
    end: Option<String>,
    /// A duration such as `30s`, or seconds; fits the range when absent.
    #[param(example = "30s")]
    step: Option<String>,
}

/// What to ask the data source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    start: Timestamp,
    end: Timestamp,
    step: Span,
}

impl RangeQuery {
    /// Every mistake at once.
    fn check(&self, now: Timestamp) -> Result<(&'static Metric, Asked)> {
        let mut mistakes = Mistakes::default();
        let metric = Metric::find(&self.metric);
        if metric.is_none() {
            let known: Vec<_> = METRICS.iter().map(|metric| metric.name).collect();
            mistakes.add("metric", format!("is not known; use one of {}", known.join(", ")));
        }
        // Whole seconds, so that requests of one second share an answer.
        let this_second = Timestamp::from_timestamp(now.timestamp(), 0).unwrap_or(now);
        let end = moment("end", self.end.as_deref(), this_second, &mut mistakes);
        let default_start = end.checked_sub_signed(DEFAULT_RANGE.chrono()).unwrap_or(end);
        let start = moment("start", self.start.as_deref(), default_start, &mut mistakes);
        let range = Span::between(start, end);
        if start > end {
            mistakes.add("start", "must not be after end");
        }
        let fitting = (range.millis() / WANTED_POINTS / 1_000) * 1_000;
        let step = match &self.step {
            None => Span::from_millis(fitting).max(SHORTEST_STEP),
            Some(text) => mistakes.keep("step", step_of(text)).unwrap_or(SHORTEST_STEP),
        };
        let steps = steps(start.timestamp_millis(), end.timestamp_millis(), step.millis_i64());
        if steps.is_none_or(|steps| steps > MOST_STEPS) {
            mistakes.add("step", format!("must be positive and make at most {MOST_STEPS} points"));
        }
        match metric {
            Some(metric) => Ok(mistakes.or((metric, Asked { start, end, step }))?),
            None => Err(mistakes.into_vec().into()),
        }
    }
}

fn moment(field: &str, text: Option<&str>, default: Timestamp, mistakes: &mut Mistakes) -> Timestamp {
    let Some(text) = text else { return default };
    mistakes.keep(field, moment_of(text)).unwrap_or(default)
}

/// RFC 3339 or Unix seconds, as Prometheus takes them; to the millisecond, within the years 1970 to 9999.
pub(super) fn moment_of(text: &str) -> std::result::Result<Timestamp, &'static str> {
    const WRONG: &str = "must be RFC 3339, such as 2026-01-02T03:04:05Z, or Unix seconds";
    /// The end of the year 9999 in milliseconds.
    const LAST: i64 = 253_402_300_799_999;
    let within = moment_millis(text).filter(|millis| (0..=LAST).contains(millis));
    within.and_then(Timestamp::from_timestamp_millis).ok_or(WRONG)
}

/// A duration, or seconds.
pub(super) fn step_of(text: &str) -> std::result::Result<Span, &'static str> {
    const WRONG: &str = "must be a positive duration, such as 30s, or seconds";
    let millis = duration_millis(text).filter(|millis| *millis > 0);
    millis.map(Span::from_millis_i64).ok_or(WRONG)
}

/// A figure over time.
#[derive(Serialize, ToSchema)]
pub(crate) struct RangeOut {
    server_id: Uuid,
    #[schema(example = "cpu_percent")]
    metric: &'static str,
    #[schema(example = "percent")]
    unit: &'static str,
    start: DateTime<Utc>,
    end: DateTime<Utc>,
    #[schema(value_type = String, example = "30s")]
    step: Span,
    /// In time order; a moment without a value is left out.
    points: Vec<Point>,
}

/// One value.
#[derive(Serialize, ToSchema)]
pub(crate) struct Point {
    at: DateTime<Utc>,
    /// As text: `97.5`, `NaN`, `+Inf`.
    #[schema(example = "97.5")]
    value: String,
}

fn points(series: Vec<Series>) -> Vec<Point> {
    let points = series.into_iter().take(1).flat_map(|series| series.points);
    points.map(|(at, value)| Point { at, value: number::format(value) }).collect()
}

/// Shows one figure of a server over time.
#[utoipa::path(get, path = "/metrics/servers/{id}/range", tag = "metrics", operation_id = "server_range",
    params(("id" = Uuid, Path, description = "The server"), RangeQuery),
    responses((status = 200, description = "The figure over time", body = RangeOut), Guarded, Reading, Asking),
    security(("bearer" = []), ("oauth2" = [])))]
async fn range(
    _: Viewer,
    State(app): State<AppState>,
    Path(id): Path<ServerId>,
    Query(query): Query<RangeQuery>,
) -> Result<Response> {
    let (metric, asked) = query.check(app.now())?;
    let (server, selector) = selector_of(&app, id).await?;
    let Asked { start, end, step } = asked;
    let times = format!("{}:{}:{}", start.timestamp_millis(), end.timestamp_millis(), step.millis());
    let key = format!("range:{id}:{}:{}:{times}", server.version, metric.name);
    let compute = ask(&app, id, metric, &selector, asked);
    let json = app.cache.get_or_compute(&key, app.config.datasource.cache(), compute).await.map_err(shared_failure)?;
    Ok(ready(json))
}

async fn ask(
    app: &AppState,
    id: ServerId,
    metric: &'static Metric,
    selector: &Selector,
    Asked { start, end, step }: Asked,
) -> std::result::Result<Bytes, vigil_datasource::QueryError> {
    let answer = app.datasource.range(&metric.expr(selector), (start, end), step).await?;
    let Metric { name: metric, unit, .. } = *metric;
    let shown = RangeOut { server_id: id.0, metric, unit, start, end, step, points: points(answer.value) };
    Ok(serde_json::to_vec(&shown).expect("points are plain values").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    fn check(
        metric: &str,
        start: Option<&str>,
        end: Option<&str>,
        step: Option<&str>,
    ) -> std::result::Result<Asked, Vec<String>> {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let query = RangeQuery { metric: metric.to_owned(), start: owned(start), end: owned(end), step: owned(step) };
        match query.check("2026-01-02T04:00:00.789Z".parse().unwrap()) {
            Ok((_, asked)) => Ok(asked),
            Err(Problem::Invalid(mistakes)) => Err(mistakes.into_iter().map(|mistake| mistake.field).collect()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn the_last_hour_is_shown_unless_told_otherwise() {
        let asked = check("cpu_percent", None, None, None).unwrap();
        assert_eq!(asked.start.to_rfc3339(), "2026-01-02T03:00:00+00:00");
        assert_eq!(asked.end.to_rfc3339(), "2026-01-02T04:00:00+00:00");
        assert_eq!(asked.step, Span::from_secs(15));
        let day = check("cpu_percent", Some("2026-01-01T04:00:00Z"), None, None).unwrap();
        assert_eq!(day.step, Span::from_secs(360));
    }

    #[test]
    fn times_and_steps_come_in_both_of_prometheus_forms() {
        let asked = check("load1", Some("1767322800"), Some("1767326400.5"), Some("30")).unwrap();
        assert_eq!(
            (asked.start.timestamp_millis(), asked.end.timestamp_millis()),
            (1_767_322_800_000, 1_767_326_400_500)
        );
        assert_eq!(asked.step, Span::from_secs(30));
        assert_eq!(step_of("1m30s"), Ok(Span::from_secs(90)));
        for wrong in ["0", "-5", "NaN", "1e300", "0s", "soon", ""] {
            assert!(step_of(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["NaN", "inf", "-1", "1e300", "yesterday", "", "+262000-01-01T00:00:00Z"] {
            assert!(moment_of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_mistake_is_named() {
        assert_eq!(check("heat", Some("x"), Some("y"), Some("z")).unwrap_err(), ["metric", "end", "start", "step"]);
        assert_eq!(check("load1", Some("1767326400"), Some("1767322800"), None).unwrap_err(), ["start"]);
        assert_eq!(check("load1", Some("1767322800"), Some("1767333801"), Some("1")).unwrap_err(), ["step"]);
        assert!(check("load1", Some("1767322800"), Some("1767333800"), Some("1")).is_ok());
    }
}
