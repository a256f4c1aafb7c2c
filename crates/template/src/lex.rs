//! From a template's text to items, as `text/template/parse` scans it.

mod item;
mod number;

pub(crate) use item::{Item, Keyword, Kind};

const LEFT_DELIM: &str = "{{";
const RIGHT_DELIM: &str = "}}";
const LEFT_COMMENT: &str = "/*";
const RIGHT_COMMENT: &str = "*/";
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// Scans one template.
pub(crate) struct Lexer<'a> {
    input: &'a str,
    pos: usize,
    start: usize,
    paren_depth: usize,
    inside_action: bool,
    line: usize,
    start_line: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) const fn new(input: &'a str) -> Self {
        Self { input, pos: 0, start: 0, paren_depth: 0, inside_action: false, line: 1, start_line: 1 }
    }

    /// The next item; after an error or the end, the end for ever.
    pub(crate) fn next_item(&mut self) -> Item {
        if self.inside_action { self.action() } else { self.text() }
    }

    fn rest(&self) -> &'a str {
        &self.input[self.pos..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += c.len_utf8();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let accepted = self.peek().is_some_and(|c| valid.contains(c));
        if accepted {
            self.next();
        }
        accepted
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    /// Moves on by `bytes`, counting lines.
    fn advance(&mut self, bytes: usize) {
        self.line += self.rest()[..bytes].matches('\n').count();
        self.pos += bytes;
    }

    fn ignore(&mut self) {
        (self.start, self.start_line) = (self.pos, self.line);
    }

    fn item(&mut self, kind: Kind) -> Item {
        let value = self.input[self.start..self.pos].to_owned();
        let item = Item { kind, pos: self.start, value, line: self.start_line };
        self.ignore();
        item
    }

    fn error(&mut self, text: impl Into<String>) -> Item {
        let item = Item { kind: Kind::Error, pos: self.start, value: text.into(), line: self.start_line };
        (self.input, self.pos, self.start, self.inside_action) = ("", 0, 0, false);
        item
    }

    fn text(&mut self) -> Item {
        loop {
            let rest = self.rest();
            let Some(until) = rest.find(LEFT_DELIM) else {
                self.advance(rest.len());
                let kind = if self.pos > self.start { Kind::Text } else { Kind::End };
                return self.item(kind);
            };
            if until > 0 {
                let text = &rest[..until];
                let trims = has_left_trim(&rest[until + LEFT_DELIM.len()..]);
                let kept = if trims { text.trim_end_matches(SPACES) } else { text };
                self.advance(kept.len());
                let item = self.item(Kind::Text);
                self.advance(text.len() - kept.len());
                self.ignore();
                if !item.value.is_empty() {
                    return item;
                }
            }
            match self.left_delim() {
                Some(item) => return item,
                None => continue,
            }
        }
    }

    /// The start of an action; nothing for a comment, which is passed over.
    fn left_delim(&mut self) -> Option<Item> {
        self.pos += LEFT_DELIM.len();
        let marker = if has_left_trim(self.rest()) { 2 } else { 0 };
        if self.rest()[marker..].starts_with(LEFT_COMMENT) {
            self.advance(marker);
            self.ignore();
            return self.comment();
        }
        let item = self.item(Kind::LeftDelim);
        self.inside_action = true;
        self.advance(marker);
        self.ignore();
        self.paren_depth = 0;
        Some(item)
    }

    fn comment(&mut self) -> Option<Item> {
        self.pos += LEFT_COMMENT.len();
        let Some(length) = self.rest().find(RIGHT_COMMENT) else { return Some(self.error("unclosed comment")) };
        self.advance(length + RIGHT_COMMENT.len());
        let Some(trims) = self.at_right_delim() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.right_delim(trims);
        None
    }

    /// Whether an action ends here, and if so whether it trims what follows.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim(rest) && rest[2..].starts_with(RIGHT_DELIM) {
            return Some(true);
        }
        rest.starts_with(RIGHT_DELIM).then_some(false)
    }

    fn right_delim(&mut self, trims: bool) -> Item {
        if trims {
            self.advance(2);
            self.ignore();
        }
        self.pos += RIGHT_DELIM.len();
        let item = self.item(Kind::RightDelim);
        if trims {
            let rest = self.rest();
            self.advance(rest.len() - rest.trim_start_matches(SPACES).len());
            self.ignore();
        }
        self.inside_action = false;
        item
    }

    fn action(&mut self) -> Item {
        if let Some(trims) = self.at_right_delim() {
            return if self.paren_depth == 0 { self.right_delim(trims) } else { self.error("unclosed left paren") };
        }
        let Some(c) = self.next() else { return self.error("unclosed action") };
        match c {
            c if is_space(c) => self.space(),
            '=' => self.item(Kind::Assign),
            ':' if self.accept("=") => self.item(Kind::Declare),
            ':' => self.error("expected :="),
            '|' => self.item(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw_quoted(),
            '$' => self.field_or_variable(Kind::Variable),
            '.' if !self.peek().is_none_or(|c| c.is_ascii_digit()) => self.field_or_variable(Kind::Field),
            '.' | '+' | '-' | '0'..='9' => self.number(),
            c if is_alphanumeric(c) => self.identifier(),
            '(' => {
                self.paren_depth += 1;
                self.item(Kind::LeftParen)
            }
            ')' if self.paren_depth == 0 => self.error("unexpected right paren"),
            ')' => {
                self.paren_depth -= 1;
                self.item(Kind::RightParen)
            }
            c if c.is_ascii_graphic() => self.item(Kind::Char),
            c => self.error(format!("unrecognized character in action: {}", code_point(Some(c)))),
        }
    }

    fn space(&mut self) -> Item {
        while self.peek().is_some_and(is_space) {
            self.next();
        }
        // The last space may belong to a trim marker: " -}}".
        let last = self.pos - 1;
        if has_right_trim(&self.input[last..]) && self.input[last + 2..].starts_with(RIGHT_DELIM) {
            self.line -= usize::from(self.input[last..].starts_with('\n'));
            self.pos = last;
            if self.pos == self.start {
                return self.right_delim(true);
            }
        }
        self.item(Kind::Space)
    }

    fn identifier(&mut self) -> Item {
        self.accept_alphanumeric();
        if !self.at_terminator() {
            let text = format!("bad character {}", code_point(self.peek()));
            return self.error(text);
        }
        let word = &self.input[self.start..self.pos];
        let kind = match word {
            "true" | "false" => Kind::Bool,
            word => Keyword::of(word).map_or(Kind::Identifier, Kind::Keyword),
        };
        self.item(kind)
    }

    fn field_or_variable(&mut self, kind: Kind) -> Item {
        if self.at_terminator() {
            let alone = if kind == Kind::Field { Kind::Keyword(Keyword::Dot) } else { kind };
            return self.item(alone);
        }
        self.accept_alphanumeric();
        if self.at_terminator() {
            return self.item(kind);
        }
        let text = format!("bad character {}", code_point(self.peek()));
        self.error(text)
    }

    fn accept_alphanumeric(&mut self) {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
    }

    fn at_terminator(&self) -> bool {
        match self.peek() {
            None => true,
            Some(c) => is_space(c) || ".,|:)(".contains(c) || self.rest().starts_with(RIGHT_DELIM),
        }
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &str) -> Item {
        loop {
            match self.next() {
                Some('\\') if !matches!(self.next(), None | Some('\n')) => {}
                None | Some('\\' | '\n') => return self.error(unterminated),
                Some(c) if c == quote => return self.item(kind),
                Some(_) => {}
            }
        }
    }

    fn raw_quoted(&mut self) -> Item {
        loop {
            match self.next() {
                None => return self.error("unterminated raw quoted string"),
                Some('`') => return self.item(Kind::RawString),
                Some(_) => {}
            }
        }
    }
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn has_left_trim(text: &str) -> bool {
    matches!(text.as_bytes(), [b'-', b' ' | b'\t' | b'\r' | b'\n', ..])
}

fn has_right_trim(text: &str) -> bool {
    matches!(text.as_bytes(), [b' ' | b'\t' | b'\r' | b'\n', b'-', ..])
}

/// `U+0023 '#'`, as Go prints a character in an error; the end of the text has no code point.
fn code_point(c: Option<char>) -> String {
    match c {
        None => "U+FFFFFFFFFFFFFFFF".to_owned(),
        Some(c) if crate::quote::is_print(c) => format!("U+{:04X} '{c}'", u32::from(c)),
        Some(c) => format!("U+{:04X}", u32::from(c)),
    }
}
