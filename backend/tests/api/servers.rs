//! Servers, and what their changes mean for their rules.

use serde_json::json;
use vigil_domain::role::Role;

use crate::{app::App, rules::open_alert};

const SERVERS: &str = "/api/v1/servers";

#[tokio::test]
async fn an_operator_adds_changes_and_removes_servers_and_a_viewer_reads() {
    let app = App::start().await;
    let (operator, viewer) = (app.signed_in("op", Role::Operator).await, app.signed_in("see", Role::Viewer).await);
    let body = json!({"name": "web-1", "instance": "web-1:9100", "labels": {"env": "prod"}, "department": "shop"});
    app.post(SERVERS, &viewer, body.clone()).await.problem(403, "forbidden");
    let made = app.post(SERVERS, &operator, body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (at, server) = (made.header("location").to_owned(), made.json());
    assert_eq!((&server["selector"], &server["description"]), (&json!({}), &json!(null)));
    assert_eq!((&server["is_active"], &server["version"]), (&json!(true), &json!(1)));
    assert_eq!(app.get(&at, &viewer).await.json(), server);

    assert!(app.post(SERVERS, &operator, body).await.problem(409, "conflict").contains("name"));
    let changed = app.patch(&at, &operator, json!({"department": null, "labels": null})).await.json();
    assert_eq!((&changed["department"], &changed["labels"]), (&json!(null), &json!({})));
    assert_eq!((&changed["instance"], &changed["version"]), (&json!("web-1:9100"), &json!(2)));
    let wrong = app.patch(&at, &operator, json!({"instance": null, "name": " "})).await;
    assert_eq!(wrong.wrong_fields(), ["name", "instance"]);

    app.delete(&at, &viewer).await.problem(403, "forbidden");
    assert_eq!(app.delete(&at, &operator).await.status, 204);
    app.get(&at, &viewer).await.problem(404, "not-found");
    app.patch(&at, &operator, json!({})).await.problem(404, "not-found");
}

#[tokio::test]
async fn lists_filter_and_page() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    for (name, department, is_active) in
        [("web-1", "shop", true), ("Web_2", "shop", false), ("db-1", "data", true), ("db%2", "data", true)]
    {
        let body = json!({"name": name, "instance": name, "department": department, "is_active": is_active});
        assert_eq!(app.post(SERVERS, &operator, body).await.status, 201);
    }
    let names = async |query: &str| {
        let page = app.get(&format!("{SERVERS}?{query}"), &operator).await.json();
        let names = page["items"].as_array().unwrap().iter().map(|server| server["name"].as_str().unwrap().to_owned());
        (names.collect::<Vec<_>>(), page["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(names("").await.0, ["db%2", "db-1", "Web_2", "web-1"]);
    assert_eq!(names("is_active=false").await.0, ["Web_2"]);
    assert_eq!(names("department=data").await.0, ["db%2", "db-1"]);
    assert_eq!(names("q=WEB").await.0, ["Web_2", "web-1"]);
    assert_eq!(names("q=b_").await.0, ["Web_2"], "an underscore is no wildcard");
    assert_eq!(names("q=%25").await.0, ["db%2"], "a percent sign is no wildcard");
    let (first, cursor) = names("limit=3").await;
    assert_eq!(first, ["db%2", "db-1", "Web_2"]);
    assert_eq!(names(&format!("limit=3&cursor={}", cursor.unwrap())).await, (vec!["web-1".to_owned()], None));
    assert_eq!(app.get(&format!("{SERVERS}?colour=red"), &operator).await.wrong_fields(), ["colour"]);
    assert_eq!(app.get(&format!("{SERVERS}?q=%00"), &operator).await.wrong_fields(), ["q"]);
    app.post(SERVERS, &operator, json!({"name": "Übung", "instance": "u", "department": "x"})).await;
    assert_eq!(names("q=%C3%9Cb").await.0, ["Übung"], "letters beyond ASCII are found as they are written");
}

#[tokio::test]
async fn the_rules_of_a_server_follow_it() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let server = app.post(SERVERS, &operator, json!({"name": "web-1", "instance": "web-1:9100"})).await;
    let at = server.header("location").to_owned();
    let rule = json!({"name": "Load", "expr": "node_load1", "threshold": {"op": ">", "value": 5}, "server_id": server.json()["id"]});
    let rule = app.post("/api/v1/rules", &operator, rule).await;
    let rule_at = rule.header("location").to_owned();
    assert!(rule.text("effective_expr").contains(r#"node_load1{instance="web-1:9100"}"#), "{rule:?}");

    app.patch(&at, &operator, json!({"instance": "web-1:9200"})).await;
    let followed = app.get(&rule_at, &operator).await;
    assert!(followed.text("effective_expr").contains(r#"node_load1{instance="web-1:9200"}"#), "{followed:?}");
    assert_eq!(followed.json()["version"], 1, "the rule itself was not edited");

    let refused = app.delete(&at, &operator).await.problem(409, "conflict");
    assert!(refused.contains(r#""Load""#), "{refused}");
    open_alert(&app, &rule.text("id"), true).await;
    assert_eq!(app.patch(&at, &operator, json!({"is_active": false})).await.status, 200);
    assert_eq!(app.get("/api/v1/alerts", &operator).await.json()["items"], json!([]));
    let event = app.get("/api/v1/events", &operator).await.json()["items"][0].clone();
    assert_eq!((&event["state"], &event["reason"]), (&json!("resolved"), &json!("rule_disabled")));
}

#[tokio::test]
async fn prometheus_discovers_active_servers_that_have_an_instance() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    for body in [
        json!({"name": "web-1", "instance": "web-1:9100", "department": "shop", "labels": {"env": "prod"}}),
        json!({"name": "off", "instance": "off:9100", "is_active": false}),
        json!({"name": "by-label", "selector": {"job": "db"}}),
    ] {
        assert_eq!(app.post(SERVERS, &operator, body).await.status, 201);
    }
    let key = app.post("/api/v1/api-keys", &operator, json!({"name": "prometheus", "role": "viewer"})).await;
    let targets = app.get("/api/v1/sd/prometheus", &key.text("key")).await.json();
    let expected =
        json!([{"targets": ["web-1:9100"], "labels": {"department": "shop", "env": "prod", "server": "web-1"}}]);
    assert_eq!(targets, expected);
    app.get("/api/v1/sd/prometheus", "").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_change_for_an_older_version_is_refused() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let at = app.post(SERVERS, &operator, json!({"name": "a", "instance": "a"})).await.header("location").to_owned();
    let change = |tag: &'static str, name: &'static str| app.patch_if(&at, &operator, tag, json!({"name": name}));
    assert_eq!(change("\"1\"", "b").await.json()["version"], 2);
    change("\"1\"", "c").await.problem(412, "stale");
    assert_eq!(change("*", "d").await.json()["name"], "d");
    change("7", "e").await.problem(400, "malformed");
}
