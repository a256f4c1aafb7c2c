//! Opening the stores as a configuration says, and bringing their schema up to date.

use anyhow::Context;
use sea_orm_migration::{MigratorTrait, sea_orm::ConnectionTrait};
use vigil_migration::Migrator;
use vigil_runtime::Config;
use vigil_store::{
    db::{self, Schema},
    stores::{Stores, StoresError},
};

use crate::output;

/// Opens the stores; the schema may be anything.
pub(crate) async fn open(config: &Config) -> Result<Stores, StoresError> {
    let redis = config.redis.url.as_ref().map(|url| (url.expose(), config.redis.prefix.as_str()));
    Stores::open(config.database.url.expose(), config.database.max_connections, redis).await
}

/// Opens the stores and applies missing migrations. A newer schema is refused.
pub(crate) async fn open_current(config: &Config) -> anyhow::Result<Stores> {
    bring_up(config).await?;
    let stores = open(config).await?;
    stores.check_schema().await?;
    Ok(stores)
}

/// `vigil migrate`.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    match bring_up(config).await? {
        Schema::Current => output::line(format_args!("the database is up to date ({})", db::SCHEMA)),
        Schema::Behind(_) | Schema::Ahead(_) => output::line(format_args!("migrated the database to {}", db::SCHEMA)),
    }
}

/// Applies missing migrations over one connection, one program at a time. Answers what the schema was.
async fn bring_up(config: &Config) -> anyhow::Result<Schema> {
    let db = db::connect(config.database.url.expose(), 1).await?;
    if config.database.is_postgres() {
        // Held until the connection closes below, whatever happens.
        db.execute_unprepared(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})")).await?;
    }
    let before = db::schema(&db).await?;
    match &before {
        Schema::Current => {}
        Schema::Behind(_) => Migrator::up(&db, None).await.context("migrate the database")?,
        Schema::Ahead(version) => return Err(StoresError::Ahead(version.clone()).into()),
    }
    db.close().await?;
    Ok(before)
}

/// Any number that nothing else in the database locks by.
const MIGRATION_LOCK: i64 = 0x7669_6769_6c00;
