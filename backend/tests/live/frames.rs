//! What clients get, and what it costs the data source.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use vigil_domain::{Timestamp, role::Role};

use crate::{app::App, client::Client};

fn at(frame: &Value) -> Timestamp {
    frame["at"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_first_frame_comes_at_once_and_has_eleven_figures() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut client = Client::watch(&app, &server, "interval=1h", &token).await;
    let frame = client.frame().await;
    assert_eq!(frame["server_id"], server);
    assert_eq!(frame["metrics"].as_object().unwrap().len(), 11);
    assert_eq!(frame["metrics"]["load1"], 0.5);
    assert_eq!(frame["metrics"]["cpu_percent"], Value::Null);
    assert!(frame["missing"]["cpu_percent"].as_str().unwrap().contains("node_cpu_seconds_total"));
    assert_eq!(frame["results"], Value::Array(Vec::new()));
    let [(expr, _)] = &app.prometheus.asked()[..] else { panic!("one query: {:?}", app.prometheus.asked()) };
    assert!(expr.contains(r#"instance="web-1:9100""#), "{expr}");
    // The next one gets the same without another query.
    assert_eq!(Client::watch(&app, &server, "interval=1h", &token).await.frame().await, frame);
    assert_eq!(app.prometheus.asked().len(), 1);
}

#[tokio::test]
async fn fifty_clients_cause_one_query_per_interval_and_get_the_same_frames() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(Client::watch(&app, &server, "interval=1s", &token).await);
    }
    let mut by_instant: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for client in &mut clients {
        for _ in 0..4 {
            let frame = client.frame().await;
            let at = frame["at"].as_str().unwrap().to_owned();
            by_instant.entry(at).or_default().insert(frame.to_string());
        }
    }
    assert!(by_instant.values().all(|frames| frames.len() == 1), "one frame an instant: {by_instant:?}");
    let counts = app.prometheus.counts();
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    assert!(counts.len() >= 4);
    let whole: Vec<&String> = by_instant.keys().skip(1).collect();
    assert!(whole.iter().all(|at| !at.contains('.')), "instants are aligned: {whole:?}");
}

#[tokio::test]
async fn another_interval_or_server_is_another_question() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let (one, two) = (app.server(&token, "web-1").await, app.server(&token, "web-2").await);
    for (server, interval) in [(&one, "1h"), (&one, "30m"), (&two, "1h")] {
        let frame = Client::watch(&app, server, &format!("interval={interval}"), &token).await.frame().await;
        assert_eq!(frame["server_id"], **server);
    }
    assert_eq!(app.prometheus.asked().len(), 3);
}

#[tokio::test]
async fn a_failing_source_is_said_in_the_frame_and_the_stream_goes_on() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    app.prometheus.set_down(true);
    let mut client = Client::watch(&app, &server, "interval=200ms", &token).await;
    let frame = client.frame().await;
    assert!(frame["metrics"].as_object().unwrap().values().all(Value::is_null), "{frame}");
    assert!(frame["missing"]["load1"].as_str().unwrap().contains("502"), "{frame}");
    app.prometheus.set_down(false);
    client.frame_where(|frame| frame["metrics"]["load1"] == 0.5).await;
}

#[tokio::test]
async fn a_server_that_moves_is_followed() {
    let app = App::start().await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut client = Client::watch(&app, &server, "interval=200ms", &token).await;
    client.frame().await;
    let moved = serde_json::json!({"instance": "web-9:9100"});
    app.call("PATCH", &format!("/api/v1/servers/{server}"), &token, Some(moved)).await;
    let asks_there = || app.prometheus.asked().iter().any(|(expr, _)| expr.contains(r#"instance="web-9:9100""#));
    client.frame_where(|_| asks_there()).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_skips_to_the_present_and_holds_up_nobody() {
    let app = App::with(&[("VIGIL_LIVE__PING_SECONDS", "3600")]).await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    app.prometheus.set_series(1_000);
    let exprs: Vec<String> = (0..5).map(|index| format!("big_{index}")).collect();
    let exprs: Vec<&str> = exprs.iter().map(String::as_str).collect();
    let mut slow = Client::narrow(&app, &server, "interval=200ms", &token).await;
    let mut fast = Client::watch(&app, &server, "interval=200ms", &token).await;
    slow.subscribe(&exprs).await;
    fast.subscribe(&exprs).await;
    // A frame has more than half a megabyte, so that fifteen do not fit into what a socket keeps.
    let mut last = Timestamp::MIN_UTC;
    for _ in 0..15 {
        last = at(&fast.frame_where(|frame| frame["results"].as_array().unwrap().len() == 5).await);
    }
    let mut seen = Vec::new();
    while seen.last() < Some(&last) {
        seen.push(at(&slow.frame().await));
    }
    assert!(seen.is_sorted(), "never backwards: {seen:?}");
    assert!(seen.len() < 14, "it skipped: {}", seen.len());
}
