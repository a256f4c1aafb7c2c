//! Fields, keys and methods: what comes after a dot.

use super::{At, CHEAP, Exec, Given, Walked, argument::alone};
use crate::{
    gotime,
    node::{Term, Word},
    value::{Type, Value},
};

/// What was found.
pub(super) struct Found {
    pub(super) value: Value,
    /// Taken from where Go keeps an `interface {}`: errors name that instead of the value's own type.
    pub(super) boxed: bool,
}

impl Found {
    pub(super) const fn plain(value: Value) -> Self {
        Self { value, boxed: false }
    }
}

impl<'t> Exec<'t, '_> {
    /// The value of `.a.b`, `$x.a.b` or `(…).a.b`; arguments go to the last name.
    pub(super) fn fields(&mut self, dot: &Value, term: &'t Term, given: Given<'t>) -> Walked<Found> {
        self.at = Some(At::Term(term));
        let (receiver, names) = match &term.word {
            Word::Field(names) => (dot.clone(), names.as_slice()),
            Word::Variable(names) => (self.variable(&names[0])?, &names[1..]),
            Word::Chain(inner, names) => {
                if matches!(inner.word, Word::Nil) {
                    return self.fail(format!("indirection through explicit nil in {term}"));
                }
                (self.argument(dot, Type::Reflect, inner)?, names.as_slice())
            }
            _ => (dot.clone(), &[][..]),
        };
        let mut found = Found::plain(receiver);
        let Some((last, others)) = names.split_last() else { return Ok(found) };
        for name in others {
            found = self.field(dot, name, alone(term), found)?;
        }
        self.field(dot, last, given, found)
    }

    fn field(&mut self, dot: &Value, name: &'t str, given: Given<'t>, receiver: Found) -> Walked<Found> {
        self.pay(1 + name.len() / CHEAP)?;
        let Found { value, boxed } = receiver;
        let Some(own_type) = value.go_type() else {
            return if boxed {
                self.fail(format!("nil pointer evaluating interface {{}}.{name}"))
            } else {
                Ok(Found::plain(Value::Nil))
            };
        };
        if let Some(method) = gotime::method(own_type, name) {
            return self.call(dot, method, Some(value), given).map(Found::plain);
        }
        if let Some(error) = gotime::bad_signature(own_type, name) {
            return match given.count() {
                0 => self.fail(error),
                count => self.fail(format!("wrong number of args for {name}: want 0 got {count}")),
            };
        }
        let shown = if boxed { Type::Interface } else { own_type };
        let has_args = given.count() > 0;
        match member(&value, name) {
            Member::Field(_) if has_args => {
                self.fail(format!("{name} has arguments but cannot be invoked as function"))
            }
            Member::Key(_) if has_args => self.fail(format!("{name} is not a method but has arguments")),
            Member::Field(found) | Member::Key(found) => Ok(found),
            Member::Unexported => self.fail(format!("{name} is an unexported field of struct type {shown}")),
            Member::OfNil => self.fail(format!("nil pointer evaluating {shown}.{name}")),
            Member::None => self.fail(format!("can't evaluate field {name} in type {shown}")),
        }
    }
}

enum Member {
    Field(Found),
    Key(Found),
    Unexported,
    OfNil,
    None,
}

fn member(value: &Value, name: &str) -> Member {
    let field = |value| Member::Field(Found::plain(value));
    match (value, name) {
        (Value::Labels(labels), _) => {
            let label = labels.get(&name.into()).cloned().unwrap_or_else(|| "".into());
            Member::Key(Found::plain(Value::Text(label)))
        }
        (Value::Map(map), _) => {
            Member::Key(Found { value: map.get(&name.into()).cloned().unwrap_or(Value::Nil), boxed: true })
        }
        (Value::Data(data), "Labels") => field(Value::Labels(data.labels.clone())),
        (Value::Data(data), "ExternalLabels") => field(Value::Labels(data.external_labels.clone())),
        (Value::Data(data), "ExternalURL") => field(Value::Text(data.external_url.clone())),
        (Value::Data(data), "Value") => Member::Field(Found { value: Value::Float(data.value), boxed: true }),
        (Value::Sample(Some(sample)), "Labels") => field(Value::Labels(sample.labels.clone())),
        (Value::Sample(Some(sample)), "Value") => {
            Member::Field(Found { value: Value::Float(sample.value), boxed: true })
        }
        (Value::Sample(None), "Labels" | "Value") => Member::OfNil,
        (Value::Time(_) | Value::TimePointer(_), "wall" | "ext" | "loc") => Member::Unexported,
        _ => Member::None,
    }
}
