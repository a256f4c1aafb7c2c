//! The places settings come from, laid over each other by figment, which remembers where each value was found.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::error::Mistake;

/// The built-in layer, and the reference of all keys.
pub(super) const DEFAULTS: &str = include_str!("../../../../config/default.toml");

/// What the client part of the program reads for itself.
const NOT_OURS: [&str; 2] = ["VIGIL_URL", "VIGIL_TOKEN"];

/// A setting that belongs to no section: nothing could come of it.
pub(super) struct Stray {
    pub(super) key: String,
    pub(super) place: String,
    pub(super) origin: Metadata,
}

/// All layers so far.
pub(super) struct Layers {
    pub(super) figment: Figment,
    pub(super) strays: Vec<Stray>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Layers {
    /// Only the built-in layer.
    pub(super) fn new() -> Self {
        let mut layers = Self { figment: Figment::new(), strays: Vec::new(), mistakes: Vec::new() };
        layers.toml("config/default.toml, built in", DEFAULTS);
        layers
    }

    /// A TOML file that must be there.
    pub(super) fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => self.toml(&name, &text),
            Err(error) => self.mistakes.push(Mistake::at("--config", name, format!("cannot be read: {error}"))),
        }
    }

    /// An `.env` file, if there is one.
    pub(super) fn dotenv_file(&mut self, path: &Path) {
        match fs::read_to_string(path) {
            Ok(text) => self.dotenv(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.mistakes.push(Mistake::unplaced(".env", format!("cannot be read: {error}"))),
        }
    }

    /// The text of an `.env` file: variables as in the environment, which itself is not touched.
    pub(super) fn dotenv(&mut self, text: &str) {
        let text = format!("{}\n", text.trim_start_matches('\u{feff}').trim_end());
        let mut pairs = Vec::new();
        let mut read = 0;
        for line in dotenvy::from_read_iter(text.as_bytes()) {
            match line {
                Ok((name, value)) => pairs.push((name.into(), value.into())),
                Err(error) => self.mistakes.push(broken_line(&error, &text, &mut read)),
            }
        }
        self.variables(".env", pairs);
    }

    /// Environment variables; those that do not start with `VIGIL_` belong to others.
    pub(super) fn environment(&mut self, pairs: impl IntoIterator<Item = (OsString, OsString)>) {
        self.variables("the environment", pairs);
    }

    fn toml(&mut self, name: &str, text: &str) {
        let origin = Metadata::named(name.to_owned()).interpolater(|_, keys| keys.join("."));
        let read = match Toml::string(text).data() {
            Ok(mut profiles) => profiles.remove(&Profile::Default).unwrap_or_default(),
            Err(error) => {
                // Only the first line, which says where: the others quote the file, which may hold a secret.
                let position = error.to_string().lines().next().unwrap_or_default().to_owned();
                self.mistakes.push(Mistake::at("--config", name.to_owned(), position));
                return;
            }
        };
        let mut sections = Dict::new();
        for (key, value) in read {
            if matches!(value, Value::Dict(..)) {
                sections.insert(key, value);
            } else {
                self.strays.push(Stray { key, place: format!("in {name}"), origin: origin.clone() });
            }
        }
        self.add(origin, sections);
    }

    fn variables(&mut self, name: &'static str, pairs: impl IntoIterator<Item = (OsString, OsString)>) {
        let origin = Metadata::named(name).interpolater(|_, keys| variable(keys));
        let mut sections: Map<String, Dict> = Map::new();
        for (variable, value) in pairs {
            let variable = variable.to_string_lossy();
            let Some(rest) = variable.strip_prefix("VIGIL_").filter(|_| !NOT_OURS.contains(&variable.as_ref())) else {
                continue;
            };
            let key = rest.to_ascii_lowercase().replace("__", ".");
            let place = || format!("{variable} in {name}");
            let Some((section, field)) = key.split_once('.').filter(|(_, field)| !field.contains('.')) else {
                self.strays.push(Stray { place: place(), key, origin: origin.clone() });
                continue;
            };
            match value.into_string() {
                Ok(text) => {
                    // Always text: a password of digits stays as it was typed.
                    sections.entry(section.to_owned()).or_default().insert(field.to_owned(), Value::from(text));
                }
                Err(_) => self.mistakes.push(Mistake::at(&key, place(), "must be valid UTF-8")),
            }
        }
        self.add(origin, sections.into_iter().map(|(section, dict)| (section, Value::from(dict))).collect());
    }

    fn add(&mut self, origin: Metadata, sections: Dict) {
        self.figment = std::mem::take(&mut self.figment).merge(Layer { origin, sections });
    }
}

/// `["http", "listen"]` → `VIGIL_HTTP__LISTEN`.
fn variable(keys: &[&str]) -> String {
    format!("VIGIL_{}", keys.join("__").to_ascii_uppercase())
}

/// Names the line that dotenvy could not read, without its text, which may hold a secret.
///
/// `read` is how many lines were read before; it moves behind this one.
fn broken_line(error: &dotenvy::Error, text: &str, read: &mut usize) -> Mistake {
    let broken = match error {
        // What dotenvy gives back is the line, its value, or everything after a quote that is never closed.
        dotenvy::Error::LineParse(rest, _) => rest.lines().next().unwrap_or_default().trim_end(),
        _ => "",
    };
    let index = text.lines().skip(*read).position(|line| !broken.is_empty() && line.contains(broken));
    *read += index.map_or(0, |index| index + 1);
    let place = index.map_or("a line in it".to_owned(), |_| format!("line {read}"));
    Mistake::at(".env", place, "must be NAME=value; put single quotes around a value with spaces, `$` or `#`")
}

/// One place's settings, by section.
struct Layer {
    origin: Metadata,
    sections: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        self.origin.clone()
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.sections.clone()))
    }
}
