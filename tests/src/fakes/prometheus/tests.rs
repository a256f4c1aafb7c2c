use super::*;
use crate::labels;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(10);

async fn ask(prometheus: &FakePrometheus, path: &str) -> (u16, Value) {
    let response = reqwest::get(format!("{}/api/v1/{path}", prometheus.url())).await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_scripted_vector_is_answered_and_the_question_remembered() {
    let prometheus = FakePrometheus::start();
    prometheus.answers("cpu > 90", [(labels! { instance = "web-1" }, 97.0), (labels! { instance = "web-2" }, 91.25)]);
    let (status, body) = ask(&prometheus, "query?query=cpu+%3E+90&time=1700000000.123").await;
    assert_eq!(status, 200);
    let expected = json!({ "status": "success", "data": { "resultType": "vector", "result": [
        { "metric": { "instance": "web-1" }, "value": [1_700_000_000.123, "97"] },
        { "metric": { "instance": "web-2" }, "value": [1_700_000_000.123, "91.25"] },
    ] } });
    assert_eq!(body, expected);
    let asked = &prometheus.asked()[0];
    assert_eq!((asked.endpoint, asked.expr.as_str()), ("query", "cpu > 90"));
    assert_eq!(asked.time, DateTime::from_timestamp_millis(1_700_000_000_123));
    assert_eq!(asked.headers["accept"], "*/*");
}

#[tokio::test]
async fn a_range_at_an_instant_is_a_matrix() {
    let prometheus = FakePrometheus::start();
    prometheus.answers("up[5m]", [(labels! { job = "node" }, 1.0)]);
    for (expr, result) in
        [("up[5m]", json!([{ "metric": { "job": "node" }, "values": [[5.0, "1"]] }])), ("down[5m]", json!([]))]
    {
        let (_, body) = ask(&prometheus, &format!("query?query={expr}&time=5")).await;
        assert_eq!(body["data"], json!({ "resultType": "matrix", "result": result }), "{expr}");
    }
}

#[tokio::test]
async fn forms_and_written_times_are_understood() {
    let prometheus = FakePrometheus::start();
    let form = [("query", "up"), ("time", "2026-11-21T06:00:00.5Z")];
    let request = reqwest::Client::new().post(format!("{}/api/v1/query", prometheus.url()));
    let body: Value = request.form(&form).header("X-Scope-OrgID", "ops").send().await.unwrap().json().await.unwrap();
    assert_eq!(body["data"], json!({ "resultType": "vector", "result": [] }));
    let asked = &prometheus.asked()[0];
    assert_eq!(asked.time, DateTime::from_timestamp_millis(1_795_240_800_500));
    assert_eq!(asked.headers["x-scope-orgid"], "ops");
}

#[tokio::test]
async fn values_that_are_no_json_numbers_are_written_as_prometheus_does() {
    let prometheus = FakePrometheus::start();
    for (value, written) in [(f64::NAN, "NaN"), (f64::INFINITY, "+Inf"), (f64::NEG_INFINITY, "-Inf"), (0.5, "0.5")] {
        prometheus.scalar("x", value);
        let (_, body) = ask(&prometheus, "query?query=x&time=5").await;
        assert_eq!(body["data"], json!({ "resultType": "scalar", "result": [5.0, written] }));
    }
}

#[tokio::test]
async fn an_exact_text_goes_before_predicates_and_the_newest_predicate_first() {
    let prometheus = FakePrometheus::start();
    prometheus.scalar("cpu", 1.0);
    prometheus.scalar(Question::any(), 2.0);
    prometheus.scalar(Question::containing("memory"), 3.0);
    for (expr, value) in [("cpu", "1"), ("disk", "2"), ("memory_free", "3")] {
        let (_, body) = ask(&prometheus, &format!("query?query={expr}")).await;
        assert_eq!(body["data"]["result"][1], value, "{expr}");
    }
    prometheus.everything_fails(503, "down for maintenance");
    let response = reqwest::get(format!("{}/api/v1/query?query=cpu", prometheus.url())).await.unwrap();
    assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (503, "down for maintenance"));
    prometheus.recovers();
    assert_eq!(ask(&prometheus, "query?query=cpu").await.0, 200);
    assert_eq!((prometheus.count(), prometheus.count_of("cpu")), (5, 3));
}

