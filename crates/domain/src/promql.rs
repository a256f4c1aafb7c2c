//! `PromQL` text: parsing, normal form, and tying an expression to one server.
//!
//! Everything works on the parsed expression, never on its text. Nothing of the tree leaves this module, because a
//! deeply nested one overflows an ordinary stack: such expressions are handled on a large stack of their own.

mod bounds;
mod never;
mod selections;
mod selector;
mod windows;

use promql_parser::{
    label::{MatchOp, Matcher, Matchers},
    parser::{self, Call, Expr, VectorSelector, value::ValueType},
};

pub use self::selector::{Selector, SelectorError};
use crate::Labels;

pub use never::never;
pub use selections::{LabelMatcher, Selection, selections};
pub use windows::{Window, windows};

/// The longest expression accepted, in bytes.
pub const LONGEST: usize = 16 * 1024;
/// Deeper nesting than this is handled on a larger stack.
const SHALLOW: usize = 64;
/// Enough for the deepest tree that [`LONGEST`] bytes can describe.
const DEEP_STACK: usize = 128 * 1024 * 1024;

/// What is known about an expression after parsing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The expression in the parser's normal form, with infinity signed as Prometheus does; it parses to itself.
    pub text: String,
    /// Whether an instant query of it yields a vector or a scalar, so that a rule can use it.
    pub usable_by_rule: bool,
    /// How many series selectors it has.
    pub selectors: usize,
}

/// Why an expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    #[error("write a PromQL expression, such as up == 0")]
    Empty,
    #[error("is longer than {LONGEST} bytes")]
    TooLong,
    #[error("could not parse expression: {0}")]
    Syntax(String),
    #[error("has no series selector that could be tied to the server; name a metric, or leave out server_id")]
    NoSelector,
    #[error("evaluates to a string or a range vector; a rule needs an instant vector or a scalar")]
    NotEvaluable,
}

/// Parses `text` and says what is in it.
pub fn parse(text: &str) -> Result<Parsed, ExprError> {
    on_enough_stack(text, |text| Ok(describe(tree(text)?)))
}

/// Adds `label="value"` for each of `labels` to every selector of `text`: in subqueries, both sides of operators,
/// arguments and aggregation parameters. Matchers that are there stay, so a contradiction matches nothing.
pub fn scope(text: &str, labels: &Labels) -> Result<Parsed, ExprError> {
    on_enough_stack(text, |text| {
        let mut expr = tree(text)?;
        let mut selectors = 0;
        each_selector(&mut expr, &mut |selector| {
            selectors += 1;
            restrict(selector, labels);
        });
        if selectors == 0 {
            return Err(ExprError::NoSelector);
        }
        Ok(describe(expr))
    })
}

/// Quotes a label's value for use in a selector.
pub fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for c in value.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn on_enough_stack<T: Send>(
    text: &str,
    work: impl FnOnce(&str) -> Result<T, ExprError> + Send,
) -> Result<T, ExprError> {
    match text.trim() {
        "" => return Err(ExprError::Empty),
        text if text.len() > LONGEST => return Err(ExprError::TooLong),
        _ => {}
    }
    // Every level of the tree needs one of these characters or a word operator, which comes with two spaces.
    let nesting = text.chars().filter(|c| "([{+-*/%^<>=!~@ \n\t".contains(*c)).count();
    if nesting <= SHALLOW {
        return work(text);
    }
    std::thread::scope(|scope| {
        let deep = std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, || work(text));
        let outcome = deep.map(std::thread::ScopedJoinHandle::join);
        match outcome {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(ExprError::Syntax("the parser gave up on this expression".to_owned())),
        }
    })
}

/// Without the parentheses around it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => bare(&paren.expr),
        _ => expr,
    }
}

fn tree(text: &str) -> Result<Expr, ExprError> {
    let expr = parser::parse(text).map_err(ExprError::Syntax)?;
    typed(&expr)?;
    Ok(expr)
}

