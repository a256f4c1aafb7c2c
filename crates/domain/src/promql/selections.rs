//! Which series an expression looks for.

use promql_parser::{
    label::{MatchOp, Matcher, Matchers},
    parser::{BinaryExpr, Expr, VectorSelector, token},
};

use super::{ExprError, bare, on_enough_stack, tree};
use crate::labels::METRIC_NAME;

/// A selector of an expression, without what moves it in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// In the parser's normal form; an expression itself.
    pub text: String,
    /// The metric it names, if it names one.
    pub metric: Option<String>,
    /// The selector of that metric and nothing else.
    pub base: Option<String>,
    /// What it asks besides of labels. Nothing of a selector that has `or` between its matchers.
    pub matchers: Vec<LabelMatcher>,
    /// Where it stands if that is on a side of an `or`: which `or` of the expression, and which side, both from 0.
    pub side: Option<(usize, usize)>,
}

/// One matcher of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMatcher {
    /// `job="node"`.
    pub text: String,
    pub label: String,
    /// What the label has to be, if it has to be something.
    pub value: Option<String>,
    /// Whether it matches series that have no such label.
    pub is_optional: bool,
    /// The selector without it, if that is one.
    pub rest: Option<String>,
    /// It without the selector's other matchers, but for the metric's name; if that is a selector.
    pub alone: Option<String>,
}

/// The selectors of `text` that are meant to find something, in its order: not those within `absent` and
/// `absent_over_time`.
pub fn selections(text: &str) -> Result<Vec<Selection>, ExprError> {
    on_enough_stack(text, |text| {
        let mut collector = Collector::default();
        collector.collect(&tree(text)?, None);
        Ok(collector.found)
    })
}

#[derive(Default)]
struct Collector {
    found: Vec<Selection>,
    ors: usize,
}