#[tokio::test]
async fn refusals_look_like_prometheus() {
    let prometheus = FakePrometheus::start();
    prometheus.rejects("a / b", "many-to-many matching not allowed");
    let expected = json!({ "status": "error", "errorType": "execution", "error": "many-to-many matching not allowed" });
    assert_eq!(ask(&prometheus, "query?query=a+/+b").await, (422, expected));
    for path in ["query", "query?query=", "query?query=up&time=noon", "query_range?query=up&start=1&end=2&step=0"] {
        let (status, body) = ask(&prometheus, path).await;
        assert_eq!((status, &body["errorType"]), (400, &json!("bad_data")), "{path}");
    }
    let response = reqwest::get(format!("{}/api/v1/nonsense", prometheus.url())).await.unwrap();
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn a_range_has_every_series_at_every_step() {
    let prometheus = FakePrometheus::start();
    prometheus.answers("up", [(labels! { job = "node" }, 1.0)]);
    let (_, body) = ask(&prometheus, "query_range?query=up&start=100&end=220&step=1m").await;
    let values = json!([[100.0, "1"], [160.0, "1"], [220.0, "1"]]);
    let expected = json!({ "resultType": "matrix", "result": [{ "metric": { "job": "node" }, "values": values }] });
    assert_eq!(body["data"], expected);
    assert_eq!(ask(&prometheus, "query_range?query=up&start=0&end=11001&step=1").await.0, 400);
    assert_eq!(prometheus.count(), 1);
}

#[tokio::test]
async fn a_hanging_question_keeps_others_waiting_for_nothing() {
    let prometheus = FakePrometheus::start();
    prometheus.hangs("slow");
    let url = format!("{}/api/v1/query?query=slow", prometheus.url());
    let slow = reqwest::Client::new().get(url).timeout(Duration::from_millis(300)).send();
    let (slow, quick) = tokio::join!(slow, ask(&prometheus, "query?query=quick"));
    assert!(slow.unwrap_err().is_timeout());
    assert_eq!(quick.0, 200);
}

#[tokio::test]
async fn questions_under_way_at_once_are_counted() {
    let prometheus = FakePrometheus::start();
    ask(&prometheus, "query?query=a").await;
    assert_eq!(prometheus.most_at_once(), 1);
    prometheus.everything_hangs();
    let client = reqwest::Client::new();
    let hang = || client.get(format!("{}/api/v1/query?query=a", prometheus.url())).send();
    tokio::select! {
        () = prometheus.wait_for(4, PATIENCE) => {}
        _ = futures::future::join3(hang(), hang(), hang()) => panic!("they hang"),
    }
    assert_eq!(prometheus.most_at_once(), 3);
}

#[tokio::test]
async fn down_cuts_open_questions_and_up_keeps_the_address() {
    let prometheus = FakePrometheus::start();
    prometheus.hangs("slow");
    let url = format!("{}/api/v1/query?query=slow", prometheus.url());
    let cut = async {
        prometheus.wait_for(1, PATIENCE).await;
        prometheus.down();
    };
    let (slow, ()) = tokio::join!(reqwest::get(&url), cut);
    assert!(!slow.unwrap_err().is_connect());
    assert!(reqwest::get(&url).await.unwrap_err().is_connect());
    prometheus.up();
    assert_eq!(ask(&prometheus, "query?query=quick").await.0, 200);
    let health = reqwest::get(format!("{}/-/healthy", prometheus.url())).await.unwrap();
    assert_eq!(health.status(), 200);
}

#[tokio::test]
async fn a_test_that_blocks_its_thread_is_still_served() {
    let prometheus = FakePrometheus::start();
    let address = prometheus.url().replace("http://", "");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, b"GET /-/ready HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.ends_with("Prometheus Server is Ready.\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_questions_are_answered_and_remembered() {
    let prometheus = FakePrometheus::start();
    prometheus.answers(Question::any(), [(labels! { instance = "web-1" }, 97.0)]);
    let client = reqwest::Client::new();
    let began = std::time::Instant::now();
    let askers = (0..16).map(|_| {
        let (client, url) = (client.clone(), format!("{}/api/v1/query?query=up&time=1700000000", prometheus.url()));
        tokio::spawn(async move {
            for _ in 0..625 {
                let body = client.get(&url).send().await.unwrap().text().await.unwrap();
                assert!(body.contains("web-1"));
            }
        })
    });
    futures::future::try_join_all(askers).await.unwrap();
    println!("10000 questions in {:?}", began.elapsed());
    assert_eq!(prometheus.count(), 10_000);
}

#[tokio::test]
async fn lookups_have_the_labels_of_what_is_scripted() {
    let prometheus = FakePrometheus::start();
    prometheus.answers("b", [(labels! { job = "node", instance = "web-2" }, 1.0)]);
    prometheus.answers(Question::any(), [(labels! { instance = "web-1" }, 1.0), (labels! { instance = "web-2" }, 1.0)]);
    for (path, data) in [
        (
            "series?match[]=b",
            json!([{"instance": "web-1"}, {"instance": "web-2"}, {"instance": "web-2", "job": "node"}]),
        ),
        ("labels", json!(["instance", "job"])),
        ("label/instance/values", json!(["web-1", "web-2"])),
        ("metadata", json!({})),
        ("format_query?query=up", json!("up")),
        ("query_exemplars?query=up", json!([])),
    ] {
        assert_eq!(ask(&prometheus, path).await, (200, json!({"status": "success", "data": data})), "{path}");
    }
}
