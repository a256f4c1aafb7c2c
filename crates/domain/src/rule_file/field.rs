//! Fields of a mapping: merged, counted once, and of the type they should be.
//!
//! Source: go-yaml/yaml `decode.go`, `mappingStruct` and `merge`.

use std::collections::{HashMap, HashSet};

use crate::Span;

use super::{
    duration,
    finding::{Finding, Position},
    read::{Reader, UnknownFields},
    scalar::{self, Text},
    tree::{DEEPEST, Kind, Node, NodeId},
};

/// A key and its value, not looked at yet.
pub(super) struct Entry<'t> {
    pub(super) name: &'t str,
    pub(super) name_at: Position,
    pub(super) value: NodeId,
}

/// A value that a field has, and where field and value stand.
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) name_at: Position,
    pub(super) at: Position,
}

/// A mistake was found and noted: what follows from it needs no note of its own.
#[derive(Clone, Copy)]
pub(super) struct Noted;

/// A field of the right type, if it is there and not null.
pub(super) type Field<T> = Result<Option<Found<T>>, Noted>;

/// A label or an annotation.
pub(super) struct Pair<'t> {
    pub(super) name: &'t str,
    pub(super) name_at: Position,
    pub(super) text: &'t str,
    pub(super) at: Position,
}

/// Keys and values of a mapping and of what it merges in.
#[derive(Default)]
struct Collected<'t> {
    entries: Vec<Entry<'t>>,
    taken: HashSet<&'t str>,
    /// How many merges lead to where we are.
    merges: usize,
}

/// The fields of one mapping.
pub(super) struct Fields<'t>(Vec<Entry<'t>>);

impl<'t> Fields<'t> {
    pub(super) fn get(&self, name: &str) -> Option<&Entry<'t>> {
        self.0.iter().find(|entry| entry.name == name)
    }
}

