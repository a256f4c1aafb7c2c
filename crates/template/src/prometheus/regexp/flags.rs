//! `(?i)` and its like.

use super::error::SyntaxError;

/// The flags in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// `i`: upper and lower case are the same.
    pub(super) fold_case: bool,
    /// `m`: `^` and `$` match at lines too.
    pub(super) multi_line: bool,
    /// `s`: `.` matches a line feed.
    pub(super) dot_newline: bool,
    /// `U`: `*` and its like take as little as they can, and `*?` as much.
    pub(super) lazy: bool,
}

/// What `(?` begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opening<'a> {
    Named(&'a str),
    /// `(?i:`
    Group(Flags),
    /// `(?i)`
    Set(Flags),
}

/// What begins with `(?`, and what follows it.
///
/// # Errors
/// A bad name or flag.
pub(super) fn opening(text: &str, flags: Flags) -> Result<(Opening<'_>, &str), SyntaxError> {
    let name = text.strip_prefix("(?P<").filter(|name| !name.is_empty()).or_else(|| text.strip_prefix("(?<"));
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        let end = name.find('>').ok_or_else(|| SyntaxError::new("invalid named capture", text))?;
        let (name, rest) = (&name[..end], &name[end + 1..]);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(SyntaxError::new("invalid named capture", &text[..text.len() - rest.len()]));
        }
        return Ok((Opening::Named(name), rest));
    }
    set(text, flags)
}

fn set(text: &str, mut flags: Flags) -> Result<(Opening<'_>, &str), SyntaxError> {
    let mut is_on = true;
    let mut is_flag_missing = false;
    let mut rest = text[2..].chars();
    let is_group = loop {
        let flag = rest.next();
        match flag {
            Some('i') => flags.fold_case = is_on,
            Some('m') => flags.multi_line = is_on,
            Some('s') => flags.dot_newline = is_on,
            Some('U') => flags.lazy = is_on,
            Some('-') if is_on => {
                is_on = false;
                is_flag_missing = true;
                continue;
            }
            Some(':' | ')') if !is_flag_missing => break flag == Some(':'),
            _ => {
                let end = text.len() - rest.as_str().len();
                return Err(SyntaxError::new("invalid or unsupported Perl syntax", &text[..end]));
            }
        }
        is_flag_missing = false;
    };
    Ok((if is_group { Opening::Group(flags) } else { Opening::Set(flags) }, rest.as_str()))
}
