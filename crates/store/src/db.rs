//! The database connection: PostgreSQL or SQLite by its URL.

use std::{path::Path, time::Duration};

use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};

/// The newest migration this build knows.
pub const SCHEMA: &str = "m0012_shadow";

/// PostgreSQL ends a session that stands idle inside a transaction for so long. A program that froze, or that the network
/// cut off, would keep its rows locked against all others.
const FROZEN: &str = "5s";

/// Connections to a SQLite file, beside that of the workers.
const SQLITE_CONNECTIONS: u32 = 4;
/// Pages that a SQLite connection keeps in memory, in KiB: SQLite's default.
const PAGES_KIB: u32 = 2_000;
/// As [`PAGES_KIB`], for the one connection of the workers: what 10,000 rules and their alerts take.
const WORKERS_PAGES_KIB: u32 = 16_000;
/// Rows that a SQLite connection's thread reads ahead of whoever takes them: a batch, so that the two seldom wait.
const ROWS_AHEAD: usize = 1_000;

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("database.url must begin with sqlite:// or postgres://")]
    UnknownKind,
    #[error("cannot create the folder {path} of the database: {source}")]
    Folder { path: String, source: std::io::Error },
    #[error("cannot create the database {path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("cannot open the database: {0}")]
    Database(#[from] DbErr),
}

/// Opens a database; for SQLite the file and its folder are made when missing.
pub async fn connect(url: &str, max_connections: u32) -> Result<DatabaseConnection, OpenError> {
    let sqlite = is_sqlite(url);
    if !sqlite && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(OpenError::UnknownKind);
    }
    let url = if sqlite { prepare_sqlite(url)? } else { url.to_owned() };
    let most = if sqlite { max_connections.min(SQLITE_CONNECTIONS) } else { max_connections };
    Ok(Database::connect(options(url, most, PAGES_KIB)).await?)
}

/// The connections of workers to the database at `url`, which is open as `db`: the same, but for a SQLite file, where
/// they share one of their own. Who waits for it has his turn next; at SQLite's lock he would sleep and try again, up to
/// 25 ms a time. And it keeps its pages, which another connection has to read again after each of its commits.
pub async fn connect_workers(url: &str, db: &DatabaseConnection) -> Result<DatabaseConnection, OpenError> {
    if !is_sqlite(url) || sqlite_path(url).is_none() {
        return Ok(db.clone());
    }
    let mut options = options(prepare_sqlite(url)?, 1, WORKERS_PAGES_KIB);
    options.connect_lazy(true);
    Ok(Database::connect(options).await?)
}

fn options(url: String, max_connections: u32, pages_kib: u32) -> ConnectOptions {
    let sqlite = is_sqlite(&url);
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(max_connections)
        .connect_timeout(Duration::from_secs(10))
        .acquire_timeout(Duration::from_secs(20))
        .test_before_acquire(!sqlite)
        .test_before_acquire_if_idle_for(Duration::from_secs(1))
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|options| options.options([("idle_in_transaction_session_timeout", FROZEN)]))
        .map_sqlx_sqlite_opts(move |options| {
            options
                .row_buffer_size(ROWS_AHEAD)
                .pragma("cache_size", format!("-{pages_kib}"))
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .busy_timeout(Duration::from_secs(10))
                .foreign_keys(true)
        });
    options
}

/// Begins a transaction that will write. On SQLite it takes the write lock at once: one that reads first and writes
/// later would fail without waiting when somebody else wrote in between.
pub async fn write(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let mode = Some(SqliteTransactionMode::Immediate);
    db.begin_with_options(TransactionOptions { sqlite_transaction_mode: mode, ..TransactionOptions::default() }).await
}

/// Begins a transaction that only reads, and whose reads all see one state of the database: SQLite's own way, and
/// PostgreSQL's if asked for.
pub async fn read(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    match db.get_database_backend() {
        DbBackend::Sqlite => db.begin().await,
        _ => db.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await,
    }
}

