//! One process in an empty directory, with no data source but the metrics that it collects of its own machine.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::json;
use vigil_tests::{
    app::{BOT_TOKEN, CHAT, items, text},
    installation::Installation,
};

use crate::{PATIENCE, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_watches_itself_with_nothing_configured() {
    let mut vigil = Installation::on_its_own().await;
    let api = &vigil.api;
    until("up", async || {
        let up = api.get("/metrics/query?query=up%3D%3D1").await.ok();
        up["data"]["result"].as_array().is_some_and(|found| found.len() == 1)
    })
    .await;
    let up = api.get("/metrics/query?query=up").await.ok();
    let metric = &up["data"]["result"][0]["metric"];
    assert_eq!(metric["job"], "node");

    let server = api.create("/servers", json!({"name": "this machine", "instance": text(metric, "instance")})).await;
    // Rates need a second look at the machine, 15 s after the first.
    until("a whole summary", async || {
        let summary = api.get(&format!("/metrics/servers/{server}/summary")).await.ok();
        summary["missing"].as_object().is_some_and(serde_json::Map::is_empty)
            && summary["metrics"]["cpu_percent"].as_f64().is_some_and(|percent| (0.0..=100.5).contains(&percent))
            && summary["metrics"]["memory_total_bytes"].as_f64().is_some_and(|bytes| bytes > 1e6)
    })
    .await;

    let config = json!({"bot_token": BOT_TOKEN, "chat_id": CHAT});
    let ops = api.create("/channels", json!({"name": "ops", "kind": "telegram", "config": config})).await;
    let rule = json!({
        "name": "Running", "expr": "node_time_seconds - node_boot_time_seconds > 0", "for": "0s", "interval": "1s",
        "severity": "info", "server_id": server, "channel_ids": [ops],
    });
    let rule = api.create("/rules", rule).await;
    let told = vigil.telegram.wait_for(1, PATIENCE).await;
    assert!(told[0].plain.contains("Running") && told[0].plain.contains("this machine"), "{}", told[0].plain);
    let alerts = api.get(&format!("/alerts?rule_id={rule}")).await.ok();
    assert_eq!(items(&alerts).iter().map(|alert| text(alert, "state")).collect::<Vec<_>>(), ["firing"]);

    let wrong = api.get("/metrics/query?query=rate%28up%29").await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let mode = fs::metadata(vigil.home.path().join("data/samples.db")).expect("samples are kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(vigil.is_running(), "{}", vigil.output());
}
