//! Maps by texts.

use std::{collections::BTreeMap, ops::Deref};

use super::{Text, Value};

/// A `map[string]string`.
pub type LabelMap = BTreeMap<Text, Text>;

/// A `map[string]interface {}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ValueMap {
    entries: BTreeMap<Text, Value>,
    height: usize,
}

impl ValueMap {
    /// How many maps are inside each other, without this one.
    pub(crate) const fn height(&self) -> usize {
        self.height
    }
}

impl FromIterator<(Text, Value)> for ValueMap {
    fn from_iter<I: IntoIterator<Item = (Text, Value)>>(entries: I) -> Self {
        let entries: BTreeMap<Text, Value> = entries.into_iter().collect();
        let height = |value: &Value| if let Value::Map(map) = value { map.height + 1 } else { 0 };
        Self { height: entries.values().map(height).max().unwrap_or_default(), entries }
    }
}

impl Deref for ValueMap {
    type Target = BTreeMap<Text, Value>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}
