//! Rule files: imported with a plan, exported, released.

use axum::{
    body::Body,
    http::{Request, header::CONTENT_TYPE},
};
use serde_json::{Value, json};
use vigil_domain::role::Role;

use crate::{
    app::{Answer, App},
    rules::open_alert,
};

const FILES: &str = "/api/v1/rule-files";

const NODE: &str = r#"groups:
- name: node
  interval: 30s
  query_offset: 0s
  labels:
    team: infra
  rules:
  - alert: Down
    expr: up == 0
    for: 5m
    labels:
      severity: page
    annotations:
      summary: '{{ $labels.instance }} is "down"'
  - record: job:up:sum
    expr: sum by (job) (up)
"#;

async fn import(app: &App, token: &str, query: &str, yaml: &str) -> Answer {
    send(app, token, query, "application/yaml; charset=utf-8", yaml.to_owned()).await
}

async fn send(app: &App, token: &str, query: &str, kind: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(format!("{FILES}?{query}")).header("authorization", format!("Bearer {token}"));
    app.send(request.header(CONTENT_TYPE, kind).body(body.into()).unwrap()).await
}

/// The numbers of a plan: groups, then rules, each added, changed, removed, unchanged.
fn numbers(plan: &Value) -> [u64; 8] {
    let verbs = ["added", "changed", "removed", "unchanged"];
    let number = |what: &str, verb: &str| plan[format!("{what}_{verb}")].as_u64().unwrap_or_else(|| panic!("{plan}"));
    let numbers: Vec<_> = ["groups", "rules"].iter().flat_map(|what| verbs.map(|verb| number(what, verb))).collect();
    numbers.try_into().unwrap()
}

#[tokio::test]
async fn a_file_is_planned_imported_and_exported_as_it_was() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let planned = import(&app, &operator, "namespace=node.yml&dry_run=true", NODE).await.json();
    assert_eq!((&planned["dry_run"], numbers(&planned)), (&json!(true), [1, 0, 0, 0, 2, 0, 0, 0]));
    assert_eq!(app.get(FILES, &operator).await.json()["items"].as_array().unwrap().len(), 1, "nothing was kept");

    let imported = import(&app, &operator, "namespace=node.yml", NODE).await.json();
    assert_eq!((&imported["dry_run"], &imported["changes"]), (&json!(false), &planned["changes"]));
    let change =
        |rule: Value, kind: &str| json!({"group": "node", "rule": rule, "kind": kind, "action": "add", "diff": []});
    let expected = json!([
        change(json!(null), "group"),
        change(json!("Down"), "alerting"),
        change(json!("job:up:sum"), "recording")
    ]);
    assert_eq!(imported["changes"], expected);

    let exported = app.get(&format!("{FILES}/node.yml"), &operator).await;
    assert_eq!(exported.header("content-type"), "application/yaml");
    assert_eq!(std::str::from_utf8(&exported.bytes).unwrap(), NODE);
    let again = import(&app, &operator, "namespace=node.yml", NODE).await.json();
    assert_eq!((numbers(&again), &again["changes"]), ([0, 0, 0, 1, 0, 0, 0, 2], &json!([])));
}

#[tokio::test]
async fn a_plan_of_an_edit_says_that_edit() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    import(&app, &operator, "namespace=node.yml", NODE).await;
    let edited = NODE.replace("up == 0", "up < 1").replace("is \"down\"", "is away");
    let plan = import(&app, &operator, "namespace=node.yml&dry_run=true", &edited).await.json();
    assert_eq!(numbers(&plan), [0, 0, 0, 1, 0, 1, 0, 1]);
    let diff = json!([
        {"field": "expr", "before": "up == 0", "after": "up < 1"},
        {"field": "annotations.summary", "before": "{{ $labels.instance }} is \"down\"",
            "after": "{{ $labels.instance }} is away"},
    ]);
    let change = json!({"group": "node", "rule": "Down", "kind": "alerting", "action": "change", "diff": diff});
    assert_eq!(plan["changes"], json!([change]));
}

