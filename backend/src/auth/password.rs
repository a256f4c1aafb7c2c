//! Passwords: bcrypt, off the async threads and never more at once than there are cores.
//!
//! bcrypt reads 72 bytes and stops at a NUL. What it is given is therefore base64(SHA-256(password)): 44 characters
//! that depend on all of the password, however long it is.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::digest::{SHA256, digest};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most characters of a password.
pub const LONGEST: usize = 1024;

/// Why a password was neither hashed nor checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("cannot hash the password")]
    Bcrypt(#[from] bcrypt::BcryptError),
    #[error("the password check was cut off")]
    Stopped,
}

/// Says what is wrong with a new password, if anything.
///
/// # Errors
/// A text for the person who chose it.
pub fn check(password: &str) -> Result<(), String> {
    if password.contains('\0') {
        return Err("must not contain the character U+0000".to_owned());
    }
    match password.chars().count() {
        ..SHORTEST => Err(format!("must have at least {SHORTEST} characters")),
        SHORTEST..=LONGEST => Ok(()),
        _ => Err(format!("must have at most {LONGEST} characters")),
    }
}

/// Hashes and checks passwords. Clones share the cores.
#[derive(Clone, Debug)]
pub struct Passwords {
    cost: u32,
    cores: Arc<Semaphore>,
    /// The hash that unknown users are checked against: its cost is that of real ones, and nothing hashes to it.
    nobody: Arc<str>,
}

/// A core to hash on, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _permit: OwnedSemaphorePermit,
    cost: u32,
    nobody: Arc<str>,
}

impl Passwords {
    /// `cost` is bcrypt's, 4 to 31: each step doubles the work.
    pub fn new(cost: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let nobody = format!("$2b${cost:02}$abcdefghijklmnopqrstuu{}", "O".repeat(31)).into();
        Self { cost, cores: Arc::new(Semaphore::new(cores)), nobody }
    }

    /// Waits for a core.
    pub async fn turn(&self) -> Result<Turn, PasswordError> {
        let permit = Arc::clone(&self.cores).acquire_owned().await.map_err(|_| PasswordError::Stopped)?;
        Ok(Turn { _permit: permit, cost: self.cost, nobody: Arc::clone(&self.nobody) })
    }

    /// The bcrypt hash of a password.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        self.turn().await?.hash(password).await
    }
}

impl Turn {
    /// The bcrypt hash of a password.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let (digest, cost) = (digested(password), self.cost);
        let hashing = tokio::task::spawn_blocking(move || bcrypt::non_truncating_hash(digest, cost));
        Ok(hashing.await.map_err(|_| PasswordError::Stopped)??)
    }

    /// Whether `hash` is that of `password`. Without a hash (there is no such user) it is not, after the same time.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let exists = hash.is_some();
        let (digest, hash) = (digested(password), hash.unwrap_or(&self.nobody).to_owned());
        let checking = tokio::task::spawn_blocking(move || bcrypt::non_truncating_verify(digest, &hash));
        Ok(checking.await.map_err(|_| PasswordError::Stopped)?? && exists)
    }

    /// Whether `hash` was made with another cost than is configured now.
    pub fn is_outdated(&self, hash: &str) -> bool {
        hash.split('$').nth(2).and_then(|cost| cost.parse().ok()) != Some(self.cost)
    }
}

fn digested(password: &str) -> String {
    STANDARD.encode(digest(&SHA256, password.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passwords_that_differ_after_their_first_72_bytes_differ() {
        let passwords = Passwords::new(4);
        let long = "a".repeat(200);
        let hash = passwords.hash(&long).await.unwrap();
        let turn = passwords.turn().await.unwrap();
        assert!(turn.verify(&long, Some(&hash)).await.unwrap());
        assert!(!turn.verify(&format!("{}b", "a".repeat(199)), Some(&hash)).await.unwrap());
        assert!(!turn.verify(&"a".repeat(72), Some(&hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_is_checked_at_the_configured_cost_and_never_let_in() {
        let passwords = Passwords::new(5);
        let hash = passwords.hash("a password").await.unwrap();
        let turn = passwords.turn().await.unwrap();
        assert!(!turn.verify("a password", None).await.unwrap());
        assert!(!turn.is_outdated(&passwords.nobody));
        assert_eq!(passwords.nobody.len(), hash.len());
        assert!(turn.is_outdated("$2b$12$x"));
    }

    #[test]
    fn a_new_password_has_12_to_1024_characters() {
        assert!(check(&"ü".repeat(12)).is_ok());
        assert!(check(&"a".repeat(1024)).is_ok());
        assert_eq!(check("short").unwrap_err(), "must have at least 12 characters");
        assert_eq!(check(&"a".repeat(1025)).unwrap_err(), "must have at most 1024 characters");
        assert!(check("twelve chars\0").is_err());
    }
}
