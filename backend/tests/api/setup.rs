//! The first admin.

use serde_json::json;
use vigil_backend::setup::ensure_first_admin;
use vigil_domain::role::Role;

use crate::app::{App, PASSWORD};

const SETUP: &str = "/api/v1/setup";

async fn link(app: &App) -> Option<String> {
    ensure_first_admin(&app.state, "http://vigil.test", app.state.now()).await.unwrap()
}

async fn token(app: &App) -> String {
    link(app).await.unwrap().strip_prefix("http://vigil.test/setup?token=").unwrap().to_owned()
}

#[tokio::test]
async fn the_link_makes_one_admin_and_never_another() {
    let app = App::start().await;
    let (first, second) = (token(&app).await, token(&app).await);
    let body = |token: &str, name: &str| json!({"token": token, "username": name, "password": PASSWORD});
    app.post(SETUP, "", body("guessed", "eve")).await.problem(401, "wrong-credentials");
    let weak = json!({"token": first, "username": "", "password": "short"});
    assert_eq!(app.post(SETUP, "", weak).await.wrong_fields(), ["username", "password"]);

    let made = app.post(SETUP, "", body(&first, "Root")).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!((made.text("username"), made.text("role")), ("root".to_owned(), "admin".to_owned()));
    app.post(SETUP, "", body(&first, "again")).await.problem(401, "wrong-credentials");
    app.post(SETUP, "", body(&second, "again")).await.problem(409, "conflict");
    assert_eq!(app.login("root", PASSWORD).await.status, 200);
    assert_eq!(link(&app).await, None);
}

#[tokio::test]
async fn the_link_expires_after_half_an_hour() {
    let app = App::start().await;
    let token = token(&app).await;
    app.advance(1800);
    let body = json!({"token": token, "username": "root", "password": PASSWORD});
    app.post(SETUP, "", body).await.problem(401, "wrong-credentials");
}

#[tokio::test]
async fn of_concurrent_setups_one_wins() {
    let app = App::start().await;
    let tokens = [token(&app).await, token(&app).await, token(&app).await];
    let setups = tokens.iter().enumerate().map(|(number, token)| {
        app.post(SETUP, "", json!({"token": token, "username": format!("root {number}"), "password": PASSWORD}))
    });
    let answers = futures::future::join_all(setups).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.status == 409).count(), 2, "{answers:?}");
}

#[tokio::test]
async fn the_form_is_for_people() {
    let app = App::start().await;
    let token = token(&app).await;
    let form = app.get(&format!("/setup?token={token}"), "").await;
    assert_eq!(form.status, 200);
    let html = String::from_utf8(form.bytes.to_vec()).unwrap();
    assert!(html.contains(&format!("name=\"token\" value=\"{token}\"")), "{html}");
    assert!(!html.contains("<script"), "{html}");
    assert!(form.header("content-security-policy").contains("form-action 'self'"));
    assert_eq!(form.header("referrer-policy"), "no-referrer");

    let evil = app.get("/setup?token=%22%3E%3Cscript%3E", "").await;
    assert!(!String::from_utf8(evil.bytes.to_vec()).unwrap().contains("<script"));
    let fields = |password| [("token", token.as_str()), ("username", "<root>"), ("password", password)];
    let wrong = app.form("/setup", &fields("short")).await;
    assert_eq!(wrong.status, 422);
    let html = String::from_utf8(wrong.bytes.to_vec()).unwrap();
    assert!(html.contains("password must have at least 12 characters") && html.contains("&lt;root&gt;"), "{html}");
    let done = app.form("/setup", &fields(PASSWORD)).await;
    assert_eq!(done.status, 201);
    assert_eq!(app.login("<root>", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_configured_admin_is_made_once() {
    let app = App::with(&[("VIGIL_ADMIN__USERNAME", "Chief"), ("VIGIL_ADMIN__PASSWORD", PASSWORD)]).await;
    let starts = futures::future::join(link(&app), link(&app)).await;
    assert_eq!(starts, (None, None));
    assert_eq!(link(&app).await, None);
    let token = app.login("chief", PASSWORD).await.text("access_token");
    assert_eq!(app.me(&token).await.json()["role"], "admin");
    assert_eq!(app.get("/api/v1/users", &token).await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_existing_admin_is_left_alone() {
    let app = App::with(&[("VIGIL_ADMIN__USERNAME", "root"), ("VIGIL_ADMIN__PASSWORD", "another long password")]).await;
    app.user("root", Role::Admin).await;
    assert_eq!(link(&app).await, None);
    assert_eq!(app.login("root", PASSWORD).await.status, 200);
}
