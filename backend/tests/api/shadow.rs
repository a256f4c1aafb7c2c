//! Rules in shadow, and how a comparison is asked for.

use axum::{
    body::Body,
    http::{Request, header::CONTENT_TYPE},
};
use serde_json::{Value, json};
use uuid::Uuid;
use vigil_domain::role::Role;

use crate::{
    app::{Answer, App},
    rules::open_alert,
};

const FILES: &str = "/api/v1/rule-files";
const REPORT: &str = "/api/v1/shadow/report";
const NODE: &str = "groups:\n- name: node\n  rules:\n  - alert: Down\n    expr: up == 0\n";

async fn import(app: &App, token: &str, query: &str) -> Answer {
    let request = Request::post(format!("{FILES}?namespace=node.yml{query}"));
    let request = request.header("authorization", format!("Bearer {token}")).header(CONTENT_TYPE, "application/yaml");
    app.send(request.body(Body::from(NODE)).unwrap()).await
}

fn words(rule: &Value) -> (bool, bool) {
    (rule["shadow"].as_bool().unwrap(), rule["in_shadow"].as_bool().unwrap())
}

#[tokio::test]
async fn a_file_comes_into_shadow_by_a_word_and_leaves_it_without_an_import() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let viewer = app.signed_in("see", Role::Viewer).await;
    let at = format!("{FILES}/node.yml");
    let planned = import(&app, &operator, "&shadow=true&dry_run=true").await.json();
    let diff = json!([{"field": "shadow", "before": "false", "after": "true"}]);
    assert_eq!((&planned["diff"], &planned["rules_added"]), (&diff, &json!(1)));
    assert_eq!(import(&app, &operator, "&shadow=true").await.json()["diff"], diff);
    assert_eq!(import(&app, &operator, "").await.json()["diff"], json!([]), "without a word it stays");
    let listed = app.get(FILES, &viewer).await.json();
    let shown: Vec<_> = listed["items"].as_array().unwrap().iter().map(|file| file["shadow"].clone()).collect();
    assert_eq!(shown, [json!(true), json!(false)]);
    let rule = app.get("/api/v1/rules", &viewer).await.json()["items"][0].clone();
    assert_eq!(words(&rule), (false, true));
    app.patch(&at, &viewer, json!({"shadow": false})).await.problem(403, "forbidden");
    assert_eq!(app.patch(&at, &operator, json!({"shadow": null})).await.wrong_fields(), ["shadow"]);
    assert_eq!(app.patch(&at, &operator, json!({})).await.json()["shadow"], true);
    let out = app.patch(&at, &operator, json!({"shadow": false})).await.json();
    assert_eq!((&out["shadow"], &out["read_only"]), (&json!(false), &json!(true)));
    let rule = app.get("/api/v1/rules", &viewer).await.json()["items"][0].clone();
    assert_eq!(words(&rule), (false, false));
    app.patch(&format!("{FILES}/other.yml"), &operator, json!({"shadow": true})).await.problem(404, "not-found");
    assert_eq!(import(&app, &operator, "&shadow=maybe").await.wrong_fields(), ["shadow"]);
}