/// The parser lets `exp` and the logarithms be of some numbers, such as `ln(-1)`, which Prometheus refuses.
fn typed(expr: &Expr) -> Result<(), ExprError> {
    let mut left = vec![expr];
    while let Some(expr) = left.pop() {
        match expr {
            Expr::Aggregate(aggregate) => left.extend(aggregate.param.as_deref().into_iter().chain([&*aggregate.expr])),
            Expr::Unary(unary) => left.push(&unary.expr),
            Expr::Binary(binary) => left.extend([&*binary.lhs, &*binary.rhs]),
            Expr::Paren(paren) => left.push(&paren.expr),
            Expr::Subquery(subquery) => left.push(&subquery.expr),
            Expr::Call(call) => {
                typed_call(call)?;
                left.extend(call.args.args.iter().map(|argument| &**argument));
            }
            _ => {}
        }
    }
    Ok(())
}

fn typed_call(call: &Call) -> Result<(), ExprError> {
    let types = &call.func.arg_types;
    for (index, argument) in call.args.args.iter().enumerate() {
        let (expected, actual) = (types.get(index).or(types.last()), argument.value_type());
        if let Some(expected) = expected.filter(|expected| **expected != actual) {
            let name = call.func.name;
            let text = format!("expected type {expected} in call to function '{name}', got {actual}");
            return Err(ExprError::Syntax(text));
        }
    }
    Ok(())
}

fn describe(mut expr: Expr) -> Parsed {
    let mut selectors = 0;
    each_selector(&mut expr, &mut |_| selectors += 1);
    let usable_by_rule = matches!(expr.value_type(), ValueType::Vector | ValueType::Scalar);
    Parsed { text: written(expr), usable_by_rule, selectors }
}

/// In the parser's normal form, but for infinity: it has its sign.
fn written(mut expr: Expr) -> String {
    each_leaf(&mut expr, &mut |leaf| {
        if let Expr::NumberLiteral(literal) = leaf {
            // What stands for the name of a metric is written as it is.
            let name = Some(vigil_template::number(literal.val));
            *leaf = Expr::VectorSelector(VectorSelector::new(name, Matchers::empty()));
        }
    });
    expr.to_string()
}

fn each_selector(expr: &mut Expr, visit: &mut impl FnMut(&mut VectorSelector)) {
    each_leaf(expr, &mut |leaf| match leaf {
        Expr::VectorSelector(selector) => visit(selector),
        Expr::MatrixSelector(matrix) => visit(&mut matrix.vs),
        _ => {}
    });
}

/// Visits what consists of no other expressions.
fn each_leaf(expr: &mut Expr, visit: &mut impl FnMut(&mut Expr)) {
    match expr {
        Expr::Aggregate(aggregate) => {
            if let Some(param) = &mut aggregate.param {
                each_leaf(param, visit);
            }
            each_leaf(&mut aggregate.expr, visit);
        }
        Expr::Unary(unary) => each_leaf(&mut unary.expr, visit),
        Expr::Binary(binary) => {
            each_leaf(&mut binary.lhs, visit);
            each_leaf(&mut binary.rhs, visit);
        }
        Expr::Paren(paren) => each_leaf(&mut paren.expr, visit),
        Expr::Subquery(subquery) => each_leaf(&mut subquery.expr, visit),
        Expr::Call(call) => call.args.args.iter_mut().for_each(|argument| each_leaf(argument, visit)),
        Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::Extension(_) => visit(expr),
    }
}

