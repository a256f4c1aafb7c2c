//! Private directories that vanish, also when the test program is killed.

use crate::reaper;
use crate::services::User;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A new empty directory with mode 0700, removed on drop.
pub struct Scratch {
    dir: TempDir,
}

impl Scratch {
    /// # Panics
    /// When the system's directory for temporary files cannot be written to.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix(reaper::SCRATCH_PREFIX).tempdir();
        let dir = dir.unwrap_or_else(|error| panic!("cannot make a temporary directory: {error}"));
        reaper::watch_directory(dir.path());
        Self { dir }
    }

    /// One that belongs to `user`; `None` is whoever runs the tests.
    ///
    /// # Panics
    /// When the owner cannot be changed.
    pub fn owned_by(user: Option<User>) -> Self {
        let scratch = Self::new();
        if let Some(user) = user {
            std::os::unix::fs::chown(scratch.path(), Some(user.uid), Some(user.gid))
                .unwrap_or_else(|error| panic!("cannot give {} away: {error}", scratch.path().display()));
        }
        scratch
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Path of `name` inside.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes `content` to the file `name`, readable by every user who can enter the directory.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, content).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        path
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}
