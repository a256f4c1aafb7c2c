//! promtool asks Vigil as it asks Prometheus.

use serde_json::{Value, json};
use vigil_tests::{
    installation::{Installation, Layout},
    process::Program,
    programs,
};

use crate::Machine;

/// `promtool query` with these arguments, `SERVER` being where it asks.
async fn promtool(server: &str, arguments: &[&str]) -> String {
    let arguments = arguments.iter().map(|argument| argument.replace("SERVER", server));
    let program = Program::new(programs::debian("promtool", "prometheus")).arg("query").args(arguments);
    tokio::task::spawn_blocking(move || program.run()).await.expect("promtool succeeds")
}

/// Vigil on this machine's figures, the address promtool is given, credentials in it, and a time in the past.
async fn of_this_machine() -> (Machine, Installation, String, f64) {
    let machine = Machine::scraped().await;
    let vigil = Installation::start(Layout::OneProcess, machine.prometheus.url(), &[]).await;
    let key = vigil.api.post("/api-keys", json!({"name": "promtool", "role": "viewer"})).await.ok();
    let key = key["key"].as_str().expect("a new key is shown");
    let address = vigil.api.url.replace("http://", &format!("http://promtool:{key}@"));
    machine.prometheus.until_present("rate(node_cpu_seconds_total[5s] offset 2s)").await;
    let newest = machine.prometheus.query("max(timestamp(node_load1))").await;
    let newest = newest["data"]["result"][0]["value"][1].as_str().and_then(|at| at.parse::<f64>().ok());
    (machine, vigil, format!("{address}/prometheus"), newest.expect("a time").floor())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_prints_the_same_of_vigil_as_of_prometheus() {
    let (machine, _vigil, ours, at) = of_this_machine().await;
    let (at, before) = (format!("--time={at}"), at - 2.0);
    let (start, end) = (format!("--start={before}"), at.replace("--time", "--end"));
    let (start, end) = (start.as_str(), end.as_str());
    for (arguments, part) in [
        (vec!["instant", &at, "SERVER", "1 + 1"], "scalar: 2"),
        (vec!["instant", &at, "SERVER", "node_cpu_seconds_total"], "mode=\"idle\""),
        (vec!["instant", "--format=json", &at, "SERVER", "rate(node_cpu_seconds_total[5s])"], "\"metric\""),
        (vec!["range", start, end, "--step=1s", "SERVER", "node_memory_MemTotal_bytes"], "node_memory_MemTotal_bytes"),
        (vec!["range", start, end, "--step=500ms", "SERVER", "sum by (mode) (node_cpu_seconds_total)"], "idle"),
        (vec!["series", start, end, "--match=up", "--match=node_load1", "SERVER"], "node_load1"),
        (vec!["labels", start, end, "SERVER", "__name__"], "node_cpu_seconds_total"),
        (vec!["labels", start, end, "--match=node_cpu_seconds_total", "SERVER", "mode"], "idle"),
    ] {
        let told = promtool(&ours, &arguments).await;
        assert_eq!(told, promtool(machine.prometheus.url(), &arguments).await, "{arguments:?}");
        assert!(told.contains(part), "{arguments:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_read_is_answered_as_prometheus_answers_it() {
    let (machine, vigil, _, at) = of_this_machine().await;
    let token = vigil.api.token.clone().expect("the admin is signed in");
    let client = reqwest::Client::new();
    let range = format!("start={}&end={at}", at - 2.0);
    for (path, pairs) in [
        ("query", format!("query=1%2B1&time={at}")),
        ("query", format!("query=node_load1&time={at}&timeout=1h&unknown=1")),
        ("query", format!("query=sum(&time={at}")),
        ("query", format!("query=node_load1+*+on(instance)+group_left+node_cpu_seconds_total&time={at}")),
        ("query", "query=up&time=yesterday".to_owned()),
        ("query", "query=up&timeout=soon".to_owned()),
        ("query_range", format!("query=node_load1&{range}&step=0.5")),
        ("query_range", format!("query=node_load1&{range}&step=0")),
        ("query_range", format!("query=node_load1&{range}&step=soon")),
        ("query_range", format!("query=node_load1&{range}")),
        ("query_range", format!("query=node_load1&start={at}&end=1&step=1")),
        ("query_range", "query=node_load1&start=0&end=11001&step=1".to_owned()),
        ("query_range", "query=node_load1&end=1&step=1".to_owned()),
        ("series", format!("match[]=up&match[]=node_load1&{range}")),
        ("series", range.clone()),
        ("series", format!("match[]=%7B%7D&{range}")),
        ("labels", range.clone()),
        ("labels", format!("match[]=up&{range}")),
        ("labels", "start=yesterday".to_owned()),
        ("format_query", "query=sum(up)by(job)".to_owned()),
        ("format_query", "query=sum(".to_owned()),
        ("query_exemplars", format!("query=up&{range}")),
    ] {
        let asked = async |url: &str, method: reqwest::Method| {
            let by_form = method == reqwest::Method::POST;
            let question = if by_form { String::new() } else { format!("?{pairs}") };
            let mut request = client.request(method, format!("{url}/api/v1/{path}{question}")).bearer_auth(&token);
            if by_form {
                let kind = "application/x-www-form-urlencoded";
                request = request.header("content-type", kind).body(pairs.clone());
            }
            let response = request.send().await.expect("an answer");
            (response.status(), response.json::<Value>().await.expect("JSON"))
        };
        for method in [reqwest::Method::GET, reqwest::Method::POST] {
            let ours = asked(&format!("{}/prometheus", vigil.api.url), method.clone()).await;
            let theirs = asked(machine.prometheus.url(), method.clone()).await;
            assert_eq!(ours, theirs, "{method} {path} {pairs}");
        }
    }
    for path in ["label/job/values", "label/a%20b/values", "metadata?metric=node_load1", "metadata?limit=x"] {
        let asked = async |url: &str| {
            let response =
                client.get(format!("{url}/api/v1/{path}")).bearer_auth(&token).send().await.expect("an answer");
            (response.status(), response.json::<Value>().await.expect("JSON"))
        };
        let ours = asked(&format!("{}/prometheus", vigil.api.url)).await;
        assert_eq!(ours, asked(machine.prometheus.url()).await, "{path}");
    }
}
