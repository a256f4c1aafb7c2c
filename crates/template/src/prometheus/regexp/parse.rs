//! A pattern taken apart by Go's rules and written in the crate's syntax.

use super::{
    class::{NOTHING, bracketed, escaped, folded},
    error::SyntaxError,
    escape::escape,
    flags::{Flags, Opening, opening},
    repeat::{MOST, Times, repetition},
};

/// How deep a pattern may be nested.
const HIGHEST: usize = 1000;

/// A pattern in the crate's syntax.
pub(super) struct Parsed {
    pub(super) regex: String,
    /// Of the groups from the whole match on; empty for one without a name.
    pub(super) names: Vec<String>,
    /// How deep it is nested.
    pub(super) height: usize,
}

/// What a pattern means in Go.
///
/// # Errors
/// In Go's words, what is no pattern there.
pub(super) fn parse(pattern: &str) -> Result<Parsed, SyntaxError> {
    let mut parser = Parser::new(pattern);
    while !parser.rest.is_empty() {
        parser.step()?;
    }
    parser.finish()
}

/// A part of a pattern that can be repeated.
struct Item {
    text: String,
    /// The most repetitions within one another in it.
    repeats: u64,
    height: usize,
    is_repetition: bool,
}

/// A group that is not closed yet, or the whole pattern.
struct Group {
    /// In force before it.
    flags: Flags,
    opening: &'static str,
    /// The alternatives before the current one, with a bar after each.
    alternatives: String,
    /// Of the parts of those.
    repeats: u64,
    height: usize,
    items: Vec<Item>,
}

struct Parser<'a> {
    pattern: &'a str,
    rest: &'a str,
    flags: Flags,
    names: Vec<String>,
    /// Around the current place, the outermost first.
    outer: Vec<Group>,
    group: Group,
    /// From the repetition on that stands right before the current place.
    last_repetition: Option<&'a str>,
}

impl Group {
    fn new(opening: &'static str, flags: Flags) -> Self {
        Self { flags, opening, alternatives: String::new(), repeats: 1, height: 0, items: Vec::new() }
    }

    fn end_alternative(&mut self) {
        let items = std::mem::take(&mut self.items);
        let is_concatenation = usize::from(items.len() > 1);
        for item in items {
            self.alternatives.push_str(&item.text);
            self.repeats = self.repeats.max(item.repeats);
            self.height = self.height.max(item.height + is_concatenation);
        }
    }

    fn bar(&mut self) {
        self.end_alternative();
        self.alternatives.push('|');
    }

    fn close(mut self) -> Item {
        self.end_alternative();
        let text = format!("{}{})", self.opening, self.alternatives);
        Item { text, repeats: self.repeats, height: self.height + 1, is_repetition: false }
    }
}

impl<'a> Parser<'a> {
    fn new(pattern: &'a str) -> Self {
        let flags = Flags::default();
        let group = Group::new("", flags);
        let (names, outer) = (vec![String::new()], Vec::new());
        Self { pattern, rest: pattern, flags, names, outer, group, last_repetition: None }
    }

    fn step(&mut self) -> Result<(), SyntaxError> {
        let start = self.rest;
        if let Some((times, rest)) = repetition(start)? {
            return self.repeat(times, rest);
        }
        self.last_repetition = None;
        let mut chars = start.chars();
        let first = chars.next().unwrap_or_default();
        self.rest = chars.as_str();
        match first {
            '(' => self.open(start)?,
            ')' => self.close()?,
            '|' => self.group.bar(),
            '^' => self.push(if self.flags.multi_line { "(?m:^)" } else { r"\A" }),
            '$' => self.push(if self.flags.multi_line { "(?m:$)" } else { r"\z" }),
            '.' => self.push(if self.flags.dot_newline { "(?s:.)" } else { r"[^\n]" }),
            '[' => {
                let (class, rest) = bracketed(start, self.flags)?;
                self.push(class);
                self.rest = rest;
            }
            '\\' => self.backslash(start)?,
            _ => self.push_literal(u32::from(first)),
        }
        Ok(())
    }

