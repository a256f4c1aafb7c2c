//! Access tokens: short-lived JWTs (HS256), signed and checked by ring.

use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Header, Validation,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    decode, encode,
    errors::ErrorKind,
};
use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vigil_domain::Timestamp;
use vigil_runtime::Secret;

const ISSUER: &str = "vigil";
const AUDIENCE: &str = "vigil-api";
/// How far the clocks of two backends may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(5);

/// What an access token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    /// The user.
    pub(crate) sub: Uuid,
    /// The session.
    pub(crate) sid: Uuid,
    /// The user's token version; an admin's change of the password raises it.
    pub(crate) ver: i32,
    iat: i64,
    exp: i64,
}

impl Claims {
    pub(crate) fn expires_at(&self) -> Timestamp {
        DateTime::from_timestamp(self.exp, 0).unwrap_or(DateTime::UNIX_EPOCH)
    }
}

/// Issues and checks access tokens.
pub struct TokenKeys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    lifetime: Duration,
}

impl TokenKeys {
    /// `secret` has at least 32 bytes and is the same for all backends.
    pub fn new(secret: &Secret, lifetime: Duration) -> Self {
        // Fails when it is installed already, which is as good.
        PROVIDER.install_default().ok();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Checked below, against our clock.
        validation.validate_exp = false;
        let secret = secret.expose().as_bytes();
        let (encoding, decoding) = (EncodingKey::from_secret(secret), DecodingKey::from_secret(secret));
        Self { encoding, decoding, validation, lifetime }
    }

    /// How long a token is good.
    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token for the session `sid` of the user `sub`.
    pub(crate) fn issue(&self, sub: Uuid, sid: Uuid, ver: i32, now: Timestamp) -> jsonwebtoken::errors::Result<String> {
        let exp = (now + self.lifetime).timestamp();
        let claims = Claims { iss: ISSUER.into(), aud: AUDIENCE.into(), sub, sid, ver, iat: now.timestamp(), exp };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
    }

    /// What the token says, if we signed it and it has not expired (5 s of leeway).
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Option<Claims> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).ok()?.claims;
        (now < claims.expires_at() + LEEWAY).then_some(claims)
    }
}

struct Hs256(hmac::Key);

impl Hs256 {
    fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }
}

impl signature::Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl signature::Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        hmac::verify(&self.0, message, tag).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtSigner>> {
    match algorithm {
        Algorithm::HS256 if key.family() == AlgorithmFamily::Hmac => Ok(Box::new(Hs256::new(key.as_bytes()))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> jsonwebtoken::errors::Result<Box<dyn JwtVerifier>> {
    match algorithm {
        Algorithm::HS256 if key.family() == AlgorithmFamily::Hmac => Ok(Box::new(Hs256::new(key.try_get_as_bytes()?))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

static PROVIDER: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: &str) -> TokenKeys {
        TokenKeys::new(&Secret::from(secret), Duration::from_secs(900))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_token_is_good_until_it_expires_and_five_seconds_more() {
        let keys = keys("0123456789abcdef0123456789abcdef");
        let (sub, sid) = (Uuid::now_v7(), Uuid::now_v7());
        let token = keys.issue(sub, sid, 3, at("2026-01-01T00:00:00Z")).unwrap();
        let claims = keys.verify(&token, at("2026-01-01T00:15:04Z")).unwrap();
        assert_eq!((claims.sub, claims.sid, claims.ver), (sub, sid, 3));
        assert_eq!(claims.expires_at(), at("2026-01-01T00:15:00Z"));
        assert_eq!(keys.verify(&token, at("2026-01-01T00:15:05Z")), None);
    }

    #[test]
    fn a_token_of_another_key_or_algorithm_or_audience_is_refused() {
        let (ours, theirs) = (keys("0123456789abcdef0123456789abcdef"), keys("another secret of thirty-two bytes"));
        let now = at("2026-01-01T00:00:00Z");
        let token = theirs.issue(Uuid::now_v7(), Uuid::now_v7(), 1, now).unwrap();
        assert_eq!(ours.verify(&token, now), None);
        let (_, rest) = ours
            .issue(Uuid::now_v7(), Uuid::now_v7(), 1, now)
            .unwrap()
            .split_once('.')
            .map(|(h, r)| (h.to_owned(), r.to_owned()))
            .unwrap();
        // {"alg":"none","typ":"JWT"}
        assert_eq!(ours.verify(&format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{rest}"), now), None);
        let claims = Claims {
            iss: ISSUER.into(),
            aud: "another".into(),
            sub: Uuid::nil(),
            sid: Uuid::nil(),
            ver: 1,
            iat: 0,
            exp: i64::MAX / 2,
        };
        let foreign = encode(&Header::new(Algorithm::HS256), &claims, &ours.encoding).unwrap();
        assert_eq!(ours.verify(&foreign, now), None);
        for garbage in ["", ".", "..", "a.b.c", "vgl_", "\u{fffd}"] {
            assert_eq!(ours.verify(garbage, now), None);
        }
    }
}
