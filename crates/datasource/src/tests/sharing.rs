//! Identical reads in one window are one query; and queries are counted.

use futures::future::join_all;
use metrics_exporter_prometheus::PrometheusBuilder;
use vigil_domain::Span;

use super::fake::{Fake, at};
use crate::{ApiPath, CacheOptions, CachedDatasource, QueryError};

fn shared(fake: &Fake, window: Span) -> CachedDatasource {
    CachedDatasource::new(fake.source(), CacheOptions { window, capacity_bytes: 1_000_000 })
}

#[tokio::test]
async fn many_callers_at_once_cause_one_request() {
    let fake = Fake::healthy().await;
    let source = shared(&fake, Span::from_secs(1));
    fake.close();
    let calls = (0..50).map(|millis| source.instant("up", at() + Span::from_millis(millis).chrono()));
    let (answers, ()) = tokio::join!(join_all(calls), async {
        fake.arrived(1).await;
        fake.open();
    });
    assert_eq!(fake.seen().len(), 1);
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().at == at()));
}

#[tokio::test]
async fn pass_through_is_shared_by_path_and_parameters() {
    let fake = Fake::healthy().await;
    let source = shared(&fake, Span::from_secs(1));
    let pairs = |expr: &str| vec![("query".to_owned(), expr.to_owned())];
    for (path, expr, requests) in [
        (ApiPath::Query, "a", 1),
        (ApiPath::Query, "a", 1),
        (ApiPath::Query, "b", 2),
        (ApiPath::QueryRange, "b", 3),
        (ApiPath::QueryRange, "b", 3),
    ] {
        assert_eq!(source.get_raw(path, pairs(expr), at()).await.unwrap().status, 200);
        assert_eq!(fake.seen().len(), requests);
    }
}

#[tokio::test]
async fn another_expression_or_window_is_another_query() {
    let fake = Fake::healthy().await;
    let source = shared(&fake, Span::from_secs(1));
    for (expr, millis, requests) in [("a", 0, 1), ("a", 876, 1), ("a", 877, 2), ("b", 877, 3), ("a", 0, 3)] {
        source.instant(expr, at() + Span::from_millis(millis).chrono()).await.unwrap();
        assert_eq!(fake.seen().len(), requests, "{expr} {millis}");
    }
}

#[tokio::test]
async fn without_a_window_nothing_is_shared() {
    let fake = Fake::healthy().await;
    let source = shared(&fake, Span::ZERO);
    source.instant("a", at()).await.unwrap();
    source.instant("a", at()).await.unwrap();
    source.get_raw(ApiPath::Query, vec![], at()).await.unwrap();
    source.get_raw(ApiPath::Query, vec![], at()).await.unwrap();
    assert_eq!(fake.seen().len(), 4);
}

#[tokio::test]
async fn an_error_reaches_all_who_wait_and_is_not_kept() {
    let fake = Fake::answering(401, "text/plain", "").await;
    let source = shared(&fake, Span::from_secs(1));
    fake.close();
    let calls = (0..10).map(|_| source.instant("up", at()));
    let (answers, ()) = tokio::join!(join_all(calls), async {
        fake.arrived(1).await;
        fake.open();
    });
    assert!(answers.iter().all(|answer| *answer == Err(QueryError::Refused(401))));
    let asked = fake.seen().len();
    source.instant("up", at()).await.unwrap_err();
    assert_eq!(fake.seen().len(), asked + 1);
}

#[test]
fn queries_are_counted_by_outcome_and_timed() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let (good, bad) = (Fake::healthy().await, Fake::answering(500, "text/plain", "").await);
            let source = shared(&good, Span::from_secs(1));
            source.instant("up", at()).await.unwrap();
            source.instant("up", at()).await.unwrap();
            bad.source().instant("up", at()).await.unwrap_err();
        });
    });
    let text = handle.render();
    for line in [
        r#"vigil_datasource_queries_total{outcome="ok"} 1"#,
        r#"vigil_datasource_queries_total{outcome="unreachable"} 1"#,
        "vigil_datasource_cache_hits_total 1",
        "vigil_datasource_query_duration_seconds_count 2",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}
