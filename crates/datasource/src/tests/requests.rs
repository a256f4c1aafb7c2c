//! What goes over the wire, and what must not.

use vigil_domain::{Labels, QueryValue, Sample, Span};

use super::fake::{Fake, ONE, at};
use crate::{ApiPath, Datasource};

#[tokio::test]
async fn an_instant_query_asks_for_its_millisecond_and_reads_the_vector() {
    let fake = Fake::healthy().await;
    let answer = fake.source().instant("up == 1", at()).await.unwrap();
    assert_eq!(answer.value, QueryValue::Vector(vec![Sample { labels: Labels::default(), value: 1.0 }]));
    let [request] = &fake.seen()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/api/v1/query"));
    assert_eq!(request.pairs["query"], "up == 1");
    assert_eq!(request.pairs["time"], "1700000000.123");
    assert_eq!(request.pairs["timeout"], "9000ms");
}

#[tokio::test]
async fn compression_is_never_asked_for() {
    let fake = Fake::healthy().await;
    fake.source().healthy().await.unwrap();
    let headers = &fake.seen()[0].headers;
    assert_eq!(headers.get("accept-encoding"), None);
    assert_eq!(headers["user-agent"], concat!("vigil/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_range_query_sends_its_bounds_and_step() {
    let matrix =
        r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[1,"2"]]}]}}"#;
    let fake = Fake::answering(200, "application/json", matrix).await;
    let end = at() + Span::from_secs(60).chrono();
    let answer = fake.source().range("x", (at(), end), Span::from_millis(500)).await.unwrap();
    assert_eq!((answer.value[0].labels.get("a"), answer.value[0].points[0].1), (Some("b"), 2.0));
    let request = &fake.seen()[0];
    assert_eq!(request.path, "/api/v1/query_range");
    let sent = ["start", "end", "step"].map(|name| request.pairs[name].as_str());
    assert_eq!(sent, ["1700000000.123", "1700000060.123", "0.500"]);
}

#[tokio::test]
async fn samples_are_asked_for_by_an_instant_query_of_a_range() {
    let matrix = r#"{"status":"success","data":{"resultType":"matrix","result":[
        {"metric":{"__name__":"ALERTS"},"values":[[1699999990.250,"1"],[1700000000.123,"1"]]}]}}"#;
    let fake = Fake::answering(200, "application/json", matrix).await;
    let answer = fake.source().samples("ALERTS[1d]", at()).await.unwrap();
    let times: Vec<_> = answer.value[0].points.iter().map(|(at, _)| at.timestamp_millis()).collect();
    assert_eq!(times, [1_699_999_990_250, 1_700_000_000_123]);
    let request = &fake.seen()[0];
    assert_eq!(request.path, "/api/v1/query");
    assert_eq!((request.pairs["query"].as_str(), request.pairs["time"].as_str()), ("ALERTS[1d]", "1700000000.123"));
    let vector = Fake::healthy().await;
    assert!(vector.source().samples("ALERTS", at()).await.is_err(), "a vector is no range");
}

#[tokio::test]
async fn a_long_query_goes_as_a_form() {
    let fake = Fake::healthy().await;
    let expr = format!("up + {} & ü", "1 + ".repeat(1_000));
    fake.source().instant(&expr, at()).await.unwrap();
    let request = &fake.seen()[0];
    assert_eq!(request.method, "POST");
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.pairs["query"], expr);
    assert_eq!(request.pairs["time"], "1700000000.123");
}

#[tokio::test]
async fn prefix_credentials_and_headers_go_with_each_request() {
    let fake = Fake::healthy().await;
    let mut options = fake.options();
    options.path_prefix = Some("/prometheus/".to_owned());
    options.bearer_token = Some("s3cret".to_owned());
    options.headers = vec![("X-Scope-OrgID".to_owned(), "team-1".to_owned())];
    let source = Datasource::http(options).unwrap();
    source.instant("1", at()).await.unwrap();
    source.get_raw(&ApiPath::Labels, &[]).await.unwrap();
    for (request, path) in fake.seen().iter().zip(["/prometheus/api/v1/query", "/prometheus/api/v1/labels"]) {
        assert_eq!(request.path, path);
        assert_eq!(request.headers["authorization"], "Bearer s3cret");
        assert_eq!(request.headers["x-scope-orgid"], "team-1");
    }

    let mut basic = fake.options();
    (basic.username, basic.password) = (Some("me".to_owned()), Some("p@ss".to_owned()));
    Datasource::http(basic).unwrap().healthy().await.unwrap();
    // "me:p@ss" in base64.
    assert_eq!(fake.seen()[2].headers["authorization"], "Basic bWU6cEBzcw==");
}

#[tokio::test]
async fn pass_through_keeps_the_callers_parameters_and_the_peers_bytes() {
    let fake = Fake::healthy().await;
    let pairs = [("query", "up"), ("match[]", "a"), ("timeout", "3s")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    let answer = fake.source().query_raw(&pairs).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, ONE.as_bytes()));
    fake.source().query_range_raw(&pairs[..1]).await.unwrap();
    fake.source().get_raw(&ApiPath::LabelValues("__name__".to_owned()), &[]).await.unwrap();
    let seen = fake.seen();
    assert_eq!(seen[0].pairs, pairs.into_iter().collect());
    assert_eq!((seen[1].path.as_str(), seen[1].pairs["timeout"].as_str()), ("/api/v1/query_range", "9000ms"));
    assert_eq!(seen[2].path, "/api/v1/label/__name__/values");
}

#[tokio::test]
async fn a_caller_may_be_less_patient_than_vigil_and_not_more() {
    let fake = Fake::healthy().await;
    for asked in ["3s", "0.5", "9s", "9001ms", "1h", "soon"] {
        fake.source().query_raw(&[("timeout".to_owned(), asked.to_owned())]).await.unwrap();
    }
    let sent: Vec<_> = fake.seen().into_iter().map(|request| request.pairs["timeout"].clone()).collect();
    assert_eq!(sent, ["3s", "0.5", "9s", "9000ms", "9000ms", "soon"]);
}

#[tokio::test]
async fn a_label_name_cannot_lead_to_another_path() {
    let fake = Fake::healthy().await;
    for name in ["../admin", "a/b", "", "a?x", "%2e%2e"] {
        let error = fake.source().get_raw(&ApiPath::LabelValues(name.to_owned()), &[]).await.unwrap_err();
        assert!(!error.is_source_failure(), "{name}: {error}");
    }
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn no_more_queries_are_under_way_than_allowed() {
    let fake = Fake::healthy().await;
    let mut options = fake.options();
    options.concurrency = 3;
    let source = Datasource::http(options).unwrap();
    fake.close();
    let queries = (0..20).map(|_| source.instant("1", at()));
    let (answers, ()) = tokio::join!(futures::future::join_all(queries), async {
        fake.arrived(3).await;
        fake.open();
    });
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!((fake.most_at_once(), fake.seen().len()), (3, 20));
}
