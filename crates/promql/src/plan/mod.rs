//! An expression as a list of nodes, each after those it needs, so that running it needs no recursion.

mod calls;
mod selectors;

pub(crate) use selectors::matchers;

use promql_parser::{
    label::Labels,
    parser::{AggregateExpr, BinaryExpr, Expr, LabelModifier, VectorMatchCardinality, token, value::ValueType},
};

use crate::{
    Options, QueryError, Select,
    aggregate::{Aggregate, Aggregation},
    binary::{Binary, Cardinality, Operator},
    functions::Call,
    matching::KeyLabels,
    selector::{Refs, Source},
    value::Grid,
};

/// The index of a node.
pub(crate) type NodeId = usize;

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Number(f64),
    Text(String),
    /// An instant selector; with `stamps` its values are the points' times in seconds.
    Instant {
        select: usize,
        refs: Refs,
        stamps: bool,
    },
    /// A range selector or subquery that is the whole query.
    Ranges(Source),
    /// The same value at every moment.
    Repeat(NodeId),
    Negate(NodeId),
    Binary(Box<Binary>),
    Aggregate(Box<Aggregate>),
    Call(Box<Call>),
}

impl Kind {
    /// Whether what this yields is surely in the order of the labels, as what is fetched is.
    fn is_in_order(&self) -> bool {
        match self {
            Self::Instant { .. } => true,
            Self::Call(call) => matches!(**call, Call::OverTime { source: Source::Select { .. }, .. }),
            _ => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) grid: Grid,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Node>,
    pub(crate) selects: Vec<Select>,
    pub(crate) result: ValueType,
}

/// What planning an expression needs to know.
pub(crate) struct Planner<'a> {
    options: &'a Options,
    grid: Grid,
    /// The end that was asked for; the last step may lie before it.
    end_ms: i64,
    nodes: Vec<Node>,
    selects: Vec<Select>,
    /// Whether the text may hold an `@` at all.
    fixed: bool,
}

impl<'a> Planner<'a> {
    pub(crate) fn plan(
        expr: &Expr,
        text: &str,
        grid: Grid,
        end_ms: i64,
        options: &'a Options,
    ) -> Result<Plan, QueryError> {
        let mut planner = Self {
            options,
            grid,
            end_ms,
            nodes: Vec::new(),
            selects: Vec::new(),
            fixed: text.contains('@') && grid.count > 1,
        };
        let result = expr.value_type();
        if result == ValueType::Matrix {
            let source = planner.source(expr, grid)?;
            planner.push(Kind::Ranges(source), grid);
        } else {
            planner.expr(expr, grid)?;
        }
        Ok(Plan { nodes: planner.nodes, selects: planner.selects, result })
    }

    fn push(&mut self, kind: Kind, grid: Grid) -> NodeId {
        self.nodes.push(Node { kind, grid });
        self.nodes.len() - 1
    }

    fn expr(&mut self, expr: &Expr, grid: Grid) -> Result<NodeId, QueryError> {
        if self.fixed && grid.count > 1 && is_fixed(expr) {
            let once = self.node(expr, Grid { count: 1, ..grid })?;
            return Ok(self.push(Kind::Repeat(once), grid));
        }
        self.node(expr, grid)
    }

    fn node(&mut self, expr: &Expr, grid: Grid) -> Result<NodeId, QueryError> {
        let kind = match expr {
            Expr::Paren(paren) => return self.expr(&paren.expr, grid),
            Expr::NumberLiteral(number) => Kind::Number(number.val),
            Expr::StringLiteral(text) => Kind::Text(text.val.clone()),
            Expr::VectorSelector(selector) => self.instant(selector, grid, false)?,
            Expr::Unary(unary) => Kind::Negate(self.expr(&unary.expr, grid)?),
            Expr::Binary(binary) => Kind::Binary(Box::new(self.binary(binary, grid)?)),
            Expr::Aggregate(aggregate) => Kind::Aggregate(Box::new(self.aggregate(aggregate, grid)?)),
            Expr::Call(call) => self.call(call, grid)?,
            Expr::MatrixSelector(_) | Expr::Subquery(_) => {
                return Err(QueryError::BadExpression("a range vector is not allowed here".to_owned()));
            }
            Expr::Extension(_) => return Err(QueryError::Unsupported("an extension expression".to_owned())),
        };
        Ok(self.push(kind, grid))
    }

