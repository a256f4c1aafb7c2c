//! Walking a tree, as `text/template` executes one.

mod argument;
mod command;
mod field;
mod range;

use std::fmt::Display;

use crate::{
    function::{Env, Failure},
    node::{Branch, Command, List, Node, Pipe, Term},
    parse::Trees,
    printf,
    value::{Kind, Type, Value},
};

/// Templates that call templates, and so on, at most so often. Go's limit, a hundred thousand, is what the error says.
const DEEPEST: usize = 1_000;

/// So many bytes, or variables that are passed by, take as long as a step.
const CHEAP: usize = 64;

/// Why walking stops before the end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Go's error, whole.
    Error(String),
    /// The answer to this expression is needed.
    Needs(String),
    Break,
    Continue,
}

type Walked<T = ()> = Result<T, Stop>;

/// Where an error is said to be.
#[derive(Clone, Copy)]
enum At<'t> {
    Node(&'t Node),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Term(&'t Term),
}

/// What a function or a method is given.
struct Given<'t> {
    args: &'t [Term],
    piped: Option<Value>,
    /// Where an error of its own is said to be.
    at: At<'t>,
}

impl Given<'_> {
    fn count(&self) -> usize {
        self.args.len() + usize::from(self.piped.is_some())
    }
}

/// One execution.
pub(crate) struct Exec<'t, 'e> {
    name: &'t str,
    text: &'t str,
    trees: &'t Trees,
    env: Env<'e>,
    out: Vec<u8>,
    /// The template that is walked.
    template: &'t [u8],
    at: Option<At<'t>>,
    vars: Vec<(&'t str, Value)>,
    depth: usize,
}

impl<'t, 'e> Exec<'t, 'e> {
    pub(crate) const fn new(name: &'t str, text: &'t str, trees: &'t Trees, env: Env<'e>) -> Self {
        Self {
            name,
            text,
            trees,
            env,
            out: Vec::new(),
            template: name.as_bytes(),
            at: None,
            vars: Vec::new(),
            depth: 0,
        }
    }

    /// Executes the template with `data`. Answers what it wrote.
    pub(crate) fn run(mut self, data: Value) -> Result<Vec<u8>, Stop> {
        self.vars.push(("$", data.clone()));
        match self.trees.by_name.get(self.template) {
            Some(list) => self.list(&data, list)?,
            None => return self.fail(format!("{} is an incomplete or empty template", quoted(self.template))),
        }
        Ok(self.out)
    }

    /// An error at the node that is walked.
    fn fail<T>(&self, text: impl Display) -> Walked<T> {
        let Some(at) = self.at else { return Err(Stop::Error(format!("template: {}: {text}", self.name))) };
        let (pos, context) = match at {
            At::Node(node) => (node.pos(), node.to_string()),
            At::Pipe(pipe) => (pipe.pos, pipe.to_string()),
            At::Command(command) => (command.args[0].pos, command.to_string()),
            At::Term(term) => (term.pos, term.to_string()),
        };
        let before = &self.text[..pos];
        let line = before.matches('\n').count() + 1;
        let column = before.rfind('\n').map_or(pos, |newline| pos - newline - 1);
        let (name, template) = (self.name, quoted(self.template));
        Err(Stop::Error(format!("template: {name}:{line}:{column}: executing {template} at <{context}>: {text}")))
    }

