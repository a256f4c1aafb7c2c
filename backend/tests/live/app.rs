//! A backend that serves on a port of its own.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header::CONTENT_TYPE},
};
use sea_orm::DatabaseConnection;
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use vigil_backend::{AppState, Parts};
use vigil_datasource::{Datasource, HttpOptions};
use vigil_domain::role::Role;
use vigil_migration::Migrator;
use vigil_runtime::{Clock, Config, Shutdown};
use vigil_store::{
    accounts::users::{self, NewUser, UserChange},
    cache::Cache,
    live::Live,
    queue::Queue,
    seal::Sealer,
    throttle::Throttle,
};

use crate::prometheus::Prometheus;

const PASSWORD: &str = "correct horse battery";
const KEY: &str = "0123456789abcdef0123456789abcdef";
/// Longer than anything takes; only a failing test waits for so long.
pub(crate) const LONG: Duration = Duration::from_secs(40);

pub(crate) struct App {
    pub(crate) state: AppState,
    pub(crate) address: SocketAddr,
    pub(crate) prometheus: Prometheus,
    pub(crate) shutdown: Shutdown,
    folder: Arc<TempDir>,
}

impl App {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With variables over the defaults.
    pub(crate) async fn with(variables: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let url = format!("sqlite://{}/vigil.db", folder.path().display());
        let db = vigil_store::db::connect(&url, 4).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        Self::over(variables, (db, folder), Live::memory(), Prometheus::start().await).await
    }

    /// Another backend over the same database and data source.
    pub(crate) async fn beside(&self, live: Live) -> Self {
        let ground = (self.state.db.clone(), Arc::clone(&self.folder));
        Self::over(&[], ground, live, self.prometheus.clone()).await
    }

    /// As [`App::start`], with fan-out through `live`.
    pub(crate) async fn on(live: Live) -> Self {
        Self::start().await.beside(live).await
    }

    async fn over(
        variables: &[(&str, &str)],
        (db, folder): (DatabaseConnection, Arc<TempDir>),
        live: Live,
        prometheus: Prometheus,
    ) -> Self {
        let cheap = [("VIGIL_AUTH__BCRYPT_COST", "4"), ("VIGIL_LIVE__MIN_INTERVAL_SECONDS", "0.1")];
        let config = Config::from_layers(None, None, cheap.iter().chain(variables).copied()).unwrap();
        let shutdown = Shutdown::new();
        let state = AppState::new(Parts {
            db,
            queue: Queue::memory(),
            live,
            cache: Cache::memory(),
            throttle: Throttle::memory(),
            datasource: Datasource::http(HttpOptions::new(&prometheus.url)).unwrap(),
            clock: Clock::System,
            config: Arc::new(config),
            sealer: Sealer::new(KEY),
            shutdown: shutdown.clone(),
            jwt_secret: KEY.into(),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(vigil_backend::serve(listener, state.clone(), shutdown.clone()));
        Self { state, address, prometheus, shutdown, folder }
    }

    /// Adds a user and signs in: an access token.
    pub(crate) async fn signed_in(&self, username: &str, role: Role) -> String {
        let password_hash = self.state.passwords.hash(PASSWORD).await.unwrap();
        let new = NewUser { username: username.to_owned(), password_hash, role, is_active: true };
        users::create(&self.state.db, new, self.state.now()).await.unwrap();
        let form = format!("username={username}&password={}", PASSWORD.replace(' ', "+"));
        let request = Request::post("/api/v1/auth/login").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (status, body) = self.send(request.body(Body::from(form)).unwrap()).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn deactivate_user(&self, username: &str) {
        let user = users::by_username(&self.state.db, username).await.unwrap().unwrap();
        let change = UserChange { is_active: Some(false), ..UserChange::default() };
        users::change(&self.state.db, user.id, change, None, self.state.now()).await.unwrap();
    }

    /// Adds an active server with the instance `name:9100` and answers its id.
    pub(crate) async fn server(&self, token: &str, name: &str) -> String {
        let body = json!({"name": name, "instance": format!("{name}:9100"), "is_active": true});
        let (status, body) = self.call("POST", "/api/v1/servers", token, Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// A ticket for a WebSocket.
    pub(crate) async fn ticket(&self, token: &str) -> String {
        let (status, body) = self.call("POST", "/api/v1/ws-tickets", token, None).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["ticket"].as_str().unwrap().to_owned()
    }

    /// Without a token (`""`) nobody calls.
    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    async fn send(&self, mut request: Request<Body>) -> (StatusCode, Value) {
        let peer = axum::extract::ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4000)));
        request.extensions_mut().insert(peer);
        let router = vigil_backend::router(self.state.clone()).await;
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, 16 << 20).await.unwrap();
        (parts.status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}
