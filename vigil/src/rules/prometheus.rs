//! The rules that a Prometheus has loaded, as rule files.
//!
//! Its API gives expressions as it prints them, intervals as they are in force, and labels of groups among those of their
//! rules. What it does not give cannot come along: comments, and in which order labels stood.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use vigil_domain::{
    Span,
    rule_file::{FileGroup, FileRule, FileRuleKind, RuleFile},
};
use vigil_runtime::Secret;

use super::remote::Upload;
use crate::{Usage, client};

/// What Prometheus answers.
#[derive(Deserialize)]
struct Answer {
    data: Option<Data>,
    /// Of what was not done.
    error: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    groups: Vec<Group>,
}

/// Times are in seconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    #[serde(default)]
    file: String,
    interval: f64,
    #[serde(default)]
    limit: i64,
    /// Prometheus does not tell it; others may.
    query_offset: Option<f64>,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Rule {
    Alerting {
        name: String,
        query: String,
        #[serde(default)]
        duration: f64,
        #[serde(default)]
        keep_firing_for: f64,
        labels: Option<BTreeMap<String, String>>,
        annotations: Option<BTreeMap<String, String>>,
    },
    Recording {
        name: String,
        query: String,
        labels: Option<BTreeMap<String, String>>,
    },
}

/// The rules of the Prometheus at `url`, a file for each of its own. With a `namespace` there must be one.
pub(super) async fn uploads(url: &str, token: Option<&Secret>, namespace: Option<&str>) -> anyhow::Result<Vec<Upload>> {
    let base = client::base_url(url).context("--from-prometheus")?;
    let has_user = !base.username().is_empty() || base.password().is_some();
    if has_user && token.is_some() {
        return Err(Usage("give a user name in the address, or --bearer-token, not both".to_owned()).into());
    }
    let place = without_password(base.clone());
    let files = by_file(groups(&base, &place, token).await?);
    ensure!(!files.is_empty(), "{place} has no rules");
    let namespaces = namespaces(files.keys().map(String::as_str).collect());
    if let (Some(namespace), [_]) = (namespace, namespaces.as_slice()) {
        return files.into_values().map(|groups| upload(namespace.to_owned(), groups)).collect();
    }
    if namespace.is_some() {
        let advice = format!("{place} has several files: {}; leave --namespace out", namespaces.join(", "));
        return Err(Usage(advice).into());
    }
    ensure!(!files.contains_key(""), "{place} does not say which files its rules are from; give --namespace");
    namespaces.into_iter().zip(files.into_values()).map(|(namespace, groups)| upload(namespace, groups)).collect()
}

pub(super) fn without_password(mut url: Url) -> String {
    // Addresses with a host, as these are, can do without both.
    let _ = (url.set_username(""), url.set_password(None));
    url.as_str().trim_end_matches('/').to_owned()
}

async fn groups(base: &Url, place: &str, token: Option<&Secret>) -> anyhow::Result<Vec<Group>> {
    let mut url = client::below(base, &["api", "v1", "rules"]);
    // Those that do not know it give more than is needed.
    url.set_query(Some("exclude_alerts=true"));
    let request = client::http(base)?.get(url);
    let request = token.iter().fold(request, |request, token| request.bearer_auth(token.expose()));
    let answer = request.send().await.map_err(reqwest::Error::without_url);
    let answer =
        answer.with_context(|| format!("{place} cannot be reached; is it running, and is that its address?"))?;
    let status = answer.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        bail!("{place} answered {status}: put user name and password into the address, or give --bearer-token");
    }
    let body = answer.text().await.map_err(reqwest::Error::without_url)?;
    match serde_json::from_str(&body) {
        Ok(Answer { data: Some(data), error: _ }) if status.is_success() => Ok(data.groups),
        Ok(Answer { data: _, error: Some(error) }) => bail!("{place} answered {status}: {error}"),
        Ok(_) => bail!("{place} answered {status}; is that the address of a Prometheus?"),
        Err(error) => {
            Err(error).with_context(|| format!("{place} answered {status}, and not as Prometheus lists its rules"))
        }
    }
}

/// Groups by the files they are from, in their order.
fn by_file(groups: Vec<Group>) -> BTreeMap<String, Vec<Group>> {
    let mut files: BTreeMap<String, Vec<Group>> = BTreeMap::new();
    for group in groups {
        files.entry(group.file.clone()).or_default().push(group);
    }
    files
}

/// What each file is to be called, in their order: its name without directories, with as many of them as tell it from
/// the others.
fn namespaces(files: BTreeSet<&str>) -> Vec<String> {
    let parts: Vec<Vec<&str>> = files.iter().map(|file| file.split(['/', '\\']).rev().collect()).collect();
    let name = |own: &Vec<&str>| {
        let shared = |other: &Vec<&str>| own.iter().zip(other).take_while(|(own, other)| own == other).count();
        let longest = parts.iter().filter(|other| *other != own).map(shared).max().unwrap_or_default();
        let mut name: Vec<_> = own.iter().take(longest + 1).copied().collect();
        name.reverse();
        name.join("/")
    };
    parts.iter().map(name).collect()
}

/// A rule file as Vigil takes it.
fn upload(namespace: String, groups: Vec<Group>) -> anyhow::Result<Upload> {
    let groups: anyhow::Result<Vec<_>> = groups.into_iter().map(group).collect();
    Ok(Upload { name: namespace.clone(), namespace, text: RuleFile { groups: groups? }.to_yaml() })
}

fn group(Group { name, file: _, interval, limit, query_offset, rules }: Group) -> anyhow::Result<FileGroup> {
    let at = || format!("group {name:?}");
    let interval = span(interval).with_context(at)?;
    let query_offset = query_offset.map(span).transpose().with_context(at)?;
    let rules = rules.into_iter().map(rule).collect::<anyhow::Result<_>>().with_context(at)?;
    Ok(FileGroup { name, interval, query_offset, limit, labels: BTreeMap::new(), rules })
}

fn rule(rule: Rule) -> anyhow::Result<FileRule> {
    Ok(match rule {
        Rule::Recording { name, query, labels } => {
            FileRule { kind: FileRuleKind::Record { name }, expr: query, labels: labels.unwrap_or_default() }
        }
        Rule::Alerting { name, query, duration, keep_firing_for, labels, annotations } => {
            let (hold, keep_firing) = (span(duration)?, span(keep_firing_for)?);
            let annotations = annotations.unwrap_or_default();
            let kind = FileRuleKind::Alert { name, hold, keep_firing, annotations };
            FileRule { kind, expr: query, labels: labels.unwrap_or_default() }
        }
    })
}

/// Seconds as rule files have them, to the millisecond.
fn span(seconds: f64) -> anyhow::Result<Span> {
    let wrong = || format!("{seconds} s is no duration");
    let nearest = Duration::try_from_secs_f64(seconds).with_context(wrong)?.saturating_add(Duration::from_micros(500));
    Ok(Span::from_millis(u64::try_from(nearest.as_millis()).with_context(wrong)?))
}

#[cfg(test)]
mod tests;
