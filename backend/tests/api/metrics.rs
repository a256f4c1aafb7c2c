//! Figures and queries, with a data source that answers as it is told.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::RawQuery, http::StatusCode, response::IntoResponse, routing::any};
use serde_json::json;
use vigil_domain::role::Role;

use crate::app::App;

/// Prometheus at the wire: counts queries; `bad` is rejected, `slow` is beyond it, everything else is one sample.
async fn prometheus() -> (String, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let answer = move |RawQuery(query): RawQuery| async move {
        count.fetch_add(1, Ordering::SeqCst);
        let query = query.unwrap_or_default();
        if query.contains("query=bad") {
            let body = json!({"status": "error", "errorType": "execution", "error": "many-to-many"});
            return (StatusCode::UNPROCESSABLE_ENTITY, axum::Json(body)).into_response();
        }
        if query.contains("query=slow") {
            let body = json!({"status": "error", "errorType": "timeout", "error": "query timed out in query queue"});
            return (StatusCode::SERVICE_UNAVAILABLE, axum::Json(body)).into_response();
        }
        let sample =
            json!({"metric": {"__name__": "up", "instance": "a", "vigil_metric": "load1"}, "value": [0, "97.5"]});
        axum::Json(json!({"status": "success", "data": {"resultType": "vector", "result": [sample]}})).into_response()
    };
    let range = || async {
        let series = json!({"metric": {}, "values": [[1_767_225_600, "1.5"], [1_767_225_615, "NaN"]]});
        axum::Json(json!({"status": "success", "data": {"resultType": "matrix", "result": [series]}}))
    };
    let router = Router::new().route("/api/v1/query", any(answer)).route("/api/v1/query_range", any(range));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

#[tokio::test]
async fn queries_pass_through_and_equal_ones_are_asked_once() {
    let (url, asked) = prometheus().await;
    let app = App::with(&[("VIGIL_DATASOURCE__URL", &url)]).await;
    let viewer = app.signed_in("see", Role::Viewer).await;
    let path = "/api/v1/metrics/query?query=up";
    let first = app.get(path, &viewer).await;
    assert_eq!(first.json()["data"]["result"][0]["value"][1], "97.5");
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(app.get(path, &viewer).await.bytes, first.bytes);
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let rejected = app.get("/api/v1/metrics/query?query=bad", &viewer).await;
    assert_eq!((rejected.status.as_u16(), &rejected.json()["error"]), (422, &json!("many-to-many")));
    app.get("/api/v1/metrics/query?query=slow", &viewer).await.problem(504, "peer-timeout");
    assert_eq!(app.get("/api/v1/metrics/query", &viewer).await.wrong_fields(), ["query"]);
    let range = "/api/v1/metrics/query_range?query=up&start=0&end=100000&step=1";
    assert_eq!(app.get(range, &viewer).await.wrong_fields(), ["step"]);
    app.get(path, "").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_source_that_is_away_is_a_bad_gateway() {
    let app = App::start().await;
    let viewer = app.signed_in("op", Role::Operator).await;
    app.get("/api/v1/metrics/query?query=up", &viewer).await.problem(502, "peer");
    app.post("/api/v1/rules/preview", &viewer, json!({"name": "a", "expr": "up"})).await.problem(502, "peer");
}

#[tokio::test]
async fn a_summary_names_what_is_there_and_why_the_rest_is_not() {
    let (url, asked) = prometheus().await;
    let app = App::with(&[("VIGIL_DATASOURCE__URL", &url)]).await;
    let operator = app.signed_in("op", Role::Operator).await;
    let server = app.post("/api/v1/servers", &operator, json!({"name": "a", "instance": "a"})).await.text("id");
    let path = format!("/api/v1/metrics/servers/{server}/summary");
    let summary = app.get(&path, &operator).await.json();
    assert_eq!((&summary["metrics"]["load1"], &summary["metrics"]["cpu_percent"]), (&json!(97.5), &json!(null)));
    assert!(summary["missing"]["cpu_percent"].is_string() && summary["missing"].get("load1").is_none(), "{summary}");
    assert_eq!(summary["metrics"].as_object().unwrap().len(), 11);
    assert_eq!((&summary["server_id"], &summary["at"]), (&json!(server), &json!("2026-01-01T00:00:00Z")));
    app.get(&path, &operator).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    let range = format!("/api/v1/metrics/servers/{server}/range?metric=load1&start=1767225600&step=15s");
    let range = app.get(&range, &operator).await.json();
    assert_eq!(
        (&range["unit"], &range["step"], &range["end"]),
        (&json!("load"), &json!("15s"), &json!("2026-01-01T00:00:00Z"))
    );
    let points =
        json!([{"at": "2026-01-01T00:00:00Z", "value": "1.5"}, {"at": "2026-01-01T00:00:15Z", "value": "NaN"}]);
    assert_eq!(range["points"], points);
    let nobody = uuid::Uuid::now_v7();
    app.get(&format!("/api/v1/metrics/servers/{nobody}/summary"), &operator).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_preview_shows_the_alerts_that_a_rule_would_make() {
    let (url, _) = prometheus().await;
    let app = App::with(&[("VIGIL_DATASOURCE__URL", &url)]).await;
    let operator = app.signed_in("op", Role::Operator).await;
    let rule = json!({"name": "Busy", "expr": "up", "severity": "info", "annotations": {"summary": "x"}});
    let preview = app.post("/api/v1/rules/preview", &operator, rule).await.json();
    let labels = json!({"alertname": "Busy", "instance": "a", "severity": "info", "vigil_metric": "load1"});
    let expected =
        json!({"alerts": [{"labels": labels, "annotations": {"summary": "x"}, "value": "97.5"}], "warnings": []});
    assert_eq!(preview, expected);
    let rejected = app.post("/api/v1/rules/preview", &operator, json!({"name": "a", "expr": "bad"})).await;
    assert_eq!(rejected.wrong_fields(), ["expr"]);
    assert_eq!(app.get("/api/v1/rules", &operator).await.json()["items"], json!([]), "nothing was kept");
}