#[tokio::test]
async fn every_mistake_is_told_with_its_place_and_nothing_changes() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    import(&app, &operator, "namespace=node.yml", NODE).await;
    let wrong = "groups:\n- name: node\n  interval: 500ms\n  rules:\n  - alert: A\n    expr: sum(\n    colour: red\n\
                 - rules: []\n";
    let refused = import(&app, &operator, "namespace=node.yml", wrong).await;
    assert_eq!(refused.wrong_fields(), ["groups.node", "groups.node.rules.1", "groups.node.rules.1", ""]);
    let errors = refused.json()["errors"].clone();
    assert_eq!(
        errors[0],
        json!({"field": "groups.node", "message": "field 'interval' must be at least 1s",
        "line": 3, "column": 13, "group": "node"})
    );
    assert_eq!((&errors[1]["line"], &errors[1]["column"]), (&json!(6), &json!(11)));
    assert_eq!(
        errors[2],
        json!({"field": "groups.node.rules.1", "message": "field colour not found in type rulefmt.Rule",
        "line": 7, "column": 5, "group": "node", "rule": "A", "rule_number": 1})
    );
    assert_eq!(errors[3]["message"], "Groupname must not be empty");
    let exported = app.get(&format!("{FILES}/node.yml"), &operator).await;
    assert_eq!(std::str::from_utf8(&exported.bytes).unwrap(), NODE);

    let unknown = NODE.replace("    for: 5m\n", "    for: 5m\n    debug: true\n");
    assert_eq!(import(&app, &operator, "namespace=node.yml", &unknown).await.status, 422);
    let lenient = import(&app, &operator, "namespace=node.yml&lenient=true", &unknown).await.json();
    assert_eq!(numbers(&lenient), [0, 0, 0, 1, 0, 0, 0, 2]);
    assert_eq!(
        lenient["warnings"],
        json!([{"line": 11, "column": 5, "group": "node", "rule": "Down",
        "message": "field debug not found in type rulefmt.Rule"}])
    );
    assert_eq!(import(&app, &operator, "", NODE).await.wrong_fields(), ["namespace"]);
    assert_eq!(import(&app, &operator, "namespace=vigil", NODE).await.wrong_fields(), ["namespace"]);
    let json = send(&app, &operator, "namespace=node.yml", "application/json", "{}").await;
    json.problem(415, "media-type");
    let latin = send(&app, &operator, "namespace=node.yml", "text/yaml", vec![0xe4]).await;
    latin.problem(400, "malformed");
}

#[tokio::test]
async fn a_file_may_be_larger_than_other_bodies_and_not_boundless() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let padded = |bytes: usize| format!("# {}\n{NODE}", "x".repeat(bytes));
    assert_eq!(import(&app, &operator, "namespace=node.yml", &padded(2 << 20)).await.status, 200);
    import(&app, &operator, "namespace=node.yml", &padded(16 << 20)).await.problem(413, "too-large");
}