impl<'t> Reader<'t> {
    /// The fields of a mapping of the type named `kind`, which has the fields `known` and no others.
    pub(super) fn fields(&mut self, id: NodeId, kind: &str, known: &[&str]) -> Option<Fields<'t>> {
        let mut entries = self.entries(id, kind)?;
        entries.retain(|entry| {
            let is_known = known.contains(&entry.name);
            if !is_known {
                self.unknown_field(entry, kind);
            }
            is_known
        });
        Some(Fields(entries))
    }

    fn unknown_field(&mut self, entry: &Entry<'t>, kind: &str) {
        let finding = Finding::new(entry.name_at, format!("field {} not found in type {kind}", entry.name));
        match self.options.unknown_fields {
            UnknownFields::Refuse => self.mistakes.push(finding),
            UnknownFields::Ignore => self.warnings.push(finding),
        }
    }

    /// A field that is a text.
    pub(super) fn text(&mut self, fields: &Fields<'t>, name: &str) -> Field<&'t str> {
        let Some(entry) = fields.get(name) else { return Ok(None) };
        let at = self.tree.node(entry.value).at;
        match scalar::text(self.tree.target(entry.value), "string") {
            Text::Is(value) => Ok(Some(Found { value, name_at: entry.name_at, at })),
            Text::Null => Ok(None),
            Text::Wrong(message) => Err(self.mistake(at, message)),
        }
    }

    /// A field that is a duration.
    pub(super) fn duration(&mut self, fields: &Fields<'t>, name: &str) -> Field<Span> {
        let Some(Found { value, name_at, at }) = self.text(fields, name)? else { return Ok(None) };
        match duration::parse(value) {
            Ok(value) => Ok(Some(Found { value, name_at, at })),
            Err(message) => Err(self.mistake(at, message)),
        }
    }

    /// A field that is a whole number; zero if it is not there or null.
    pub(super) fn integer(&mut self, fields: &Fields<'t>, name: &str) -> i64 {
        let Some(entry) = fields.get(name) else { return 0 };
        match scalar::integer(self.tree.target(entry.value)) {
            Ok(value) => value.unwrap_or(0),
            Err(message) => {
                self.mistake(self.tree.node(entry.value).at, message);
                0
            }
        }
    }

    /// A field that maps names to texts; empty if it is not there or null. A null text is an empty one.
    pub(super) fn pairs(&mut self, fields: &Fields<'t>, name: &str) -> Vec<Pair<'t>> {
        let Some(entry) = fields.get(name) else { return Vec::new() };
        if scalar::is_null(self.tree.target(entry.value)) {
            return Vec::new();
        }
        let entries = self.entries(entry.value, "map[string]string").unwrap_or_default();
        entries.into_iter().filter_map(|entry| self.pair(&entry)).collect()
    }

    fn pair(&mut self, entry: &Entry<'t>) -> Option<Pair<'t>> {
        let at = self.tree.node(entry.value).at;
        let text = match scalar::text(self.tree.target(entry.value), "string") {
            Text::Is(text) => text,
            Text::Null => "",
            Text::Wrong(message) => {
                self.mistake(at, message);
                return None;
            }
        };
        Some(Pair { name: entry.name, name_at: entry.name_at, text, at })
    }

    /// A field that is a list; empty if it is not there or null. Null items are no items.
    pub(super) fn items(&mut self, fields: &Fields<'t>, name: &str, kind: &str) -> Vec<NodeId> {
        let Some(entry) = fields.get(name) else { return Vec::new() };
        let list = self.tree.target(entry.value);
        let Kind::Sequence(items) = &list.kind else {
            if !scalar::is_null(list) {
                self.mistake(self.tree.node(entry.value).at, scalar::mismatch(list, kind));
            }
            return Vec::new();
        };
        let (empty, items): (Vec<_>, Vec<_>) = items.iter().partition(|item| scalar::is_null(self.tree.target(**item)));
        for item in empty {
            self.warnings.push(Finding::new(self.tree.node(item).at, format!("empty item in {name} is ignored")));
        }
        items
    }

    /// The keys and values of a mapping, those it merges in after its own.
    fn entries(&mut self, id: NodeId, kind: &str) -> Option<Vec<Entry<'t>>> {
        let node = self.tree.target(id);
        if !matches!(node.kind, Kind::Mapping(_)) {
            self.mistake(self.tree.node(id).at, scalar::mismatch(node, kind));
            return None;
        }
        let mut collected = Collected::default();
        self.collect(node, &mut collected);
        Some(collected.entries)
    }

    /// Adds what is in a mapping under keys that are not taken yet.
    fn collect(&mut self, node: &'t Node<'t>, collected: &mut Collected<'t>) {
        let Kind::Mapping(pairs) = &node.kind else {
            self.mistake(node.at, "yaml: map merge requires map or sequence of maps as the value");
            return;
        };
        let (mut here, mut merged) = (HashMap::new(), None);
        for (key, value) in pairs {
            let (name_at, key) = (self.tree.node(*key).at, self.tree.target(*key));
            let name = match scalar::text(key, "string") {
                Text::Is(name) => name,
                Text::Null => continue,
                Text::Wrong(message) => {
                    self.mistake(name_at, message);
                    continue;
                }
            };
            if let Some(line) = here.insert(name, name_at.line) {
                self.mistake(name_at, format!("mapping key {name:?} already defined at line {line}"));
            } else if scalar::is_merge(key) {
                merged = Some(*value);
            } else if collected.taken.insert(name) {
                collected.entries.push(Entry { name, name_at, value: *value });
            }
        }
        if let Some(merged) = merged {
            self.merge(merged, collected);
        }
    }

    fn merge(&mut self, id: NodeId, collected: &mut Collected<'t>) {
        let (written, node) = (self.tree.node(id), self.tree.target(id));
        if collected.merges == DEEPEST {
            self.mistake(written.at, format!("yaml: more than {DEEPEST} levels of merging"));
            return;
        }
        collected.merges += 1;
        match &node.kind {
            // Only a list written out may be merged, not an alias of one.
            Kind::Sequence(items) if !matches!(written.kind, Kind::Alias(_)) => {
                for item in items {
                    self.collect(self.tree.target(*item), collected);
                }
            }
            Kind::Sequence(_) | Kind::Mapping(_) | Kind::Scalar { .. } | Kind::Alias(_) => {
                self.collect(node, collected);
            }
        }
        collected.merges -= 1;
    }
}
