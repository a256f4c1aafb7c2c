//! The functions that every Go template has.

mod compare;
mod element;
mod escape;

use crate::{
    function::{Env, Failure, Function},
    printf,
    value::{Type, Value},
};

type Outcome = Result<Value, Failure>;

/// A builtin function other than `and`, `or` and `call`, which the walk evaluates itself.
pub(crate) fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

const ONE: &[Type] = &[Type::Reflect];
const TWO: &[Type] = &[Type::Reflect, Type::Reflect];
const ANY: Option<Type> = Some(Type::Interface);
const MORE: Option<Type> = Some(Type::Reflect);

static FUNCTIONS: [Function; 16] = [
    Function { name: "index", params: ONE, variadic: MORE, call: element::index },
    Function { name: "slice", params: ONE, variadic: MORE, call: element::slice },
    Function { name: "len", params: ONE, variadic: None, call: element::len },
    Function { name: "not", params: ONE, variadic: None, call: not },
    Function { name: "eq", params: ONE, variadic: MORE, call: compare::eq },
    Function { name: "ne", params: TWO, variadic: None, call: compare::ne },
    Function { name: "lt", params: TWO, variadic: None, call: compare::lt },
    Function { name: "le", params: TWO, variadic: None, call: compare::le },
    Function { name: "gt", params: TWO, variadic: None, call: compare::gt },
    Function { name: "ge", params: TWO, variadic: None, call: compare::ge },
    Function { name: "print", params: &[], variadic: ANY, call: print },
    Function { name: "println", params: &[], variadic: ANY, call: println },
    Function { name: "printf", params: &[Type::String], variadic: ANY, call: printf },
    Function { name: "html", params: &[], variadic: ANY, call: escape::html },
    Function { name: "js", params: &[], variadic: ANY, call: escape::js },
    Function { name: "urlquery", params: &[], variadic: ANY, call: escape::urlquery },
];

fn not(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::Bool(!args[0].truth()))
}

fn print(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::text(printf::sprint(&args)))
}

fn println(_: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    Ok(Value::text(printf::sprintln(&args)))
}

fn printf(env: &mut Env<'_>, args: Vec<Value>) -> Outcome {
    let format = match &args[0] {
        Value::Text(text) | Value::Html(text) => text.clone(),
        _ => "".into(),
    };
    match printf::sprintf(format.bytes(), &args[1..], env.bytes) {
        Ok(text) => Ok(Value::text(text)),
        Err(_) => Err(Failure::new(format!("the text is longer than {} bytes", env.bytes))),
    }
}
