//! `$1` and `${name}` in a replacement, by the rules of Go's `Regexp.Expand`.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Numbers of groups are smaller.
const NO_GROUP: usize = 100_000_000;

/// Appends the replacement with the groups in place of their names, until there are more than `limit` bytes. `names`
/// are theirs by number, `group` finds what one has matched.
pub(super) fn expand<'a>(
    out: &mut Vec<u8>,
    mut replacement: &[u8],
    names: &[String],
    limit: usize,
    group: impl Fn(usize) -> Option<&'a [u8]>,
) {
    while out.len() <= limit
        && let Some(dollar) = replacement.iter().position(|&byte| byte == b'$')
    {
        out.extend_from_slice(&replacement[..dollar]);
        replacement = &replacement[dollar + 1..];
        if let Some(rest) = replacement.strip_prefix(b"$") {
            out.push(b'$');
            replacement = rest;
            continue;
        }
        let Some((name, rest)) = reference(replacement) else {
            out.push(b'$');
            continue;
        };
        let matched = match number(name) {
            Some(number) => group(number),
            None => (0..names.len()).filter(|&number| names[number].as_bytes() == name).find_map(&group),
        };
        out.extend_from_slice(matched.unwrap_or_default());
        replacement = rest;
    }
    out.extend_from_slice(replacement);
}

/// `name` or `{name}` at the beginning, and what follows. Without braces the name is as long as it can be.
fn reference(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let braced = text.strip_prefix(b"{");
    let (name, rest) = split_name(braced.unwrap_or(text))?;
    if braced.is_some() { Some((name, rest.strip_prefix(b"}")?)) } else { Some((name, rest)) }
}

fn split_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A[\p{L}\p{Nd}_]+").ok());
    let end = NAME.as_ref()?.find(text)?.end();
    Some(text.split_at(end))
}

fn number(name: &[u8]) -> Option<usize> {
    if name.len() > 1 && name.starts_with(b"0") || !name.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(name).ok()?.parse().ok().filter(|&number| number < NO_GROUP)
}
