//! Rule files: namespaces of groups that are imported, exported and removed whole.
//!
//! The domain plans an import, one transaction applies it: whoever reads sees the rules before it or those after it. It
//! holds the file's row and its groups until the end, so that imports of a file come one after the other, and edits and
//! commits of its rules before or after. Whatever the number of rules, it takes some dozens of statements.

mod apply;
mod change;
mod list;
mod read;

pub use apply::{Applied, apply, planned};
pub use list::{FileRow, find, list, release};
pub use read::{export, export_all};

use vigil_domain::{
    group::OWN_NAMESPACE,
    id::ChannelId,
    rule::effective_expr,
    rule_file::{FileGroup, RuleFile},
};

use crate::write::WriteError;

/// Which groups of a namespace are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    File,
    /// The one of this name.
    Group(String),
}

/// What is to become of the groups of a namespace.
#[derive(Clone, Debug)]
pub struct Import {
    namespace: String,
    scope: Scope,
    file: RuleFile,
    /// What the data source will be asked, by group and rule of the file.
    asked: Vec<Vec<String>>,
    channels: Option<Vec<ChannelId>>,
    /// Whether the namespace is to be in shadow; `None` leaves it as it is.
    shadow: Option<bool>,
    /// Whether it is a removal, which is refused when there is nothing to remove.
    removes: bool,
}

impl Import {
    /// The namespace is to hold these groups. With `channels` all its alerting rules tell them; without, rules that
    /// stay tell whom they told, and new ones Vigil's log.
    ///
    /// Not cheap: every expression is parsed.
    pub fn file(namespace: String, file: RuleFile, channels: Option<Vec<ChannelId>>) -> Result<Self, WriteError> {
        refuse_own(&namespace)?;
        let asked = file.groups.iter().map(asked).collect::<Result<_, _>>()?;
        Ok(Self { namespace, scope: Scope::File, file, asked, channels, shadow: None, removes: false })
    }

    /// The same, and the namespace is to be in shadow or not. Without a word it stays as it is, a new one outside.
    pub fn with_shadow(self, shadow: Option<bool>) -> Self {
        Self { shadow, ..self }
    }

    /// The namespace is to hold this group, whatever else is in it.
    pub fn group(namespace: String, group: FileGroup) -> Result<Self, WriteError> {
        let scope = Scope::Group(group.name.clone());
        Ok(Self { scope, ..Self::file(namespace, RuleFile { groups: vec![group] }, None)? })
    }

    /// They are to go.
    pub fn removal(namespace: String, scope: Scope) -> Result<Self, WriteError> {
        Ok(Self { scope, removes: true, ..Self::file(namespace, RuleFile::default(), None)? })
    }
}

fn asked(group: &FileGroup) -> Result<Vec<String>, WriteError> {
    let asked = group.rules.iter().map(|rule| effective_expr(&rule.expr, None, None));
    asked.collect::<Result<_, _>>().map_err(|error| WriteError::invalid("", error.to_string()))
}

fn refuse_own(namespace: &str) -> Result<(), WriteError> {
    if namespace == OWN_NAMESPACE {
        let message = format!("{OWN_NAMESPACE} holds the rules that the API makes and is no file");
        return Err(WriteError::invalid("namespace", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
