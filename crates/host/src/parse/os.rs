//! `os-release` and what `uname` prints.

use std::collections::BTreeMap;

use super::ParseError;
use crate::{Family, Kind};

/// Label and key of `node_os_info`, in the order of the labels.
const OS_LABELS: [(&str, &str); 12] = [
    ("build_id", "BUILD_ID"),
    ("id", "ID"),
    ("id_like", "ID_LIKE"),
    ("image_id", "IMAGE_ID"),
    ("image_version", "IMAGE_VERSION"),
    ("name", "NAME"),
    ("pretty_name", "PRETTY_NAME"),
    ("variant", "VARIANT"),
    ("variant_id", "VARIANT_ID"),
    ("version", "VERSION"),
    ("version_codename", "VERSION_CODENAME"),
    ("version_id", "VERSION_ID"),
];

/// The operating system's name and version, from `/etc/os-release` or `/usr/lib/os-release`.
///
/// # Errors
///
/// No line is an assignment.
pub fn os_release(text: &str) -> Result<Vec<Family>, ParseError> {
    let values: BTreeMap<&str, String> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), unquoted(value.trim())))
        .collect();
    if values.is_empty() {
        return Err(ParseError::new("os-release", text));
    }
    let value = |key: &str| values.get(key).map_or("", String::as_str);
    let mut info = Family::new(
        "node_os_info",
        Kind::Gauge,
        "A metric with a constant '1' value labeled by build_id, id, id_like, image_id, image_version, name, \
         pretty_name, variant, variant_id, version, version_codename, version_id.",
    );
    info.push(OS_LABELS.map(|(label, key)| (label, value(key))), 1.0);
    let mut families = vec![info];
    if let Some(version) = major_minor(value("VERSION_ID")) {
        let help = "Metric containing the major.minor part of the OS version.";
        let mut family = Family::new("node_os_version", Kind::Gauge, help);
        family.push([("id", value("ID")), ("id_like", value("ID_LIKE")), ("name", value("NAME"))], version);
        families.push(family);
    }
    Ok(families)
}

/// The value of a shell assignment as os-release(5) allows it: plain, in single or in double quotes.
fn unquoted(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.to_owned();
    }
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

/// `22.04.1` as 22.04; `None` when the version does not start with a digit or is 0.
fn major_minor(version: &str) -> Option<f64> {
    let mut dots = 0;
    let end = version
        .find(|character: char| {
            dots += usize::from(character == '.');
            !(character.is_ascii_digit() || (character == '.' && dots == 1))
        })
        .unwrap_or(version.len());
    let number = version[..end].parse::<f64>().ok()?;
    (version.starts_with(|first: char| first.is_ascii_digit()) && number > 0.0 && number.is_finite()).then_some(number)
}

/// What uname(2) answers, field by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uname<'a> {
    /// `/proc/sys/kernel/ostype`
    pub sysname: &'a str,
    /// `/proc/sys/kernel/hostname`
    pub nodename: &'a str,
    /// `/proc/sys/kernel/osrelease`
    pub release: &'a str,
    /// `/proc/sys/kernel/version`
    pub version: &'a str,
    /// `/proc/sys/kernel/arch` (Linux 6.1), or `uname -m`
    pub machine: &'a str,
    /// `/proc/sys/kernel/domainname`
    pub domainname: &'a str,
}

/// Kernel, architecture and host name.
pub fn uname(uname: &Uname<'_>) -> Vec<Family> {
    let help = "Labeled system information as provided by the uname system call.";
    let mut family = Family::new("node_uname_info", Kind::Gauge, help);
    let labels = [
        ("domainname", uname.domainname.trim()),
        ("machine", uname.machine.trim()),
        ("nodename", uname.nodename.trim()),
        ("release", uname.release.trim()),
        ("sysname", uname.sysname.trim()),
        ("version", uname.version.trim()),
    ];
    family.push(labels, 1.0);
    vec![family]
}
