//! What a rule writes on its alerts: labels and annotations, each a template.

use std::collections::BTreeMap;

use crate::{
    Deviations, Labels, Mistakes,
    alert::{Annotations, check_template},
    labels::{ALERT_NAME, SEVERITY},
    server::check_labels,
};

pub(super) fn check_rule_labels(
    mut labels: BTreeMap<String, String>,
    severity: Option<String>,
    deviations: Deviations,
    mistakes: &mut Mistakes,
) -> Labels {
    check_labels("labels", &labels, mistakes);
    if labels.contains_key(ALERT_NAME) && deviations.refuse_idle_rules() {
        mistakes.add("labels.alertname", "is the rule's name and cannot be set");
    }
    if let Some(severity) = severity {
        if labels.get(SEVERITY).is_some_and(|label| *label != severity) {
            mistakes.add("severity", "differs from labels.severity; severity is that label, write it once");
        }
        if severity.chars().count() > 100 || severity.chars().any(char::is_control) {
            mistakes.add("severity", "must be at most 100 characters, without control characters");
        }
        labels.insert(SEVERITY.to_owned(), severity);
    }
    Labels::as_written(labels)
}

pub(super) fn check_templates(rule: &str, labels: &Labels, annotations: &Annotations, mistakes: &mut Mistakes) {
    let labels = labels.iter().map(|(name, text)| ("labels", name, text));
    let annotations = annotations.iter().map(|(name, text)| ("annotations", name.as_str(), text.as_str()));
    for (field, name, text) in labels.chain(annotations) {
        if let Err(error) = check_template(rule, text) {
            mistakes.add(format!("{field}.{name}"), error);
        }
    }
}

pub(super) fn check_annotations(annotations: &Annotations, mistakes: &mut Mistakes) {
    if annotations.len() > 64 {
        mistakes.add("annotations", "has more than 64 annotations");
    }
    for (name, value) in annotations {
        if name.trim().is_empty() || name.len() > 200 {
            mistakes.add(format!("annotations.{name}"), "needs a name of 1 to 200 bytes");
        }
        if value.len() > 16_384 || value.contains('\0') || name.contains('\0') {
            mistakes.add(format!("annotations.{name}"), "must be at most 16384 bytes, without NUL");
        }
    }
}