fn restrict(selector: &mut VectorSelector, labels: &Labels) {
    let Matchers { matchers, or_matchers } = &mut selector.matchers;
    let added = || labels.iter().map(|(name, value)| Matcher::new(MatchOp::Equal, name, value));
    if or_matchers.is_empty() {
        matchers.extend(added());
    }
    for alternative in or_matchers {
        alternative.extend(added());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scoped(text: &str) -> String {
        scope(text, &Labels::from([("instance", "web-1:9100")])).unwrap().text
    }

    #[test]
    fn every_selector_is_tied_to_the_server() {
        for (text, expected) in [
            ("up", r#"up{instance="web-1:9100"}"#),
            ("up == 0 or absent(up)", r#"up{instance="web-1:9100"} == 0 or absent(up{instance="web-1:9100"})"#),
            (r#"rate(x{job="a"}[5m])"#, r#"rate(x{instance="web-1:9100",job="a"}[5m])"#),
            ("max_over_time(rate(x[1m])[1h:1m])", r#"max_over_time(rate(x{instance="web-1:9100"}[1m])[1h:1m])"#),
            ("topk(scalar(k), x)", r#"topk(scalar(k{instance="web-1:9100"}), x{instance="web-1:9100"})"#),
            ("x offset 5m", r#"x{instance="web-1:9100"} offset 5m"#),
            ("-x", r#"-x{instance="web-1:9100"}"#),
            (r#"{__name__="x"}"#, r#"{__name__="x",instance="web-1:9100"}"#),
        ] {
            assert_eq!(scoped(text), expected, "{text}");
        }
    }

    #[test]
    fn each_alternative_of_an_or_selector_is_tied() {
        let text = scoped(r#"x{a="1" or b="2"}"#);
        assert_eq!(text.matches(r#"instance="web-1:9100""#).count(), 2, "{text}");
    }

    #[test]
    fn the_result_parses_to_itself() {
        for text in [
            "up",
            "x @ 1609746000 offset -5m",
            "x @ start() > 3",
            r#"sum by (a, b) (rate(x{l=~"a.*|b"}[5m])) / on (a) group_left (c) y > bool 1"#,
            r#"label_replace(x, "a", "$1", "b", "(.*)\\d")"#,
            "quantile_over_time(0.9, x[1h:5m] @ end() offset 1m)",
            r#"x{a="1" or b="2"}"#,
            "-x ^ 2 unless on () y",
            "1.5e9 * x == -Inf",
        ] {
            let once = scoped(text);
            assert_eq!(parse(&once).unwrap().text, once, "{text}");
            let plain = parse(text).unwrap().text;
            assert_eq!(parse(&plain).unwrap().text, plain, "{text}");
        }
    }

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        for (text, expected) in [
            ("x == Inf", "x == +Inf"),
            ("x == +inf or y == -Inf or z == NaN", "x == +Inf or y == -Inf or z == NaN"),
            ("clamp(x, -Inf, Inf) ^ Inf", "clamp(x, -Inf, +Inf) ^ +Inf"),
            ("Inf ^ 2", "+Inf ^ 2"),
            ("topk(0x10, x)", "topk(16, x)"),
            ("x > 123456.5", "x > 123456.5"),
            ("x > 1000000", "x > 1000000"),
            ("-(x) > -1073741824", "-(x) > -1073741824"),
            ("x[5m:30s] offset 1d", "x[5m:30s] offset 1d"),
            ("quantile_over_time(0.0001, x[5m]) < 0.00001", "quantile_over_time(0.0001, x[5m]) < 0.00001"),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!(parsed.text, expected, "{text}");
            assert_eq!(parse(expected).unwrap(), parsed, "it reads back");
        }
    }

    #[test]
    fn a_value_cannot_break_out_of_its_quotes() {
        let sly = Labels::from([("instance", "a\"} or {x=\"\\\n")]);
        let scoped = scope("up", &sly).unwrap();
        assert_eq!(scoped.selectors, 1);
        assert_eq!(parse(&scoped.text).unwrap(), scoped);
        assert_eq!(format!("up{{instance={}}}", quote("a\"} or {x=\"\\\n")), scoped.text);
    }

    #[test]
    fn an_expression_without_a_selector_cannot_be_tied() {
        assert_eq!(scope("vector(1) > 0", &Labels::default()), Err(ExprError::NoSelector));
        assert_eq!(parse("").unwrap_err(), ExprError::Empty);
        assert!(matches!(parse("sum("), Err(ExprError::Syntax(_))));
        for text in ["ln(-10) or x", "sum(exp(Inf))", "topk(scalar(x), log2((0)))"] {
            assert!(matches!(parse(text), Err(ExprError::Syntax(why)) if why.ends_with("got scalar")), "{text}");
        }
        assert!(!parse("x[5m]").unwrap().usable_by_rule);
        assert!(!parse("\"text\"").unwrap().usable_by_rule);
        assert!(parse("1").unwrap().usable_by_rule);
    }

    #[test]
    fn deep_nesting_is_answered_not_crashed_on() {
        for text in [
            format!("{}x{}", "(".repeat(7_000), ")".repeat(7_000)),
            format!("x{}", "+x".repeat(7_000)),
            format!("{}x", "-".repeat(14_000)),
            "(".repeat(16_000),
        ] {
            let _ = parse(&text);
            let _ = scope(&text, &Labels::from([("instance", "a")]));
        }
        assert_eq!(parse(&"x".repeat(LONGEST + 1)), Err(ExprError::TooLong));
    }
}
