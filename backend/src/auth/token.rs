//! Random secrets that are handed out once and kept as digests.
//!
//! They hold 256 random bits, so that a plain SHA-256 digest cannot be guessed back.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest::SHA256,
    rand::{SecureRandom, SystemRandom},
};

use crate::problem::{Problem, Result};

/// Begins every API key, so that leaked ones can be found by their look.
pub(crate) const KEY_PREFIX: &str = "vgl_";

/// How much of an API key is kept readable.
const SHOWN: usize = 12;

/// A new secret: 43 characters of base64url.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Problem::internal("the system gives no random bytes"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// A new API key.
pub(crate) fn random_key() -> Result<String> {
    random().map(|secret| format!("{KEY_PREFIX}{secret}"))
}

/// What is stored of a secret, and what it is found by.
pub(crate) fn digest(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&SHA256, secret.as_bytes()))
}

/// The beginning of a key, by which its owner tells it apart.
pub(crate) fn shown_part(key: &str) -> &str {
    key.get(..SHOWN).unwrap_or(key)
}
