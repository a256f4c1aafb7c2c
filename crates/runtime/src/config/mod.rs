//! The configuration of every program: one struct, one documented file, one check.
//!
//! `config/default.toml` is the reference of all keys. Layers, later wins: that file (built in), the file given with
//! `--config`, `.env` in the working directory, environment variables (`VIGIL_HTTP__LISTEN` is `http.listen`).
//!
//! A key is read by one line here and described by one entry in `config/default.toml`; a test compares the two.

mod error;
mod kind;
mod layers;
mod peers;
mod reader;
mod serve;
mod work;

use std::ffi::OsString;
use std::path::Path;

pub use error::{ConfigError, Mistake};
pub use peers::{DatabaseConfig, DatasourceConfig, RedisConfig, TelegramConfig};
pub use serve::{AdminConfig, AuthConfig, HttpConfig, LogConfig, LogFormat, MetricsConfig, SecretsConfig};
pub use work::{DeliveryConfig, EvaluationConfig, LiveConfig, RetentionConfig, SamplesConfig};

use layers::Layers;
use reader::Reader;

/// Everything an operator can set, checked. Secrets in it never print.
#[derive(Clone, Debug)]
pub struct Config {
    pub http: HttpConfig,
    pub metrics: MetricsConfig,
    pub database: DatabaseConfig,
    pub redis: RedisConfig,
    pub datasource: DatasourceConfig,
    pub auth: AuthConfig,
    pub secrets: SecretsConfig,
    pub admin: AdminConfig,
    pub telegram: TelegramConfig,
    pub evaluation: EvaluationConfig,
    pub delivery: DeliveryConfig,
    pub live: LiveConfig,
    pub retention: RetentionConfig,
    pub samples: SamplesConfig,
    pub log: LogConfig,
}

/// The programs of an installation on several machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Backend,
    Worker,
}

impl Config {
    /// Reads all layers. `Err` lists every mistake in them, each with its key, where it came from and what to change.
    pub fn load(config_file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut layers = Layers::new();
        if let Some(path) = config_file {
            layers.file(path);
        }
        layers.dotenv_file(Path::new(".env"));
        layers.environment(std::env::vars_os());
        Self::read(layers)
    }

    /// Reads the given layers instead of the process's own: what [`load`](Self::load) does, for tests.
    ///
    /// `dotenv` is the text of an `.env` file, `environment` pairs such as `("VIGIL_HTTP__LISTEN", "127.0.0.1:0")`.
    pub fn from_layers<K: Into<OsString>, V: Into<OsString>>(
        config_file: Option<&Path>,
        dotenv: Option<&str>,
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, ConfigError> {
        let mut layers = Layers::new();
        if let Some(path) = config_file {
            layers.file(path);
        }
        if let Some(text) = dotenv {
            layers.dotenv(text);
        }
        layers.environment(environment.into_iter().map(|(name, value)| (name.into(), value.into())));
        Self::read(layers)
    }

    fn read(layers: Layers) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(layers);
        let config = Self::read_sections(&mut reader);
        reader.finish().map(|()| config)
    }

    fn read_sections(reader: &mut Reader) -> Self {
        Self {
            http: HttpConfig::read(reader),
            metrics: MetricsConfig::read(reader),
            database: DatabaseConfig::read(reader),
            redis: RedisConfig::read(reader),
            datasource: DatasourceConfig::read(reader),
            auth: AuthConfig::read(reader),
            secrets: SecretsConfig::read(reader),
            admin: AdminConfig::read(reader),
            telegram: TelegramConfig::read(reader),
            evaluation: EvaluationConfig::read(reader),
            delivery: DeliveryConfig::read(reader),
            live: LiveConfig::read(reader),
            retention: RetentionConfig::read(reader),
            samples: SamplesConfig::read(reader),
            log: LogConfig::read(reader),
        }
    }

    /// Whether this configuration can run `program` beside others on several machines; `Err` lists all that is missing.
    ///
    /// They share a PostgreSQL database, a Redis server and the keys, none of which one of them could make for itself.
    pub fn check_distributed(&self, program: Program) -> Result<(), ConfigError> {
        let mut missing = Vec::new();
        let mut need = |present: bool, key: &str, advice: &str| {
            if !present {
                missing.push(Mistake::unplaced(key, advice));
            }
        };
        need(
            self.database.is_postgres(),
            "database.url",
            "several machines share a PostgreSQL database: set VIGIL_DATABASE__URL to a postgres:// URL",
        );
        need(
            self.redis.url.is_some(),
            "redis.url",
            "several machines share a Redis server: set VIGIL_REDIS__URL to a redis:// URL",
        );
        need(
            program == Program::Worker || self.auth.jwt_secret.is_some(),
            "auth.jwt_secret",
            "all backends need the same one: set VIGIL_AUTH__JWT_SECRET to at least 32 random bytes",
        );
        need(
            self.secrets.key.is_some(),
            "secrets.key",
            "all programs need the same one: set VIGIL_SECRETS__KEY to at least 32 random bytes",
        );
        ConfigError::unless_empty(missing)
    }
}

impl Default for Config {
    /// The built-in `config/default.toml` alone.
    fn default() -> Self {
        Self::read(Layers::new()).expect("a test loads config/default.toml")
    }
}

#[cfg(test)]
mod tests;
