//! The OpenAPI document: what the routes say of themselves, and what all of them share.

mod fields;

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        Content, Header, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
        security::{Flow, Http, HttpAuthScheme, OAuth2, Password, Scopes, SecurityScheme},
    },
};

use crate::{
    problem::{FieldProblem, ProblemBody},
    routes::{self, PrometheusError},
};

/// Where the document is served.
pub(crate) const PATH: &str = "/api/v1/openapi.json";

/// The whole document. Needs no state: nothing is connected or served.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = routes::all().into_openapi();
    fields::complete(&mut document);
    document
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vigil",
        description = "Alerting on Prometheus data: servers, rules, alerts, channels and live results. \
            Errors are `application/problem+json`, those below `/prometheus` Prometheus' own. Lists take `limit` and `cursor`. Updates take `If-Match`."
    ),
    components(schemas(ProblemBody, FieldProblem, PrometheusError)),
    modifiers(&Security),
    tags(
        (name = "auth", description = "Sign in, renew, sign out"),
        (name = "api-keys", description = "Keys for machines"),
        (name = "users", description = "Who can sign in (admins only)"),
        (name = "setup", description = "The first admin"),
        (name = "servers", description = "Hosts that are watched"),
        (name = "rules", description = "Expressions that make alerts"),
        (name = "rule-groups", description = "Rules that share an interval"),
        (name = "rule-files", description = "Prometheus' rule files"),
        (name = "shadow", description = "Rules that are evaluated and tell nobody, compared with the Prometheus that still does"),
        (name = "channels", description = "Where notifications go"),
        (name = "alerts", description = "What is pending or firing now"),
        (name = "events", description = "Every change of state"),
        (name = "notifications", description = "What was said, to whom and how it went"),
        (name = "metrics", description = "Figures of servers, and queries"),
        (name = "prometheus", description = "Prometheus' own API for Grafana, promtool and other clients, with its errors"),
        (name = "service-discovery", description = "Targets for Prometheus"),
        (name = "operations", description = "Probes and Vigil's own metrics"),
    )
)]
pub(crate) struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.description = Some("An access token or an API key.".to_owned());
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let mut basic = Http::new(HttpAuthScheme::Basic);
        basic.description = Some(
            "Any user name, and an API key as the password. A user's own password goes into `oauth2` below.".to_owned(),
        );
        components.add_security_scheme("basic", SecurityScheme::Http(basic));
        let password = Flow::Password(Password::new("/api/v1/auth/login", Scopes::new()));
        let oauth2 = OAuth2::with_description([password], "A user's name and password; nothing else is needed.");
        components.add_security_scheme("oauth2", SecurityScheme::OAuth2(oauth2));
    }
}

/// Answers of every operation that asks who is calling.
pub(crate) struct Guarded;
/// Answers of operations that read one object by its id, or a list with filters.
pub(crate) struct Reading;
/// Answers of operations that take a JSON body.
pub(crate) struct Writing;
/// Answers of operations that ask the data source or a channel.
pub(crate) struct Asking;
/// Answers of operations that check passwords.
pub(crate) struct Guessing;

const MALFORMED: (&str, &str) = ("400", "The request cannot be understood");
const UNAVAILABLE: (&str, &str) = ("503", "Something Vigil needs is away, or the request took too long");

impl IntoResponses for Guarded {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[("401", "Not signed in"), ("403", "The role does not allow this"), UNAVAILABLE])
    }
}

impl IntoResponses for Reading {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[MALFORMED, ("404", "Not found"), ("422", "A parameter is not valid; `errors` names each")])
    }
}

impl IntoResponses for Writing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            MALFORMED,
            ("404", "Not found"),
            ("409", "Conflicts with another object or another change"),
            ("412", "Changed since the version in `If-Match`"),
            ("413", "The body is too large"),
            ("415", "The body is of another content type"),
            ("422", "The content is not valid; `errors` names every field"),
        ])
    }
}

impl IntoResponses for Asking {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[("502", "The peer failed"), ("504", "The peer did not answer in time")])
    }
}

impl IntoResponses for Guessing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let seconds = Header::new(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)));
        let mut answer = problem("Too many wrong attempts by this account or from this address");
        answer.headers.insert("Retry-After".to_owned(), RefOr::T(seconds));
        BTreeMap::from([("429".to_owned(), RefOr::T(answer))])
    }
}

fn problems(answers: &[(&str, &str)]) -> BTreeMap<String, RefOr<Response>> {
    answers.iter().map(|(status, description)| ((*status).to_owned(), RefOr::T(problem(description)))).collect()
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name("Problem");
    let content = Content::new(Some(schema));
    ResponseBuilder::new().description(description).content("application/problem+json", content).build()
}

#[cfg(test)]
mod tests;
