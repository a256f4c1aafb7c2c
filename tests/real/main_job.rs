//! The main job on real input: a rule about this machine's CPU, which a child process keeps busy for a while.

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use vigil_tests::{
    app::{BOT_TOKEN, CHAT, items, text},
    installation::{Installation, Layout},
    process::{Process, Program},
};

use crate::{Machine, PATIENCE, until};

/// Cores' worth of low-priority work. Nothing else on a machine for tests runs at low priority: other tests, which run
/// meanwhile, do not disturb the rule.
const CPU: &str = r#"sum by (instance) (rate(node_cpu_seconds_total{mode="nice"}[5s]))"#;
/// Children that burn CPU: enough that they get their share beside other tests.
const BURNERS: usize = 4;
/// Far below what the children get beside other work.
const BUSY: f64 = 0.1;
const INTERVAL: TimeDelta = TimeDelta::seconds(1);
/// Long enough to notice the end of the work before the next reminder.
const REPEAT: TimeDelta = TimeDelta::seconds(20);
/// There is one CPU to keep busy or to leave alone.
static CPU_IN_USE: Mutex<()> = Mutex::const_new(());
/// Evaluations that find nothing new.
const QUIET_EVALUATIONS: u64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_tells_of_a_busy_cpu_once_reminds_once_and_says_when_it_is_over() {
    let _alone = CPU_IN_USE.lock().await;
    let machine = Machine::scraped().await;
    let vigil = Installation::start(Layout::OneProcess, machine.prometheus.url(), &[]).await;
    a_busy_cpu(&machine, vigil).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_tell_of_a_busy_cpu_once_remind_once_and_say_when_it_is_over() {
    let _alone = CPU_IN_USE.lock().await;
    let machine = Machine::scraped().await;
    let layout = Layout::Distributed { backends: 1, workers: 2 };
    let vigil = Installation::start(layout, machine.prometheus.url(), &[]).await;
    a_busy_cpu(&machine, vigil).await;
}

async fn a_busy_cpu(machine: &Machine, mut vigil: Installation) {
    until("nothing else runs at low priority", async || {
        let busy = machine.prometheus.query(&format!("{CPU} > {BUSY}")).await;
        busy["data"]["result"].as_array().is_some_and(Vec::is_empty)
    })
    .await;
    let rule = rule_about(&vigil, machine).await;
    let busy = burn();
    until("pending", async || state(&vigil, &rule).await.is_some()).await;
    let first = &vigil.telegram.wait_for(1, PATIENCE).await[0];
    assert!(first.plain.contains("BusyCpu") && first.plain.contains("this machine"), "{}", first.plain);
    assert_eq!(state(&vigil, &rule).await.as_deref(), Some("firing"));

    let reminded = vigil.telegram.wait_for(2, PATIENCE).await;
    assert!(reminded[1].plain.contains("still firing"), "{reminded:#?}");
    // Slots are the repeat interval apart; how long a message took on its way varies.
    assert!(reminded[1].at - reminded[0].at > REPEAT - INTERVAL, "{reminded:#?}");
    drop(busy);
    let resolved = vigil.telegram.wait_for(3, PATIENCE).await;
    assert!(resolved[2].plain.to_lowercase().contains("resolved"), "{}", resolved[2].plain);

    let asked = machine.prometheus.query_count().await;
    until("quiet", async || machine.prometheus.query_count().await >= asked + QUIET_EVALUATIONS).await;
    assert_eq!(vigil.telegram.sent().len(), 3, "{:#?}", vigil.telegram.sent());
    assert_eq!(states(&vigil, &rule).await, ["pending", "firing", "resolved"]);
    assert_eq!(notifications(&vigil).await, ["first delivered 1", "repeat delivered 1", "resolved delivered 1"]);
    assert!(vigil.is_running(), "{}", vigil.output());
}

/// Makes the rule, with its server and its channel.
async fn rule_about(vigil: &Installation, machine: &Machine) -> String {
    let api = &vigil.api;
    let config = json!({"bot_token": BOT_TOKEN, "chat_id": CHAT});
    let ops = api.create("/channels", json!({"name": "ops", "kind": "telegram", "config": config})).await;
    let server = json!({"name": "this machine", "instance": machine.exporter.address()});
    let server = api.create("/servers", server).await;
    let rule = json!({
        "name": "BusyCpu", "expr": CPU, "threshold": {"op": ">", "value": BUSY}, "for": "3s", "interval": "1s",
        "repeat_interval": format!("{}s", REPEAT.num_seconds()), "severity": "warning", "server_id": server,
        "channel_ids": [ops],
    });
    api.create("/rules", rule).await
}

/// Keeps the CPU busy until it is dropped.
fn burn() -> Vec<Process> {
    let burner = Program::new("/usr/bin/nice").args(["-n", "1", "sh", "-c", "while :; do :; done"]);
    (0..BURNERS).map(|_| Process::start(burner.clone())).collect()
}

/// The state of the rule's one alert, if it is open.
async fn state(vigil: &Installation, rule: &str) -> Option<String> {
    let alerts = vigil.api.get(&format!("/alerts?rule_id={rule}")).await.ok();
    let alerts = items(&alerts);
    assert!(alerts.len() <= 1, "one machine, one alert: {alerts:#?}");
    alerts.first().map(|alert| text(alert, "state"))
}

/// The states of the rule's events, oldest first.
async fn states(vigil: &Installation, rule: &str) -> Vec<String> {
    let events = vigil.api.get(&format!("/events?rule_id={rule}")).await.ok();
    items(&events).iter().rev().map(|event| text(event, "state")).collect()
}

/// Reason, status and number of attempts of every notification, oldest first.
async fn notifications(vigil: &Installation) -> Vec<String> {
    let all = vigil.api.get("/notifications").await.ok();
    let told = |one: &Value| {
        let attempts = one["attempts"].as_array().map_or(0, Vec::len);
        format!("{} {} {attempts}", text(one, "reason"), text(one, "status"))
    };
    items(&all).iter().rev().map(told).collect()
}
