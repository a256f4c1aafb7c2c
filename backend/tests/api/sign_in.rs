//! Passwords, sessions and the limit to guessing.

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Request, header::CONTENT_TYPE},
};
use serde_json::json;
use vigil_domain::role::Role;
use vigil_store::accounts::users::{self, UserChange};

use crate::app::{Answer, App, PASSWORD};

const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";

#[tokio::test]
async fn a_password_gets_a_bearer_token_that_names_its_user() {
    let app = App::start().await;
    app.user("ann@example.com", Role::Operator).await;
    let answer = app.login("  Ann@Example.com ", PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["token_type"], "bearer");
    assert_eq!(answer.json()["expires_in"], 900);
    assert_eq!(answer.header("cache-control"), "no-store");
    let me = app.me(&answer.text("access_token")).await.json();
    assert_eq!((&me["username"], &me["role"]), (&json!("ann@example.com"), &json!("operator")));
    assert_eq!((&me["credential"], &me["expires_at"]), (&json!("session"), &json!("2026-01-01T00:15:00Z")));
}

#[tokio::test]
async fn what_swagger_sends_beside_the_password_is_ignored() {
    let app = App::start().await;
    app.user("ann", Role::Viewer).await;
    let fields = [
        ("grant_type", "password"),
        ("username", "ann"),
        ("password", PASSWORD),
        ("scope", ""),
        ("client_id", "x"),
        ("client_secret", "y"),
    ];
    assert_eq!(app.form(LOGIN, &fields).await.status, 200);
}

#[tokio::test]
async fn the_wrong_password_an_unknown_and_an_inactive_user_look_the_same() {
    let app = App::start().await;
    let id = app.user("ann", Role::Viewer).await;
    app.user("bob", Role::Viewer).await;
    let change = UserChange { is_active: Some(false), ..UserChange::default() };
    users::change(&app.state.db, id.parse().unwrap(), change, None, app.state.now()).await.unwrap();
    let answers = [app.login("ann", PASSWORD).await, app.login("bob", "wrong").await, app.login("eve", "wrong").await];
    for answer in &answers {
        assert_eq!(answer.problem(401, "wrong-credentials"), "the user name or the password is wrong");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.bytes, answers[0].bytes);
    }
}

#[tokio::test]
async fn a_form_that_lacks_fields_says_which() {
    let app = App::start().await;
    assert_eq!(app.form(LOGIN, &[]).await.wrong_fields(), ["username", "password"]);
    assert_eq!(app.form(LOGIN, &[("username", "ann")]).await.wrong_fields(), ["password"]);
    assert_eq!(app.form(LOGIN, &[("user", "ann")]).await.wrong_fields(), ["user"]);
    app.post(LOGIN, "", json!({"username": "ann", "password": PASSWORD})).await.problem(415, "media-type");
}

