//! Secrets at rest: sealed with a key that is not in the database, and bound to the channel they belong to.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
    rand::{SecureRandom, SystemRandom},
};
use vigil_domain::id::ChannelId;

/// Begins every sealed text, so that another form can be told apart later.
const FORM: &str = "v1.";

/// Seals and opens secrets. Clones share the key; nothing of it prints.
#[derive(Clone)]
pub struct Sealer(Arc<LessSafeKey>);

/// Why a secret could not be sealed or opened. Holds neither secret nor key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The system has no random bytes to give.
    #[error("the system gives no random bytes")]
    NoRandomness,
    /// It was not written by a [`Sealer`].
    #[error("the stored secret is damaged; set it again")]
    Damaged,
    /// Sealed with another key, for another channel, or changed since.
    #[error(
        "the stored secret does not open with the configured secrets.key; restore that key, or set the secret again"
    )]
    WrongKey,
}

impl Sealer {
    /// Derives the sealing key (ChaCha20-Poly1305) from the configured text by HKDF-SHA-256.
    pub fn new(key: &str) -> Self {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"vigil").extract(key.as_bytes());
        let expanded =
            extracted.expand(&[b"channel secrets"], &CHACHA20_POLY1305).expect("32 bytes can be expanded to");
        Self(Arc::new(LessSafeKey::new(UnboundKey::from(expanded))))
    }

    /// Seals `secret` for `channel`: `v1.` and base64 of a random nonce, the ciphertext and its tag.
    pub fn seal(&self, secret: &str, channel: ChannelId) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let mut sealed = secret.as_bytes().to_vec();
        let key_nonce = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(key_nonce, Aad::from(channel.0.as_bytes()), &mut sealed)
            .map_err(|_| SealError::NoRandomness)?;
        let whole = [&nonce[..], &sealed].concat();
        Ok(format!("{FORM}{}", STANDARD_NO_PAD.encode(whole)))
    }

    /// Opens what [`Self::seal`] made for the same channel with the same key.
    pub fn open(&self, sealed: &str, channel: ChannelId) -> Result<String, SealError> {
        let encoded = sealed.strip_prefix(FORM).ok_or(SealError::Damaged)?;
        let mut whole = STANDARD_NO_PAD.decode(encoded).map_err(|_| SealError::Damaged)?;
        let (nonce, sealed) = whole.split_first_chunk_mut::<NONCE_LEN>().ok_or(SealError::Damaged)?;
        let opened = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(channel.0.as_bytes()), sealed)
            .map_err(|_| SealError::WrongKey)?;
        String::from_utf8(opened.to_vec()).map_err(|_| SealError::Damaged)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_secret_opens_with_its_key_and_channel_only() {
        let (sealer, channel) = (Sealer::new(KEY), ChannelId::random());
        let sealed = sealer.seal("123456:ABC-DEF", channel).unwrap();
        assert!(!sealed.contains("ABC"), "{sealed}");
        assert_eq!(sealer.open(&sealed, channel).as_deref(), Ok("123456:ABC-DEF"));
        assert_eq!(
            Sealer::new(KEY).open(&sealed, channel).as_deref(),
            Ok("123456:ABC-DEF"),
            "the key is derived alike"
        );
        assert_eq!(sealer.open(&sealed, ChannelId::random()), Err(SealError::WrongKey));
        let other = Sealer::new("another key of at least 32 bytes.");
        assert_eq!(other.open(&sealed, channel), Err(SealError::WrongKey));
    }

    #[test]
    fn sealing_twice_gives_different_texts() {
        let (sealer, channel) = (Sealer::new(KEY), ChannelId::random());
        assert_ne!(sealer.seal("same", channel), sealer.seal("same", channel));
    }

    #[test]
    fn what_was_changed_or_never_sealed_does_not_open() {
        let (sealer, channel) = (Sealer::new(KEY), ChannelId::random());
        let sealed = sealer.seal("secret", channel).unwrap();
        let mut flipped = sealed.clone().into_bytes();
        let middle = flipped.len() / 2;
        flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).unwrap();
        assert_eq!(sealer.open(&flipped, channel), Err(SealError::WrongKey));
        for text in ["", "secret", "v1.", "v1.AAAA", "v1.not base64", "v2.AAAA"] {
            assert_eq!(sealer.open(text, channel), Err(SealError::Damaged), "{text:?}");
        }
    }

    #[test]
    fn nothing_of_the_key_prints() {
        assert_eq!(format!("{:?}", Sealer::new(KEY)), "Sealer");
    }
}
