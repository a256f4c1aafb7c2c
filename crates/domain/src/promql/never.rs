//! Conditions that cannot be true.

use promql_parser::{
    label::{MatchOp, Matcher},
    parser::{BinaryExpr, Call, Expr, VectorSelector, token, value::ValueType},
};

use super::{
    bare,
    bounds::{Bounds, bounds, fills},
    on_enough_stack, tree, written,
};
use crate::number;

/// Functions that yield nothing when their first argument is nothing.
const OF_THEIR_ARGUMENT: [&str; 17] = [
    "abs",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "exp",
    "floor",
    "label_join",
    "label_replace",
    "ln",
    "log10",
    "log2",
    "round",
    "sgn",
    "sort",
    "sort_desc",
    "sqrt",
];

/// Longer expressions are cut, in characters.
const LONGEST_SHOWN: usize = 100;

/// Why the expression in `text` yields nothing whatever the data, as far as that is certain.
pub fn never(text: &str) -> Option<String> {
    on_enough_stack(text, |text| Ok(empty(&tree(text)?))).unwrap_or_default()
}

/// Why an instant vector is always empty.
fn empty(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Paren(paren) => empty(&paren.expr),
        Expr::Unary(unary) => empty(&unary.expr),
        Expr::Aggregate(aggregate) => empty(&aggregate.expr),
        Expr::Binary(binary) => of_binary(binary),
        Expr::Call(call) => of_call(call),
        Expr::VectorSelector(selector) => of_selector(selector),
        Expr::MatrixSelector(matrix) => of_selector(&matrix.vs),
        Expr::Subquery(_) | Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => None,
    }
}

fn of_call(call: &Call) -> Option<String> {
    let first = call.args.args.first()?;
    let of_a_range = first.value_type() == ValueType::Matrix && !call.func.name.starts_with("absent");
    if of_a_range || OF_THEIR_ARGUMENT.contains(&call.func.name) { empty(first) } else { None }
}

fn of_binary(binary: &BinaryExpr) -> Option<String> {
    if fills(binary) {
        return None;
    }
    match binary.op.id() {
        token::T_LOR => {
            let left = empty(&binary.lhs)?;
            empty(&binary.rhs).map(|_| left)
        }
        token::T_LUNLESS => empty(&binary.lhs),
        token::T_LAND => empty(&binary.lhs).or_else(|| empty(&binary.rhs)).or_else(|| contradiction(binary)),
        _ => empty(&binary.lhs).or_else(|| empty(&binary.rhs)).or_else(|| comparison(binary)),
    }
}

/// A comparison that no value satisfies.
fn comparison(binary: &BinaryExpr) -> Option<String> {
    let scalars = [&binary.lhs, &binary.rhs].iter().all(|side| side.value_type() == ValueType::Scalar);
    if !binary.op.is_comparison_operator() || binary.return_bool() || scalars {
        return None;
    }
    let (left, right) = (bounds(&binary.lhs), bounds(&binary.rhs));
    if !left.never(binary.op.id(), right) {
        return None;
    }
    let told = [(&binary.lhs, left), (&binary.rhs, right)];
    let told = told.into_iter().filter(|(side, _)| !matches!(bare(side), Expr::NumberLiteral(_)));
    let told = told.filter_map(|(side, bounds)| Some(format!("`{}` {}", short((**side).clone()), describe(bounds)?)));
    let told: Vec<_> = told.collect();
    let why = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    let hint = if compares_a_count(binary) { "; a count of nothing is no value, ask absent() instead" } else { "" };
    Some(format!("`{}` is never true{why}{hint}", short(Expr::Binary(binary.clone()))))
}

/// `x > 5 and x < 3`: two comparisons of the same with what cannot both be.
fn contradiction(binary: &BinaryExpr) -> Option<String> {
    let matched_by_all_labels = binary.modifier.as_ref().is_none_or(|modifier| modifier.matching.is_none());
    let (Expr::Binary(left), Expr::Binary(right)) = (bare(&binary.lhs), bare(&binary.rhs)) else { return None };
    let both = [left, right];
    let compare = both.iter().all(|side| {
        side.op.is_comparison_operator()
            && !side.return_bool()
            && side.lhs.value_type() == ValueType::Vector
            && matches!(bare(&side.rhs), Expr::NumberLiteral(_))
    });
    if !compare || !matched_by_all_labels || left.lhs.to_string() != right.lhs.to_string() {
        return None;
    }
    let never = bounds(&binary.lhs).never(right.op.id(), bounds(&right.rhs));
    never.then(|| format!("`{}` is never true: no value is both", short(Expr::Binary(binary.clone()))))
}

fn compares_a_count(binary: &BinaryExpr) -> bool {
    let is_count = |side: &Expr| matches!(bare(side), Expr::Aggregate(of) if of.op.id() == token::T_COUNT);
    is_count(&binary.lhs) || is_count(&binary.rhs)
}

