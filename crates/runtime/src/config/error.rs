//! What is wrong with a configuration, all of it at once.

use std::fmt;

/// One wrong setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key, such as `http.listen`, or the file that could not be read.
    pub key: String,
    /// Where the setting was found, such as `VIGIL_HTTP__LISTEN in the environment`. `None`: it is set nowhere.
    pub place: Option<String>,
    /// What to change. Never quotes a secret.
    pub advice: String,
}

impl Mistake {
    pub(super) fn at(key: &str, place: String, advice: impl Into<String>) -> Self {
        Self { key: key.to_owned(), place: Some(place), advice: advice.into() }
    }

    pub(super) fn unplaced(key: &str, advice: impl Into<String>) -> Self {
        Self { key: key.to_owned(), place: None, advice: advice.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "{} ({place}): {}", self.key, self.advice),
            None => write!(f, "{}: {}", self.key, self.advice),
        }
    }
}

/// A configuration that cannot be used. Prints one line for each mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one.
    pub mistakes: Vec<Mistake>,
}

impl ConfigError {
    pub(super) fn unless_empty(mistakes: Vec<Mistake>) -> Result<(), Self> {
        if mistakes.is_empty() { Ok(()) } else { Err(Self { mistakes }) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        self.mistakes.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for ConfigError {}
