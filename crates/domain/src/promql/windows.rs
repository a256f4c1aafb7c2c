//! How far back the functions of an expression look.

use promql_parser::parser::{Expr, VectorSelector};

use super::{ExprError, bare, on_enough_stack, tree};
use crate::Span;

/// A range selector, and the function it is handed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// `rate`, say.
    pub function: &'static str,
    /// `http_requests_total{job="api"}[5m]` in the parser's normal form, with what moves it.
    pub selector: String,
    /// `http_requests_total{job="api"}`: which series that is.
    pub series: String,
    /// How far back it looks.
    pub range: Span,
}

/// The range selectors in `text`, in its order. Subqueries are none: their points are as dense as they say.
pub fn windows(text: &str) -> Result<Vec<Window>, ExprError> {
    on_enough_stack(text, |text| {
        let mut found = Vec::new();
        collect(&tree(text)?, &mut found);
        Ok(found)
    })
}

fn collect(expr: &Expr, found: &mut Vec<Window>) {
    match expr {
        Expr::Aggregate(aggregate) => {
            if let Some(param) = &aggregate.param {
                collect(param, found);
            }
            collect(&aggregate.expr, found);
        }
        Expr::Unary(unary) => collect(&unary.expr, found),
        Expr::Binary(binary) => {
            collect(&binary.lhs, found);
            collect(&binary.rhs, found);
        }
        Expr::Paren(paren) => collect(&paren.expr, found),
        Expr::Subquery(subquery) => collect(&subquery.expr, found),
        Expr::Call(call) => {
            for argument in &call.args.args {
                if let Expr::MatrixSelector(matrix) = bare(argument) {
                    let millis = u64::try_from(matrix.range.as_millis()).unwrap_or(u64::MAX);
                    let (selector, range) = (matrix.to_string(), Span::from_millis(millis));
                    let series = VectorSelector { offset: None, at: None, ..matrix.vs.clone() }.to_string();
                    found.push(Window { function: call.func.name, selector, series, range });
                }
                collect(argument, found);
            }
        }
        Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::Extension(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_selectors_are_told_with_their_functions() {
        let text = "sum(rate((a{b=\"c\"}[5m]))) / max_over_time(deriv(d[90s] offset 1h)[1h:1m]) > increase(e[1d])";
        let found = windows(text).unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.function, one.selector.as_str(), one.range.millis())).collect();
        let series: Vec<_> = found.iter().map(|one| one.series.as_str()).collect();
        assert_eq!(series, ["a{b=\"c\"}", "d", "e"]);
        assert_eq!(
            told,
            [
                ("rate", "a{b=\"c\"}[5m]", 300_000),
                ("deriv", "d[1m30s] offset 1h", 90_000),
                ("increase", "e[1d]", 86_400_000),
            ]
        );
        assert_eq!(windows("up == 0").unwrap(), []);
        assert!(windows("rate(").is_err());
    }
}