fn describe(bounds: Bounds) -> Option<String> {
    // Without the sign of a negative zero.
    let (low, high) = (bounds.low + 0.0, bounds.high + 0.0);
    match (low.is_finite(), high.is_finite()) {
        (true, true) if low.total_cmp(&high).is_eq() => Some(format!("is always {}", number::format(low))),
        (true, true) => Some(format!("is from {} to {}", number::format(low), number::format(high))),
        (true, false) => Some(format!("is never below {}", number::format(low))),
        (false, true) => Some(format!("is never above {}", number::format(high))),
        (false, false) => None,
    }
}

/// A selector whose matchers contradict each other.
fn of_selector(selector: &VectorSelector) -> Option<String> {
    if !selector.matchers.or_matchers.is_empty() {
        return None;
    }
    let matchers = &selector.matchers.matchers;
    // The parser's dots do not match newlines, Prometheus' do.
    let is_known = |matcher: &&Matcher| matcher.op == MatchOp::Equal && !matcher.value.contains('\n');
    let (one, other) = matchers.iter().filter(is_known).find_map(|wanted| {
        let other = matchers.iter().find(|other| other.name == wanted.name && !other.is_match(&wanted.value))?;
        Some((wanted, other))
    })?;
    let shown = short(Expr::VectorSelector(selector.clone()));
    Some(format!("`{shown}` selects nothing: no series has both {one} and {other}"))
}

/// An expression as far as it fits into a message.
fn short(expr: Expr) -> String {
    let text = written(expr);
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_true_is_told_with_its_reason() {
        for (text, reason) in [
            (
                "count(up{job=\"a\"}) == 0",
                "`count(up{job=\"a\"}) == 0` is never true: `count(up{job=\"a\"})` is never below 1; \
                 a count of nothing is no value, ask absent() instead",
            ),
            (
                "sum(count by (a) (x)) < 1",
                "`sum(count by (a) (x)) < 1` is never true: `sum(count by (a) (x))` is never below 1",
            ),
            ("absent(x) == 0", "`absent(x) == 0` is never true: `absent(x)` is always 1"),
            ("absent(x) * 2 > 2", "`absent(x) * 2 > 2` is never true: `absent(x) * 2` is always 2"),
            ("day_of_week() == 7", "`day_of_week() == 7` is never true: `day_of_week()` is from 0 to 6"),
            ("3 > (x > 5)", "`3 > (x > 5)` is never true: `(x > 5)` is never below 5"),
            ("x > 5 < 3", "`x > 5 < 3` is never true: `x > 5` is never below 5"),
            ("-abs(x) > 0", "`-abs(x) > 0` is never true: `-abs(x)` is never above 0"),
            ("x == NaN", "`x == NaN` is never true"),
            ("x > Inf", "`x > +Inf` is never true"),
            ("vector(1) > 2", "`vector(1) > 2` is never true: `vector(1)` is always 1"),
            ("x > 5 and x < 3", "`x > 5 and x < 3` is never true: no value is both"),
            ("rate(x[5m]) and (absent(y) == 0)", "`absent(y) == 0` is never true: `absent(y)` is always 1"),
            ("sum(x{a=\"1\",a=\"2\"})", "`x{a=\"1\",a=\"2\"}` selects nothing: no series has both a=\"1\" and a=\"2\""),
            (
                "rate(x{a=\"1\",a!~\"1|2\"}[5m])",
                "`x{a!~\"1|2\",a=\"1\"}` selects nothing: no series has both a=\"1\" and a!~\"1|2\"",
            ),
        ] {
            assert_eq!(never(text).unwrap_or_default(), reason, "{text}");
        }
    }

    #[test]
    fn what_may_be_true_is_left_alone() {
        for text in [
            "up == 0",
            "count(up) == 1",
            "count(up) <= 1",
            "count(x) < bool 1",
            "count(x) != 0",
            "absent(x)",
            "absent(count(x) == 0)",
            "absent_over_time(x{a=\"1\",a=\"2\"}[5m])",
            "(count(x) == 0) or y",
            "x unless (count(x) == 0)",
            "x > 5 and on (a) x < 3",
            "x > 5 and y < 3",
            "x > 5 and x < 8",
            "x > 5 == 5",
            "sum(x) < 0",
            "rate(x[5m]) < 0",
            "time() - x > 3600",
            "hour() >= 22 or hour() < 6",
            "x{a=\"1\",a=~\"1|2\",b!=\"1\"}",
            "x{a=\"1\" or a=\"2\"}",
            "1",
            "0 > bool 1",
            "scalar(x) > bool 1",
            "clamp_max(x, 5) >= 5",
            "label_replace(x, \"a\", \"$1\", \"b\", \"(.*)\") > 0",
            "not valid (",
        ] {
            assert_eq!(never(text), None, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_answered_not_crashed_on() {
        let deep = format!("{}x{} == NaN", "abs(".repeat(2_000), ")".repeat(2_000));
        assert!(never(&deep).is_some());
        assert_eq!(never(&format!("{}x", "-".repeat(14_000))), None);
    }
}