#[tokio::test]
async fn rules_of_a_file_are_shown_not_changed_until_it_is_released() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    import(&app, &operator, "namespace=node.yml", NODE).await;
    let rules = app.get("/api/v1/rules?namespace=node.yml&kind=alerting", &operator).await.json();
    let rule = rules["items"][0].clone();
    assert_eq!(rules["items"].as_array().unwrap().len(), 1);
    for (field, value) in [
        ("kind", json!("alerting")),
        ("namespace", json!("node.yml")),
        ("read_only", json!(true)),
        ("group", json!("node")),
        ("severity", json!("page")),
        ("labels", json!({"severity": "page"})),
        ("repeat_interval", json!("4h")),
        ("channel_ids", json!([])),
    ] {
        assert_eq!(rule[field], value, "{field}");
    }
    let at = format!("/api/v1/rules/{}", rule["id"].as_str().unwrap());
    let why = app.patch(&at, &operator, json!({"for": "1m"})).await.problem(409, "conflict");
    assert_eq!(why, "owned by file node.yml; change the file and import it again, or release it");
    app.delete(&at, &operator).await.problem(409, "conflict");
    let group = app.get("/api/v1/rule-groups?namespace=node.yml", &operator).await.json()["items"][0].clone();
    assert_eq!((&group["read_only"], &group["labels"]), (&json!(true), &json!({"team": "infra"})));
    let group_at = format!("/api/v1/rule-groups/{}", group["id"].as_str().unwrap());
    app.patch(&group_at, &operator, json!({"limit": 5})).await.problem(409, "conflict");
    app.delete(&group_at, &operator).await.problem(409, "conflict");

    let released = app.post(&format!("{FILES}/node.yml/release"), &operator, json!({})).await.json();
    assert_eq!((&released["read_only"], &released["rules"]), (&json!(false), &json!(2)));
    let edited = app.patch(&at, &operator, json!({"for": "1m", "is_active": false})).await.json();
    assert_eq!(
        (&edited["for"], &edited["namespace"], &edited["read_only"]),
        (&json!("1m"), &json!("node.yml"), &json!(false))
    );
    let taken_back = import(&app, &operator, "namespace=node.yml", NODE).await.json();
    let diff = json!([{"field": "for", "before": "1m", "after": "5m"},
        {"field": "is_active", "before": "false", "after": "true"}]);
    assert_eq!((numbers(&taken_back), &taken_back["changes"][0]["diff"]), ([0, 0, 0, 1, 0, 1, 0, 1], &diff));
    app.patch(&at, &operator, json!({"for": "1m"})).await.problem(409, "conflict");
    app.post(&format!("{FILES}/other.yml/release"), &operator, json!({})).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_group_of_a_file_and_one_of_the_api_may_have_one_name() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    import(&app, &operator, "namespace=node.yml", NODE).await;
    let made =
        app.post("/api/v1/rules", &operator, json!({"name": "Mine", "expr": "up", "group": "node"})).await.json();
    assert_eq!((&made["namespace"], &made["read_only"]), (&json!("vigil"), &json!(false)));
    let groups = app.get("/api/v1/rule-groups?q=node", &operator).await.json();
    assert_eq!(groups["items"].as_array().unwrap().len(), 2);
    app.post("/api/v1/rule-groups", &operator, json!({"name": "node"})).await.problem(409, "conflict");
    let exported = app.get(&format!("{FILES}/vigil"), &operator).await;
    let expected = "groups:\n- name: node\n  interval: 1m\n  rules:\n  - alert: Mine\n    expr: up\n";
    assert_eq!(std::str::from_utf8(&exported.bytes).unwrap(), expected);
}

#[tokio::test]
async fn removing_a_file_is_planned_too_and_ends_its_alerts() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    import(&app, &operator, "namespace=a%2Fnode.yml", NODE).await;
    let rules = app.get("/api/v1/rules?kind=alerting", &operator).await.json();
    open_alert(&app, rules["items"][0]["id"].as_str().unwrap(), true).await;
    let at = format!("{FILES}/a%2Fnode.yml");
    let planned = app.delete(&format!("{at}?dry_run=true"), &operator).await.json();
    assert_eq!((numbers(&planned), &planned["namespace"]), ([0, 0, 1, 0, 0, 0, 2, 0], &json!("a/node.yml")));
    assert_eq!(app.get("/api/v1/alerts", &operator).await.json()["items"].as_array().unwrap().len(), 1);
    let removed = app.delete(&at, &operator).await.json();
    assert_eq!((&removed["changes"], &removed["dry_run"]), (&planned["changes"], &json!(false)));
    assert_eq!(app.get("/api/v1/alerts", &operator).await.json()["items"], json!([]));
    assert_eq!(app.state.queue.depth().await.unwrap().deliver, 1, "workers were told of the end");
    app.get(&at, &operator).await.problem(404, "not-found");
    app.delete(&at, &operator).await.problem(404, "not-found");
    assert_eq!(app.delete(&format!("{FILES}/vigil"), &operator).await.wrong_fields(), ["namespace"]);
}

