//! Text that must never be printed.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};

/// A password, key or token. `Debug` and `Display` print `<secret>`; only [`Secret::expose`] shows it.
///
/// It can be read by serde but not written, and a value of the wrong type is not quoted in the error.
#[derive(Clone, Default)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Pass it on to whoever needs it; never log or format it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self).map_err(|_| D::Error::custom("expected a string"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_but_never_printed() {
        let secret: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{secret} {secret:?} {:?}", Some(&secret)), "<secret> <secret> Some(<secret>)");
    }

    #[test]
    fn an_error_does_not_quote_the_value() {
        let error = serde_json::from_str::<Secret>("271828").unwrap_err().to_string();
        assert!(error.starts_with("expected a string"), "{error}");
        assert!(!error.contains("271828"), "{error}");
    }
}
