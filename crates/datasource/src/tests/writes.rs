//! Samples written back to a Prometheus: what goes over the wire, what acknowledges it, and what is told when nothing does.

use metrics_exporter_prometheus::PrometheusBuilder;
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use vigil_domain::{Labels, Sample, sample::stale_marker};

use super::fake::{Fake, SHORT, Seen, at};
use crate::{
    Datasource, HttpOptions, WriteError,
    remote_write::{Label, WriteRequest},
};

/// A Prometheus that takes remote writes.
async fn receiver() -> Fake {
    Fake::answering(204, "text/plain", "").await
}

fn sample(n: usize) -> Sample {
    Sample { labels: Labels::from([("__name__", "ALERTS".to_owned()), ("n", n.to_string())]), value: 1.0 }
}

fn samples(count: usize) -> Vec<Sample> {
    (0..count).map(sample).collect()
}

fn unpacked(request: &Seen) -> WriteRequest {
    let bytes = snap::raw::Decoder::new().decompress_vec(&request.body).unwrap();
    WriteRequest::decode(bytes.as_slice()).unwrap()
}

async fn failure(status: u16, body: &str) -> WriteError {
    let fake = Fake::answering(status, "text/plain", body).await;
    fake.source().write(&samples(1), at()).await.unwrap_err()
}

#[tokio::test]
async fn a_write_has_the_headers_and_the_shape_of_remote_write_1_0() {
    let fake = receiver().await;
    let labels = Labels::from([("instance", "ü \"1\""), ("__name__", "ALERTS"), ("Zone", "a")]);
    let sent = [Sample { labels, value: 1.0 }, Sample { value: stale_marker(), ..sample(7) }];
    fake.source().write(&sent, at()).await.unwrap();
    let [request] = &fake.seen()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/v1/write"));
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "snappy"),
        ("x-prometheus-remote-write-version", "0.1.0"),
        ("user-agent", concat!("vigil/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(request.headers[name], value, "{name}");
    }
    let [first, second] = &unpacked(request).timeseries[..] else { panic!("two series") };
    let names = |label: &Label| (label.name.clone(), label.value.clone());
    let by_name = [("Zone", "a"), ("__name__", "ALERTS"), ("instance", "ü \"1\"")];
    assert_eq!(first.labels.iter().map(names).collect::<Vec<_>>(), by_name.map(|(n, v)| (n.to_owned(), v.to_owned())));
    let points = [first, second].map(|series| (series.samples.len(), series.samples[0].timestamp));
    assert_eq!(points, [(1, 1_700_000_000_123), (1, 1_700_000_000_123)]);
    let bits = [first, second].map(|series| series.samples[0].value.map(f64::to_bits));
    assert_eq!(bits, [1.0_f64.to_bits(), 0x7ff0_0000_0000_0002].map(Some));
}

#[tokio::test]
async fn prefix_credentials_and_headers_go_with_a_write_too() {
    let fake = receiver().await;
    let mut options = fake.options();
    options.path_prefix = Some("/prometheus/".to_owned());
    options.bearer_token = Some("s3cret".to_owned());
    options.headers = vec![("X-Scope-OrgID".to_owned(), "team-1".to_owned())];
    Datasource::http(options).unwrap().write(&samples(1), at()).await.unwrap();
    let request = &fake.seen()[0];
    assert_eq!(request.path, "/prometheus/api/v1/write");
    assert_eq!(request.headers["authorization"], "Bearer s3cret");
    assert_eq!(request.headers["x-scope-orgid"], "team-1");
}

#[tokio::test]
async fn nothing_to_write_is_no_request() {
    let fake = Fake::answering(500, "text/plain", "").await;
    assert_eq!(fake.source().write(&[], at()).await, Ok(()));
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn a_peer_is_written_to_only_when_somebody_says_so() {
    assert!(!receiver().await.source().writes_by_default());
}

#[tokio::test]
async fn many_samples_go_in_several_requests_and_each_once() {
    let fake = receiver().await;
    let all = samples(12_001);
    fake.source().write(&all, at()).await.unwrap();
    let parts: Vec<_> = fake.seen().iter().map(|request| unpacked(request).timeseries).collect();
    assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [5_000, 5_000, 2_001]);
    assert!(parts.into_iter().flatten().eq(WriteRequest::new(&all, at()).timeseries));
}

#[tokio::test]
async fn a_refusal_does_not_keep_back_the_rest_and_a_failing_source_does() {
    for (status, words, requests) in [(400, "out of order sample", 3), (500, "disk on fire", 1), (404, "", 1)] {
        let fake = Fake::answering(status, "text/plain", words).await;
        fake.source().write(&samples(12_001), at()).await.unwrap_err();
        assert_eq!(fake.seen().len(), requests, "{status}");
    }
}

