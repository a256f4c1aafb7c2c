//! The servers Vigil talks to: `database`, `redis`, `datasource`, `telegram`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::kind::{flag, headers, http_url, integer, seconds, secret, text};
use super::reader::Reader;
use super::work::duration;
use crate::Secret;

/// The state we own.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
    /// `sqlite:…` or `postgres://…`.
    pub url: Secret,
    pub max_connections: u32,
}

impl DatabaseConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let url = secret("a sqlite:// or postgres:// URL", |url| is_postgres(url) || is_sqlite(url));
        Self {
            url: reader.required("database.url", url),
            max_connections: reader.required("database.max_connections", integer(1..=1000)),
        }
    }

    pub fn is_postgres(&self) -> bool {
        is_postgres(self.url.expose())
    }

    /// The directory for files of the one-process mode: that of the SQLite file, else `data`.
    pub fn directory(&self) -> PathBuf {
        let url = self.url.expose();
        let file = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
        let file = file.and_then(|file| file.split('?').next()).filter(|file| *file != ":memory:");
        let parent = file.and_then(|file| Path::new(file).parent());
        match parent {
            None => PathBuf::from("data"),
            Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
            Some(parent) => parent.to_owned(),
        }
    }
}

fn is_postgres(url: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme))
}

fn is_sqlite(url: &str) -> bool {
    let file = url.strip_prefix("sqlite:").map(|rest| rest.trim_start_matches("//"));
    file.is_some_and(|file| !file.is_empty())
}

/// Queue, fan-out, cache and leases of several processes.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// `None`: all of that stays in this process.
    pub url: Option<Secret>,
    /// Begins every key, so that installations can share a server.
    pub prefix: String,
}

impl RedisConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let is_redis = |url: &str| ["redis://", "rediss://", "unix://"].iter().any(|scheme| url.starts_with(scheme));
        let is_prefix = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        Self {
            url: reader.optional("redis.url", secret("a redis:// or rediss:// URL", is_redis)),
            prefix: reader.required("redis.prefix", text("a word without spaces", is_prefix)),
        }
    }
}

/// The Prometheus-compatible API that rules are evaluated against.
#[derive(Clone, Debug)]
pub struct DatasourceConfig {
    /// Without a trailing slash.
    pub url: Option<String>,
    /// Begins with a slash and does not end with one.
    pub path_prefix: Option<String>,
    pub bearer_token: Option<Secret>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    /// PEM certificates trusted beside the built-in ones.
    pub ca_file: Option<PathBuf>,
    /// Sent with every request.
    pub headers: BTreeMap<String, Secret>,
    pub timeout_seconds: f64,
    /// Requests at once per process.
    pub concurrency: usize,
    pub gzip: bool,
    /// 0 = answers are not kept.
    pub cache_seconds: f64,
}

impl DatasourceConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let is_path =
            |path: &str| path.starts_with('/') && !path.contains(|c: char| c.is_whitespace() || "?#".contains(c));
        let prefix = reader.optional("datasource.path_prefix", text("a path such as /prometheus", is_path));
        let token = secret("text without spaces", |text| text.chars().all(|c| c.is_ascii_graphic()));
        let ca_file = text("the path of a PEM file that exists", |path| Path::new(path).is_file());
        let datasource = Self {
            url: reader.optional("datasource.url", http_url("http://localhost:9090")),
            path_prefix: prefix.map(|path| path.trim_end_matches('/').to_owned()).filter(|path| !path.is_empty()),
            bearer_token: reader.optional("datasource.bearer_token", token),
            username: reader
                .optional("datasource.username", text("a name without a colon", |name| !name.contains(':'))),
            password: reader.optional("datasource.password", secret("text", |_| true)),
            ca_file: reader.optional("datasource.ca_file", ca_file).map(PathBuf::from),
            headers: reader.required("datasource.headers", headers()),
            timeout_seconds: reader.required("datasource.timeout_seconds", seconds(0.05..=600.0)),
            concurrency: reader.required("datasource.concurrency", integer(1..=1024)),
            gzip: reader.required("datasource.gzip", flag()),
            cache_seconds: reader.required("datasource.cache_seconds", seconds(0.0..=300.0)),
        };
        datasource.check(reader);
        datasource
    }

    fn check(&self, reader: &mut Reader) {
        reader.check(
            ["datasource.password", "datasource.username"],
            self.password.is_none() || self.username.is_some(),
            "must be set together with datasource.username",
        );
        let names_authorization = self.headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"));
        let ways = [self.bearer_token.is_some(), self.username.is_some(), names_authorization];
        let first = if ways[0] { "datasource.bearer_token" } else { "datasource.username" };
        reader.check(
            [first, "datasource.headers"],
            ways.iter().filter(|used| **used).count() <= 1,
            "use only one of datasource.bearer_token, datasource.username and an Authorization header",
        );
    }

    /// Whether anything here speaks of a peer; its address may be the usual one.
    pub fn names_a_peer(&self) -> bool {
        let signs_in = self.bearer_token.is_some() || self.username.is_some() || !self.headers.is_empty();
        self.url.is_some() || self.path_prefix.is_some() || self.ca_file.is_some() || signs_in
    }

    /// The API's address before `path_prefix` and `/api/v1`, without a trailing slash.
    pub fn base_url(&self) -> &str {
        self.url.as_deref().unwrap_or("http://localhost:9090")
    }

    pub fn timeout(&self) -> Duration {
        duration(self.timeout_seconds)
    }

    /// How long an identical query is answered from memory. Zero: not at all.
    pub fn cache(&self) -> Duration {
        duration(self.cache_seconds)
    }
}

/// The Bot API.
#[derive(Clone, Debug)]
pub struct TelegramConfig {
    /// `None`: Telegram's own. Without a trailing slash.
    pub api_url: Option<String>,
}

impl TelegramConfig {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self { api_url: reader.optional("telegram.api_url", http_url("http://localhost:8081")) }
    }
}
