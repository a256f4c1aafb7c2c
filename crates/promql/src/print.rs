//! Expressions as text, in the form Prometheus prints them in. What is printed is read as the same expression again.

use std::time::{Duration, SystemTime};

use promql_parser::{
    label::Labels,
    parser::{
        AggregateExpr, AtModifier, BinaryExpr, Expr, LabelModifier, Offset, VectorMatchCardinality, VectorSelector,
    },
    util::{display_duration, escape_string},
};
use vigil_domain::number;

use crate::QueryError;

/// Longer expressions are broken into lines.
const WIDTH: usize = 100;
/// Deeper ones are not printed: their indentation would be most of the text.
const DEEPEST: usize = 500;

pub(crate) fn print(expr: &Expr) -> Result<String, QueryError> {
    if depth(expr) > DEEPEST {
        return Err(QueryError::Limit(format!(
            "the expression is nested too deeply to be printed: the limit is {DEEPEST} levels"
        )));
    }
    Ok(pretty(expr, 0))
}

fn depth(expr: &Expr) -> usize {
    1 + match expr {
        Expr::Paren(paren) => depth(&paren.expr),
        Expr::Unary(unary) => depth(&unary.expr),
        Expr::Subquery(subquery) => depth(&subquery.expr),
        Expr::Binary(binary) => depth(&binary.lhs).max(depth(&binary.rhs)),
        Expr::Aggregate(aggregate) => {
            depth(&aggregate.expr).max(aggregate.param.as_ref().map_or(0, |param| depth(param)))
        }
        Expr::Call(call) => call.args.args.iter().map(|argument| depth(argument)).max().unwrap_or_default(),
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => 0,
    }
}

/// On several lines where one would be too long.
fn pretty(expr: &Expr, level: usize) -> String {
    let indent = "  ".repeat(level);
    let short = line(expr);
    if short.len() <= WIDTH {
        return format!("{indent}{short}");
    }
    let inside = |expr: &Expr| pretty(expr, level + 1);
    match expr {
        Expr::Paren(paren) => format!("{indent}(\n{}\n{indent})", inside(&paren.expr)),
        Expr::Unary(unary) => format!("{indent}-{}", pretty(&unary.expr, level).trim_start()),
        Expr::Subquery(subquery) => {
            format!("{}{}", pretty(&subquery.expr, level), window(subquery.range, Some(subquery.step)))
                + &moved(subquery.at.as_ref(), subquery.offset.as_ref())
        }
        Expr::Binary(binary) => {
            format!("{}\n{indent}{}\n{}", inside(&binary.lhs), operator(binary), inside(&binary.rhs))
        }
        Expr::Aggregate(aggregate) => {
            let param = aggregate.param.as_ref().map(|param| inside(param) + ",\n").unwrap_or_default();
            format!("{indent}{}(\n{param}{}\n{indent})", aggregation(aggregate), inside(&aggregate.expr))
        }
        Expr::Call(call) => {
            let args: Vec<String> = call.args.args.iter().map(|argument| inside(argument)).collect();
            format!("{indent}{}(\n{}\n{indent})", call.func.name, args.join(",\n"))
        }
        Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::Extension(_) => format!("{indent}{short}"),
    }
}

fn line(expr: &Expr) -> String {
    match expr {
        Expr::Paren(paren) => format!("({})", line(&paren.expr)),
        Expr::Unary(unary) => format!("-{}", line(&unary.expr)),
        Expr::NumberLiteral(literal) => number::format(literal.val),
        Expr::StringLiteral(text) => format!("\"{}\"", escape_string(&text.val)),
        Expr::VectorSelector(of) => series(of) + &moved(of.at.as_ref(), of.offset.as_ref()),
        Expr::MatrixSelector(matrix) => {
            let of = &matrix.vs;
            series(of) + &window(matrix.range, None) + &moved(of.at.as_ref(), of.offset.as_ref())
        }
        Expr::Subquery(subquery) => {
            line(&subquery.expr)
                + &window(subquery.range, Some(subquery.step))
                + &moved(subquery.at.as_ref(), subquery.offset.as_ref())
        }
        Expr::Binary(binary) => format!("{} {} {}", line(&binary.lhs), operator(binary), line(&binary.rhs)),
        Expr::Aggregate(aggregate) => {
            let param = aggregate.param.as_ref().map(|param| line(param) + ", ").unwrap_or_default();
            format!("{}({param}{})", aggregation(aggregate), line(&aggregate.expr))
        }
        Expr::Call(call) => {
            let args: Vec<String> = call.args.args.iter().map(|argument| line(argument)).collect();
            format!("{}({})", call.func.name, args.join(", "))
        }
        Expr::Extension(_) => String::new(),
    }
}

