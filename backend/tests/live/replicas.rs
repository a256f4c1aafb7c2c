//! Several backends on one Redis.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use vigil_domain::role::Role;
use vigil_store::{live::Live, redis::Redis};

use crate::{
    app::{App, LONG},
    client::Client,
};

const PROGRAM: &str = "/usr/bin/redis-server";

/// A Redis server of the test's own. Dropping it kills it.
struct RedisServer {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl RedisServer {
    async fn start() -> Self {
        assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: install Debian's package redis-server");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let process = Command::new(PROGRAM)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, url: format!("redis://127.0.0.1:{port}"), _folder: folder };
        tokio::time::timeout(LONG, async { while Redis::connect(&server.url, "probe").await.is_err() {} })
            .await
            .expect("redis-server answers");
        server
    }

    async fn live(&self) -> Live {
        Live::redis(Redis::connect(&self.url, "test").await.unwrap())
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn clients_of_two_backends_cause_one_query_per_interval_and_one_backend_replaces_the_other() {
    let redis = RedisServer::start().await;
    let here = App::on(redis.live().await).await;
    let there = here.beside(redis.live().await).await;
    let token = here.signed_in("op", Role::Operator).await;
    let server = here.server(&token, "web-1").await;
    let mut clients = Vec::new();
    for app in [&here, &there] {
        for _ in 0..10 {
            let mut client = Client::watch(app, &server, "interval=1s", &token).await;
            client.subscribe(&["a"]).await;
            clients.push(client);
        }
    }
    for client in &mut clients {
        for _ in 0..4 {
            let has_result = |frame: &Value| frame["results"][0]["data"]["result"].is_array();
            client.frame_where(has_result).await;
        }
    }
    let counts = here.prometheus.counts();
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    let summaries = counts.keys().filter(|(expr, _)| expr.contains("vigil_metric")).count();
    assert!(summaries >= 4, "{counts:?}");

    let mut there_clients = clients.split_off(10);
    drop(clients);
    assert!(here.shutdown.wait(Duration::from_secs(20)).await);
    let asked = there.prometheus.asked().len();
    for client in &mut there_clients {
        for _ in 0..3 {
            client.frame().await;
        }
    }
    assert!(there.prometheus.asked().len() > asked, "the other one asks now");
    assert!(there.prometheus.counts().values().all(|count| *count == 1));
}

#[tokio::test]
async fn a_new_backend_shows_the_latest_frame_without_asking() {
    let redis = RedisServer::start().await;
    let here = App::on(redis.live().await).await;
    let there = here.beside(redis.live().await).await;
    let token = here.signed_in("op", Role::Operator).await;
    let server = here.server(&token, "web-1").await;
    let frame = Client::watch(&here, &server, "interval=1h", &token).await.frame().await;
    assert_eq!(Client::watch(&there, &server, "interval=1h", &token).await.frame().await, frame);
    assert_eq!(here.prometheus.asked().len(), 1);
}

#[tokio::test]
async fn without_redis_each_backend_asks_for_itself() {
    let redis = RedisServer::start().await;
    let app = App::on(redis.live().await).await;
    let token = app.signed_in("op", Role::Operator).await;
    let server = app.server(&token, "web-1").await;
    let mut client = Client::watch(&app, &server, "interval=1s", &token).await;
    client.frame().await;
    drop(redis);
    let first = client.frame().await["at"].clone();
    client.frame_where(|frame| frame["at"] != first).await;
}
