//! What is served, to whom, and how it is logged: `http`, `metrics`, `auth`, `secrets`, `admin`, `log`.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::kind::{http_url, integer, key, list, parsed, seconds, secret, text};
use super::reader::Reader;
use super::work::duration;
use crate::Secret;

const ADDRESS: &str = "an address such as 127.0.0.1:8000";

/// The API, the WebSocket endpoint and the documentation.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    pub listen: SocketAddr,
    /// Without a trailing slash.
    pub public_url: Option<String>,
    pub cors_origins: Vec<String>,
    pub body_limit_bytes: usize,
    pub request_timeout_seconds: f64,
}

impl HttpConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let origins = list("origins such as https://vigil.example.com without a path, or *, by commas", origin);
        Self {
            listen: reader.required("http.listen", parsed(ADDRESS)),
            public_url: reader.optional("http.public_url", http_url("https://vigil.example.com")),
            cors_origins: reader.required("http.cors_origins", origins),
            body_limit_bytes: reader.required("http.body_limit_bytes", integer(1024..=1 << 30)),
            request_timeout_seconds: reader.required("http.request_timeout_seconds", seconds(0.1..=3600.0)),
        }
    }

    pub fn request_timeout(&self) -> Duration {
        duration(self.request_timeout_seconds)
    }

    /// Where people reach this installation: `public_url`, or the address it listens on. No trailing slash.
    pub fn base_url(&self) -> String {
        match &self.public_url {
            Some(url) => url.clone(),
            None if self.listen.ip().is_unspecified() => format!("http://localhost:{}", self.listen.port()),
            None => format!("http://{}", self.listen),
        }
    }
}

/// `*`, or a scheme and a host as browsers send them.
fn origin(text: &str) -> Option<String> {
    let host = text.split_once("://").filter(|(scheme, _)| !scheme.is_empty()).map(|(_, host)| host);
    let plain = host.is_some_and(|host| !host.is_empty() && !host.contains(|c: char| c == '/' || c.is_whitespace()));
    (plain || text == "*").then(|| text.to_owned())
}

/// Vigil's own metrics.
#[derive(Clone, Debug)]
pub struct MetricsConfig {
    /// `None`: on the API's address, for callers with an API key.
    pub listen: Option<SocketAddr>,
}

impl MetricsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self { listen: reader.optional("metrics.listen", parsed(ADDRESS)) }
    }
}

/// Sign-in.
#[derive(Clone, Debug)]
pub struct AuthConfig {
    /// At least 32 bytes.
    pub jwt_secret: Option<Secret>,
    pub access_token_seconds: u64,
    pub refresh_token_seconds: u64,
    pub bcrypt_cost: u32,
    pub login_attempts: u32,
    pub login_window_seconds: u64,
    pub trusted_proxies: Vec<IpAddr>,
}

impl AuthConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let proxies = list("IP addresses, separated by commas", |text| text.parse().ok());
        let auth = Self {
            jwt_secret: reader.optional("auth.jwt_secret", key()),
            access_token_seconds: reader.required("auth.access_token_seconds", integer(1..=86_400)),
            refresh_token_seconds: reader.required("auth.refresh_token_seconds", integer(1..=31_536_000)),
            bcrypt_cost: reader.required("auth.bcrypt_cost", integer(4..=16)),
            login_attempts: reader.required("auth.login_attempts", integer(1..=1_000_000)),
            login_window_seconds: reader.required("auth.login_window_seconds", integer(1..=86_400)),
            trusted_proxies: reader.required("auth.trusted_proxies", proxies),
        };
        reader.check(
            ["auth.refresh_token_seconds", "auth.access_token_seconds"],
            auth.refresh_token_seconds >= auth.access_token_seconds,
            "must be at least auth.access_token_seconds",
        );
        auth
    }

    pub fn access_token(&self) -> Duration {
        Duration::from_secs(self.access_token_seconds)
    }

    pub fn refresh_token(&self) -> Duration {
        Duration::from_secs(self.refresh_token_seconds)
    }

    pub fn login_window(&self) -> Duration {
        Duration::from_secs(self.login_window_seconds)
    }
}

/// The key that seals channel secrets at rest.
#[derive(Clone, Debug)]
pub struct SecretsConfig {
    /// At least 32 bytes.
    pub key: Option<Secret>,
}

impl SecretsConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self { key: reader.optional("secrets.key", key()) }
    }
}

/// The first admin, made when there is none: both fields or neither.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    pub username: Option<String>,
    /// At least 12 characters.
    pub password: Option<Secret>,
}

impl AdminConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let password = secret("text of at least 12 characters", |text| text.chars().count() >= 12);
        let admin = Self {
            username: reader.optional("admin.username", text("a name or e-mail address", |_| true)),
            password: reader.optional("admin.password", password),
        };
        let (username, password) = (admin.username.is_some(), admin.password.is_some());
        let advice = "must be set together with";
        reader.check(["admin.username", "admin.password"], username || !password, &format!("{advice} admin.password"));
        reader.check(["admin.password", "admin.username"], password || !username, &format!("{advice} admin.username"));
        admin
    }
}

/// What a log line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

/// Logging.
#[derive(Clone, Debug)]
pub struct LogConfig {
    pub format: LogFormat,
    /// A filter of the `tracing` crates, such as `info` or `warn,vigil_worker=debug`.
    pub level: String,
}

impl LogConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let level = "error, warn, info, debug, trace, off or a filter such as warn,vigil_worker=debug";
        Self {
            format: reader.required("log.format", parsed("text or json")),
            level: reader.required("log.level", text(level, is_level)),
        }
    }
}

/// A lone word must be a level: as a filter, a mistyped level would name a target and silence everything else.
fn is_level(text: &str) -> bool {
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    let is_word = text.chars().all(|c| c.is_ascii_alphanumeric());
    let is_filter = !text.is_empty() && EnvFilter::builder().parse(text).is_ok();
    if is_word { levels.contains(&text.to_ascii_lowercase().as_str()) } else { is_filter }
}
