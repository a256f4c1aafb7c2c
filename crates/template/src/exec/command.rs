//! Commands: a word, and what it is given.

use super::{At, Exec, Given, Walked, quoted};
use crate::{
    node::{Command, Number, Term, Word},
    value::Value,
};

impl<'t> Exec<'t, '_> {
    /// A command with what was piped into it.
    pub(super) fn command(&mut self, dot: &Value, command: &'t Command, piped: Option<Value>) -> Walked<Value> {
        let (first, args) = (&command.args[0], &command.args[1..]);
        let given = |at, piped| Given { args, piped, at };
        match &first.word {
            Word::Field(_) | Word::Chain(..) => {
                return self.fields(dot, first, given(At::Term(first), piped)).map(|found| found.value);
            }
            Word::Variable(names) if names.len() > 1 => {
                return self.fields(dot, first, given(At::Term(first), piped)).map(|found| found.value);
            }
            Word::Identifier(name) => return self.function(dot, first, name, given(At::Command(command), piped)),
            Word::Pipe(pipe) => {
                self.not_a_function(first, args, piped.as_ref())?;
                return crate::on_enough_stack(|| self.pipeline(dot, pipe));
            }
            _ => {}
        }
        self.at = Some(At::Term(first));
        self.not_a_function(first, args, piped.as_ref())?;
        match &first.word {
            Word::Nil => self.fail("nil is not a command"),
            _ => self.constant(dot, first),
        }
    }

    fn not_a_function(&self, first: &Term, args: &[Term], piped: Option<&Value>) -> Walked {
        if args.is_empty() && piped.is_none() {
            return Ok(());
        }
        match &first.word {
            Word::Pipe(pipe) => self.fail(format!("can't give argument to non-function {pipe}")),
            _ => self.fail(format!("can't give argument to non-function {first}")),
        }
    }

    /// A word that stands for itself, or a variable.
    pub(super) fn constant(&mut self, dot: &Value, term: &'t Term) -> Walked<Value> {
        match &term.word {
            Word::Bool(truth) => Ok(Value::Bool(*truth)),
            Word::Dot => Ok(dot.clone()),
            Word::Number(number) => self.ideal(term, number),
            Word::Text(_, text) => Ok(Value::Text(text.clone())),
            Word::Variable(names) => self.variable(&names[0]),
            _ => self.fail(format!("can't evaluate command {}", quoted(term.to_string().as_bytes()))),
        }
    }

    /// A number of no particular type: an int if it can be one and is not written as a float.
    fn ideal(&mut self, term: &'t Term, number: &Number) -> Walked<Value> {
        self.at = Some(At::Term(term));
        let text = number.text.as_str();
        if let Some((re, im)) = number.complex {
            return Ok(Value::Complex(re, im));
        }
        let hex = text.len() > 2 && text.starts_with("0x") | text.starts_with("0X") && !text.contains(['p', 'P']);
        match number.float {
            Some(float) if !hex && !text.starts_with('\'') && text.contains(['.', 'e', 'E', 'p', 'P']) => {
                Ok(Value::Float(float))
            }
            _ => match number.int {
                Some(int) => Ok(Value::Int(int)),
                None => self.fail(format!("{text} overflows int")),
            },
        }
    }
}
