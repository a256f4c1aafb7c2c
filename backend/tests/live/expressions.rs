//! Expressions of one's own.

use serde_json::{Value, json};
use vigil_domain::role::Role;

use crate::{app::App, client::Client};

fn has_results(count: usize) -> impl Fn(&Value) -> bool {
    move |frame| frame["results"].as_array().is_some_and(|results| results.len() == count)
}

#[tokio::test]
async fn results_are_tied_to_the_server_shared_and_sent_to_subscribers_only() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let watch = async || Client::watch(&app, &server, "interval=1s", &token).await;
    let (mut one, mut two, mut other) = (watch().await, watch().await, watch().await);
    one.subscribe(&["rate(a[5m])"]).await;
    two.subscribe(&["rate( a [5m])", "b > 0", "b > 0"]).await;
    let frame = one.frame_where(has_results(1)).await;
    let result = &frame["results"][0];
    assert_eq!(result["expr"], "rate(a[5m])");
    assert_eq!(result["data"]["resultType"], "vector");
    assert_eq!(result["data"]["result"][0]["metric"]["cpu"], "0");
    assert_eq!(result["data"]["result"][0]["value"][1], "1");
    assert_eq!(frame["metrics"]["load1"], 0.5);
    let frame = two.frame_where(has_results(2)).await;
    assert_eq!(frame["results"][0]["expr"], "rate( a [5m])");
    assert_eq!(frame["results"][1]["expr"], "b > 0");
    for _ in 0..4 {
        one.frame_where(has_results(1)).await;
        two.frame_where(has_results(2)).await;
        assert_eq!(other.frame().await["results"], json!([]));
    }
    let counts = app.prometheus.counts();
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    let exprs: std::collections::BTreeSet<&str> = counts.keys().map(|(expr, _)| &**expr).collect();
    assert_eq!(exprs.len(), 3, "{exprs:?}");
    assert!(exprs.iter().all(|expr| expr.contains(r#"instance="web-1:9100""#)), "{exprs:?}");
}

#[tokio::test]
async fn results_come_at_once_and_the_next_subscription_replaces_the_last() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut client = Client::watch(&app, &server, "interval=1h", &token).await;
    client.frame().await;
    client.subscribe(&["a", "b"]).await;
    client.frame_where(has_results(2)).await;
    client.subscribe(&["c"]).await;
    assert_eq!(client.frame_where(has_results(1)).await["results"][0]["expr"], "c");
    client.subscribe(&[]).await;
    client.frame_where(has_results(0)).await;
}

#[tokio::test]
async fn a_mistake_is_explained_and_changes_nothing() {
    let app = App::with(&[("VIGIL_LIVE__MAX_EXPRESSIONS", "2")]).await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut client = Client::watch(&app, &server, "interval=200ms", &token).await;
    client.subscribe(&["a"]).await;
    client.frame_where(has_results(1)).await;
    for (exprs, reason) in [
        (&["a", "sum("][..], "expr.1: could not parse"),
        (&["1 + 1"], "expr.0: names no metric"),
        (&["a", "b", "c"], "expr: at most 2"),
    ] {
        client.subscribe(exprs).await;
        let said = client.error().await;
        assert!(said.starts_with(reason), "{said}");
    }
    assert_eq!(client.frame_where(has_results(1)).await["results"][0]["expr"], "a");
}

#[tokio::test]
async fn a_result_that_fails_says_why() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    app.prometheus.set_series(1_001);
    let mut client = Client::watch(&app, &server, "interval=200ms", &token).await;
    client.subscribe(&["a"]).await;
    let frame =
        client.frame_where(|frame| frame["results"][0]["error"].as_str().is_some_and(|e| e.contains("1001"))).await;
    assert_eq!(frame["results"][0]["data"], Value::Null);
    assert_eq!(frame["metrics"]["load1"], 0.5);
}
