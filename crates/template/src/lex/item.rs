//! What a template's text is made of.

use std::fmt;

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The value says what is wrong.
    Error,
    Bool,
    /// A printable character with no other meaning, such as a comma.
    Char,
    CharConstant,
    /// `1+2i`
    Complex,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    End,
    /// `.name`
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    /// `$` or `$name`
    Variable,
    Keyword(Keyword),
}

/// The words and signs that are not names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    /// The cursor, `.`
    Dot,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Keyword {
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "block" => Self::Block,
            "break" => Self::Break,
            "continue" => Self::Continue,
            "define" => Self::Define,
            "else" => Self::Else,
            "end" => Self::End,
            "if" => Self::If,
            "nil" => Self::Nil,
            "range" => Self::Range,
            "template" => Self::Template,
            "with" => Self::With,
            _ => return None,
        })
    }
}

/// One item of a template.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    /// Where it starts, in bytes.
    pub(crate) pos: usize,
    pub(crate) value: String,
    /// The line it starts on, from 1.
    pub(crate) line: usize,
}

impl fmt::Display for Item {
    /// As error messages name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::End => f.write_str("EOF"),
            Kind::Error => f.write_str(&self.value),
            Kind::Keyword(_) => write!(f, "<{}>", self.value),
            _ if self.value.len() > 10 => {
                let start: String = self.value.chars().take(10).collect();
                write!(f, "{}...", crate::quote::quote(start.as_bytes()))
            }
            _ => f.write_str(&crate::quote::quote(self.value.as_bytes())),
        }
    }
}
