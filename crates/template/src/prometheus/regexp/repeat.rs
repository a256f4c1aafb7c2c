//! `*`, `+`, `?` and `{2,3}`.

use super::error::SyntaxError;

/// The most repetitions, also of repetitions within one another.
pub(super) const MOST: u64 = 1000;

/// Numbers with more digits are not read to their end.
const LARGEST: u32 = 100_000_000;

/// How often something is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// `*`, `+` or `?`
    Sign(char),
    /// From the first number on, up to the second one if there is one.
    Counted(u32, Option<u32>),
}

/// The repetition that `text` begins with, and what follows; `None` where a brace stands for itself.
///
/// # Errors
/// A number too large.
pub(super) fn repetition(text: &str) -> Result<Option<(Times, &str)>, SyntaxError> {
    let mut chars = text.chars();
    match chars.next() {
        Some('{') => {
            let Some((from, to, rest)) = counts(chars.as_str()) else { return Ok(None) };
            let is_good = u64::from(from.max(to.unwrap_or(0))) <= MOST && to.is_none_or(|to| from <= to);
            if !is_good {
                return Err(SyntaxError::new("invalid repeat count", &text[..text.len() - rest.len()]));
            }
            Ok(Some((Times::Counted(from, to), rest)))
        }
        Some(sign @ ('*' | '+' | '?')) => Ok(Some((Times::Sign(sign), chars.as_str()))),
        _ => Ok(None),
    }
}

fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (from, rest) = integer(text)?;
    let (to, rest) = match rest.strip_prefix(',') {
        None => (Some(from), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => integer(rest).map(|(to, rest)| (Some(to), rest))?,
    };
    Some((from, to, rest.strip_prefix('}')?))
}

/// A number without zeros before it.
fn integer(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((digits.parse().unwrap_or(LARGEST).min(LARGEST), rest))
}

impl Times {
    /// How many there are in the end of something that holds so many already.
    pub(super) fn of(self, inner: u64) -> u64 {
        match self {
            Self::Counted(_, Some(0)) => 1,
            Self::Counted(from, to) => inner.saturating_mul(u64::from(to.unwrap_or(from).max(1))),
            Self::Sign(_) => inner,
        }
    }

    /// Whether so many repetitions within one another are to be counted at all.
    pub(super) fn is_counted(self) -> bool {
        matches!(self, Self::Counted(from, to) if from.max(to.unwrap_or(0)) >= 2)
    }

    /// In the crate's syntax.
    pub(super) fn text(self) -> String {
        match self {
            Self::Sign(sign) => sign.to_string(),
            Self::Counted(from, None) => format!("{{{from},}}"),
            Self::Counted(from, Some(to)) => format!("{{{from},{to}}}"),
        }
    }
}
