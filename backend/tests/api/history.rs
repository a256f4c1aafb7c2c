//! Open alerts, events and notifications as people read them.

use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::json;
use uuid::Uuid;
use vigil_domain::{Labels, alert::Annotations, role::Role};
use vigil_store::entity::{alert, alert_event};

use crate::app::App;

fn event(n: u32, state: &str, severity: &str, at: &str) -> alert_event::ActiveModel {
    let labels = Labels::from([("alertname", "Load".to_owned()), ("n", n.to_string())]);
    let at = at.parse().unwrap();
    alert_event::ActiveModel {
        id: Set(Uuid::now_v7()),
        rule_id: Set(Uuid::from_u128(u128::from(n % 2))),
        rule_name: Set("Load".to_owned()),
        server_id: Set(None),
        severity: Set(Some(severity.to_owned())),
        fingerprint: Set(labels.fingerprint().to_string()),
        labels: Set(labels.into()),
        annotations: Set(Annotations::new().into()),
        state: Set(state.to_owned()),
        value: Set("NaN".to_owned()),
        reason: Set("condition_met".to_owned()),
        is_shadow: Set(n == 2),
        active_at: Set(at),
        starts_at: Set(None),
        evaluated_at: Set(at),
        created_at: Set(at),
    }
}

#[tokio::test]
async fn events_are_newest_first_and_filtered() {
    let app = App::start().await;
    let viewer = app.signed_in("see", Role::Viewer).await;
    for (n, state, severity, at) in [
        (0, "pending", "critical", "2026-01-01T00:00:00Z"),
        (1, "firing", "critical", "2026-01-01T00:01:00Z"),
        (2, "resolved", "warning", "2026-01-01T00:02:00.500Z"),
    ] {
        alert_event::Entity::insert(event(n, state, severity, at)).exec_without_returning(&app.state.db).await.unwrap();
    }
    let states = async |query: &str| {
        let page = app.get(&format!("/api/v1/events?{query}"), &viewer).await.json();
        let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone();
        items.iter().map(|event| event["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states("").await, ["resolved", "firing", "pending"]);
    assert_eq!(states("severity=critical&state=firing").await, ["firing"]);
    assert_eq!(states(&format!("rule_id={}", Uuid::from_u128(1))).await, ["firing"]);
    assert_eq!(states("shadow=true").await, ["resolved"]);
    assert_eq!(states("shadow=false").await, ["firing", "pending"]);
    assert_eq!(states("from=2026-01-01T00:01:00Z").await, ["resolved", "firing"]);
    assert_eq!(states("to=2026-01-01T00:01:00Z").await, ["firing", "pending"]);
    assert_eq!(states("from=2026-01-01T00:02:00.500Z&to=2026-01-01T00:02:00.500Z").await, ["resolved"]);

    let first = app.get("/api/v1/events?limit=1", &viewer).await.json();
    let id = first["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(app.get(&format!("/api/v1/events/{id}"), &viewer).await.json(), first["items"][0]);
    let next = format!("limit=5&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(states(&next).await, ["firing", "pending"]);
    assert_eq!(app.get("/api/v1/events?state=lost", &viewer).await.wrong_fields(), ["state"]);
    assert_eq!(app.get("/api/v1/events?from=yesterday", &viewer).await.wrong_fields(), ["from"]);
    app.get(&format!("/api/v1/events/{}", Uuid::now_v7()), &viewer).await.problem(404, "not-found");
    app.get("/api/v1/events/none", &viewer).await.problem(404, "not-found");
}

#[tokio::test]
async fn open_alerts_page_through_equal_times() {
    let app = App::start().await;
    let viewer = app.signed_in("see", Role::Viewer).await;
    for n in 0..5_u8 {
        let at = if n < 4 { "2026-01-01T00:00:00Z" } else { "2026-01-01T00:00:00.250Z" }.parse().unwrap();
        let row = alert::ActiveModel {
            rule_id: Set(Uuid::from_u128(u128::from(n / 2))),
            fingerprint: Set(format!("{n:016x}")),
            server_id: Set(None),
            severity: Set(None),
            state: Set("pending".to_owned()),
            value: Set("1".to_owned()),
            labels: Set(Labels::default().into()),
            annotations: Set(Annotations::new().into()),
            active_at: Set(at),
            fired_at: Set(None),
            absent_since: Set(None),
        };
        alert::Entity::insert(row).exec_without_returning(&app.state.db).await.unwrap();
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/api/v1/alerts?limit=2{cursor}"), &viewer).await.json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|alert| alert["fingerprint"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, [4, 3, 2, 1, 0].map(|n| format!("{n:016x}")));
    let firing = app.get("/api/v1/alerts?state=firing", &viewer).await.json();
    assert_eq!(firing, json!({"items": [], "next_cursor": null}));
}