    fn binary(&mut self, expr: &BinaryExpr, grid: Grid) -> Result<Binary, QueryError> {
        let op = Operator::of(expr.op.id()).ok_or_else(|| QueryError::Unsupported(format!("operator {}", expr.op)))?;
        let modifier = expr.modifier.clone().unwrap_or_default();
        if modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some() {
            return Err(QueryError::Unsupported("the modifier fill (experimental)".to_owned()));
        }
        let (cardinality, include) = match &modifier.card {
            VectorMatchCardinality::OneToOne => (Cardinality::OneToOne, Vec::new()),
            VectorMatchCardinality::ManyToMany => (Cardinality::ManyToMany, Vec::new()),
            VectorMatchCardinality::ManyToOne(labels) => (Cardinality::ManyToOne, labels.labels.clone()),
            VectorMatchCardinality::OneToMany(labels) => (Cardinality::OneToMany, labels.labels.clone()),
        };
        let left = self.expr(&expr.lhs, grid)?;
        let right = self.expr(&expr.rhs, grid)?;
        Ok(Binary {
            op,
            left,
            right,
            as_bool: modifier.return_bool,
            key: key(modifier.matching.as_ref(), false),
            cardinality,
            include,
        })
    }

    fn aggregate(&mut self, expr: &AggregateExpr, grid: Grid) -> Result<Aggregate, QueryError> {
        let what = match expr.op.id() {
            token::T_SUM => Aggregation::Sum,
            token::T_AVG => Aggregation::Avg,
            token::T_MIN => Aggregation::Min,
            token::T_MAX => Aggregation::Max,
            token::T_GROUP => Aggregation::Group,
            token::T_COUNT => Aggregation::Count,
            token::T_STDDEV => Aggregation::Stddev,
            token::T_STDVAR => Aggregation::Stdvar,
            token::T_TOPK => Aggregation::Topk,
            token::T_BOTTOMK => Aggregation::Bottomk,
            token::T_QUANTILE => Aggregation::Quantile,
            token::T_COUNT_VALUES => Aggregation::CountValues,
            _ => return Err(QueryError::Unsupported(format!("aggregation {} (experimental)", expr.op))),
        };
        let param = expr.param.as_ref().map(|param| self.expr(param, grid)).transpose()?;
        let input = self.expr(&expr.expr, grid)?;
        let in_order = self.nodes[input].kind.is_in_order();
        Ok(Aggregate { what, param, input, key: key(expr.modifier.as_ref(), true), in_order })
    }
}

/// Without a modifier: all labels count when matching, none when aggregating.
fn key(modifier: Option<&LabelModifier>, only: bool) -> KeyLabels {
    let names = |labels: &Labels| labels.labels.clone();
    match modifier {
        Some(LabelModifier::Include(labels)) => KeyLabels { names: names(labels), only: true },
        Some(LabelModifier::Exclude(labels)) => KeyLabels { names: names(labels), only: false },
        None => KeyLabels { names: Vec::new(), only },
    }
}

/// Whether the value is the same at every moment, because all its selectors are fixed with `@`.
fn is_fixed(expr: &Expr) -> bool {
    match expr {
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => true,
        Expr::VectorSelector(selector) => selector.at.is_some(),
        Expr::MatrixSelector(matrix) => matrix.vs.at.is_some(),
        Expr::Subquery(subquery) => subquery.at.is_some(),
        Expr::Paren(paren) => is_fixed(&paren.expr),
        Expr::Unary(unary) => is_fixed(&unary.expr),
        Expr::Binary(binary) => is_fixed(&binary.lhs) && is_fixed(&binary.rhs),
        Expr::Aggregate(aggregate) => {
            is_fixed(&aggregate.expr) && aggregate.param.as_ref().is_none_or(|param| is_fixed(param))
        }
        Expr::Call(call) => {
            !calls::asks_for_the_moment(call.func.name) && call.args.args.iter().all(|argument| is_fixed(argument))
        }
        Expr::Extension(_) => false,
    }
}
