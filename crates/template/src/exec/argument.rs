//! Calling functions, and what becomes of their arguments.

use super::{At, CHEAP, Exec, Given, Walked, assignable, field::Found};
use crate::{
    call,
    function::Function,
    node::{Number, Term, Word},
    value::{Kind, Type, Value},
};

impl<'t> Exec<'t, '_> {
    /// A function by its name.
    pub(super) fn function(&mut self, dot: &Value, term: &'t Term, name: &'t str, given: Given<'t>) -> Walked<Value> {
        self.at = Some(At::Term(term));
        match name {
            "and" | "or" => return self.and_or(dot, name, given),
            "call" => return self.call_of(dot, given),
            _ => {}
        }
        match call::find(name) {
            Some(function) => self.call(dot, function, None, given),
            None => self.fail(format!("{} is not a defined function", super::quoted(name.as_bytes()))),
        }
    }

    /// Calls a function or, with a receiver, a method.
    pub(super) fn call(
        &mut self,
        dot: &Value,
        function: &Function,
        receiver: Option<Value>,
        given: Given<'t>,
    ) -> Walked<Value> {
        let (name, params) = (function.name, function.params);
        let count = given.count();
        let Given { args, piped, at } = given;
        if function.variadic.is_some() && count < params.len() {
            let (want, got) = (params.len(), args.len());
            return self.fail(format!("wrong number of args for {name}: want at least {want} got {got}"));
        }
        if function.variadic.is_none() && count != params.len() {
            return self.fail(format!("wrong number of args for {name}: want {} got {count}", params.len()));
        }
        let wanted = |index: usize| params.get(index).copied().or(function.variadic).unwrap_or(Type::Interface);
        let mut values: Vec<Value> = receiver.into_iter().collect();
        for (index, arg) in args.iter().enumerate() {
            values.push(self.argument(dot, wanted(index), arg)?);
        }
        if name == "len" && matches!(args, [Term { word: Word::Nil, .. }]) {
            // Other than a nil that comes out of a map, this one has no type at all.
            self.at = Some(at);
            return self.fail("error calling len: reflect: call of reflect.Value.Type on zero Value");
        }
        if let Some(piped) = piped {
            values.push(self.checked(Found::plain(piped), wanted(args.len()))?);
        }
        let given: usize = values.iter().map(weight).sum();
        self.pay(1 + given / CHEAP)?;
        match (function.call)(&mut self.env, values) {
            Ok(value) => {
                let weight = weight(&value);
                if weight > self.env.bytes {
                    return self.fail(format!("the text is longer than {} bytes", self.env.bytes));
                }
                self.pay(weight / CHEAP)?;
                Ok(value)
            }
            Err(failure) => {
                self.at = Some(at);
                self.failed(name, failure)
            }
        }
    }

    /// `and` and `or` stop at the first argument that decides.
    fn and_or(&mut self, dot: &Value, name: &str, given: Given<'t>) -> Walked<Value> {
        let Given { args, piped, .. } = given;
        if args.is_empty() && piped.is_none() {
            return self.fail(format!("wrong number of args for {name}: want at least 1 got 0"));
        }
        let mut value = Value::Nil;
        for arg in args {
            value = self.argument(dot, Type::Reflect, arg)?;
            if value.truth() == (name == "or") {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }

    /// There is no value that `call` could call; the arguments are evaluated before that comes out.
    fn call_of(&mut self, dot: &Value, given: Given<'t>) -> Walked<Value> {
        let Given { args, piped, at } = given;
        let mut values = Vec::new();
        for arg in args {
            values.push(self.argument(dot, Type::Reflect, arg)?);
        }
        values.extend(piped);
        let Some(value) = values.first() else {
            return self.fail("wrong number of args for call: want at least 1 got 0");
        };
        self.at = Some(at);
        let Some(own_type) = value.go_type() else { return self.fail("error calling call: call of nil") };
        let name = match (args.first(), value) {
            (Some(arg), _) => arg.to_string(),
            (None, Value::Text(text) | Value::Html(text)) => text.lossy().into_owned(),
            (None, _) => format!("<{own_type} Value>"),
        };
        self.fail(format!("error calling call: non-function {name} of type {own_type}"))
    }

    /// An argument as the type that is wanted.
    pub(super) fn argument(&mut self, dot: &Value, wanted: Type, term: &'t Term) -> Walked<Value> {
        self.at = Some(At::Term(term));
        self.pay(1)?;
        let found = match &term.word {
            Word::Dot => Found::plain(dot.clone()),
            Word::Nil if wanted.can_be_nil() => return Ok(zero(wanted)),
            Word::Nil => return self.fail(format!("cannot assign nil to {wanted}")),
            Word::Field(_) | Word::Chain(..) => self.fields(dot, term, alone(term))?,
            Word::Variable(names) if names.len() > 1 => self.fields(dot, term, alone(term))?,
            Word::Variable(names) => Found::plain(self.variable(&names[0])?),
            Word::Pipe(pipe) => Found::plain(crate::on_enough_stack(|| self.pipeline(dot, pipe))?),
            Word::Identifier(name) => Found::plain(self.function(dot, term, name, alone(term))?),
            Word::Bool(_) | Word::Number(_) | Word::Text(..) => return self.constant_as(dot, wanted, term),
        };
        self.checked(found, wanted)
    }

    /// A constant as the type that is wanted.
    fn constant_as(&mut self, dot: &Value, wanted: Type, term: &'t Term) -> Walked<Value> {
        let number = |pick: fn(&Number) -> Option<Value>| match &term.word {
            Word::Number(number) => pick(number),
            _ => None,
        };
        let (what, value) = match wanted.kind() {
            Kind::Interface => return self.constant(dot, term),
            Kind::Struct if wanted == Type::Reflect => return self.constant(dot, term),
            Kind::Bool => ("bool", if let Word::Bool(truth) = term.word { Some(Value::Bool(truth)) } else { None }),
            Kind::String => match &term.word {
                Word::Text(_, text) => ("string", Some(Value::Text(text.clone()))),
                _ => ("string", None),
            },
            Kind::Float => ("float", number(|number| number.float.map(Value::Float))),
            Kind::Int => ("integer", number(|number| number.int.map(Value::Int)).map(|value| as_type(value, wanted))),
            Kind::Uint => {
                ("unsigned integer", number(|n| n.uint.and_then(|uint| u8::try_from(uint).ok()).map(Value::Byte)))
            }
            Kind::Complex => ("complex", number(|number| number.complex.map(|(re, im)| Value::Complex(re, im)))),
            Kind::Invalid | Kind::Map | Kind::Slice | Kind::Struct | Kind::Pointer => {
                return self.fail(format!("can't handle {term} for arg of type {wanted}"));
            }
        };
        match value {
            Some(value) => Ok(value),
            None => self.fail(format!("expected {what}; found {term}")),
        }
    }

    /// A value as the type that is wanted, or Go's complaint.
    fn checked(&self, found: Found, wanted: Type) -> Walked<Value> {
        let Found { value, boxed } = found;
        let takes_any = matches!(wanted, Type::Interface | Type::Reflect);
        if matches!(value, Value::Nil) && (takes_any || !boxed) {
            if wanted.can_be_nil() {
                return Ok(zero(wanted));
            }
            return self.fail(format!("invalid value; expected {wanted}"));
        }
        match assignable(value, wanted) {
            Ok(value) => Ok(value),
            Err(value) => {
                let got = value.go_type().unwrap_or(Type::Interface);
                self.fail(format!("wrong type for value; expected {wanted}; got {got}"))
            }
        }
    }
}

/// What a function or a method is given that is itself an argument.
pub(super) const fn alone(term: &Term) -> Given<'_> {
    Given { args: &[], piped: None, at: At::Term(term) }
}

/// The nil of a type that has one.
fn zero(wanted: Type) -> Value {
    match wanted {
        Type::Samples => Value::Samples([].into()),
        Type::SamplePointer => Value::Sample(None),
        Type::Labels => Value::Labels(std::sync::Arc::default()),
        Type::Map => Value::Map(std::sync::Arc::default()),
        Type::Bytes => Value::Bytes([].into()),
        _ => Value::Nil,
    }
}

fn as_type(value: Value, wanted: Type) -> Value {
    match (value, wanted) {
        (Value::Int(n), Type::Int64) => Value::Int64(n),
        (Value::Int(n), Type::Duration) => Value::Duration(n),
        (Value::Int(n), Type::Month) => Value::Month(u32::try_from(n).unwrap_or(u32::MAX)),
        (Value::Int(n), Type::Weekday) => Value::Weekday(u32::try_from(n).unwrap_or(u32::MAX)),
        (value, _) => value,
    }
}

/// How much there is of a value, roughly, in bytes.
fn weight(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Html(text) => text.bytes().len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Labels(labels) => labels.len() * 32,
        Value::Map(map) => map.len() * 32,
        Value::Samples(samples) => samples.len() * 64,
        _ => 8,
    }
}
