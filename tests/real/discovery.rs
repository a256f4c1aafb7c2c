//! Prometheus finds what to scrape at Vigil.

use serde_json::json;
use vigil_tests::{
    fakes::FakePrometheus,
    installation::{Installation, Layout},
    services::{NodeExporter, Prometheus},
};

use crate::until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_scrapes_the_active_servers_that_vigil_names() {
    let (exporter, source) = (NodeExporter::start().await, FakePrometheus::start());
    let vigil = Installation::start(Layout::OneProcess, &source.url(), &[]).await;
    let server = json!({
        "name": "this machine", "instance": exporter.address(), "department": "operations", "labels": {"env": "test"},
    });
    let server = vigil.api.create("/servers", server).await;
    let resting = json!({"name": "resting", "instance": "127.0.0.1:9", "is_active": false});
    vigil.api.create("/servers", resting).await;
    vigil.api.create("/servers", json!({"name": "no target", "selector": {"job": "push"}})).await;
    let key = vigil.api.post("/api-keys", json!({"name": "prometheus", "role": "viewer"})).await.ok();
    let key = key["key"].as_str().expect("a new key is shown");

    let url = format!("{}/api/v1/sd/prometheus", vigil.api.url);
    let discovery =
        format!("{{url: {url:?}, refresh_interval: 1s, authorization: {{type: Bearer, credentials: {key:?}}}}}");
    let prometheus = Prometheus::configured(&format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         scrape_configs: [{{job_name: vigil, http_sd_configs: [{discovery}]}}]\n"
    ))
    .await;
    let up = prometheus.until_present("up == 1").await;
    let labels = json!({
        "__name__": "up", "job": "vigil", "instance": exporter.address(), "server": "this machine",
        "department": "operations", "env": "test",
    });
    assert_eq!(up.iter().map(|series| &series["metric"]).collect::<Vec<_>>(), [&labels]);
    assert_eq!(prometheus.query("count(up)").await["data"]["result"][0]["value"][1], "1", "one target in all");

    vigil.api.patch(&format!("/servers/{server}"), json!({"is_active": false})).await.ok();
    until("the target is gone", async || {
        !prometheus.query("absent(up)").await["data"]["result"].as_array().is_none_or(Vec::is_empty)
    })
    .await;
}
