//! What people read of a server, on real figures.

use serde_json::{Value, json};
use vigil_tests::{
    api::Api,
    installation::{Installation, Layout},
};

use crate::Machine;

const ELEVEN: [&str; 11] = [
    "cpu_percent",
    "memory_percent",
    "memory_used_bytes",
    "memory_total_bytes",
    "disk_percent",
    "disk_used_bytes",
    "disk_total_bytes",
    "network_receive_bytes_per_second",
    "network_transmit_bytes_per_second",
    "load1",
    "uptime_seconds",
];

async fn of_this_machine() -> (Machine, Installation, String) {
    let machine = Machine::scraped().await;
    let vigil = Installation::start(Layout::OneProcess, machine.prometheus.url(), &[]).await;
    let server = json!({"name": "this machine", "instance": machine.exporter.address()});
    let server = vigil.api.create("/servers", server).await;
    (machine, vigil, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_summary_has_all_eleven_figures_of_this_machine() {
    let (_machine, vigil, server) = of_this_machine().await;
    let summary = vigil.api.get(&format!("/metrics/servers/{server}/summary")).await.ok();
    assert_eq!(summary["missing"], json!({}), "{summary}");
    let metrics = summary["metrics"].as_object().expect("metrics by name");
    assert_eq!(metrics.len(), ELEVEN.len(), "{summary}");
    let figure = |name: &str| metrics[name].as_f64().unwrap_or_else(|| panic!("{name} in {summary}"));
    for name in ELEVEN {
        assert!(figure(name) >= 0.0, "{name} in {summary}");
        assert!(!name.ends_with("_percent") || figure(name) <= 100.0, "{name} in {summary}");
    }
    for what in ["memory", "disk"] {
        let part = |name: &str| figure(&format!("{what}_{name}"));
        let percent = 100.0 * part("used_bytes") / part("total_bytes");
        assert!(part("used_bytes") > 0.0 && part("used_bytes") < part("total_bytes"), "{what} in {summary}");
        // As `df` has it: what only root may use is no part of the whole.
        let is_right = part("percent") >= percent - 0.01 && (what == "disk" || part("percent") <= percent + 0.01);
        assert!(is_right, "{what} is {percent} % in {summary}");
    }
    let proc = |file: &str| std::fs::read_to_string(format!("/proc/{file}")).expect("Linux tells");
    let first = |text: &str| text.split_whitespace().find_map(|word| word.parse::<f64>().ok()).expect("a number");
    let uptime = first(&proc("uptime"));
    assert!((figure("uptime_seconds") - uptime).abs() < 60.0, "{uptime} s in {summary}");
    let memory = first(&proc("meminfo")) * 1024.0;
    assert!((figure("memory_total_bytes") - memory).abs() < 1.0, "{memory} bytes in {summary}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_has_the_points_prometheus_has() {
    let (machine, vigil, server) = of_this_machine().await;
    let instance = machine.exporter.address();
    let newest = machine.prometheus.query(&format!("timestamp(node_load1{{instance={instance:?}}})")).await;
    let end = newest["data"]["result"][0]["value"][1].as_str().and_then(|at| at.parse::<f64>().ok());
    let end = end.expect("a time").floor();
    let start = end - 3.0;
    let path = format!("/metrics/servers/{server}/range?metric=load1&start={start}&end={end}&step=1s");
    let range = vigil.api.get(&path).await.ok();
    let points = range["points"].as_array().unwrap_or_else(|| panic!("points in {range}"));
    assert!(!points.is_empty() && points.len() <= 4, "{range}");

    let asked = format!("/metrics/query_range?query=node_load1&start={start}&end={end}&step=1s");
    let passed = vigil.api.get(&asked).await.ok();
    let series = passed["data"]["result"].as_array().expect("a matrix");
    assert_eq!(series.len(), 1, "{passed}");
    assert_eq!(series[0]["values"].as_array().map(Vec::len), Some(points.len()), "{passed} and {range}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_passed_through_is_answered_as_prometheus_answers_it() {
    let (machine, vigil, _) = of_this_machine().await;
    let prometheus = Api::new(machine.prometheus.url());
    let now = machine.prometheus.query("time()").await["data"]["result"][0].as_f64().expect("a time");
    let (start, end) = (now - 5.0, now);
    for path in [
        format!("/query?query=node_cpu_seconds_total&time={now}"),
        format!("/query?query=rate(node_cpu_seconds_total%5B5s%5D)&time={now}"),
        format!("/query?query=1%2B1&time={now}"),
        format!("/query?query=nothing_of_that_name&time={now}"),
        format!("/query_range?query=sum(node_memory_MemTotal_bytes)&start={start}&end={end}&step=1"),
        format!("/query?query=sum(&time={now}"),
        format!("/query?query=node_load1+*+on(instance)+group_left+node_cpu_seconds_total&time={now}"),
    ] {
        let (ours, theirs) = (vigil.api.get(&format!("/metrics{path}")).await, prometheus.get(&path).await);
        assert_eq!((ours.status, &ours.body), (theirs.status, &theirs.body), "{path}");
        assert_ne!(ours.body, Value::Null, "{path}");
    }
}