fn series(of: &VectorSelector) -> String {
    let matchers = of.matchers.to_string();
    let name = of.name.as_deref().unwrap_or_default();
    if matchers.is_empty() { name.to_owned() } else { format!("{name}{{{matchers}}}") }
}

/// `[5m]`, or `[5m:1m]` of a subquery.
fn window(range: Duration, step: Option<Option<Duration>>) -> String {
    let step = step.map(|step| format!(":{}", step.map(duration).unwrap_or_default())).unwrap_or_default();
    format!("[{}{step}]", duration(range))
}

/// In units; in seconds what units cannot say.
fn duration(of: Duration) -> String {
    let years = of.as_secs() / (365 * 86_400);
    if of.is_zero() {
        // What is too short to be told from nothing; a plain 0 is refused.
        "0.0".to_owned()
    } else if of.subsec_nanos().is_multiple_of(1_000_000) && years <= u64::from(u32::MAX) {
        display_duration(&of)
    } else {
        of.as_secs_f64().to_string()
    }
}

fn moved(at: Option<&AtModifier>, offset: Option<&Offset>) -> String {
    let at = match at {
        None => String::new(),
        Some(AtModifier::Start) => " @ start()".to_owned(),
        Some(AtModifier::End) => " @ end()".to_owned(),
        Some(AtModifier::At(time)) => match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => format!(" @ {:.3}", after.as_secs_f64()),
            Err(before) => format!(" @ -{:.3}", before.duration().as_secs_f64()),
        },
    };
    let offset = match offset {
        None => String::new(),
        Some(Offset::Pos(by)) => format!(" offset {}", duration(*by)),
        Some(Offset::Neg(by)) => format!(" offset -{}", duration(*by)),
    };
    at + &offset
}

/// The operator with what stands between it and its right side.
fn operator(binary: &BinaryExpr) -> String {
    let mut text = binary.op.to_string();
    let Some(modifier) = &binary.modifier else { return text };
    if modifier.return_bool {
        text += " bool";
    }
    let group = match &modifier.card {
        VectorMatchCardinality::ManyToOne(labels) => format!(" group_left ({})", names(labels)),
        VectorMatchCardinality::OneToMany(labels) => format!(" group_right ({})", names(labels)),
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => String::new(),
    };
    match &modifier.matching {
        Some(LabelModifier::Include(labels)) => text += &format!(" on ({})", names(labels)),
        Some(LabelModifier::Exclude(labels)) if !labels.is_empty() || !group.is_empty() => {
            text += &format!(" ignoring ({})", names(labels));
        }
        Some(LabelModifier::Exclude(_)) | None => {}
    }
    text += &group;
    for (word, value) in [("fill_left", modifier.fill_values.lhs), ("fill_right", modifier.fill_values.rhs)] {
        if let Some(value) = value {
            text += &format!(" {word} ({})", number::format(value));
        }
    }
    text
}

fn aggregation(aggregate: &AggregateExpr) -> String {
    match &aggregate.modifier {
        Some(LabelModifier::Exclude(labels)) => format!("{} without ({}) ", aggregate.op, names(labels)),
        Some(LabelModifier::Include(labels)) if !labels.is_empty() => {
            format!("{} by ({}) ", aggregate.op, names(labels))
        }
        Some(LabelModifier::Include(_)) | None => aggregate.op.to_string(),
    }
}

fn names(labels: &Labels) -> String {
    let plain = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let quoted = |name: &String| if plain(name) { name.clone() } else { format!("\"{}\"", escape_string(name)) };
    labels.labels.iter().map(quoted).collect::<Vec<_>>().join(", ")
}
