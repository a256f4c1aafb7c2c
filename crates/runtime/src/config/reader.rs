//! Reads keys one by one out of the layers and gathers every mistake, so that none hides another.

use std::collections::{BTreeMap, BTreeSet};

use figment::value::{Dict, Value};
use figment::{Metadata, Profile, Provider};

use super::error::{ConfigError, Mistake};
use super::kind::Kind;
use super::layers::{Layers, Stray};

/// How much of a wrong value is shown, in characters.
const SHOWN: usize = 60;

struct Setting {
    value: Value,
    origin: Metadata,
}

/// The settings of all layers, and what was wrong with those read so far.
pub(super) struct Reader {
    settings: BTreeMap<String, Setting>,
    defaults: BTreeMap<String, Value>,
    strays: Vec<Stray>,
    known: BTreeMap<&'static str, bool>,
    wrong: BTreeSet<&'static str>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    pub(super) fn new(layers: Layers) -> Self {
        let Layers { figment, strays, mistakes } = layers;
        let sections = sections(&figment);
        let origin = |value: &Value| figment.get_metadata(value.tag()).cloned().unwrap_or_default();
        let settings = flat(sections).map(|(key, value)| (key, Setting { origin: origin(&value), value }));
        let defaults = flat(self::sections(&Layers::new().figment));
        Self {
            settings: settings.collect(),
            defaults: defaults.collect(),
            strays,
            known: BTreeMap::new(),
            wrong: BTreeSet::new(),
            mistakes,
        }
    }

    /// The value of a key that has a default. A wrong one is noted, and the default stands in for it.
    pub(super) fn required<T>(&mut self, key: &'static str, kind: Kind<T>) -> T {
        self.known.insert(key, true);
        let found = self.settings.get(key).and_then(|setting| (kind.parse)(&setting.value));
        found.unwrap_or_else(|| {
            self.refuse(key, &kind);
            let default = self.defaults.get(key).and_then(|value| (kind.parse)(value));
            default.expect("a test reads every key from config/default.toml")
        })
    }

    /// The value of a key that may be absent. Blank text is absent too, as an unset variable is in a compose file.
    pub(super) fn optional<T>(&mut self, key: &'static str, kind: Kind<T>) -> Option<T> {
        self.known.insert(key, false);
        let value = &self.settings.get(key)?.value;
        if value.as_str().is_some_and(|text| text.trim().is_empty()) {
            return None;
        }
        let found = (kind.parse)(value);
        if found.is_none() {
            self.refuse(key, &kind);
        }
        found
    }

    /// Notes a mistake at the first of `keys` unless `holds`; says nothing when one of them was wrong in itself.
    pub(super) fn check<const N: usize>(&mut self, keys: [&'static str; N], holds: bool, advice: &str) {
        if !holds && keys.iter().all(|key| !self.wrong.contains(key)) {
            self.note(keys[0], advice.to_owned());
        }
    }

    /// `Err` with every mistake, unknown keys last.
    pub(super) fn finish(mut self) -> Result<(), ConfigError> {
        let unknown: Vec<_> = self.settings.keys().filter(|key| !self.known.contains_key(key.as_str())).collect();
        let unknown: Vec<_> = unknown.into_iter().map(|key| self.unknown(key)).collect();
        let strays: Vec<_> = self.strays.iter().map(|stray| self.stray(stray)).collect();
        self.mistakes.extend(unknown);
        self.mistakes.extend(strays);
        ConfigError::unless_empty(self.mistakes)
    }

    /// Every key read so far, and whether it has a default.
    #[cfg(test)]
    pub(super) fn known(&self) -> &BTreeMap<&'static str, bool> {
        &self.known
    }

    fn refuse<T>(&mut self, key: &'static str, kind: &Kind<T>) {
        let found = self.settings.get(key).filter(|_| !kind.secret).map(|setting| shown(&setting.value));
        let advice = match found {
            Some(found) => format!("must be {}, not {found}", kind.expects),
            None => format!("must be {}", kind.expects),
        };
        self.wrong.insert(key);
        self.note(key, advice);
    }

    fn note(&mut self, key: &str, advice: String) {
        let mistake = match self.settings.get(key) {
            Some(setting) => Mistake::at(key, place(&setting.origin, key), advice),
            None => Mistake::unplaced(key, advice),
        };
        self.mistakes.push(mistake);
    }

    fn unknown(&self, key: &str) -> Mistake {
        let origin = &self.settings[key].origin;
        Mistake::at(key, place(origin, key), self.advice_for_unknown(key, origin))
    }

    fn stray(&self, stray: &Stray) -> Mistake {
        let section = format!("{}.", stray.key);
        let advice = match self.known.keys().find(|key| key.starts_with(&section)) {
            Some(key) => format!("is a section; set the keys in it, such as {}", spelt(&stray.origin, key)),
            None => self.advice_for_unknown(&stray.key, &stray.origin),
        };
        Mistake::at(&stray.key, stray.place.clone(), advice)
    }

    fn advice_for_unknown(&self, key: &str, origin: &Metadata) -> String {
        let plain = |key: &str| key.replace(['.', '-'], "_");
        let wrong = plain(key);
        let near = self.known.keys().map(|known| (distance(&plain(known), &wrong), *known)).min();
        match near.filter(|(distance, _)| *distance <= 2) {
            Some((_, known)) => format!("is not a key; did you mean {}?", spelt(origin, known)),
            None => "is not a key; remove it (config/default.toml lists all keys)".to_owned(),
        }
    }
}

fn sections(figment: &figment::Figment) -> Dict {
    let mut profiles = figment.data().expect("layers report their mistakes themselves");
    profiles.remove(&Profile::Default).unwrap_or_default()
}

/// `{http: {listen: …}}` → `http.listen: …`.
fn flat(sections: Dict) -> impl Iterator<Item = (String, Value)> {
    let fields = |(section, value): (String, Value)| {
        let dict = value.into_dict().expect("layers keep only sections");
        dict.into_iter().map(move |(field, value)| (format!("{section}.{field}"), value))
    };
    sections.into_iter().flat_map(fields)
}

/// How a key is written where `origin` is: `http.listen` in a file, `VIGIL_HTTP__LISTEN` in the environment.
fn spelt(origin: &Metadata, key: &str) -> String {
    origin.interpolate(&Profile::Default, &key.split('.').collect::<Vec<_>>())
}

fn place(origin: &Metadata, key: &str) -> String {
    let name = spelt(origin, key);
    if name == key { format!("in {}", origin.name) } else { format!("{name} in {}", origin.name) }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(_, text) if text.chars().count() > SHOWN => {
            format!("{:?}…", text.chars().take(SHOWN).collect::<String>())
        }
        Value::String(_, text) => format!("{text:?}"),
        Value::Bool(_, flag) => flag.to_string(),
        Value::Num(_, number) => match number.to_f64() {
            Some(number) => number.to_string(),
            None => number.to_i128().map_or("a number".to_owned(), |number| number.to_string()),
        },
        Value::Dict(..) => "a table".to_owned(),
        Value::Array(..) => "a list".to_owned(),
        Value::Char(..) | Value::Empty(..) => "this".to_owned(),
    }
}

/// How many characters must be added, removed or changed to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
