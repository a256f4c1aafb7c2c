//! A parsed template, and how Go prints its parts in error messages.

use std::fmt::{self, Display, Write as _};

use crate::value::Text;

/// A list of nodes.
#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) nodes: Vec<Node>,
}

/// One node. `pos` is where it starts in the template's text, in bytes.
#[derive(Debug)]
pub(crate) enum Node {
    Text { pos: usize, text: String },
    Action { pos: usize, pipe: Pipe },
    If(Branch),
    Range(Branch),
    With(Branch),
    Template { pos: usize, name: Vec<u8>, pipe: Option<Pipe> },
    Break { pos: usize },
    Continue { pos: usize },
}

/// `if`, `range` or `with`.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) pos: usize,
    pub(crate) pipe: Pipe,
    pub(crate) list: List,
    pub(crate) else_list: Option<List>,
}

/// Commands of which each is the last argument of the next.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    /// `=` instead of `:=`.
    pub(crate) is_assign: bool,
    /// Variables with their dollar sign.
    pub(crate) decl: Vec<String>,
    pub(crate) cmds: Vec<Command>,
}

/// A first word and its arguments.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) args: Vec<Term>,
}

/// A word of a command.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) pos: usize,
    pub(crate) word: Word,
}

/// What a word is.
#[derive(Debug)]
pub(crate) enum Word {
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    /// As written, and what it means.
    Text(String, Text),
    Identifier(String),
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`, the variable first.
    Variable(Vec<String>),
    /// Fields of what a parenthesis or a function gives.
    Chain(Box<Term>, Vec<String>),
    Pipe(Box<Pipe>),
}

/// A constant and all that it can be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

impl Word {
    /// Whether it can only stand for itself, so that nothing can be piped into it.
    pub(crate) const fn is_constant(&self) -> bool {
        matches!(self, Self::Bool(_) | Self::Dot | Self::Nil | Self::Number(_) | Self::Text(..))
    }
}

impl List {
    /// Nothing but comments and space.
    pub(crate) fn is_empty(&self) -> bool {
        let blank = |node: &Node| matches!(node, Node::Text { text, .. } if text.trim().is_empty());
        self.nodes.iter().all(blank)
    }
}

impl Node {
    pub(crate) const fn pos(&self) -> usize {
        match self {
            Self::If(branch) | Self::Range(branch) | Self::With(branch) => branch.pos,
            Self::Text { pos, .. }
            | Self::Action { pos, .. }
            | Self::Template { pos, .. }
            | Self::Break { pos }
            | Self::Continue { pos } => *pos,
        }
    }
}

impl Display for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.nodes.iter().try_for_each(|node| node.fmt(f))
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { text, .. } => f.write_str(text),
            Self::Action { pipe, .. } => write!(f, "{{{{{pipe}}}}}"),
            Self::If(branch) => branch.write("if", f),
            Self::Range(branch) => branch.write("range", f),
            Self::With(branch) => branch.write("with", f),
            Self::Template { name, pipe, .. } => {
                write!(f, "{{{{template {}", crate::quote::quote(name))?;
                if let Some(pipe) = pipe {
                    write!(f, " {pipe}")?;
                }
                f.write_str("}}")
            }
            Self::Break { .. } => f.write_str("{{break}}"),
            Self::Continue { .. } => f.write_str("{{continue}}"),
        }
    }
}

impl Branch {
    fn write(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{{name} {}}}}}{}", self.pipe, self.list)?;
        if let Some(list) = &self.else_list {
            write!(f, "{{{{else}}}}{list}")?;
        }
        f.write_str("{{end}}")
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, variable) in self.decl.iter().enumerate() {
            f.write_str(if i > 0 { ", " } else { "" })?;
            f.write_str(variable)?;
        }
        if !self.decl.is_empty() {
            f.write_str(if self.is_assign { " = " } else { " := " })?;
        }
        for (i, command) in self.cmds.iter().enumerate() {
            f.write_str(if i > 0 { " | " } else { "" })?;
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, term) in self.args.iter().enumerate() {
            f.write_str(if i > 0 { " " } else { "" })?;
            match &term.word {
                Word::Pipe(pipe) => write!(f, "({pipe})")?,
                _ => term.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.word {
            Word::Bool(truth) => truth.fmt(f),
            Word::Dot => f.write_char('.'),
            Word::Nil => f.write_str("nil"),
            Word::Number(number) => f.write_str(&number.text),
            Word::Text(quoted, _) => f.write_str(quoted),
            Word::Identifier(name) => f.write_str(name),
            Word::Field(names) => names.iter().try_for_each(|name| write!(f, ".{name}")),
            Word::Variable(names) => f.write_str(&names.join(".")),
            Word::Chain(term, names) => {
                match &term.word {
                    Word::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => term.fmt(f)?,
                }
                names.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            Word::Pipe(pipe) => pipe.fmt(f),
        }
    }
}
