//! Everything a program of Vigil keeps its state in, opened together.

use sea_orm::{DatabaseConnection, DbErr};

use crate::{
    cache::Cache,
    db::{self, OpenError, Schema},
    live::Live,
    queue::Queue,
    redis::{Redis, RedisError},
    throttle::Throttle,
};

/// The database, and queue, fan-out, cache and throttle: in Redis, or in this process. Clones share them.
#[derive(Clone, Debug)]
pub struct Stores {
    pub db: DatabaseConnection,
    /// The database as workers use it.
    pub workers_db: DatabaseConnection,
    pub queue: Queue,
    pub live: Live,
    pub cache: Cache,
    pub throttle: Throttle,
}

/// Why a program cannot start on its stores.
#[derive(Debug, thiserror::Error)]
pub enum StoresError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("cannot reach Redis: {0}")]
    Redis(#[from] RedisError),
    #[error("cannot read the database's schema: {0}")]
    Database(#[from] DbErr),
    #[error("the database's schema is {0}, this program needs {needed}; run `vigil migrate`", needed = db::SCHEMA)]
    Behind(String),
    #[error("the database's schema {0} is newer than this program; start the newer vigil")]
    Ahead(String),
}

impl Stores {
    /// Opens the database, and Redis (address and key prefix) if there is one. Does not look at the schema.
    pub async fn open(
        database_url: &str,
        max_connections: u32,
        redis: Option<(&str, &str)>,
    ) -> Result<Self, StoresError> {
        let db = db::connect(database_url, max_connections).await?;
        let workers_db = db::connect_workers(database_url, &db).await?;
        let Some((url, prefix)) = redis else {
            let (queue, live) = (Queue::memory(), Live::memory());
            return Ok(Self { db, workers_db, queue, live, cache: Cache::memory(), throttle: Throttle::memory() });
        };
        let redis = Redis::connect(url, prefix).await?;
        Ok(Self {
            db,
            workers_db,
            queue: Queue::redis(redis.clone()),
            live: Live::redis(redis.clone()),
            cache: Cache::redis(redis.clone()),
            throttle: Throttle::redis(redis),
        })
    }

    /// Refuses a schema that this build does not know, saying what to do.
    pub async fn check_schema(&self) -> Result<(), StoresError> {
        match db::schema(&self.db).await? {
            Schema::Current => Ok(()),
            Schema::Behind(version) => Err(StoresError::Behind(version.unwrap_or_else(|| "missing".to_owned()))),
            Schema::Ahead(version) => Err(StoresError::Ahead(version)),
        }
    }
}
