//! The `SQLite` file: opened, set aside when damaged, measured.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    Sqlite, SqlitePool,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::schema;

/// Why a store cannot be opened. A file that is merely damaged is set aside instead.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot create the folder {path} of the sample store: {source}; choose another path or give write access")]
    Folder { path: PathBuf, source: io::Error },
    #[error("cannot use {path} for samples: {source}; choose another path or give write access")]
    Path { path: PathBuf, source: io::Error },
    #[error("another process keeps its samples in {0}; stop it or choose another path")]
    InUse(PathBuf),
    #[error("{0} is a database but not a sample store; choose another path")]
    NotAStore(PathBuf),
    #[error("{path} was written by a newer version (format {version}); use that version or choose another path")]
    Newer { path: PathBuf, version: i64 },
    #[error(
        "cannot use {path} for samples: {source}; see that the disk has room and is writable, or choose another path"
    )]
    Database { path: PathBuf, source: sqlx::Error },
}

/// The file of a store, locked for this process as long as this lives.
pub(crate) struct File {
    path: PathBuf,
    max_bytes: Option<u64>,
    pools: RwLock<Pools>,
    /// Starting over has begun and did not succeed: there is no file that could be written.
    missing: AtomicBool,
    _lock: fs::File,
}

/// One connection that writes and two that read: readers see the state before a write until it is complete.
#[derive(Clone)]
pub(crate) struct Pools {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
}

const PAGE: u64 = 8_192;

impl File {
    /// Opens `path`, which is made when missing. `Ok((_, Some(_)))`: what was there is damaged and has this name now.
    pub(crate) async fn open(
        path: &Path,
        max_bytes: Option<u64>,
        now_ms: i64,
    ) -> Result<(Self, Option<PathBuf>), OpenError> {
        let lock = lock(path)?;
        let (pools, aside) = match connect(path, max_bytes).await {
            Err(OpenError::Database { source, .. }) if is_damage(&source) => {
                let aside = set_aside(path, now_ms)?;
                (connect(path, max_bytes).await?, Some(aside))
            }
            opened => (opened?, None),
        };
        Ok((
            Self {
                path: path.to_owned(),
                max_bytes,
                pools: RwLock::new(pools),
                missing: AtomicBool::new(false),
                _lock: lock,
            },
            aside,
        ))
    }

    pub(crate) fn pools(&self) -> Pools {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives the file another name and begins an empty one. The new name of the old file.
    pub(crate) async fn start_over(&self, now_ms: i64) -> Result<PathBuf, OpenError> {
        self.missing.store(true, Ordering::SeqCst);
        self.close().await;
        let aside = set_aside(&self.path, now_ms)?;
        let pools = connect(&self.path, self.max_bytes).await?;
        *self.pools.write().unwrap_or_else(PoisonError::into_inner) = pools;
        self.missing.store(false, Ordering::SeqCst);
        Ok(aside)
    }

    /// Whether starting over is what helps against `error`.
    pub(crate) fn must_start_over(&self, error: &sqlx::Error) -> bool {
        is_damage(error) || self.missing.load(Ordering::SeqCst)
    }

    pub(crate) async fn close(&self) {
        let pools = self.pools();
        pools.readers.close().await;
        pools.writer.close().await;
    }

    /// Bytes on disk, the write-ahead log among them.
    pub(crate) fn bytes(&self) -> u64 {
        let size = |path: &Path| fs::metadata(path).map_or(0, |found| found.len());
        size(&self.path) + size(&beside(&self.path, "-wal"))
    }
}

/// The end of a transaction's work on `connection`. After an error the connection is closed.
///
/// `SQLite` ends a transaction by itself when the disk is full. The pool does not notice: it would take the next transaction
/// for a part of that one, and never commit it.
pub(crate) async fn settle<T>(
    connection: PoolConnection<Sqlite>,
    outcome: Result<T, sqlx::Error>,
) -> Result<T, sqlx::Error> {
    if outcome.is_err()
        && let Err(error) = connection.close().await
    {
        tracing::debug!(%error, "closing a connection after a failed write failed too");
    }
    outcome
}

/// Whether the file itself is at fault: only then is it set aside. A full disk or missing rights are not its fault.
pub(crate) fn is_damage(error: &sqlx::Error) -> bool {
    const CORRUPT: i32 = 11;
    /// What is written here breaks no constraint unless what stands there is wrong already.
    const CONSTRAINT: i32 = 19;
    const MISMATCH: i32 = 20;
    const NOT_A_DATABASE: i32 = 26;
    const SHORT_READ: i32 = 522;
    let code = error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i32>().ok());
    let wrong_row = matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound);
    wrong_row
        || code.is_some_and(|code| {
            matches!(code & 0xff, CORRUPT | CONSTRAINT | MISMATCH | NOT_A_DATABASE) || code == SHORT_READ
        })
}