#[tokio::test]
async fn an_export_for_an_older_prometheus_folds_or_refuses() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    import(&app, &operator, "namespace=node.yml", NODE).await;
    let export = async |target: &str| app.get(&format!("{FILES}/node.yml?target={target}"), &operator).await;
    let older = export("2.42").await;
    let older = std::str::from_utf8(&older.bytes).unwrap();
    assert!(older.contains("team: infra") && !older.contains("query_offset"), "{older}");
    let late = NODE.replace("query_offset: 0s", "query_offset: 1m");
    import(&app, &operator, "namespace=node.yml", &late).await;
    let refused = export("2.42").await;
    assert_eq!(refused.wrong_fields(), ["target"]);
    let why = refused.json()["errors"][0]["message"].clone();
    assert_eq!(why, "group \"node\": field 'query_offset' needs Prometheus 2.53 or newer; the target is 2.42");
    assert_eq!(export("newest").await.wrong_fields(), ["target"]);
}

#[tokio::test]
async fn channels_may_be_named_for_all_alerting_rules() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let log = vigil_store::evaluation::LOG_CHANNEL;
    let nobody = uuid::Uuid::now_v7();
    let unknown = import(&app, &operator, &format!("namespace=node.yml&channel_id={nobody}"), NODE).await;
    assert_eq!(unknown.wrong_fields(), ["channel_id"]);
    import(&app, &operator, "namespace=node.yml", NODE).await;
    let plan = import(&app, &operator, &format!("namespace=node.yml&channel_id={log}"), NODE).await.json();
    let diff = json!([{"field": "channel_ids", "before": null, "after": log.to_string()}]);
    assert_eq!((numbers(&plan), &plan["changes"][0]["diff"]), ([0, 0, 0, 1, 0, 1, 0, 1], &diff));
    let kept = import(&app, &operator, "namespace=node.yml", NODE).await.json();
    assert_eq!(kept["changes"], json!([]));
}

#[tokio::test]
async fn files_are_listed_by_name_with_what_is_in_them() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let me = app.me(&operator).await.json()["id"].clone();
    for namespace in ["node.yml", "a.yml", "b.yml"] {
        import(&app, &operator, &format!("namespace={namespace}"), if namespace == "b.yml" { "" } else { NODE }).await;
    }
    let page = app.get(&format!("{FILES}?limit=2"), &operator).await.json();
    let names = |page: &Value| {
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["namespace"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&page), ["a.yml", "b.yml"]);
    let expected = json!({"namespace": "a.yml", "groups": 1, "rules": 2, "alerting_rules": 1, "recording_rules": 1,
        "read_only": true, "shadow": false, "imported_at": "2026-01-01T00:00:00Z", "imported_by": me,
        "created_at": "2026-01-01T00:00:00Z"});
    assert_eq!(page["items"][0], expected);
    assert_eq!(page["items"][1]["rules"], 0);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = app.get(&format!("{FILES}?cursor={cursor}"), &operator).await.json();
    assert_eq!(names(&rest), ["node.yml", "vigil"]);
    assert_eq!((&rest["items"][1]["imported_at"], &rest["items"][1]["read_only"]), (&json!(null), &json!(false)));
}

#[tokio::test]
async fn a_viewer_reads_files_and_changes_none() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let viewer = app.signed_in("viewer", Role::Viewer).await;
    import(&app, &operator, "namespace=node.yml", NODE).await;
    assert_eq!(app.get(&format!("{FILES}/node.yml"), &viewer).await.status, 200);
    import(&app, &viewer, "namespace=node.yml&dry_run=true", NODE).await.problem(403, "forbidden");
    app.delete(&format!("{FILES}/node.yml?dry_run=true"), &viewer).await.problem(403, "forbidden");
    app.post(&format!("{FILES}/node.yml/release"), &viewer, json!({})).await.problem(403, "forbidden");
}