#[tokio::test]
async fn each_failure_is_told_apart() {
    assert_eq!(failure(404, "404 page not found").await, WriteError::NotTaken(404));
    assert_eq!(failure(405, "").await, WriteError::NotTaken(405));
    assert_eq!(failure(401, "no").await, WriteError::Refused(401));
    assert_eq!(failure(403, "no").await, WriteError::Refused(403));
    assert!(matches!(failure(400, "out of order sample").await, WriteError::Rejected(_)));
    for status in [302, 429, 500, 502, 503] {
        let error = failure(status, "no").await;
        assert!(matches!(error, WriteError::Unreachable(_)), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn a_proxys_page_acknowledges_nothing() {
    let error = failure(200, "<html>sign in</html>").await;
    assert!(matches!(error, WriteError::Unreachable(_)), "{error:?}");
    let fake = Fake::answering(200, "text/plain", "ok").await;
    fake.source().write(&samples(1), at()).await.unwrap();
}

#[tokio::test]
async fn a_source_that_hangs_is_a_timeout_and_gives_its_slot_back() {
    let fake = receiver().await;
    let mut options = fake.options();
    (options.timeout, options.concurrency) = (SHORT, 1);
    let source = Datasource::http(options).unwrap();
    fake.close();
    let error = source.write(&samples(1), at()).await.unwrap_err();
    assert_eq!(error, WriteError::Timeout(SHORT));
    assert_eq!(error.to_string(), "samples were not written: no acknowledgement within 200ms");
    fake.open();
    source.write(&samples(1), at()).await.unwrap();
}

#[tokio::test]
async fn writes_and_queries_share_the_limit() {
    let fake = Fake::healthy().await;
    let mut options = fake.options();
    options.concurrency = 2;
    let source = Datasource::http(options).unwrap();
    fake.close();
    let one = samples(1);
    let both = (0..8).map(|_| async { (source.write(&one, at()).await, source.instant("1", at()).await) });
    let (outcomes, ()) = tokio::join!(futures::future::join_all(both), async {
        fake.arrived(2).await;
        fake.open();
    });
    assert!(outcomes.iter().all(|(written, answered)| written.is_ok() && answered.is_ok()));
    assert_eq!((fake.most_at_once(), fake.seen().len()), (2, 16));
}

#[tokio::test]
async fn a_connection_that_is_refused_is_named_by_its_origin_alone() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut options = HttpOptions::new(format!("http://me:s3cret@{address}/s3cret"));
    options.headers = vec![("X-Key".to_owned(), "s3cret".to_owned())];
    let error = Datasource::http(options).unwrap().write(&samples(1), at()).await.unwrap_err();
    assert!(error.is_source_failure());
    let told = format!("{error} {error:?}");
    assert!(told.contains(&format!("samples were not written: cannot connect to http://{address}: ")), "{told}");
    assert!(!told.contains("s3cret"), "{told}");
}

/// Reads one request with its body and answers the body.
async fn read_write(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    body
}

#[tokio::test]
async fn a_kept_connection_that_is_cut_costs_no_sample() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = Datasource::http(HttpOptions::new(format!("http://{}", listener.local_addr().unwrap()))).unwrap();
    let peer = tokio::spawn(async move {
        let taken = b"HTTP/1.1 204 No Content\r\n\r\n";
        let (mut first, _) = listener.accept().await.unwrap();
        let before = read_write(&mut first).await;
        first.write_all(taken).await.unwrap();
        let lost = read_write(&mut first).await;
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        let repeated = read_write(&mut second).await;
        second.write_all(taken).await.unwrap();
        (before, lost, repeated)
    });
    source.write(&samples(1), at()).await.unwrap();
    source.write(&samples(2), at()).await.unwrap();
    let (before, lost, repeated) = peer.await.unwrap();
    assert!(before != lost && lost == repeated);
}

#[test]
fn writes_are_counted_by_outcome_and_timed() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (good, bad) = (receiver().await, Fake::answering(404, "text/plain", "").await);
            good.source().write(&samples(5_001), at()).await.unwrap();
            good.source().write(&[], at()).await.unwrap();
            bad.source().write(&samples(1), at()).await.unwrap_err();
        });
    });
    let text = handle.render();
    for line in [
        r#"vigil_datasource_writes_total{outcome="ok"} 1"#,
        r#"vigil_datasource_writes_total{outcome="not_taken"} 1"#,
        "vigil_datasource_write_duration_seconds_count 2",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
