//! One API on a new SQLite database, with a clock that stands still.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header::CONTENT_TYPE},
};
use sea_orm_migration::MigratorTrait;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;
use vigil_backend::{AppState, Parts};
use vigil_datasource::{Datasource, HttpOptions};
use vigil_domain::role::Role;
use vigil_migration::Migrator;
use vigil_runtime::{Clock, Config, Shutdown};
use vigil_store::{
    accounts::users::{self, NewUser},
    cache::Cache,
    live::Live,
    queue::Queue,
    seal::Sealer,
    throttle::Throttle,
};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct App {
    pub(crate) state: AppState,
    pub(crate) router: Router,
    _folder: TempDir,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With variables over the defaults, such as `("VIGIL_AUTH__LOGIN_ATTEMPTS", "3")`.
    pub(crate) async fn with(variables: &[(&str, &str)]) -> Self {
        let cheap = [("VIGIL_AUTH__BCRYPT_COST", "4")];
        let config = Config::from_layers(None, None, cheap.iter().chain(variables).copied()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/vigil.db", folder.path().display());
        let db = vigil_store::db::connect(&url, 4).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        let source = config.datasource.url.clone().unwrap_or_else(|| "http://127.0.0.1:1".to_owned());
        let state = AppState::new(Parts {
            db,
            queue: Queue::memory(),
            live: Live::memory(),
            cache: Cache::memory(),
            throttle: Throttle::memory(),
            datasource: Datasource::http(HttpOptions::new(source)).unwrap(),
            clock: Clock::manual("2026-01-01T00:00:00Z".parse().unwrap()),
            config: Arc::new(config),
            sealer: Sealer::new("0123456789abcdef0123456789abcdef"),
            shutdown: Shutdown::new(),
            jwt_secret: "0123456789abcdef0123456789abcdef".into(),
        });
        let router = vigil_backend::router(state.clone()).await;
        Self { state, router, _folder: folder }
    }

    /// Adds an active user with [`PASSWORD`] and answers the id.
    pub(crate) async fn user(&self, username: &str, role: Role) -> String {
        let password_hash = self.state.passwords.hash(PASSWORD).await.unwrap();
        let new = NewUser { username: username.to_owned(), password_hash, role, is_active: true };
        users::create(&self.state.db, new, self.state.now()).await.unwrap().id.to_string()
    }

    /// Adds a user and signs in: an access token.
    pub(crate) async fn signed_in(&self, username: &str, role: Role) -> String {
        self.user(username, role).await;
        self.login(username, PASSWORD).await.text("access_token")
    }

    pub(crate) async fn login(&self, username: &str, password: &str) -> Answer {
        self.form("/api/v1/auth/login", &[("username", username), ("password", password)]).await
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Who is called when `token` asks.
    pub(crate) async fn me(&self, token: &str) -> Answer {
        self.get("/api/v1/auth/me", token).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call(Method::POST, path, token, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, token: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, token, Some(body)).await
    }

    /// As [`App::patch`], with `tag` as `If-Match`.
    pub(crate) async fn patch_if(&self, path: &str, token: &str, tag: &str, body: Value) -> Answer {
        let request = Request::patch(path).header("authorization", format!("Bearer {token}")).header("if-match", tag);
        self.send(request.header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        self.call(Method::DELETE, path, token, None).await
    }

    /// Without a token (`""`) nobody calls.
    async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn send(&self, mut request: Request<Body>) -> Answer {
        let peer = SocketAddr::from(([192, 0, 2, 1], 4000));
        if request.extensions().get::<ConnectInfo<SocketAddr>>().is_none() {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.state.clock.advance(Duration::from_secs(seconds));
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_else(|| panic!("{field} is no text in {self:?}")).to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no header {name} in {self:?}")).to_str().unwrap()
    }

    /// Checks the shape of a problem document and answers `detail`.
    pub(crate) fn problem(&self, status: u16, kind: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let body = self.json();
        assert_eq!(body["type"], format!("urn:vigil:problem:{kind}"), "{body}");
        assert_eq!(body["status"], status, "{body}");
        assert!(body["title"].is_string(), "{body}");
        body["detail"].as_str().unwrap().to_owned()
    }

    /// The names of the wrong fields.
    pub(crate) fn wrong_fields(&self) -> Vec<String> {
        self.problem(422, "invalid");
        let errors = self.json()["errors"].as_array().unwrap().clone();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }
}
