//! Prometheus at the wire: answers what it is told to, and remembers what it was asked.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{Router, extract::Form, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::json;

/// One query: the expression and the instant.
pub(crate) type Asked = (String, String);

#[derive(Default)]
struct Script {
    asked: Mutex<Vec<Asked>>,
    is_down: AtomicBool,
    /// Series in the answer to what is no summary.
    series: AtomicUsize,
}

#[derive(Clone)]
pub(crate) struct Prometheus {
    pub(crate) url: String,
    script: Arc<Script>,
}

impl Prometheus {
    /// Every summary has `load1` 0.5 and nothing else; every other expression has one series.
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Script { series: AtomicUsize::new(1), ..Script::default() });
        let shared = Arc::clone(&script);
        let query = move |Form(form): Form<BTreeMap<String, String>>| async move { shared.answer(&form) };
        let router = Router::new().route("/api/v1/query", post(query.clone()).get(query));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, script }
    }

    /// From now on every query fails, or none.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.script.is_down.store(is_down, Ordering::SeqCst);
    }

    pub(crate) fn set_series(&self, series: usize) {
        self.script.series.store(series, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }

    /// How often each question was asked for each instant.
    pub(crate) fn counts(&self) -> BTreeMap<Asked, usize> {
        let mut counts = BTreeMap::new();
        for asked in self.asked() {
            *counts.entry(asked).or_default() += 1;
        }
        counts
    }
}

impl Script {
    fn answer(&self, form: &BTreeMap<String, String>) -> axum::response::Response {
        let (expr, time) = (form["query"].clone(), form["time"].clone());
        let is_summary = expr.contains("vigil_metric");
        self.asked.lock().unwrap().push((expr, time));
        if self.is_down.load(Ordering::SeqCst) {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        let series =
            |index: usize| json!({"metric": {"cpu": index.to_string(), "why": "w".repeat(80)}, "value": [0, "1"]});
        let result = if is_summary {
            vec![json!({"metric": {"vigil_metric": "load1"}, "value": [0, "0.5"]})]
        } else {
            (0..self.series.load(Ordering::SeqCst)).map(series).collect()
        };
        axum::Json(json!({"status": "success", "data": {"resultType": "vector", "result": result}})).into_response()
    }
}
