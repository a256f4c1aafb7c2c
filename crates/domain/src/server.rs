//! Servers: hosts we watch, and what ties each to its series.

use std::collections::BTreeMap;

use crate::{FieldError, Labels, Mistakes, labels::is_label_name};

/// A server as somebody described it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerDraft {
    pub name: String,
    pub instance: Option<String>,
    pub selector: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    pub department: Option<String>,
    pub description: Option<String>,
    pub is_active: bool,
}

/// A checked server. Only [`ServerDraft::check`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSpec {
    pub name: String,
    pub instance: Option<String>,
    pub selector: Labels,
    pub labels: Labels,
    pub department: Option<String>,
    pub description: Option<String>,
    pub is_active: bool,
}

impl ServerDraft {
    /// Every mistake at once.
    pub fn check(self) -> Result<ServerSpec, Vec<FieldError>> {
        let mut mistakes = Mistakes::default();
        check_name(&self.name, &mut mistakes);
        let instance = self.instance.filter(|instance| !instance.is_empty());
        if instance.is_none() && self.selector.is_empty() {
            mistakes.add("instance", "name the server's instance label, such as web-1:9100, or give a selector");
        }
        check_labels("selector", &self.selector, &mut mistakes);
        for (name, _) in self.selector.iter().filter(|(_, value)| value.is_empty()) {
            mistakes.add(format!("selector.{name}"), "must not be empty: it would match series without the label");
        }
        check_labels("labels", &self.labels, &mut mistakes);
        for (field, text, longest) in [
            ("instance", &instance, 1_024),
            ("department", &self.department, 200),
            ("description", &self.description, 4_000),
        ] {
            if text.as_ref().is_some_and(|text| text.chars().count() > longest) {
                mistakes.add(field, format!("is longer than {longest} characters"));
            }
        }
        mistakes.or(ServerSpec {
            name: self.name,
            instance,
            selector: self.selector.into_iter().collect(),
            labels: self.labels.into_iter().collect(),
            department: self.department,
            description: self.description,
            is_active: self.is_active,
        })
    }
}

/// The equality matchers that tie a server to its series: its selector, and its instance if it has one.
pub fn matchers(instance: Option<&str>, selector: &Labels) -> Labels {
    let mut matchers = selector.clone();
    if let Some(instance) = instance {
        matchers.set("instance", instance);
    }
    matchers
}

/// A name people read: 1 to 200 characters, not only spaces, no control characters.
pub fn check_name(name: &str, mistakes: &mut Mistakes) {
    if name.trim().is_empty() {
        mistakes.add("name", "must not be empty");
    } else if name.chars().count() > 200 {
        mistakes.add("name", "is longer than 200 characters");
    } else if name.chars().any(char::is_control) {
        mistakes.add("name", "must not contain control characters");
    }
}

/// Label names and values under `field`: valid names, values up to 1,000 characters, at most 64 of them.
pub(crate) fn check_labels(field: &str, labels: &BTreeMap<String, String>, mistakes: &mut Mistakes) {
    if labels.len() > 64 {
        mistakes.add(field, "has more than 64 labels");
    }
    for (name, value) in labels {
        if !is_label_name(name) {
            mistakes
                .add(format!("{field}.{name}"), "is not a label name; use letters, digits and _, not first a digit");
        }
        if value.chars().count() > 1_000 {
            mistakes.add(format!("{field}.{name}"), "is longer than 1000 characters");
        }
        if value.contains('\0') {
            mistakes.add(format!("{field}.{name}"), "must not contain NUL");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_needs_something_that_ties_it_to_its_series() {
        let draft = ServerDraft { name: "web-1".into(), is_active: true, ..ServerDraft::default() };
        assert_eq!(draft.clone().check().unwrap_err()[0].field, "instance");
        let spec = ServerDraft { instance: Some("web-1:9100".into()), ..draft.clone() }.check().unwrap();
        let labels = matchers(spec.instance.as_deref(), &spec.selector);
        assert_eq!(labels, Labels::from([("instance", "web-1:9100")]));
        let selector = BTreeMap::from([("job".to_owned(), "node".to_owned())]);
        assert!(ServerDraft { selector, ..draft }.check().is_ok());
    }

    #[test]
    fn every_mistake_is_named() {
        let bad = BTreeMap::from([("a-b".to_owned(), "x".to_owned()), ("ok".to_owned(), String::new())]);
        let draft = ServerDraft {
            name: " ".into(),
            selector: bad,
            department: Some("d".repeat(201)),
            ..ServerDraft::default()
        };
        let fields: Vec<_> = draft.check().unwrap_err().into_iter().map(|mistake| mistake.field).collect();
        assert_eq!(fields, ["name", "selector.a-b", "selector.ok", "department"]);
    }
}
