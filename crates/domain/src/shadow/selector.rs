//! What the data source is asked for the other side's alerts.

use std::collections::BTreeSet;

use crate::{
    alert::{ALERT_STATE, ALERTS},
    labels::ALERT_NAME,
    promql::quote,
};

use super::Watched;

/// Names of about so many bytes go into one selector: far less than the longest expression that is taken.
const NAMES: usize = 4 * 1024;

/// Selectors of the series of all alerts in a state, or of those with these names. As many as their lengths need.
pub fn selectors(watched: Watched, names: Option<&BTreeSet<&str>>) -> Vec<String> {
    let state = format!("{ALERT_STATE}={}", quote(watched.as_str()));
    let Some(names) = names else { return vec![format!("{ALERTS}{{{state}}}")] };
    let mut patterns: Vec<String> = Vec::new();
    for name in names {
        let name = literally(name);
        match patterns.last_mut() {
            Some(pattern) if pattern.len() + name.len() < NAMES => {
                pattern.push('|');
                pattern.push_str(&name);
            }
            Some(_) | None => patterns.push(name),
        }
    }
    patterns.iter().map(|pattern| format!("{ALERTS}{{{ALERT_NAME}=~{},{state}}}", quote(pattern))).collect()
}

/// A pattern that matches this text only.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