    /// Pays for something that costs as much as `steps` nodes.
    fn pay(&mut self, steps: usize) -> Walked {
        match self.env.pay(steps) {
            Ok(()) => Ok(()),
            Err(Failure::Error(text)) => self.fail(text),
            Err(Failure::Needs(expr)) => Err(Stop::Needs(expr)),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Walked {
        if self.out.len() + bytes.len() > self.env.bytes {
            return self.fail(format!("the template writes more than {} bytes", self.env.bytes));
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn list(&mut self, dot: &Value, list: &'t List) -> Walked {
        crate::on_enough_stack(|| list.nodes.iter().try_for_each(|node| self.node(dot, node)))
    }

    fn node(&mut self, dot: &Value, node: &'t Node) -> Walked {
        self.at = Some(At::Node(node));
        self.pay(1)?;
        match node {
            Node::Text { text, .. } => self.write(text.as_bytes()),
            Node::Action { pipe, .. } => {
                let value = self.pipeline(dot, pipe)?;
                self.at = Some(At::Node(node));
                if pipe.decl.is_empty() { self.write(&printf::print_value(&value)) } else { Ok(()) }
            }
            Node::If(branch) => self.if_or_with(dot, branch, false),
            Node::With(branch) => self.if_or_with(dot, branch, true),
            Node::Range(branch) => self.range(dot, node, branch),
            Node::Template { name, pipe, .. } => self.template(dot, name, pipe.as_ref()),
            Node::Break { .. } => Err(Stop::Break),
            Node::Continue { .. } => Err(Stop::Continue),
        }
    }

    fn if_or_with(&mut self, dot: &Value, branch: &'t Branch, with: bool) -> Walked {
        let vars = self.vars.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let walked = match (value.truth(), &branch.else_list) {
            (true, _) => self.list(if with { &value } else { dot }, &branch.list),
            (false, Some(list)) => self.list(dot, list),
            (false, None) => Ok(()),
        };
        self.vars.truncate(vars);
        walked
    }

    fn assign(&mut self, name: &str, value: Value) -> Walked {
        let index = self.variable_index(name)?;
        self.vars[index].1 = value;
        Ok(())
    }

    fn template(&mut self, dot: &Value, name: &'t [u8], pipe: Option<&'t Pipe>) -> Walked {
        let Some((name, list)) = self.trees.by_name.get_key_value(name) else {
            return self.fail(format!("template {} not defined", quoted(name)));
        };
        if self.depth == DEEPEST {
            return self.fail("exceeded maximum template depth (100000)");
        }
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        let (at, template) = (self.at, self.template);
        let vars = std::mem::replace(&mut self.vars, vec![("$", dot.clone())]);
        (self.template, self.depth) = (name, self.depth + 1);
        self.list(&dot, list)?;
        (self.at, self.template, self.vars, self.depth) = (at, template, vars, self.depth - 1);
        Ok(())
    }

    fn pipeline(&mut self, dot: &Value, pipe: &'t Pipe) -> Walked<Value> {
        self.at = Some(At::Pipe(pipe));
        let mut value = None;
        for command in &pipe.cmds {
            self.pay(1)?;
            value = Some(self.command(dot, command, value)?);
        }
        let value = value.unwrap_or(Value::Nil);
        for variable in &pipe.decl {
            if pipe.is_assign {
                self.assign(variable, value.clone())?;
            } else {
                self.vars.push((variable, value.clone()));
            }
        }
        Ok(value)
    }

    fn variable(&mut self, name: &str) -> Walked<Value> {
        let index = self.variable_index(name)?;
        Ok(self.vars[index].1.clone())
    }

    /// The youngest variable of that name.
    fn variable_index(&mut self, name: &str) -> Walked<usize> {
        match self.vars.iter().rposition(|variable| variable.0 == name) {
            Some(index) => {
                self.pay((self.vars.len() - index) / CHEAP)?;
                Ok(index)
            }
            None => self.fail(format!("undefined variable: {name}")),
        }
    }

    fn failed<T>(&self, name: &str, failure: Failure) -> Walked<T> {
        match failure {
            Failure::Error(text) => self.fail(format!("error calling {name}: {text}")),
            Failure::Needs(expr) => Err(Stop::Needs(expr)),
        }
    }
}

fn quoted(text: &[u8]) -> String {
    crate::quote::quote(text)
}

/// What a value may be used as: its own type, anything, or what it points to.
fn assignable(value: Value, wanted: Type) -> Result<Value, Value> {
    if matches!(wanted, Type::Interface | Type::Reflect) || value.go_type() == Some(wanted) {
        return Ok(value);
    }
    if value.kind() != Kind::Pointer {
        return Err(value);
    }
    match value.indirect() {
        value if value.go_type() == Some(wanted) => Ok(value),
        Value::Time(time) => Err(Value::TimePointer(time)),
        Value::Duration(duration) => Err(Value::DurationPointer(duration)),
        value => Err(value),
    }
}
