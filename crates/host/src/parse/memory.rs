//! `/proc/meminfo` and `/proc/vmstat`.

use super::{ParseError, count};
use crate::{Family, Kind};

/// Every field of `/proc/meminfo`; those in kB as bytes under a name that ends with `_bytes`.
///
/// # Errors
///
/// A line is no field, or there is none.
pub fn meminfo(text: &str) -> Result<Vec<Family>, ParseError> {
    const WHAT: &str = "meminfo";
    let mut families = Vec::with_capacity(64);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let broken = || ParseError::new(WHAT, line);
        let (key, rest) = line.split_once(':').ok_or_else(broken)?;
        let field = field_name(key.trim()).ok_or_else(broken)?;
        let mut words = rest.split_ascii_whitespace();
        let value = count(WHAT, words.next()).map_err(|_| broken())?;
        let (field, value) = match words.next() {
            None => (field, value),
            Some("kB") => (format!("{field}_bytes"), value * 1024.0),
            Some(_) => return Err(broken()),
        };
        let help = format!("Memory information field {field}.");
        families.push(Family::gauge(format!("node_memory_{field}"), help, value));
    }
    if families.is_empty() { Err(ParseError::new(WHAT, text)) } else { Ok(families) }
}

/// `Active(anon)` becomes `Active_anon`; `None` when no metric can be named so.
fn field_name(key: &str) -> Option<String> {
    let name = key.replace('(', "_").replace(')', "");
    let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    valid.then_some(name)
}

/// OOM kills, paging, swapping and page faults; other fields of `/proc/vmstat` are left out, as node exporter does.
///
/// # Errors
///
/// One of these fields is no number, or there is no field at all.
pub fn vmstat(text: &str) -> Result<Vec<Family>, ParseError> {
    const WHAT: &str = "vmstat";
    let mut families = Vec::with_capacity(8);
    let mut fields = 0;
    for line in text.lines() {
        let Some((field, value)) = line.split_once(' ') else { continue };
        fields += 1;
        if !is_wanted(field) {
            continue;
        }
        let value = count(WHAT, Some(value)).map_err(|_| ParseError::new(WHAT, line))?;
        let help = format!("/proc/vmstat information field {field}.");
        families.push(Family::new(format!("node_vmstat_{field}"), Kind::Untyped, help).with(value));
    }
    if fields == 0 { Err(ParseError::new(WHAT, text)) } else { Ok(families) }
}

/// node exporter's default `^(oom_kill|pgpg|pswp|pg.*fault).*`.
fn is_wanted(field: &str) -> bool {
    let named = field.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts = ["oom_kill", "pgpg", "pswp"].iter().any(|start| field.starts_with(start));
    named && (starts || (field.starts_with("pg") && field[2..].contains("fault")))
}