#[tokio::test]
async fn input_that_no_database_can_hold_is_a_mistake_of_the_caller() {
    let app = App::start().await;
    assert_eq!(app.login("a\0b", PASSWORD).await.wrong_fields(), ["username"]);
    assert_eq!(app.login("ann", "a\0b").await.wrong_fields(), ["password"]);
    app.login(&"a".repeat(100_000), &"b".repeat(100_000)).await.problem(401, "wrong-credentials");
    let refresh = app.post(REFRESH, "", json!({"refresh_token": "a\0b"})).await;
    assert_eq!(refresh.wrong_fields(), ["refresh_token"]);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_reuse_ends_the_session() {
    let app = App::start().await;
    app.user("ann", Role::Viewer).await;
    let first = app.login("ann", PASSWORD).await;
    let other = app.login("ann", PASSWORD).await;
    let second = refresh(&app, &first.text("refresh_token")).await;
    assert_eq!(second.status, 200);
    assert_eq!(app.me(&second.text("access_token")).await.status, 200);

    refresh(&app, &first.text("refresh_token")).await.problem(401, "wrong-credentials");
    for ended in [&first, &second] {
        app.me(&ended.text("access_token")).await.problem(401, "unauthenticated");
        refresh(&app, &ended.text("refresh_token")).await.problem(401, "wrong-credentials");
    }
    assert_eq!(app.me(&other.text("access_token")).await.status, 200, "another session goes on");
}

#[tokio::test]
async fn of_concurrent_renewals_with_one_token_at_most_one_succeeds() {
    let app = App::start().await;
    app.user("ann", Role::Viewer).await;
    let token = app.login("ann", PASSWORD).await.text("refresh_token");
    let renewals = std::array::from_fn::<_, 8, _>(|_| refresh(&app, &token));
    let answers: Vec<Answer> = futures::future::join_all(renewals).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
    app.me(&winner.text("access_token")).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn access_tokens_and_refresh_tokens_expire() {
    let app = App::start().await;
    app.user("ann", Role::Viewer).await;
    let tokens = app.login("ann", PASSWORD).await;
    app.advance(904);
    assert_eq!(app.me(&tokens.text("access_token")).await.status, 200, "5 s of leeway");
    app.advance(1);
    app.me(&tokens.text("access_token")).await.problem(401, "unauthenticated");
    app.advance(2_592_000);
    refresh(&app, &tokens.text("refresh_token")).await.problem(401, "wrong-credentials");
}

#[tokio::test]
async fn signing_out_ends_one_session_at_once() {
    let app = App::start().await;
    app.user("ann", Role::Viewer).await;
    let (first, second) = (app.login("ann", PASSWORD).await, app.login("ann", PASSWORD).await);
    let third = app.login("ann", PASSWORD).await;
    let by_body = json!({"refresh_token": first.text("refresh_token")});
    assert_eq!(app.post(LOGOUT, "", by_body).await.status, 204);
    let request = Request::post(LOGOUT).header("authorization", format!("Bearer {}", second.text("access_token")));
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, 204);
    for ended in [&first, &second] {
        app.me(&ended.text("access_token")).await.problem(401, "unauthenticated");
        refresh(&app, &ended.text("refresh_token")).await.problem(401, "wrong-credentials");
    }
    assert_eq!(app.me(&third.text("access_token")).await.status, 200);
    app.post(LOGOUT, "", json!({})).await.problem(401, "unauthenticated");
    assert_eq!(app.post(LOGOUT, "", json!({"refresh_token": "unknown"})).await.status, 204);
}

#[tokio::test]
async fn wrong_guesses_at_an_account_must_wait() {
    let app = App::with(&[("VIGIL_AUTH__LOGIN_ATTEMPTS", "3")]).await;
    app.user("ann", Role::Viewer).await;
    for guess in ["one", "two", "three"] {
        from(&app, guess.len() as u8, "ANN", guess).await.problem(401, "wrong-credentials");
    }
    let refused = from(&app, 99, "ann", PASSWORD).await;
    refused.problem(429, "too-many");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=300).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn wrong_guesses_from_an_address_must_wait_whatever_the_account() {
    let app = App::with(&[("VIGIL_AUTH__LOGIN_ATTEMPTS", "3")]).await;
    app.user("ann", Role::Viewer).await;
    for name in ["u1", "u2", "u3"] {
        from(&app, 1, name, "wrong").await.problem(401, "wrong-credentials");
    }
    from(&app, 1, "ann", PASSWORD).await.problem(429, "too-many");
    assert_eq!(from(&app, 2, "ann", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn the_right_password_starts_the_account_over() {
    let app = App::with(&[("VIGIL_AUTH__LOGIN_ATTEMPTS", "3")]).await;
    app.user("ann", Role::Viewer).await;
    for round in 0..3 {
        for guess in 0..2 {
            from(&app, round * 10 + guess, "ann", "wrong").await.problem(401, "wrong-credentials");
        }
        assert_eq!(from(&app, 200, "ann", PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn changing_ones_password_ends_the_other_sessions() {
    let app = App::start().await;
    app.user("ann", Role::Viewer).await;
    let (here, there) = (app.login("ann", PASSWORD).await, app.login("ann", PASSWORD).await);
    let (here, there) = (here.text("access_token"), there.text("access_token"));
    let new = "a".repeat(100);
    let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    let path = "/api/v1/auth/password";
    assert_eq!(app.post(path, &here, change("wrong", &new)).await.wrong_fields(), ["current_password"]);
    assert_eq!(app.post(path, &here, change(PASSWORD, "short")).await.wrong_fields(), ["new_password"]);
    assert_eq!(app.post(path, &here, change(PASSWORD, &new)).await.status, 204);
    assert_eq!(app.me(&here).await.status, 200);
    app.me(&there).await.problem(401, "unauthenticated");
    app.login("ann", PASSWORD).await.problem(401, "wrong-credentials");
    app.login("ann", &format!("{}b", "a".repeat(99))).await.problem(401, "wrong-credentials");
    assert_eq!(app.login("ann", &new).await.status, 200);
}

#[tokio::test]
async fn a_changed_cost_rehashes_at_the_next_sign_in() {
    let app = App::with(&[("VIGIL_AUTH__BCRYPT_COST", "5")]).await;
    let id = app.user("ann", Role::Viewer).await;
    let cheap = vigil_backend::auth::password::Passwords::new(4).hash(PASSWORD).await.unwrap();
    let user = users::by_id(&app.state.db, id.parse().unwrap()).await.unwrap().unwrap();
    users::replace_hash(&app.state.db, &user, cheap).await.unwrap();
    assert_eq!(app.login("ann", PASSWORD).await.status, 200);
    let user = users::by_id(&app.state.db, id.parse().unwrap()).await.unwrap().unwrap();
    assert!(user.password_hash.starts_with("$2b$05$"), "{}", user.password_hash);
    assert_eq!(app.login("ann", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_ticket_works_once_within_30_seconds() {
    let app = App::start().await;
    let token = app.signed_in("ann", Role::Operator).await;
    let ticket = async || app.post("/api/v1/ws-tickets", &token, json!({})).await.text("ticket");
    let redeem = vigil_backend::auth::redeem_ticket;
    let first = ticket().await;
    let caller = redeem(&app.state, &first).await.unwrap();
    assert_eq!((caller.username.as_str(), caller.role), ("ann", Role::Operator));
    assert!(redeem(&app.state, &first).await.is_err(), "used");
    let second = ticket().await;
    app.advance(30);
    assert!(redeem(&app.state, &second).await.is_err(), "expired");
    let third = ticket().await;
    assert!(vigil_backend::auth::is_still_valid(&app.state, &caller).await.unwrap());
    assert_eq!(app.post(LOGOUT, &token, json!({})).await.status, 204);
    assert!(redeem(&app.state, &third).await.is_err(), "its session has ended");
    assert!(!vigil_backend::auth::is_still_valid(&app.state, &caller).await.unwrap());
}

async fn refresh(app: &App, token: &str) -> Answer {
    app.post(REFRESH, "", json!({"refresh_token": token})).await
}

/// Signs in from `192.0.2.host`.
async fn from(app: &App, host: u8, username: &str, password: &str) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("username", username), ("password", password)])
        .finish();
    let mut request =
        Request::post(LOGIN).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(Body::from(body)).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, host], 4000))));
    app.send(request).await
}
