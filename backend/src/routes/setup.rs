//! The first admin: an endpoint for programs and a form for people.

use axum::{
    extract::State,
    http::{
        HeaderName, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    },
    response::{Html, IntoResponse},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::users::UserOut;
use crate::{
    extract::{Form, Json, Query},
    openapi::Writing,
    problem::{Problem, Result},
    setup::set_up,
    state::AppState,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(create))
}

/// The pages, which are not below `/api/v1`.
pub(super) fn page_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(form, submit))
}

/// Who becomes the first admin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "kJ2v8wVJtYt4n0m1cBq3rA5sD7uE9fG2hI4jK6lM8nO", "username": "admin",
    "password": "correct horse battery"}))]
struct SetupIn {
    /// From the link that Vigil printed at its first start.
    token: String,
    #[schema(min_length = 1, max_length = 200)]
    username: String,
    #[schema(format = Password, min_length = 12, max_length = 1024)]
    password: String,
}

/// Make the first admin.
///
/// Works once, within 30 minutes of the start, while there is no admin.
#[utoipa::path(post, path = "/setup", tag = "setup", operation_id = "setup", request_body = SetupIn,
    responses(
        (status = 201, description = "The admin", body = UserOut,
            headers(("Location" = String, description = "The user's address"))),
        (status = 401, description = "The token is not valid", content_type = "application/problem+json",
            body = crate::problem::ProblemBody),
        (status = 503, description = "The database is away", content_type = "application/problem+json",
            body = crate::problem::ProblemBody),
        Writing,
    ))]
async fn create(State(state): State<AppState>, Json(body): Json<SetupIn>) -> Result<impl IntoResponse> {
    let user = set_up(&state, &body.token, (&body.username, &body.password), state.now()).await?;
    UserOut::created(user)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FormQuery {
    /// From the link.
    #[serde(default)]
    #[param(required = false)]
    token: String,
}

/// The setup form.
#[utoipa::path(get, path = "/setup", tag = "setup", operation_id = "setup_form", params(FormQuery),
    responses((status = 200, description = "The form", body = String, content_type = "text/html"),
        (status = 422, description = "The query is not valid", content_type = "application/problem+json",
            body = crate::problem::ProblemBody)))]
async fn form(Query(query): Query<FormQuery>) -> impl IntoResponse {
    page(StatusCode::OK, &form_html(&query.token, "", None))
}

/// Make the first admin, from the form.
#[utoipa::path(post, path = "/setup", tag = "setup", operation_id = "setup_submit",
    request_body(content = SetupIn, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 201, description = "Done", body = String, content_type = "text/html"),
        (status = "4XX", description = "The form again, with what is wrong", content(
            (String = "text/html"), (crate::problem::ProblemBody = "application/problem+json"))),
        (status = 503, description = "The database is away", content(
            (String = "text/html"), (crate::problem::ProblemBody = "application/problem+json"))),
    ))]
async fn submit(State(state): State<AppState>, Form(form): Form<SetupIn>) -> impl IntoResponse {
    let made = set_up(&state, &form.token, (&form.username, &form.password), state.now()).await;
    match made {
        Ok(user) => page(StatusCode::CREATED, &done_html(&user.username)),
        Err(problem) => page(problem.status(), &form_html(&form.token, &form.username, Some(&problem))),
    }
}

fn page(status: StatusCode, body: &str) -> impl IntoResponse + use<> {
    const HEADERS: [(HeaderName, &str); 2] = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (CACHE_CONTROL, "no-store"),
    ];
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Vigil</title>\n\
         <style>\n{STYLE}</style>\n<main>\n<h1>Vigil</h1>\n{body}</main>\n</html>\n"
    );
    (status, HEADERS, Html(html))
}

const STYLE: &str = "\
body { font: 16px/1.5 system-ui, sans-serif; background: #f5f6f8; color: #1b1f24 }
main { max-width: 22rem; margin: 12vh auto; padding: 2rem; background: #fff; border-radius: 8px }
label { display: block; margin-top: 1rem }
input { box-sizing: border-box; width: 100%; padding: .5rem; font: inherit }
button { margin-top: 1.5rem; width: 100%; padding: .6rem; font: inherit; cursor: pointer }
.wrong { color: #b00020 }
";

fn form_html(token: &str, username: &str, problem: Option<&Problem>) -> String {
    let wrong: String = problem.map(lines).unwrap_or_default();
    let (token, username) = (escaped(token), escaped(username));
    format!(
        "<p>Make the first admin.</p>\n{wrong}<form method=\"post\" action=\"/setup\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
         <label>User name<input name=\"username\" value=\"{username}\" maxlength=\"200\" required autofocus \
         autocomplete=\"username\"></label>\n\
         <label>Password (at least 12 characters)<input name=\"password\" type=\"password\" minlength=\"12\" \
         maxlength=\"1024\" required autocomplete=\"new-password\"></label>\n\
         <button>Create the admin</button>\n</form>\n"
    )
}

fn lines(problem: &Problem) -> String {
    let line = |text: &str| format!("<p class=\"wrong\">{}</p>\n", escaped(text));
    match problem {
        Problem::Invalid(errors) => {
            errors.iter().map(|error| line(&format!("{} {}", error.field, error.message))).collect()
        }
        other => line(&other.to_string()),
    }
}

fn done_html(username: &str) -> String {
    let username = escaped(username);
    format!("<p>The admin <b>{username}</b> can sign in now.</p>\n<p><a href=\"/docs/\">API documentation</a></p>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
