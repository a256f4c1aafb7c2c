//! From items to a tree, as `text/template/parse` does, with its errors.

mod control;
mod number;
mod operand;

use std::collections::BTreeMap;

use crate::{
    lex::{Item, Keyword, Kind, Lexer},
    node::{Command, List, Pipe},
};

/// Deeper nesting of parentheses, or of blocks, is refused. Go allows ten thousand parentheses; nobody writes them.
const DEEPEST: usize = 1_000;

/// A template and those it defines, by name.
#[derive(Debug)]
pub(crate) struct Trees {
    pub(crate) by_name: BTreeMap<Vec<u8>, List>,
}

/// Parses `text`, a template called `name`. The error is Go's, whole.
pub(crate) fn parse(name: &str, text: &str) -> Result<Trees, String> {
    let mut parser = Parser::new(name, text);
    parser.template().map_err(|Refused(text)| format!("template: {name}:{}: {text}", parser.line))?;
    Ok(Trees { by_name: parser.defined })
}

/// Why a template cannot be parsed, without the place.
#[derive(Debug)]
struct Refused(String);

type Parsed<T> = Result<T, Refused>;

fn refuse<T>(text: impl Into<String>) -> Parsed<T> {
    Err(Refused(text.into()))
}

struct Parser<'a> {
    name: &'a str,
    lexer: Lexer<'a>,
    /// Items given back, the next one last.
    ahead: Vec<Item>,
    /// Of the newest item scanned: where Go says that an error is.
    line: usize,
    /// Variables in scope.
    vars: Vec<String>,
    /// The line of the action being parsed.
    action_line: usize,
    range_depth: usize,
    depth: usize,
    defined: BTreeMap<Vec<u8>, List>,
}

impl<'a> Parser<'a> {
    fn new(name: &'a str, text: &'a str) -> Self {
        Self {
            name,
            lexer: Lexer::new(text),
            ahead: Vec::new(),
            line: 1,
            vars: vec!["$".to_owned()],
            action_line: 0,
            range_depth: 0,
            depth: 0,
            defined: BTreeMap::new(),
        }
    }

    fn next(&mut self) -> Item {
        if let Some(item) = self.ahead.pop() {
            return item;
        }
        let item = self.lexer.next_item();
        self.line = item.line;
        item
    }

    fn back(&mut self, item: Item) {
        self.ahead.push(item);
    }

    fn peek(&mut self) -> Kind {
        let item = self.next();
        let kind = item.kind;
        self.back(item);
        kind
    }

    fn next_non_space(&mut self) -> Item {
        loop {
            let item = self.next();
            if item.kind != Kind::Space {
                return item;
            }
        }
    }

    /// What comes after space, which is passed over; and where.
    fn peek_non_space(&mut self) -> (Kind, usize) {
        let item = self.next_non_space();
        let peeked = (item.kind, item.pos);
        self.back(item);
        peeked
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Item> {
        let item = self.next_non_space();
        if item.kind == kind { Ok(item) } else { self.unexpected(&item, context) }
    }

    fn unexpected<T>(&self, item: &Item, context: &str) -> Parsed<T> {
        if item.kind != Kind::Error {
            return refuse(format!("unexpected {item} in {context}"));
        }
        if self.action_line == 0 || self.action_line == item.line {
            return refuse(item.to_string());
        }
        let action = if item.value.ends_with(" action") { "" } else { " in action" };
        refuse(format!("{item}{action} started at {}:{}", self.name, self.action_line))
    }

    /// One level deeper, on a stack that is large enough, and not too deep.
    fn deeper<T>(&mut self, too_deep: &str, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEEPEST {
            return refuse(too_deep);
        }
        self.depth += 1;
        let parsed = crate::on_enough_stack(|| parse(self));
        self.depth -= 1;
        parsed
    }

    fn unquoted(item: &Item) -> Parsed<Vec<u8>> {
        crate::quote::unquote(&item.value).ok_or_else(|| Refused("invalid syntax".to_owned()))
    }

    /// Commands up to `end`, with what they are assigned to.
    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let (_, pos) = self.peek_non_space();
        let mut pipe = Pipe { pos, is_assign: false, decl: Vec::new(), cmds: Vec::new() };
        self.declarations(context, &mut pipe)?;
        loop {
            let item = self.next_non_space();
            match item.kind {
                kind if kind == end => {
                    check(&pipe, context)?;
                    return Ok(pipe);
                }
                kind if starts_operand(kind) => {
                    self.back(item);
                    let command = self.command()?;
                    pipe.cmds.push(command);
                }
                _ => return self.unexpected(&item, context),
            }
        }
    }

    fn declarations(&mut self, context: &str, pipe: &mut Pipe) -> Parsed<()> {
        while self.peek_non_space().0 == Kind::Variable {
            let variable = self.next_non_space();
            let after = self.next();
            let spaced = after.kind == Kind::Space;
            let next = if spaced { self.next_non_space() } else { after.clone() };
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    pipe.is_assign = next.kind == Kind::Assign;
                    self.declare(variable, pipe);
                    return Ok(());
                }
                Kind::Char if next.value == "," => {
                    self.declare(variable, pipe);
                    if context != "range" || pipe.decl.len() >= 2 {
                        return refuse(format!("too many declarations in {context}"));
                    }
                    match self.peek_non_space().0 {
                        Kind::Variable | Kind::RightDelim | Kind::RightParen => {}
                        _ => return refuse("range can only initialize variables"),
                    }
                }
                _ => {
                    self.back(next);
                    if spaced {
                        self.back(after);
                    }
                    self.back(variable);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn declare(&mut self, variable: Item, pipe: &mut Pipe) {
        pipe.decl.push(variable.value.clone());
        self.vars.push(variable.value);
    }

    fn command(&mut self) -> Parsed<Command> {
        let mut args = Vec::new();
        loop {
            self.peek_non_space();
            args.extend(self.operand()?);
            let item = self.next();
            match item.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.back(item);
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(&item, "operand"),
            }
        }
        if args.is_empty() { refuse("empty command") } else { Ok(Command { args }) }
    }
}

/// Whether a command can begin with it.
const fn starts_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharConstant
            | Kind::Complex
            | Kind::Keyword(Keyword::Dot | Keyword::Nil)
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::RawString
            | Kind::String
            | Kind::Variable
            | Kind::LeftParen
    )
}

fn check(pipe: &Pipe, context: &str) -> Parsed<()> {
    if pipe.cmds.is_empty() {
        return refuse(format!("missing value for {context}"));
    }
    let constant = |command: &Command| command.args.first().is_some_and(|term| term.word.is_constant());
    match pipe.cmds.iter().skip(1).position(constant) {
        Some(index) => refuse(format!("non executable command in pipeline stage {}", index + 2)),
        None => Ok(()),
    }
}