impl Collector {
    fn collect(&mut self, expr: &Expr, side: Option<(usize, usize)>) {
        match expr {
            Expr::Aggregate(aggregate) => {
                if let Some(param) = &aggregate.param {
                    self.collect(param, side);
                }
                self.collect(&aggregate.expr, side);
            }
            Expr::Unary(unary) => self.collect(&unary.expr, side),
            // An `or` within a side of another is all of one side.
            Expr::Binary(binary) if is_or(binary) && side.is_none() => self.sides(binary),
            Expr::Binary(binary) => {
                self.collect(&binary.lhs, side);
                self.collect(&binary.rhs, side);
            }
            Expr::Paren(paren) => self.collect(&paren.expr, side),
            Expr::Subquery(subquery) => self.collect(&subquery.expr, side),
            Expr::VectorSelector(selector) => self.found.push(selection(selector, side)),
            Expr::MatrixSelector(matrix) => self.found.push(selection(&matrix.vs, side)),
            Expr::Call(call) if call.func.name.starts_with("absent") => {}
            Expr::Call(call) => {
                for argument in &call.args.args {
                    self.collect(argument, side);
                }
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    /// `a or b or c` is `(a or b) or c`, and has three sides.
    fn sides(&mut self, binary: &BinaryExpr) {
        let or = self.ors;
        self.ors += 1;
        let (mut sides, mut left) = (vec![&*binary.rhs], bare(&binary.lhs));
        while let Expr::Binary(inner) = left
            && is_or(inner)
        {
            sides.push(&inner.rhs);
            left = bare(&inner.lhs);
        }
        sides.push(left);
        for (number, side) in sides.into_iter().rev().enumerate() {
            self.collect(side, Some((or, number)));
        }
    }
}

fn is_or(binary: &BinaryExpr) -> bool {
    binary.op.id() == token::T_LOR
}

fn selection(selector: &VectorSelector, side: Option<(usize, usize)>) -> Selection {
    let VectorSelector { name, matchers: Matchers { matchers, or_matchers }, .. } = selector;
    let is_name = |matcher: &&Matcher| matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal;
    let named = matchers.iter().find(is_name);
    let metric = name.clone().or_else(|| named.map(|named| named.value.clone()));
    let text = VectorSelector { offset: None, at: None, ..selector.clone() }.to_string();
    let base = text_of(name.as_ref(), named.into_iter().cloned().collect()).filter(|_| metric.is_some());
    let mut described = Vec::new();
    for (index, matcher) in matchers.iter().enumerate().filter(|_| or_matchers.is_empty()) {
        if named.is_some_and(|named| std::ptr::eq(named, matcher)) {
            continue;
        }
        let others = matchers.iter().enumerate().filter(|(other, _)| *other != index);
        described.push(LabelMatcher {
            text: matcher.to_string(),
            label: matcher.name.clone(),
            value: (matcher.op == MatchOp::Equal).then(|| matcher.value.clone()),
            is_optional: matcher.is_match(""),
            rest: text_of(name.as_ref(), others.map(|(_, other)| other.clone()).collect()),
            alone: text_of(name.as_ref(), named.into_iter().chain([matcher]).cloned().collect()),
        });
    }
    Selection { text, metric, base, matchers: described, side }
}

/// A selector of these, if it would not select everything.
fn text_of(name: Option<&String>, matchers: Vec<Matcher>) -> Option<String> {
    let selects = name.is_some() || matchers.iter().any(|matcher| !matcher.is_match(""));
    let matchers = Matchers { matchers, or_matchers: Vec::new() };
    let selector = VectorSelector { name: name.cloned(), matchers, offset: None, at: None };
    selects.then(|| selector.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        selections(text).unwrap().into_iter().map(|selection| selection.text).collect()
    }

    #[test]
    fn selectors_are_told_without_their_times_and_without_those_that_are_to_be_absent() {
        for (text, expected) in [
            ("up == 0", &["up"][..]),
            ("rate(a{b=\"c\"}[5m] offset 1h) > on () (d @ 0)", &["a{b=\"c\"}", "d"]),
            ("topk(scalar(k), x) / max_over_time(y[1h:1m])", &["k", "x", "y"]),
            ("absent(up) or absent_over_time(x[5m]) or y", &["y"]),
            ("vector(1) + time()", &[]),
            ("{__name__=\"a.b\",c!=\"d\"}", &["{__name__=\"a.b\",c!=\"d\"}"]),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
        assert!(selections("rate(").is_err());
    }

    #[test]
    fn the_sides_of_an_or_are_told_apart() {
        let side = |text: &str| -> Vec<_> {
            selections(text).unwrap().into_iter().map(|selection| (selection.text, selection.side)).collect()
        };
        let at = |text: &str, side| (text.to_owned(), side);
        assert_eq!(
            side("a + ((b or c) or d * e) > (f or vector(0))"),
            [
                at("a", None),
                at("b", Some((0, 0))),
                at("c", Some((0, 1))),
                at("d", Some((0, 2))),
                at("e", Some((0, 2))),
                at("f", Some((1, 0))),
            ]
        );
        assert_eq!(side("a or (b + (c or d))").iter().filter(|(_, side)| *side == Some((0, 1))).count(), 3);
    }

    #[test]
    fn each_matcher_is_told_with_what_is_left_without_it() {
        let of = |text: &str| selections(text).unwrap().remove(0);
        let up = of("up{job=\"node\",mode!~\"a|b\"}");
        assert_eq!((up.metric.as_deref(), up.base.as_deref()), (Some("up"), Some("up")));
        let told = up.matchers.iter().map(|matcher| (matcher.text.as_str(), matcher.value.as_deref()));
        let told: Vec<_> = told.collect();
        assert_eq!(told, [("job=\"node\"", Some("node")), ("mode!~\"a|b\"", None)]);
        let [job, mode] = &up.matchers[..] else { panic!("{up:?}") };
        assert_eq!((job.rest.as_deref(), job.alone.as_deref()), (Some("up{mode!~\"a|b\"}"), Some("up{job=\"node\"}")));
        assert_eq!((job.is_optional, mode.is_optional), (false, true));

        let nameless = of("{__name__=~\"a.*\",job!=\"x\"}");
        assert_eq!((&nameless.metric, &nameless.base), (&None, &None));
        let [name, job] = &nameless.matchers[..] else { panic!("{nameless:?}") };
        assert_eq!((name.rest.as_deref(), name.alone.as_deref()), (None, Some("{__name__=~\"a.*\"}")));
        assert_eq!((job.rest.as_deref(), job.alone.as_deref()), (Some("{__name__=~\"a.*\"}"), None));

        let quoted = of("{__name__=\"a.b\",job=\"x\"}");
        assert_eq!((quoted.metric.as_deref(), quoted.base.as_deref()), (Some("a.b"), Some("{__name__=\"a.b\"}")));
        assert_eq!(quoted.matchers[0].alone.as_deref(), Some("{__name__=\"a.b\",job=\"x\"}"));
        assert_eq!(quoted.matchers[0].rest.as_deref(), Some("{__name__=\"a.b\"}"));
        assert_eq!(of("x{a=\"1\" or b=\"2\"}").matchers, []);
    }

    #[test]
    fn deep_nesting_is_answered_not_crashed_on() {
        assert_eq!(texts(&format!("x{}", " or x".repeat(3_000))).len(), 3_001);
        assert_eq!(texts(&format!("{}x{}", "abs(".repeat(2_000), ")".repeat(2_000))), ["x"]);
    }
}
