//! A query from its text to its answer.

use std::{panic, thread, time::Duration};

use promql_parser::parser::{self, Expr, value::ValueType};

use crate::{
    Answer, Matcher, Options, QueryError, Select, Series, Stop, eval,
    plan::{Plan, Planner},
    print,
    value::Grid,
};

/// Deeper nesting than this is parsed on a larger stack.
const SHALLOW: usize = 64;
/// Enough for the deepest tree that the longest text can describe.
const DEEP_STACK: usize = 128 * 1024 * 1024;
/// No moment may be further from 1970.
const FARTHEST_MS: i64 = i64::MAX / 16;

/// A planned query: say what it needs with [`Query::selects`], then [`Query::run`] it.
#[derive(Clone, Debug)]
pub struct Query {
    plan: Plan,
    options: Options,
    range: bool,
}

impl Query {
    /// A query at one moment.
    ///
    /// # Errors
    /// The text is no valid expression, or uses what is not supported.
    pub fn instant(text: &str, at_ms: i64, options: &Options) -> Result<Self, QueryError> {
        let grid = Grid { start_ms: bounded(at_ms)?, step_ms: 1, count: 1 };
        Self::plan(text, grid, at_ms, options, false)
    }

    /// A query at every `step_ms` from `start_ms` to `end_ms`, both included.
    ///
    /// # Errors
    /// As for [`Query::instant`]; also a window that ends before it starts, a step of zero or less, too many steps, or
    /// an expression that is neither an instant vector nor a scalar.
    pub fn range(text: &str, start_ms: i64, end_ms: i64, step_ms: i64, options: &Options) -> Result<Self, QueryError> {
        let bad = |text: &str| Err(QueryError::BadExpression(text.to_owned()));
        if bounded(end_ms)? < bounded(start_ms)? {
            return bad("end timestamp must not be before start time");
        }
        if step_ms <= 0 {
            return bad("zero or negative query resolution step widths are not accepted. Try a positive integer");
        }
        let steps = (end_ms - start_ms) / step_ms;
        if steps > options.max_steps {
            return Err(QueryError::Limit(format!(
                "exceeded maximum resolution of {} points per timeseries. Try decreasing the query resolution (?step=XX)",
                options.max_steps
            )));
        }
        let count = usize::try_from(steps).unwrap_or(usize::MAX).saturating_add(1);
        let query = Self::plan(text, Grid { start_ms, step_ms, count }, end_ms, options, true)?;
        match query.plan.result {
            ValueType::Scalar | ValueType::Vector => Ok(query),
            ValueType::String => bad(&not_for_ranges("string")),
            ValueType::Matrix => bad(&not_for_ranges("range vector")),
        }
    }

    fn plan(text: &str, grid: Grid, end_ms: i64, options: &Options, range: bool) -> Result<Self, QueryError> {
        let plan = with_parsed(text, options, &|expr| Planner::plan(expr, text, grid, end_ms, options))?;
        Ok(Self { plan, options: options.clone(), range })
    }

    /// What has to be fetched, in the order [`Query::run`] wants it.
    pub fn selects(&self) -> &[Select] {
        &self.plan.selects
    }

    /// Evaluates over what was fetched for each of [`Query::selects`]; the series may be in any order.
    /// `stop` is asked every few hundred series.
    ///
    /// # Errors
    /// The data does not fit the expression, a limit was reached, or `stop` said so.
    pub fn run(&self, fetched: Vec<Vec<Series>>, stop: &dyn Fn() -> Option<Stop>) -> Result<Answer, QueryError> {
        eval::run(&self.plan, &self.options, self.range, fetched, stop)
    }
}

/// The matchers of a series selector such as `up{job="node"}`.
///
/// # Errors
/// The text is something else than a selector.
pub fn selector(text: &str) -> Result<Vec<Matcher>, QueryError> {
    with_parsed(text, &Options::default(), &|expr| match expr {
        Expr::VectorSelector(selector) if selector.offset.is_none() && selector.at.is_none() => {
            Ok(crate::plan::matchers(selector))
        }
        _ => Err(QueryError::BadExpression(format!("{text:?} is no series selector such as up{{job=\"node\"}}"))),
    })
}

/// The expression in the usual form, which is read as the same expression again.
///
/// # Errors
/// The text is no valid expression, too long, or nested too deeply.
pub fn format(text: &str) -> Result<String, QueryError> {
    with_parsed(text, &Options::default(), &print::print)
}

fn not_for_ranges(what: &str) -> String {
    format!("invalid expression type \"{what}\" for range query, must be Scalar or instant Vector")
}

fn bounded(moment_ms: i64) -> Result<i64, QueryError> {
    if (-FARTHEST_MS..=FARTHEST_MS).contains(&moment_ms) {
        Ok(moment_ms)
    } else {
        Err(QueryError::BadExpression(format!(
            "timestamp out of bounds: {}",
            Duration::from_millis(moment_ms.unsigned_abs()).as_secs()
        )))
    }
}

/// Works on the parsed text, on a stack that is large enough for it.
fn with_parsed<T: Send>(
    text: &str,
    options: &Options,
    work: &(dyn Fn(&Expr) -> Result<T, QueryError> + Sync),
) -> Result<T, QueryError> {
    let longest = options.max_text;
    if text.len() > longest {
        return Err(QueryError::Limit(format!("the expression is longer than {longest} bytes")));
    }
    let parsed = || work(&parse(text)?);
    // Every level of the tree needs one of these characters or a word operator, which comes with two spaces.
    let nesting = text.chars().filter(|c| "([{+-*/%^<>=!~@ \n\t".contains(*c)).count();
    if nesting <= SHALLOW {
        return parsed();
    }
    thread::scope(|scope| match thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, parsed) {
        Ok(deep) => deep.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)),
        Err(_) => Err(QueryError::Limit("there is no memory to read this expression".to_owned())),
    })
}

/// The parser panics on some texts, such as `up[1e30]`; to a caller they are wrong like others.
fn parse(text: &str) -> Result<Expr, QueryError> {
    match panic::catch_unwind(|| parser::parse(text)) {
        Ok(parsed) => parsed.map_err(QueryError::BadExpression),
        Err(_) => Err(QueryError::BadExpression("the parser gave up on this expression".to_owned())),
    }
}
