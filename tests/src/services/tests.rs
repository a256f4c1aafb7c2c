use super::*;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

async fn rows(url: &str, table: &str) -> i64 {
    let connection = Database::connect(url).await.unwrap();
    let count = Statement::from_string(DbBackend::Postgres, format!("SELECT count(*) AS n FROM {table}"));
    connection.query_one_raw(count).await.unwrap().unwrap().try_get("", "n").unwrap()
}

async fn execute(url: &str, statement: &str) {
    let connection = Database::connect(url).await.unwrap();
    connection.execute_unprepared(statement).await.unwrap();
}

#[tokio::test]
async fn every_test_gets_a_database_of_its_own() {
    let postgres = Postgres::shared().await;
    let (one, other) = tokio::join!(postgres.create_database(), postgres.create_database());
    execute(&one, "CREATE TABLE t (id int); INSERT INTO t VALUES (1)").await;
    execute(&other, "CREATE TABLE t (id int)").await;
    assert_eq!((rows(&one, "t").await, rows(&other, "t").await), (1, 0));
}

#[tokio::test]
async fn a_migrated_database_is_a_copy_of_the_first() {
    let postgres = Postgres::shared().await;
    // The connection stays open, as a pool that is dropped late does.
    let migrate = async |url: String| {
        execute(&url, "CREATE TABLE migrated (id int); INSERT INTO migrated VALUES (1), (2)").await;
    };
    let one = postgres.create_migrated(migrate).await;
    execute(&one, "DELETE FROM migrated").await;
    let other = postgres.create_migrated(async |_| panic!("it is migrated once")).await;
    assert_eq!((rows(&one, "migrated").await, rows(&other, "migrated").await), (0, 2));
}

#[tokio::test]
async fn committed_rows_survive_stopping_and_killing_postgresql() {
    let mut postgres = Postgres::start().await;
    let url = postgres.create_database().await;
    execute(&url, "CREATE TABLE t (id int); INSERT INTO t VALUES (1)").await;
    postgres.stop().await;
    assert!(std::net::TcpStream::connect(("127.0.0.1", postgres.port())).is_err());
    postgres.start_again().await;
    execute(&url, "INSERT INTO t VALUES (2)").await;
    postgres.kill9();
    postgres.start_again().await;
    assert_eq!(rows(&url, "t").await, 2);
}

async fn set(redis: &Redis) {
    let mut command = ::redis::cmd("SET");
    command.arg("key").arg("value");
    redis.ask::<()>(command).await.unwrap();
}

async fn get(redis: &Redis) -> Option<String> {
    let mut command = ::redis::cmd("GET");
    command.arg("key");
    redis.ask(command).await.unwrap()
}

#[tokio::test]
async fn a_restarted_redis_is_empty_unless_it_is_durable() {
    for (mut redis, kept) in [(Redis::start().await, None), (Redis::durable().await, Some("value".to_owned()))] {
        set(&redis).await;
        let url = redis.url();
        redis.stop().await;
        assert!(redis.ask::<String>(::redis::cmd("PING")).await.is_err());
        redis.start_again().await;
        assert_eq!(redis.url(), url);
        assert_eq!(get(&redis).await, kept);
        redis.kill9();
        redis.start_again().await;
        assert_eq!(get(&redis).await, kept);
    }
}

#[tokio::test]
async fn a_flushed_redis_has_given_its_memory_back() {
    let redis = Redis::start().await;
    let before = redis.used_memory().await;
    let mut fill = ::redis::cmd("SETRANGE");
    fill.arg("big").arg(10_000_000).arg("x");
    redis.ask::<()>(fill).await.unwrap();
    assert!(redis.used_memory().await > before + 9_000_000);
    redis.flush().await;
    assert!(redis.used_memory().await < before + 1_000_000);
}

#[tokio::test]
async fn prometheus_scrapes_the_node_exporter_and_counts_its_queries() {
    let mut exporter = NodeExporter::start().await;
    let mut prometheus = Prometheus::start(&[exporter.address()], Duration::from_secs(1)).await;
    let series = prometheus.until_present("node_load1").await;
    assert_eq!(series[0]["metric"]["instance"], exporter.address());
    assert_eq!(series[0]["metric"]["job"], "node");

    let before = prometheus.query_count().await;
    for _ in 0..5 {
        prometheus.query("up").await;
    }
    assert_eq!(prometheus.query_count().await, before + 5);

    exporter.stop();
    prometheus.until_present("up == 0").await;
    exporter.start_again().await;
    prometheus.until_present("up == 1").await;
    let url = prometheus.url().to_owned();
    prometheus.stop().await;
    assert!(reqwest::get(&url).await.is_err());
    prometheus.start_again().await;
    prometheus.until_present("up").await;
}

#[tokio::test]
async fn alertmanager_takes_alerts() {
    let alertmanager = Alertmanager::start("http://127.0.0.1:9/").await;
    let alerts = serde_json::json!([{"labels": {"alertname": "Test"}}]);
    let url = format!("{}/api/v2/alerts", alertmanager.url());
    let answer = reqwest::Client::new().post(&url).json(&alerts).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let listed: serde_json::Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
    assert_eq!(listed[0]["labels"]["alertname"], "Test");
}
