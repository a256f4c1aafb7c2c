//! Managing people who can sign in.

use axum::{body::Body, http::Request};
use serde_json::json;
use vigil_domain::role::Role;

use crate::app::{App, PASSWORD};

const USERS: &str = "/api/v1/users";

#[tokio::test]
async fn an_admin_makes_changes_and_removes_users() {
    let app = App::start().await;
    let admin = app.signed_in("root", Role::Admin).await;
    let made =
        app.post(USERS, &admin, json!({"username": " Bob@Example.com", "password": PASSWORD, "role": "viewer"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let bob = made.json();
    assert_eq!(bob["username"], "bob@example.com");
    assert_eq!((&bob["is_active"], &bob["version"]), (&json!(true), &json!(1)));
    assert!(bob.get("password_hash").is_none());
    let at = made.header("location").to_owned();
    assert_eq!(app.get(&at, &admin).await.json(), bob);

    let changed = app.patch(&at, &admin, json!({"role": "operator"})).await;
    assert_eq!((&changed.json()["role"], &changed.json()["version"]), (&json!("operator"), &json!(2)));
    assert_eq!(app.delete(&at, &admin).await.status, 204);
    app.get(&at, &admin).await.problem(404, "not-found");
    app.delete(&at, &admin).await.problem(404, "not-found");
}

#[tokio::test]
async fn only_admins_see_users() {
    let app = App::start().await;
    let root = app.user("root", Role::Admin).await;
    for role in [Role::Viewer, Role::Operator] {
        let token = app.signed_in(role.as_str(), role).await;
        app.get(USERS, &token).await.problem(403, "forbidden");
        app.post(USERS, &token, json!({})).await.problem(403, "forbidden");
        app.delete(&format!("{USERS}/{root}"), &token).await.problem(403, "forbidden");
    }
    app.get(USERS, "").await.problem(401, "unauthenticated");
    app.get(USERS, "nonsense").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn every_mistake_in_a_new_user_is_told() {
    let app = App::start().await;
    let admin = app.signed_in("root", Role::Admin).await;
    let wrong = app.post(USERS, &admin, json!({"username": " ", "password": "short", "role": "viewer"})).await;
    assert_eq!(wrong.wrong_fields(), ["username", "password"]);
    let wrong = app.post(USERS, &admin, json!({"username": "x", "password": PASSWORD, "role": "god"})).await;
    assert_eq!(wrong.wrong_fields(), ["role"]);
    let wrong = app.post(USERS, &admin, json!({"username": "a\u{0}b", "password": PASSWORD, "role": "viewer"})).await;
    assert_eq!(wrong.wrong_fields(), ["username"]);
    let wrong = app.patch(&format!("{USERS}/{}", uuid::Uuid::now_v7()), &admin, json!({"role": null})).await;
    assert_eq!(wrong.wrong_fields(), ["role"]);
}

#[tokio::test]
async fn names_are_unique_whatever_their_case() {
    let app = App::start().await;
    let admin = app.signed_in("root", Role::Admin).await;
    let bob = app.user("bob", Role::Viewer).await;
    let taken = app.post(USERS, &admin, json!({"username": "BOB", "password": PASSWORD, "role": "viewer"})).await;
    assert_eq!(taken.problem(409, "conflict"), "another object has the same username");
    let taken = app.patch(&format!("{USERS}/{bob}"), &admin, json!({"username": "Root"})).await;
    assert_eq!(taken.problem(409, "conflict"), "another object has the same username");
}

#[tokio::test]
async fn the_last_active_admin_stays() {
    let app = App::start().await;
    let root = app.user("root", Role::Admin).await;
    let admin = app.login("root", PASSWORD).await.text("access_token");
    let at = format!("{USERS}/{root}");
    for change in [json!({"role": "operator"}), json!({"is_active": false})] {
        app.patch(&at, &admin, change).await.problem(409, "conflict");
    }
    app.delete(&at, &admin).await.problem(409, "conflict");
    assert_eq!(app.patch(&at, &admin, json!({"username": "Chief"})).await.status, 200);

    let second = app.user("second", Role::Admin).await;
    let other = format!("{USERS}/{second}");
    let demotion = app.patch(&at, &admin, json!({"role": "viewer"}));
    let (demoted, deleted) = futures::future::join(demotion, app.delete(&other, &admin)).await;
    let succeeded = [demoted.status.is_success(), deleted.status.is_success()];
    assert_eq!(succeeded.iter().filter(|success| **success).count(), 1, "{demoted:?} {deleted:?}");
}

#[tokio::test]
async fn a_deactivated_user_is_out_at_once_and_a_new_password_ends_sessions() {
    let app = App::start().await;
    let admin = app.signed_in("root", Role::Admin).await;
    let bob = app.user("bob", Role::Operator).await;
    let at = format!("{USERS}/{bob}");
    let token = app.login("bob", PASSWORD).await.text("access_token");
    assert_eq!(app.patch(&at, &admin, json!({"role": "viewer"})).await.status, 200);
    assert_eq!(app.me(&token).await.json()["role"], "viewer", "a role counts from the next request on");
    assert_eq!(app.patch(&at, &admin, json!({"password": "another long password"})).await.status, 200);
    app.me(&token).await.problem(401, "unauthenticated");

    let tokens = app.login("bob", "another long password").await;
    let key = app.post("/api/v1/api-keys", &tokens.text("access_token"), json!({"name": "k", "role": "viewer"})).await;
    assert_eq!(app.me(&key.text("key")).await.status, 200);
    assert_eq!(app.patch(&at, &admin, json!({"is_active": false})).await.status, 200);
    app.me(&tokens.text("access_token")).await.problem(401, "unauthenticated");
    app.me(&key.text("key")).await.problem(401, "unauthenticated");
    let refresh = json!({"refresh_token": tokens.text("refresh_token")});
    app.post("/api/v1/auth/refresh", "", refresh).await.problem(401, "wrong-credentials");
}

#[tokio::test]
async fn a_stale_version_changes_nothing() {
    let app = App::start().await;
    let admin = app.signed_in("root", Role::Admin).await;
    let bob = app.user("bob", Role::Viewer).await;
    let patch = async |tag: &str| {
        let request = Request::patch(format!("{USERS}/{bob}"))
            .header("authorization", format!("Bearer {admin}"))
            .header("content-type", "application/json")
            .header("if-match", tag);
        app.send(request.body(Body::from(r#"{"role":"operator"}"#)).unwrap()).await
    };
    patch("\"2\"").await.problem(412, "stale");
    patch("\"none of ours\"").await.problem(412, "stale");
    patch("1").await.problem(400, "malformed");
    assert_eq!(patch("\"1\"").await.status, 200);
    patch("\"1\"").await.problem(412, "stale");
    assert_eq!(patch("W/\"2\"").await.status, 200);
    assert_eq!(patch("*").await.json()["version"], 4);
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    let app = App::start().await;
    let admin = app.signed_in("root", Role::Admin).await;
    for number in 0..4 {
        app.user(&format!("user {number}"), Role::Viewer).await;
    }
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("{USERS}?limit=2{cursor}"), &admin).await.json();
        names.extend(page["items"].as_array().unwrap().iter().map(|user| user["username"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(names, ["user 3", "user 2", "user 1", "user 0", "root"]);
    for query in ["limit=0", "limit=501", "limit=x", "limit=-1"] {
        assert_eq!(app.get(&format!("{USERS}?{query}"), &admin).await.wrong_fields(), ["limit"], "{query}");
    }
    assert_eq!(app.get(&format!("{USERS}?cursor=x"), &admin).await.wrong_fields(), ["cursor"]);
    assert_eq!(app.get(&format!("{USERS}?page=2"), &admin).await.wrong_fields(), ["page"]);
    assert_eq!(app.get(&format!("{USERS}?cursor=%00"), &admin).await.wrong_fields(), ["cursor"]);
}