    fn backslash(&mut self, start: &'a str) -> Result<(), SyntaxError> {
        let mut chars = self.rest.chars();
        let letter = chars.next();
        self.rest = chars.as_str();
        match letter {
            Some('A') => self.push(r"\A"),
            Some('z') => self.push(r"\z"),
            Some('b') => self.push(r"(?-u:\b)"),
            Some('B') => self.push(r"(?-u:\B)"),
            Some('C') => return Err(SyntaxError::new("invalid escape sequence", r"\C")),
            Some('Q') => {
                let (literal, rest) = self.rest.split_once(r"\E").unwrap_or((self.rest, ""));
                literal.chars().for_each(|c| self.push_literal(u32::from(c)));
                self.rest = rest;
            }
            _ => match escaped(start, self.flags)? {
                Some((class, rest)) => {
                    self.push(class);
                    self.rest = rest;
                }
                None => {
                    let (c, rest) = escape(start)?;
                    self.push_literal(c);
                    self.rest = rest;
                }
            },
        }
        Ok(())
    }

    fn push(&mut self, text: impl Into<String>) {
        self.group.items.push(Item { text: text.into(), repeats: 1, height: 1, is_repetition: false });
    }

    fn push_literal(&mut self, c: u32) {
        let text = match char::from_u32(c) {
            None => NOTHING.to_owned(),
            Some(c) if c.is_ascii() && !c.is_ascii_alphanumeric() => format!(r"\x{c:02X}", c = u32::from(c)),
            Some(c) if c.is_ascii_digit() => c.to_string(),
            Some(c) => folded(c.to_string(), self.flags),
        };
        self.push(text);
    }

    fn open(&mut self, start: &'a str) -> Result<(), SyntaxError> {
        let mut group = Group::new("(", self.flags);
        if start.starts_with("(?") {
            let (opening, rest) = opening(start, self.flags)?;
            self.rest = rest;
            match opening {
                Opening::Set(flags) => {
                    self.flags = flags;
                    return Ok(());
                }
                Opening::Group(flags) => {
                    self.flags = flags;
                    group.opening = "(?:";
                }
                Opening::Named(name) => self.names.push(name.to_owned()),
            }
        } else {
            self.names.push(String::new());
        }
        self.outer.push(std::mem::replace(&mut self.group, group));
        Ok(())
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let outer = self.outer.pop().ok_or_else(|| SyntaxError::new("unexpected )", self.pattern))?;
        let closed = std::mem::replace(&mut self.group, outer);
        self.flags = closed.flags;
        let item = closed.close();
        self.check_height(item.height)?;
        self.group.items.push(item);
        Ok(())
    }

    fn repeat(&mut self, times: Times, rest: &'a str) -> Result<(), SyntaxError> {
        let start = self.rest;
        let (is_turned, rest) = rest.strip_prefix('?').map_or((false, rest), |rest| (true, rest));
        let until_here = |from: &'a str| &from[..from.len() - rest.len()];
        if let Some(last) = self.last_repetition {
            return Err(SyntaxError::new("invalid nested repetition operator", until_here(last)));
        }
        let missing = || SyntaxError::new("missing argument to repetition operator", until_here(start));
        let item = self.group.items.pop().ok_or_else(missing)?;
        let repeats = times.of(item.repeats);
        if times.is_counted() && repeats > MOST {
            return Err(SyntaxError::new("invalid repeat count", until_here(start)));
        }
        self.check_height(item.height + 1)?;
        let inner = if item.is_repetition { format!("(?:{})", item.text) } else { item.text };
        let lazy = if self.flags.lazy != is_turned { "?" } else { "" };
        let text = format!("{inner}{}{lazy}", times.text());
        self.group.items.push(Item { text, repeats, height: item.height + 1, is_repetition: true });
        self.last_repetition = Some(start);
        self.rest = rest;
        Ok(())
    }

    fn check_height(&self, height: usize) -> Result<(), SyntaxError> {
        if height > HIGHEST { Err(SyntaxError::new("expression nests too deeply", self.pattern)) } else { Ok(()) }
    }

    fn finish(mut self) -> Result<Parsed, SyntaxError> {
        if !self.outer.is_empty() {
            return Err(SyntaxError::new("missing closing )", self.pattern));
        }
        self.group.end_alternative();
        Ok(Parsed { regex: self.group.alternatives, names: self.names, height: self.group.height })
    }
}
