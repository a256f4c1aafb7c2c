//! One process in an empty directory, with no data source but the metrics that it collects of its own machine.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::{Value, json};
use vigil_tests::{
    api::Api,
    app::{BOT_TOKEN, CHAT, items, text},
    installation::Installation,
};

use crate::{PATIENCE, live, until};

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

    let servers = api.get("/servers").await.ok();
    let [machine] = items(&servers) else { panic!("one server at the first start: {servers}") };
    assert_eq!((&machine["name"], &machine["instance"]), (&metric["instance"], &metric["instance"]));
    let server = text(machine, "id");
    // Rates need a second look at the machine, 15 s after the first.
    until("a whole summary", async || {
        let summary = api.get(&format!("/metrics/servers/{server}/summary")).await.ok();
        summary["missing"].as_object().is_some_and(serde_json::Map::is_empty)
            && summary["metrics"]["cpu_percent"].as_f64().is_some_and(|percent| (0.0..=100.5).contains(&percent))
            && summary["metrics"]["memory_total_bytes"].as_f64().is_some_and(|bytes| bytes > 1e6)
    })
    .await;

    let url = format!("{}/ws/metrics/{server}?interval=1s", vigil.backends[0].1.replace("http", "ws"));
    let mut socket = live::open(url, api.token.as_deref().expect("the admin is signed in")).await;
    live::next_frame(&mut socket).await;

    let config = json!({"bot_token": BOT_TOKEN, "chat_id": CHAT});
    let ops = api.create("/channels", json!({"name": "ops", "kind": "telegram", "config": config})).await;
    let rule = json!({
        "name": "Running", "expr": "node_time_seconds - node_boot_time_seconds > 0", "for": "0s", "interval": "1s",
        "severity": "info", "server_id": server, "channel_ids": [ops],
    });
    let rule = api.create("/rules", rule).await;
    let told = vigil.telegram.wait_for(1, PATIENCE).await;
    assert!(told[0].plain.contains("Running") && told[0].plain.contains(&text(machine, "name")), "{}", told[0].plain);
    let alerts = api.get(&format!("/alerts?rule_id={rule}")).await.ok();
    assert_eq!(items(&alerts).iter().map(|alert| text(alert, "state")).collect::<Vec<_>>(), ["firing"]);

    starter_rules_are_evaluated(api).await;
    let wrong = api.get("/metrics/query?query=rate%28up%29").await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let mode = fs::metadata(vigil.home.path().join("data/samples.db")).expect("samples are kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(vigil.is_running(), "{}", vigil.output());
}

/// The rules that the first start brings can be evaluated here, each says why it is there, and one that is removed is gone.
async fn starter_rules_are_evaluated(api: &Api) {
    let rules = async || api.get("/rules?limit=50").await.ok();
    until("every rule evaluated", async || items(&rules().await).iter().all(|rule| rule["health"] == "ok")).await;
    let listed = rules().await;
    let starters: Vec<&Value> = items(&listed).iter().filter(|rule| rule["owner_id"].is_null()).collect();
    assert_eq!(starters.len(), 9, "{listed}");
    for rule in &starters {
        assert!(rule["annotations"]["description"].as_str().is_some_and(|text| text.len() > 40), "{rule}");
    }
    let removed = api.delete(&format!("/rules/{}", text(starters[0], "id"))).await;
    assert_eq!(removed.status, 204, "{removed:?}");
    assert_eq!(items(&rules().await).len(), items(&listed).len() - 1);
}
