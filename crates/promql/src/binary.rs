//! Binary operators between scalars and vectors, with Prometheus' vector matching.

mod vectors;

use promql_parser::parser::token;

use crate::{
    QueryError,
    limits::Budget,
    matching::KeyLabels,
    plan::NodeId,
    value::{Frame, Out, absent, is_present},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    And,
    Or,
    Unless,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cardinality {
    OneToOne,
    ManyToOne,
    OneToMany,
    ManyToMany,
}

#[derive(Clone, Debug)]
pub(crate) struct Binary {
    pub(crate) op: Operator,
    pub(crate) left: NodeId,
    pub(crate) right: NodeId,
    pub(crate) as_bool: bool,
    pub(crate) key: KeyLabels,
    pub(crate) cardinality: Cardinality,
    pub(crate) include: Vec<String>,
}

impl Operator {
    pub(crate) fn of(id: token::TokenId) -> Option<Self> {
        Some(match id {
            token::T_ADD => Self::Add,
            token::T_SUB => Self::Sub,
            token::T_MUL => Self::Mul,
            token::T_DIV => Self::Div,
            token::T_MOD => Self::Mod,
            token::T_POW => Self::Pow,
            token::T_ATAN2 => Self::Atan2,
            token::T_EQLC => Self::Equal,
            token::T_NEQ => Self::NotEqual,
            token::T_GTR => Self::Greater,
            token::T_LSS => Self::Less,
            token::T_GTE => Self::GreaterOrEqual,
            token::T_LTE => Self::LessOrEqual,
            token::T_LAND => Self::And,
            token::T_LOR => Self::Or,
            token::T_LUNLESS => Self::Unless,
            _ => return None,
        })
    }

    fn compares(self) -> bool {
        use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};
        matches!(self, Equal | NotEqual | Greater | Less | GreaterOrEqual | LessOrEqual)
    }

    /// Arithmetic, or whether a comparison holds as 1 and 0.
    fn apply(self, left: f64, right: f64) -> f64 {
        let holds = match self {
            Self::Add => return left + right,
            Self::Sub => return left - right,
            Self::Mul => return left * right,
            Self::Div => return left / right,
            Self::Mod => return left % right,
            Self::Pow => return left.powf(right),
            Self::Atan2 => return left.atan2(right),
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Greater => left > right,
            Self::Less => left < right,
            Self::GreaterOrEqual => left >= right,
            Self::LessOrEqual => left <= right,
            Self::And | Self::Or | Self::Unless => false,
        };
        f64::from(u8::from(holds))
    }
}

impl Binary {
    /// The result of the operator; `kept` is what a comparison that filters lets through.
    fn combine(&self, left: f64, right: f64, kept: f64) -> f64 {
        let value = self.op.apply(left, right);
        match self.op.compares() && !self.as_bool {
            true if value == 0.0 => absent(),
            true => kept,
            false => value,
        }
    }

    /// Whether the result is another quantity than the operands, so that the name does not fit any more.
    fn changes_meaning(&self) -> bool {
        !self.op.compares() || self.as_bool
    }
}

pub(crate) fn run(binary: &Binary, left: Out, right: Out, budget: &Budget<'_>) -> Result<Out, QueryError> {
    Ok(match (left, right) {
        (Out::Scalars(left), Out::Scalars(right)) => {
            Out::Scalars(left.iter().zip(&right).map(|(left, right)| binary.op.apply(*left, *right)).collect())
        }
        (Out::Frame(frame), Out::Scalars(scalars)) => {
            Out::Frame(with_scalar(binary, frame, &scalars, |value, scalar| binary.combine(value, scalar, value)))
        }
        (Out::Scalars(scalars), Out::Frame(frame)) => {
            Out::Frame(with_scalar(binary, frame, &scalars, |value, scalar| binary.combine(scalar, value, value)))
        }
        (Out::Frame(left), Out::Frame(right)) => Out::Frame(match binary.op {
            Operator::And | Operator::Unless => vectors::and_unless(binary, left, &right),
            Operator::Or => vectors::or(binary, left, &right)?,
            _ => vectors::matched(binary, &left, &right, budget)?,
        }),
        (left, _) => left,
    })
}

/// Keeps the rows that have a value left.
fn with_scalar(binary: &Binary, frame: Frame, scalars: &[f64], combine: impl Fn(f64, f64) -> f64) -> Frame {
    let mut result = Frame::new(frame.steps);
    result.cells.reserve(frame.cells.len());
    let drop_name = binary.changes_meaning();
    let mut cells = frame.cells.iter();
    for mut row in frame.rows {
        for (value, scalar) in cells.by_ref().take(frame.steps).zip(scalars) {
            result.cells.push(if is_present(*value) { combine(*value, *scalar) } else { absent() });
        }
        row.drop_name |= drop_name;
        result.end_row(|| row);
    }
    result
}
