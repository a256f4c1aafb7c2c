//! Keys that a single machine makes for itself at its first start, and keeps in a file.
//!
//! Programs on several machines share their keys by configuration instead.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::Uuid;

use crate::Secret;

/// The least length of a key's text, in bytes.
const MIN_BYTES: usize = 32;

/// Why there is no key. Each text names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot create the key file {}: {source}; make its directory writable for this user", path.display())]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot read the key file {}: {source}; make it readable for this user", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "the key file {} holds less than {MIN_BYTES} bytes; restore it from a backup, or delete it to get a new key \
         (what was sealed with the old one is lost)", path.display()
    )]
    Short { path: PathBuf },
}

/// Reads the key in `dir/file_name`, or makes one (32 random bytes, as base64) if there is no such file.
///
/// The file gets mode 0600 and appears whole or not at all; when several processes start at once, all of them return
/// the one key that was first. An existing file is never changed, and never replaced when it cannot be read.
pub fn load_or_create_key(dir: &Path, file_name: &str) -> Result<Secret, KeyError> {
    let path = dir.join(file_name);
    if let Some(key) = read(&path)? {
        return Ok(key);
    }
    create(dir, &path).map_err(|source| KeyError::Create { path: path.clone(), source })?;
    read(&path)?.ok_or_else(|| KeyError::Read { path, source: ErrorKind::NotFound.into() })
}

/// The key in the file; `None` when there is no file.
fn read(path: &Path) -> Result<Option<Secret>, KeyError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(KeyError::Read { path: path.to_owned(), source }),
    };
    let key = text.trim();
    if key.len() < MIN_BYTES {
        return Err(KeyError::Short { path: path.to_owned() });
    }
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        tracing::warn!(file = %path.display(), "other users can read this key file: run chmod 600 on it");
    }
    Ok(Some(Secret::from(key)))
}

/// Puts a new key at `path` unless something is there already, which is left as it is.
fn create(dir: &Path, path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let draft = dir.join(format!(".key-{}", Uuid::new_v4()));
    let placed = write_new(&draft).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match placed {
        Ok(()) => removed?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        // Some mounted file systems know no links; there the file is written in place.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            match write_new(path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
                written => written?,
            }
        }
        Err(error) => return Err(error),
    }
    File::open(dir)?.sync_all()
}

/// Writes a fresh key to a file that must not exist, down to the disk.
fn write_new(path: &Path) -> io::Result<()> {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).map_err(|_| io::Error::other("the system gives no random bytes"))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", STANDARD.encode(random))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_may_read_it() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("data");
        let key = load_or_create_key(&dir, "jwt.key").unwrap();
        assert_eq!(STANDARD.decode(key.expose()).unwrap().len(), 32);
        assert_eq!(load_or_create_key(&dir, "jwt.key").unwrap().expose(), key.expose());
        assert_eq!(fs::metadata(dir.join("jwt.key")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(load_or_create_key(&dir, "seal.key").unwrap().expose(), key.expose());
    }

    #[test]
    fn racing_starts_end_with_one_key_and_no_leftovers() {
        let dir = tempfile::tempdir().unwrap();
        let start = Barrier::new(16);
        let keys: BTreeSet<String> = std::thread::scope(|scope| {
            let race = || {
                start.wait();
                load_or_create_key(dir.path(), "jwt.key").unwrap().expose().to_owned()
            };
            let runners: Vec<_> = (0..16).map(|_| scope.spawn(race)).collect();
            runners.into_iter().map(|runner| runner.join().unwrap()).collect()
        });
        assert_eq!(keys.len(), 1);
        let files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["jwt.key"]);
    }

    #[test]
    fn a_broken_key_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("short.key"), "abc\n").unwrap();
        let error = load_or_create_key(dir.path(), "short.key").unwrap_err().to_string();
        assert!(error.contains("short.key holds less than 32 bytes"), "{error}");
        assert_eq!(fs::read_to_string(dir.path().join("short.key")).unwrap(), "abc\n");

        fs::create_dir(dir.path().join("dir.key")).unwrap();
        let error = load_or_create_key(dir.path(), "dir.key").unwrap_err();
        assert!(matches!(error, KeyError::Read { .. }), "{error}");

        let file_as_dir = dir.path().join("short.key");
        let error = load_or_create_key(&file_as_dir, "jwt.key").unwrap_err().to_string();
        assert!(error.contains("short.key/jwt.key"), "{error}");
    }
}
