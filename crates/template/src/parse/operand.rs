//! Words of commands.

use super::{Parsed, Parser, Refused, refuse};
use crate::{
    lex::{Keyword, Kind},
    node::{Term, Word},
};

impl Parser<'_> {
    /// A term and the fields taken of it.
    pub(super) fn operand(&mut self) -> Parsed<Option<Term>> {
        let Some(term) = self.term()? else { return Ok(None) };
        if self.peek() != Kind::Field {
            return Ok(Some(term));
        }
        let (_, pos) = self.peek_non_space();
        let mut fields = Vec::new();
        while self.peek() == Kind::Field {
            fields.push(self.next().value[1..].to_owned());
        }
        let word = match term.word {
            Word::Field(names) => Word::Field([names, fields].concat()),
            Word::Variable(names) => Word::Variable([names, fields].concat()),
            ref word if word.is_constant() => {
                let text = crate::quote::quote(term.to_string().as_bytes());
                return refuse(format!("unexpected . after term {text}"));
            }
            _ => Word::Chain(Box::new(term), fields),
        };
        Ok(Some(Term { pos, word }))
    }

    fn term(&mut self) -> Parsed<Option<Term>> {
        let item = self.next_non_space();
        let word = match item.kind {
            Kind::Identifier if !crate::call::is_defined(&item.value) => {
                let name = crate::quote::quote(item.value.as_bytes());
                return refuse(format!("function {name} not defined"));
            }
            Kind::Identifier => Word::Identifier(item.value),
            Kind::Keyword(Keyword::Dot) => Word::Dot,
            Kind::Keyword(Keyword::Nil) => Word::Nil,
            Kind::Variable if !self.vars.contains(&item.value) => {
                let name = crate::quote::quote(item.value.as_bytes());
                return refuse(format!("undefined variable {name}"));
            }
            Kind::Variable => Word::Variable(vec![item.value]),
            Kind::Field => Word::Field(vec![item.value[1..].to_owned()]),
            Kind::Bool => Word::Bool(item.value == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                Word::Number(super::number::number(&item.value, item.kind).map_err(Refused)?)
            }
            Kind::LeftParen => {
                let pipe = self.deeper("max expression depth exceeded", |parser| {
                    parser.pipeline("parenthesized pipeline", Kind::RightParen)
                })?;
                return Ok(Some(Term { pos: pipe.pos, word: Word::Pipe(Box::new(pipe)) }));
            }
            Kind::String | Kind::RawString => Word::Text(item.value.clone(), Self::unquoted(&item)?.into()),
            _ => {
                self.back(item);
                return Ok(None);
            }
        };
        Ok(Some(Term { pos: item.pos, word }))
    }
}
