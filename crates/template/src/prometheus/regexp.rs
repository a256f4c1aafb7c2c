//! Go's regular expressions, by the `regex` crate: the pattern is taken apart by Go's rules, and what it means there is
//! written anew in the crate's syntax.

mod class;
mod error;
mod escape;
mod expand;
mod flags;
mod parse;
mod repeat;
mod subject;

use regex::{Captures, Regex, RegexBuilder};

use crate::{
    function::{Env, Failure},
    printf::TooLong,
    quote::{can_backquote, quote},
    value::Text,
};
use error::SyntaxError;
use expand::expand;
use parse::parse;
use subject::Subject;

/// More than what any pattern that Go takes is nested.
const NEST_LIMIT: u32 = 10_000;

/// A pattern nested deeper is compiled on a stack of its own.
const DEEP: usize = 40;
const DEEP_STACK: usize = 64 << 20;

/// Programs of patterns that are larger than one of these, in bytes, are tried with the next. The size says what it may
/// cost to compile one and to match with it.
const SIZES: [usize; 4] = [16 << 10, 128 << 10, 1 << 20, 10 << 20];

/// So many bytes of a program are compiled in the time of a step.
const COMPILED: usize = 16;

/// So many bytes of text, times bytes of a program, are searched in the time of a step.
const SEARCHED: usize = 8 << 10;

/// So many bytes are passed over in the time of a step when there is nothing to find.
const PASSED: usize = 256;

/// `regexp.MatchString`, which finds a match anywhere.
///
/// # Errors
/// A bad pattern, or one that costs too much.
pub(super) fn is_match(env: &mut Env<'_>, pattern: &Text, text: &Text) -> Result<bool, Failure> {
    let refused = |error: SyntaxError| Failure::new(error.to_string());
    let compiled = Pattern::new(env, pattern.bytes(), refused)?;
    compiled.pay(env, text)?;
    Ok(compiled.regex.is_match(Subject::new(text.bytes()).text()))
}

/// `Regexp.ReplaceAllString`
///
/// # Errors
/// What Go panics with for a bad pattern. A result that is too long, or costs too much.
pub(super) fn replace_all(env: &mut Env<'_>, pattern: &Text, replacement: &Text, text: &Text) -> Result<Text, Failure> {
    let refused = |error: SyntaxError| {
        let pattern = pattern.bytes();
        let quoted =
            if can_backquote(pattern) { format!("`{}`", String::from_utf8_lossy(pattern)) } else { quote(pattern) };
        Failure::new(format!("regexp: Compile({quoted}): {error}"))
    };
    let compiled = Pattern::new(env, pattern.bytes(), refused)?;
    compiled.pay(env, text)?;
    compiled.replace_all(env, replacement.bytes(), &Subject::new(text.bytes())).map(Text::from)
}

struct Pattern {
    regex: Regex,
    /// Of the groups from the whole match on; empty for one without a name.
    names: Vec<String>,
    /// Of its program, at most, in bytes.
    size: usize,
}

impl Pattern {
    fn new(env: &mut Env<'_>, pattern: &[u8], refused: impl Fn(SyntaxError) -> Failure) -> Result<Self, Failure> {
        let pattern = match str::from_utf8(pattern) {
            Ok(pattern) => pattern,
            Err(error) => {
                let rest = String::from_utf8_lossy(&pattern[error.valid_up_to()..]);
                return Err(refused(SyntaxError::new("invalid UTF-8", rest)));
            }
        };
        let parsed = parse(pattern).map_err(&refused)?;
        for size in SIZES {
            env.pay((size + pattern.len()) / COMPILED)?;
            let build = || RegexBuilder::new(&parsed.regex).nest_limit(NEST_LIMIT).size_limit(size).build();
            match if parsed.height > DEEP { stacker::grow(DEEP_STACK, build) } else { build() } {
                Ok(regex) => return Ok(Self { regex, names: parsed.names, size }),
                Err(regex::Error::CompiledTooBig(_)) => {}
                Err(error) => return Err(refused(SyntaxError::of_crate(&error))),
            }
        }
        Err(refused(SyntaxError::new("expression too large", pattern)))
    }

    /// Pays for going through the text once.
    fn pay(&self, env: &mut Env<'_>, text: &Text) -> Result<(), Failure> {
        env.pay(text.bytes().len().saturating_mul(self.size) / SEARCHED)
    }

    fn replace_all(&self, env: &mut Env<'_>, with: &[u8], subject: &Subject<'_>) -> Result<Vec<u8>, Failure> {
        let text = subject.text();
        let mut out = Vec::new();
        let (mut last_end, mut from) = (0, 0);
        while from <= text.len() {
            // Each search may go through all the rest to find out that a shorter match is the only one.
            env.pay(1 + (text.len() - from) / PASSED)?;
            let Some(found) = self.regex.captures_at(text, from) else { break };
            let (start, end) = bounds(&found);
            out.extend_from_slice(subject.bytes(last_end, start));
            // A match of nothing right after another match is none.
            if end > last_end || start == 0 {
                expand(&mut out, with, &self.names, env.bytes, |group| {
                    found.get(group).map(|group| subject.bytes(group.start(), group.end()))
                });
            }
            if out.len() > env.bytes {
                return Err(too_long(env));
            }
            last_end = end;
            // At least one character further on.
            let width = text[from..].chars().next().map_or(1, char::len_utf8);
            from = end.max(from + width);
        }
        out.extend_from_slice(subject.bytes(last_end, text.len()));
        if out.len() > env.bytes { Err(too_long(env)) } else { Ok(out) }
    }
}

fn too_long(env: &Env<'_>) -> Failure {
    Failure::new(TooLong { limit: env.bytes }.to_string())
}

fn bounds(found: &Captures<'_>) -> (usize, usize) {
    found.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()))
}

#[cfg(test)]
mod tests;