#[tokio::test]
async fn a_rule_and_a_group_of_a_file_may_be_in_shadow_by_themselves() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    import(&app, &operator, "").await;
    let rule = app.get("/api/v1/rules", &operator).await.json()["items"][0].clone();
    let rule_at = format!("/api/v1/rules/{}", rule["id"].as_str().unwrap());
    let both = app.patch(&rule_at, &operator, json!({"shadow": true, "for": "1m"})).await;
    both.problem(409, "conflict");
    let dark = app.patch(&rule_at, &operator, json!({"shadow": true})).await.json();
    assert_eq!((words(&dark), &dark["version"], &dark["read_only"]), ((true, true), &json!(2), &json!(true)));
    app.patch_if(&rule_at, &operator, "\"1\"", json!({"shadow": false})).await.problem(412, "stale");
    let versions = app.get(&format!("{rule_at}/versions"), &operator).await.json();
    let seen = [0_usize, 1].map(|index| versions["items"][index]["rule"]["shadow"].clone());
    assert_eq!(seen, [json!(true), json!(false)]);

    let group = app.get("/api/v1/rule-groups", &operator).await.json()["items"][0].clone();
    let group_at = format!("/api/v1/rule-groups/{}", group["id"].as_str().unwrap());
    app.patch(&group_at, &operator, json!({"shadow": true, "limit": 1})).await.problem(409, "conflict");
    let dark = app.patch(&group_at, &operator, json!({"shadow": true})).await.json();
    assert_eq!((&dark["shadow"], &dark["version"]), (&json!(true), &json!(2)));
    let lit = app.patch(&rule_at, &operator, json!({"shadow": false})).await.json();
    assert_eq!(words(&lit), (false, true), "its group says otherwise");
}

#[tokio::test]
async fn lists_know_what_is_in_shadow() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    for (name, shadow) in [("Dark", true), ("Lit", false)] {
        let rule = json!({"name": name, "expr": "up", "shadow": shadow});
        let made = app.post("/api/v1/rules", &operator, rule).await;
        open_alert(&app, &made.text("id"), true).await;
    }
    for (path, name) in [("/api/v1/rules", "name"), ("/api/v1/alerts", "rule_id")] {
        let items = async |query: &str| {
            let page = app.get(&format!("{path}?{query}"), &operator).await.json();
            page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
        };
        let (all, dark, lit) = (items("").await, items("shadow=true").await, items("shadow=false").await);
        assert_eq!((all.len(), dark.len(), lit.len()), (2, 1, 1), "{path}");
        assert_eq!((&dark[0]["shadow"], &lit[0]["shadow"]), (&json!(true), &json!(false)));
        assert_ne!(dark[0][name], lit[0][name]);
    }
    // Prometheus' clients see them as any other.
    let shown = app.get("/prometheus/api/v1/alerts", &operator).await.json();
    assert_eq!(shown["data"]["alerts"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_report_is_empty_without_rules_in_shadow_and_names_what_is_wrong_with_a_question() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let viewer = app.signed_in("see", Role::Viewer).await;
    let lit = app.post("/api/v1/rules", &operator, json!({"name": "Lit", "expr": "up"})).await.text("id");
    let empty = app.get(REPORT, &viewer).await.json();
    let none = json!({"same": 0, "shifted": 0, "only_here": 0, "only_there": 0});
    let expected = json!({"from": "2025-12-31T00:00:00Z", "to": "2026-01-01T00:00:00Z", "state": "firing",
        "rules_compared": 0, "rules_clean": 0, "summary": none, "rules": [], "alerts": [], "unknown": [],
        "warnings": []});
    assert_eq!(empty, expected, "and nobody was asked, as nobody is there");
    for (query, field) in [
        ("from=2026-01-01T00:00:00Z", "from"),
        ("from=2025-12-01T00:00:00Z", "from"),
        ("from=yesterday", "from"),
        ("state=resolved", "state"),
        ("rule_id=7", "rule_id"),
        ("severity=page", "severity"),
    ] {
        assert_eq!(app.get(&format!("{REPORT}?{query}"), &viewer).await.wrong_fields(), [field], "{query}");
    }
    for id in [lit, Uuid::now_v7().to_string()] {
        app.get(&format!("{REPORT}?rule_id={id}"), &viewer).await.problem(404, "not-found");
    }
    app.post("/api/v1/rules", &operator, json!({"name": "Dark", "expr": "up", "shadow": true})).await;
    app.get(REPORT, &viewer).await.problem(502, "peer");
    assert_eq!(app.get(&format!("{REPORT}?name=Lit"), &viewer).await.json()["rules_compared"], 0);
}