/// What the database's shape is, compared with what this build knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schema {
    /// It is this build's.
    Current,
    /// Migrations are missing; the newest one applied, if any.
    Behind(Option<String>),
    /// A newer build has been here.
    Ahead(String),
}

/// Reads which migration was applied last.
pub async fn schema(db: &DatabaseConnection) -> Result<Schema, DbErr> {
    let backend = db.get_database_backend();
    let newest = "SELECT version FROM seaql_migrations ORDER BY version DESC LIMIT 1";
    let exists = match backend {
        DbBackend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'seaql_migrations'",
        _ => {
            "SELECT tablename AS name FROM pg_tables WHERE tablename = 'seaql_migrations' AND schemaname = current_schema()"
        }
    };
    if db.query_one_raw(Statement::from_string(backend, exists)).await?.is_none() {
        return Ok(Schema::Behind(None));
    }
    let row = db.query_one_raw(Statement::from_string(backend, newest)).await?;
    let version: Option<String> = row.map(|row| row.try_get("", "version")).transpose()?;
    Ok(match version {
        Some(version) if version == SCHEMA => Schema::Current,
        Some(version) if version.as_str() > SCHEMA => Schema::Ahead(version),
        other => Schema::Behind(other),
    })
}

/// Answers readiness: one round trip.
pub async fn ping(db: &DatabaseConnection) -> Result<(), DbErr> {
    db.ping().await
}

/// Makes the file before SQLite does, so that only its owner may read it; SQLite gives its companions the same mode.
fn private_file(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(OpenError::File { path: path.display().to_string(), source: error })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// Where the file is; `None` for a database in memory.
fn sqlite_path(url: &str) -> Option<&str> {
    let path = after_scheme(url).split('?').next().unwrap_or_default();
    Some(path).filter(|path| !path.is_empty() && *path != ":memory:")
}

fn after_scheme(url: &str) -> &str {
    url.trim_start_matches("sqlite:").trim_start_matches("//")
}

fn prepare_sqlite(url: &str) -> Result<String, OpenError> {
    let Some(path) = sqlite_path(url) else { return Ok(url.to_owned()) };
    if let Some(folder) = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|source| OpenError::Folder { path: folder.display().to_string(), source })?;
    }
    if url.contains("mode=") {
        return Ok(url.to_owned());
    }
    private_file(Path::new(path))?;
    let separator = if after_scheme(url).contains('?') { '&' } else { '?' };
    Ok(format!("{url}{separator}mode=rwc"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn a_new_database_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/vigil.db");
        let db = connect(&format!("sqlite://{}", path.display()), 2).await.unwrap();
        db.execute_unprepared("CREATE TABLE t (n INTEGER)").await.unwrap();
        for name in ["vigil.db", "vigil.db-wal"] {
            let mode = path.with_file_name(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[tokio::test]
    async fn workers_on_sqlite_take_turns_on_one_connection() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("vigil.db").display());
        let db = connect(&url, 4).await.unwrap();
        let workers = connect_workers(&url, &db).await.unwrap();
        db.execute_unprepared("CREATE TABLE t (n INTEGER)").await.unwrap();
        let writes = (0..50).map(async |_| {
            let tx = write(&workers).await?;
            tx.execute_unprepared("INSERT INTO t VALUES (1)").await?;
            tx.commit().await
        });
        futures::future::try_join_all(writes).await.unwrap();
        assert_eq!(workers.get_sqlite_connection_pool().size(), 1);
        let count = Statement::from_string(DbBackend::Sqlite, "SELECT count(*) AS n FROM t");
        let row = db.query_one_raw(count).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 50);
    }

    #[tokio::test]
    async fn a_database_in_memory_is_the_same_for_workers() {
        let db = connect("sqlite::memory:", 1).await.unwrap();
        let workers = connect_workers("sqlite::memory:", &db).await.unwrap();
        db.execute_unprepared("CREATE TABLE t (n INTEGER)").await.unwrap();
        workers.execute_unprepared("INSERT INTO t VALUES (1)").await.unwrap();
    }
}