fn lock(path: &Path) -> Result<fs::File, OpenError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
    }
    let unusable = |source| OpenError::Path { path: path.to_owned(), source };
    if path.is_dir() {
        return Err(unusable(io::ErrorKind::IsADirectory.into()));
    }
    let lock = private(&beside(path, ".lock")).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(fs::TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(fs::TryLockError::Error(source)) => Err(unusable(source)),
    }
}

/// Opens a file, which is its owner's alone when it is made.
fn private(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// `synchronous = FULL` syncs the log at each commit, that is once a flush: what was flushed also outlives a power cut. With
/// `NORMAL` it would only outlive the process. Neither can damage the file.
async fn connect(path: &Path, max_bytes: Option<u64>) -> Result<Pools, OpenError> {
    let failed = |source| OpenError::Database { path: path.to_owned(), source };
    // SQLite gives its companions the mode of the file. What fails here fails again there, with its reason.
    drop(private(path));
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(PAGE as u32)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(false)
        .pragma("cache_size", "-4096")
        .pragma("journal_size_limit", "33554432")
        .row_buffer_size(512);
    if let Some(bytes) = max_bytes {
        options = options.pragma("max_page_count", (bytes / PAGE).max(1).to_string());
    }
    let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.map_err(failed)?;
    if let Err(error) = prepare(path, &writer).await {
        writer.close().await;
        return Err(error);
    }
    let readers = SqlitePoolOptions::new()
        .max_connections(2)
        .idle_timeout(Duration::from_secs(60))
        .connect_lazy_with(options.create_if_missing(false).read_only(true));
    Ok(Pools { writer, readers })
}

/// Makes the tables in an empty file, and refuses one that is not ours.
async fn prepare(path: &Path, writer: &SqlitePool) -> Result<(), OpenError> {
    let failed = |source| OpenError::Database { path: path.to_owned(), source };
    let number = async |sql| sqlx::query_scalar::<_, i64>(sql).fetch_one(writer).await.map_err(failed);
    let application = number("PRAGMA application_id").await?;
    if application == schema::APPLICATION_ID {
        return match number("PRAGMA user_version").await? {
            schema::VERSION => Ok(()),
            version => Err(OpenError::Newer { path: path.to_owned(), version }),
        };
    }
    if application != 0 || number("SELECT count(*) FROM sqlite_schema").await? != 0 {
        return Err(OpenError::NotAStore(path.to_owned()));
    }
    let mut transaction = writer.begin().await.map_err(failed)?;
    sqlx::raw_sql(schema::CREATE).execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Renames the file and its log to `….damaged-<milliseconds>`.
fn set_aside(path: &Path, now_ms: i64) -> Result<PathBuf, OpenError> {
    let aside = beside(path, &format!(".damaged-{now_ms}"));
    for suffix in ["-wal", "-shm", ""] {
        match fs::rename(beside(path, suffix), beside(&aside, suffix)) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(OpenError::Path { path: path.to_owned(), source });
            }
            _ => {}
        }
    }
    Ok(aside)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
