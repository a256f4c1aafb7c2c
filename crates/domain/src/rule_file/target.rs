//! Rule files for the Prometheus that is to read them.

use std::{fmt, str::FromStr};

use crate::Span;

use super::{
    FileGroup, FileRule, FileRuleKind, RuleFile,
    check::{NameScheme, is_metric_name, is_name},
};

/// A release of Prometheus, by the two numbers that decide what it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrometheusVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

/// `limit` of groups.
const LIMIT: PrometheusVersion = PrometheusVersion { major: 2, minor: 31 };
/// `keep_firing_for` of alerting rules.
const KEEP_FIRING_FOR: PrometheusVersion = PrometheusVersion { major: 2, minor: 42 };
/// `query_offset` of groups, and the global one.
const QUERY_OFFSET: PrometheusVersion = PrometheusVersion { major: 2, minor: 53 };
/// `labels` of groups.
const GROUP_LABELS: PrometheusVersion = PrometheusVersion { major: 3, minor: 0 };
/// Names beyond `[a-zA-Z_][a-zA-Z0-9_]*`.
const UTF8_NAMES: PrometheusVersion = PrometheusVersion { major: 3, minor: 0 };

impl fmt::Display for PrometheusVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A text is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a version of Prometheus; write it like 2.53 or 3.0.1")]
pub struct VersionError(String);

impl FromStr for PrometheusVersion {
    type Err = VersionError;

    /// Parses `3`, `2.53`, `2.53.1` or `v2.53.1-rc.0`.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let numbers = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = numbers.split(['-', '+']).next().unwrap_or_default().split('.').map(str::parse);
        let error = || VersionError(text.to_owned());
        let major = numbers.next().and_then(Result::ok).ok_or_else(error)?;
        let minor = numbers.next().unwrap_or(Ok(0)).map_err(|_| error())?;
        if numbers.any(|number| number.is_err()) {
            return Err(error());
        }
        Ok(Self { major, minor })
    }
}

impl RuleFile {
    /// The same rules for a Prometheus of `version`, or why that one cannot have them, one text for each reason.
    ///
    /// A group's labels go into its rules when the target has no group labels, and what says nothing anyway (no
    /// limit, no offset) is left out; nothing that changes the meaning is. Whether the target knows everything in an
    /// expression is not looked at.
    pub fn for_target(&self, version: PrometheusVersion) -> Result<Self, Vec<String>> {
        let mut reasons = Vec::new();
        let groups = self.groups.iter().map(|group| group_for(group, version, &mut reasons)).collect();
        if reasons.is_empty() { Ok(Self { groups }) } else { Err(reasons) }
    }
}

fn group_for(group: &FileGroup, version: PrometheusVersion, reasons: &mut Vec<String>) -> FileGroup {
    let mut group = group.clone();
    let place = format!("group {:?}", group.name);
    if version < LIMIT {
        if group.limit > 0 {
            reasons.push(too_new(&place, "limit", LIMIT, version));
        }
        group.limit = 0;
    }
    if version < QUERY_OFFSET && group.query_offset.take().is_some_and(|offset| offset != Span::ZERO) {
        reasons.push(too_new(&place, "query_offset", QUERY_OFFSET, version));
    }
    if version < UTF8_NAMES {
        names_for(&place, "label", group.labels.keys(), version, reasons);
    }
    for (index, rule) in group.rules.iter().enumerate() {
        let place = format!("{place}, rule {}, {:?}", index + 1, rule.name());
        rule_for(&place, rule, version, reasons);
    }
    if version < GROUP_LABELS {
        let inherited = std::mem::take(&mut group.labels);
        for rule in &mut group.rules {
            let own = std::mem::replace(&mut rule.labels, inherited.clone());
            rule.labels.extend(own);
        }
    }
    group
}

fn rule_for(place: &str, rule: &FileRule, version: PrometheusVersion, reasons: &mut Vec<String>) {
    match &rule.kind {
        FileRuleKind::Alert { keep_firing, annotations, .. } => {
            if version < KEEP_FIRING_FOR && *keep_firing != Span::ZERO {
                reasons.push(too_new(place, "keep_firing_for", KEEP_FIRING_FOR, version));
            }
            if version < UTF8_NAMES {
                names_for(place, "annotation", annotations.keys(), version, reasons);
            }
        }
        FileRuleKind::Record { name } => {
            if version < UTF8_NAMES && !is_metric_name(name, NameScheme::Legacy) {
                reasons.push(strange_name(place, "metric", name, version));
            }
        }
    }
    if version < UTF8_NAMES {
        names_for(place, "label", rule.labels.keys(), version, reasons);
    }
}

fn names_for<'a>(
    place: &str,
    what: &str,
    names: impl Iterator<Item = &'a String>,
    version: PrometheusVersion,
    reasons: &mut Vec<String>,
) {
    let strange = names.filter(|name| !is_name(name, NameScheme::Legacy));
    reasons.extend(strange.map(|name| strange_name(place, what, name, version)));
}

fn too_new(place: &str, field: &str, since: PrometheusVersion, version: PrometheusVersion) -> String {
    format!("{place}: field '{field}' needs Prometheus {since} or newer; the target is {version}")
}

fn strange_name(place: &str, what: &str, name: &str, version: PrometheusVersion) -> String {
    format!("{place}: {what} name {name:?} needs Prometheus {UTF8_NAMES} or newer; the target is {version}")
}
