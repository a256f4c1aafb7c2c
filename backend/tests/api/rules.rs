//! Rules, their groups, versions and the end of their alerts.

use sea_orm::{ActiveValue::Set, EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use uuid::Uuid;
use vigil_domain::{Labels, role::Role};
use vigil_store::entity::{alert, rule_group, told};

use crate::app::App;

const RULES: &str = "/api/v1/rules";
const GROUPS: &str = "/api/v1/rule-groups";

/// Opens an alert of a rule, as an evaluation would; if it fires, the log channel knows.
pub(crate) async fn open_alert(app: &App, rule: &str, firing: bool) {
    let (db, now) = (&app.state.db, app.state.now());
    let labels = Labels::from([("alertname", "Load"), ("instance", "a")]);
    let rule_id: Uuid = rule.parse().unwrap();
    let row = alert::ActiveModel {
        rule_id: Set(rule_id),
        fingerprint: Set(labels.fingerprint().to_string()),
        server_id: Set(None),
        severity: Set(Some("critical".to_owned())),
        state: Set(if firing { "firing" } else { "pending" }.to_owned()),
        value: Set("7".to_owned()),
        labels: Set(labels.clone().into()),
        annotations: Set(vigil_domain::alert::Annotations::new().into()),
        active_at: Set(now),
        fired_at: Set(firing.then_some(now)),
        absent_since: Set(None),
    };
    alert::Entity::insert(row).exec_without_returning(db).await.unwrap();
    if firing {
        let known = told::ActiveModel {
            rule_id: Set(rule_id),
            channel_id: Set(vigil_store::evaluation::LOG_CHANNEL.0),
            firing: Set(std::collections::BTreeSet::from([labels.fingerprint()]).into()),
            sent_at: Set(now),
            notification_id: Set(Uuid::now_v7()),
            is_shadow: Set(false),
        };
        told::Entity::insert(known).exec_without_returning(db).await.unwrap();
    }
}

fn load() -> Value {
    json!({"name": "Load", "expr": "node_load1", "threshold": {"op": ">", "value": 5}, "severity": "critical"})
}

async fn group_of(app: &App, rule: &Value) -> Option<rule_group::Model> {
    let id: Uuid = rule["id"].as_str().unwrap().parse().unwrap();
    let rule = vigil_store::entity::rule::Entity::find_by_id(id).one(&app.state.db).await.unwrap()?;
    rule_group::Entity::find_by_id(rule.group_id).one(&app.state.db).await.unwrap()
}

#[tokio::test]
async fn a_rule_shows_its_defaults_and_what_is_asked() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let made = app.post(RULES, &operator, load()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let rule = made.json();
    for (field, value) in [
        ("for", json!("0s")),
        ("keep_firing_for", json!("0s")),
        ("interval", json!("1m")),
        ("repeat_interval", json!("4h")),
        ("group", json!(null)),
        ("labels", json!({"severity": "critical"})),
        ("severity", json!("critical")),
        ("channel_ids", json!([])),
        ("threshold", json!({"op": ">", "value": 5.0})),
        ("health", json!("unknown")),
        ("state", json!("unknown")),
        ("last_evaluation", json!(null)),
        ("version", json!(1)),
        ("is_active", json!(true)),
        ("effective_expr", json!("(node_load1) > 5")),
    ] {
        assert_eq!(rule[field], value, "{field}");
    }
    let me = app.me(&operator).await.json();
    assert_eq!(rule["owner_id"], me["id"]);
    assert_eq!(app.get(made.header("location"), &operator).await.json(), rule);
    let group = group_of(&app, &rule).await.unwrap();
    assert_eq!((group.name, group.rule_count), (None, 1));
    let slot = group.next_slot_ms;
    assert!(slot > app.state.now().timestamp_millis() && (slot - group.phase_ms) % 60_000 == 0);
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let wrong = json!({"name": "", "expr": "sum(", "for": "soon", "interval": "1s", "group": "node",
        "threshold": {"op": "~", "value": 1}, "labels": {"a-b": "x"}, "repeat_interval": "0s"});
    let fields = app.post(RULES, &operator, wrong).await.wrong_fields();
    let expected = ["name", "expr", "threshold.op", "for", "repeat_interval", "interval", "labels.a-b"];
    assert_eq!(fields, expected);
    let nobody = Uuid::now_v7();
    let unknown = json!({"name": "a", "expr": "up", "server_id": nobody});
    assert_eq!(app.post(RULES, &operator, unknown).await.wrong_fields(), ["server_id"]);
    let unknown = app.post(RULES, &operator, json!({"name": "a", "expr": "up", "channel_ids": [nobody]})).await;
    assert_eq!(unknown.wrong_fields(), ["channel_ids"]);
    assert!(unknown.json()["errors"][0]["message"].as_str().unwrap().contains(&nobody.to_string()));
    assert_eq!(
        app.post(RULES, &operator, json!({"name": "a", "expr": "up", "sverity": "x"})).await.wrong_fields(),
        ["sverity"]
    );
    assert_eq!(rule_group::Entity::find().count(&app.state.db).await.unwrap(), 0, "nothing was left behind");
}

#[tokio::test]
async fn groups_are_made_by_name_and_counted_by_active_rules() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let in_node = |name: &str| json!({"name": name, "expr": "up", "group": "node"});
    let first = app.post(RULES, &operator, in_node("a")).await.json();
    let second = app.post(RULES, &operator, in_node("b")).await;
    assert_eq!(first["interval"], "1m");
    let group = group_of(&app, &first).await.unwrap();
    assert_eq!((group.name.as_deref(), group.rule_count), (Some("node"), 2));
    let at = format!("{GROUPS}/{}", group.id);
    assert_eq!(app.get(&at, &operator).await.json()["active_rules"], 2);

    app.patch(second.header("location"), &operator, json!({"is_active": false})).await;
    assert_eq!(app.get(&at, &operator).await.json()["active_rules"], 1);
    let alone = app.patch(second.header("location"), &operator, json!({"group": null, "interval": "15s"})).await.json();
    assert_eq!((&alone["group"], &alone["interval"]), (&json!(null), &json!("15s")));
    assert_eq!(group_of(&app, &alone).await.unwrap().rule_count, 0);
    let back =
        app.patch(second.header("location"), &operator, json!({"group": "node", "is_active": true})).await.json();
    assert_eq!(back["group"], "node");
    assert_eq!(rule_group::Entity::find().count(&app.state.db).await.unwrap(), 1, "its own group is gone");
    assert_eq!(app.get(&at, &operator).await.json()["active_rules"], 2);

    let refused = app.delete(&at, &operator).await.problem(409, "conflict");
    assert!(refused.contains(r#""a", "b""#), "{refused}");
    let changed = app.patch(&at, &operator, json!({"interval": "15s", "limit": 10})).await.json();
    assert_eq!((&changed["interval"], &changed["limit"], &changed["version"]), (&json!("15s"), &json!(10), &json!(2)));
    assert_eq!(app.get(second.header("location"), &operator).await.json()["interval"], "15s");
    let moved = group_of(&app, &first).await.unwrap();
    assert!((moved.next_slot_ms - moved.phase_ms) % 15_000 == 0 && moved.phase_ms < 15_000);
    app.post(GROUPS, &operator, json!({"name": "node"})).await.problem(409, "conflict");
}

#[tokio::test]
async fn every_edit_is_a_version_and_a_removed_rule_keeps_them() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let at = app.post(RULES, &operator, load()).await.header("location").to_owned();
    assert_eq!(app.patch(&at, &operator, json!({"for": "5m", "interval": "30s"})).await.json()["version"], 2);
    app.patch_if(&at, &operator, "\"1\"", json!({"for": "1m"})).await.problem(412, "stale");
    assert_eq!(app.delete(&at, &operator).await.status, 204);
    app.get(&at, &operator).await.problem(404, "not-found");
    assert_eq!(rule_group::Entity::find().count(&app.state.db).await.unwrap(), 0);

    let page = app.get(&format!("{at}/versions?limit=2"), &operator).await.json();
    let seen = |page: &Value| {
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|item| (item["version"].clone(), item["change"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(seen(&page), [(json!(3), json!("deleted")), (json!(2), json!("updated"))]);
    assert_eq!(
        (&page["items"][1]["rule"]["for"], &page["items"][1]["rule"]["interval"]),
        (&json!("5m"), &json!("30s"))
    );
    let rest = app.get(&format!("{at}/versions?cursor={}", page["next_cursor"].as_str().unwrap()), &operator).await;
    assert_eq!(seen(&rest.json()), [(json!(1), json!("created"))]);
    app.get(&format!("{RULES}/{}/versions", Uuid::now_v7()), &operator).await.problem(404, "not-found");
}

#[tokio::test]
async fn edits_keep_alerts_and_switching_off_or_removing_ends_them() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    for (end, reason) in [("patch", "rule_disabled"), ("delete", "rule_deleted")] {
        let rule = app.post(RULES, &operator, load()).await;
        let (at, id) = (rule.header("location").to_owned(), rule.text("id"));
        open_alert(&app, &id, true).await;
        let edited = app.patch(&at, &operator, json!({"expr": "node_load5"})).await.json();
        assert_eq!(edited["state"], "firing");
        let open = app.get("/api/v1/alerts", &operator).await.json();
        assert_eq!(open["items"][0]["rule_id"], id.as_str());
        if end == "patch" {
            let off = app.patch(&at, &operator, json!({"is_active": false})).await.json();
            assert_eq!(off["state"], "unknown", "it was edited and not evaluated since");
        } else {
            assert_eq!(app.delete(&at, &operator).await.status, 204);
        }
        assert_eq!(app.get("/api/v1/alerts", &operator).await.json()["items"], json!([]));
        let event = app.get(&format!("/api/v1/events?rule_id={id}"), &operator).await.json()["items"][0].clone();
        assert_eq!((&event["state"], &event["reason"]), (&json!("resolved"), &json!(reason)));
        let said = app.get(&format!("/api/v1/notifications?rule_id={id}"), &operator).await.json();
        let said = &said["items"][0];
        assert_eq!((&said["reason"], &said["status"]), (&json!("resolved"), &json!("pending")));
        assert_eq!(said["alerts"][0]["state"], "resolved");
    }
    assert_eq!(app.state.queue.depth().await.unwrap().deliver, 2, "workers were told");
}

#[tokio::test]
async fn lists_filter_by_what_people_ask_for() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let server = app.post("/api/v1/servers", &operator, json!({"name": "web-1", "instance": "web-1"})).await.text("id");
    for body in [
        json!({"name": "Load", "expr": "node_load1", "server_id": server, "severity": "critical"}),
        json!({"name": "Disk", "expr": "up", "group": "node", "severity": "warning"}),
        json!({"name": "Off", "expr": "up", "is_active": false}),
    ] {
        assert_eq!(app.post(RULES, &operator, body).await.status, 201);
    }
    let names = async |query: &str| {
        let page = app.get(&format!("{RULES}?{query}"), &operator).await.json();
        let names = page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
        names.iter().map(|rule| rule["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["Off", "Disk", "Load"]);
    assert_eq!(names(&format!("server_id={server}")).await, ["Load"]);
    assert_eq!(names("group=node").await, ["Disk"]);
    assert_eq!(names("severity=critical").await, ["Load"]);
    assert_eq!(names("is_active=false").await, ["Off"]);
    assert_eq!(names("q=isk").await, ["Disk"]);
    assert_eq!(names("health=ok").await, Vec::<String>::new());
    assert_eq!(app.get(&format!("{RULES}?health=fine"), &operator).await.wrong_fields(), ["health"]);
}

#[tokio::test]
async fn edits_at_once_are_all_kept() {
    let app = App::start().await;
    let operator = app.signed_in("op", Role::Operator).await;
    let server = app.post("/api/v1/servers", &operator, json!({"name": "web-1", "instance": "web-1"})).await;
    let rule = json!({"name": "Load", "expr": "up", "group": "node", "server_id": server.json()["id"]});
    let rule_at = app.post(RULES, &operator, rule.clone()).await.header("location").to_owned();
    let edits = (0..20).map(|n| {
        let (app, operator, server, rule_at, rule) = (&app, &operator, &server, &rule_at, &rule);
        async move {
            match n % 4 {
                0 => app.patch(rule_at, operator, json!({"annotations": {"n": n.to_string()}})).await,
                1 => app.patch(rule_at, operator, json!({"group": if n % 8 == 1 { Some("disk") } else { None }})).await,
                2 => app.patch(server.header("location"), operator, json!({"instance": format!("web-{n}")})).await,
                _ => app.post(RULES, operator, rule.clone()).await,
            }
        }
    });
    for answer in futures::future::join_all(edits).await {
        assert!(answer.status.is_success(), "{answer:?}");
    }
    let instance = app.get(server.header("location"), &operator).await.text("instance");
    let rules = app.get(RULES, &operator).await.json()["items"].as_array().unwrap().clone();
    assert_eq!(rules.len(), 6);
    for rule in &rules {
        assert_eq!(rule["effective_expr"], format!("up{{instance={instance:?}}}"));
    }
    for group in app.get(GROUPS, &operator).await.json()["items"].as_array().unwrap() {
        let of_group = rules.iter().filter(|rule| rule["group"] == group["name"]).count();
        assert_eq!(group["active_rules"], of_group, "{group}");
    }
    let rule = app.get(&rule_at, &operator).await.json();
    assert_eq!(rule["version"], 11, "ten edits after it was made");
}
