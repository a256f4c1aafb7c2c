//! Selectors and subqueries: their windows over the whole grid, and what has to be fetched for them.

use std::time::{Duration, SystemTime};

use promql_parser::{
    label::{METRIC_NAME, MatchOp},
    parser::{AtModifier, Expr, Offset, SubqueryExpr, VectorSelector},
};
use regex::Regex;

use super::{Kind, Planner};
use crate::{
    Match, Matcher, QueryError, Select, Wanted,
    limits::too_many_samples,
    selector::{Refs, Source, Window},
    value::Grid,
};

/// Far beyond any moment; sums of a few of these do not overflow.
const FAR_MS: i64 = i64::MAX / 16;

impl Planner<'_> {
    pub(super) fn instant(&mut self, selector: &VectorSelector, grid: Grid, stamps: bool) -> Result<Kind, QueryError> {
        let refs = self.refs(selector.at.as_ref(), selector.offset.as_ref());
        let single = grid.count == 1 || refs.at_ms.is_some();
        let wanted = if single { Wanted::Newest } else { Wanted::All };
        let select = self.select(selector, grid, refs, self.options.lookback_ms, wanted)?;
        Ok(Kind::Instant { select, refs, stamps })
    }

    /// A range selector or a subquery.
    pub(super) fn source(&mut self, expr: &Expr, grid: Grid) -> Result<Source, QueryError> {
        match expr {
            Expr::Paren(paren) => self.source(&paren.expr, grid),
            Expr::MatrixSelector(matrix) => {
                let refs = self.refs(matrix.vs.at.as_ref(), matrix.vs.offset.as_ref());
                let range_ms = positive(matrix.range)?;
                let select = self.select(&matrix.vs, grid, refs, range_ms, Wanted::All)?;
                Ok(Source::Select { select, window: Window { refs, range_ms } })
            }
            Expr::Subquery(subquery) => self.subquery(subquery, grid),
            _ => Err(QueryError::BadExpression("a range vector is needed here".to_owned())),
        }
    }

    fn subquery(&mut self, subquery: &SubqueryExpr, grid: Grid) -> Result<Source, QueryError> {
        let refs = self.refs(subquery.at.as_ref(), subquery.offset.as_ref());
        let range_ms = positive(subquery.range)?;
        let step_ms = subquery.step.map(positive).transpose()?.unwrap_or(self.options.subquery_step_ms).max(1);
        let (first, last) = (refs.of(grid.start_ms), refs.of(grid.last()));
        // The first multiple of the step inside the left-open window.
        let start_ms = first.saturating_sub(range_ms).div_euclid(step_ms).saturating_add(1).saturating_mul(step_ms);
        let count = if grid.count == 0 || start_ms > last { 0 } else { (last - start_ms) / step_ms + 1 };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > self.options.max_samples {
            return Err(too_many_samples(self.options.max_samples));
        }
        let inner = Grid { start_ms, step_ms, count };
        let node = self.expr(&subquery.expr, inner)?;
        Ok(Source::Subquery { node, grid: inner, window: Window { refs, range_ms } })
    }

    fn refs(&self, at: Option<&AtModifier>, offset: Option<&Offset>) -> Refs {
        let at_ms = at.map(|at| match at {
            AtModifier::Start => self.grid.start_ms,
            AtModifier::End => self.end_ms,
            AtModifier::At(time) => since_1970(*time),
        });
        let offset_ms = match offset {
            None => 0,
            Some(Offset::Pos(by)) => millis(*by),
            Some(Offset::Neg(by)) => -millis(*by),
        };
        Refs { at_ms, offset_ms }
    }

    fn select(
        &mut self,
        selector: &VectorSelector,
        grid: Grid,
        refs: Refs,
        back_ms: i64,
        wanted: Wanted,
    ) -> Result<usize, QueryError> {
        if !selector.matchers.or_matchers.is_empty() {
            return Err(QueryError::Unsupported("'or' between the matchers of a selector".to_owned()));
        }
        let (first, last) = (refs.of(grid.start_ms), refs.of(grid.last()));
        let after_ms = if grid.count == 0 { last } else { first.saturating_sub(back_ms) };
        let select = Select { matchers: matchers(selector), after_ms, until_ms: last, wanted };
        let known = self.selects.iter().position(|other| same(other, &select));
        Ok(known.unwrap_or_else(|| {
            self.selects.push(select);
            self.selects.len() - 1
        }))
    }
}

pub(crate) fn matchers(selector: &VectorSelector) -> Vec<Matcher> {
    let name =
        selector.name.iter().map(|name| Matcher { name: METRIC_NAME.to_owned(), how: Match::Equal(name.clone()) });
    let others = selector.matchers.matchers.iter().map(|matcher| {
        let how = match &matcher.op {
            MatchOp::Equal => Match::Equal(matcher.value.clone()),
            MatchOp::NotEqual => Match::NotEqual(matcher.value.clone()),
            MatchOp::Re(regex) => Match::Regex(with_newlines(regex)),
            MatchOp::NotRe(regex) => Match::NotRegex(with_newlines(regex)),
        };
        Matcher { name: matcher.name.clone(), how }
    });
    name.chain(others).collect()
}

/// The parser's expression with dots that match newlines as well.
fn with_newlines(regex: &Regex) -> Regex {
    let dotted = regex.as_str().strip_prefix("^(?:").filter(|rest| rest.contains('.'));
    let changed = dotted.and_then(|rest| Regex::new(&format!("^(?s:{rest}")).ok());
    changed.unwrap_or_else(|| regex.clone())
}

fn same(one: &Select, other: &Select) -> bool {
    let windows = (one.after_ms, one.until_ms, one.wanted) == (other.after_ms, other.until_ms, other.wanted);
    windows
        && one.matchers.len() == other.matchers.len()
        && one.matchers.iter().zip(&other.matchers).all(|(one, other)| {
            one.name == other.name
                && match (&one.how, &other.how) {
                    (Match::Equal(one), Match::Equal(other)) | (Match::NotEqual(one), Match::NotEqual(other)) => {
                        one == other
                    }
                    (Match::Regex(one), Match::Regex(other)) | (Match::NotRegex(one), Match::NotRegex(other)) => {
                        one.as_str() == other.as_str()
                    }
                    _ => false,
                }
        })
}

/// A range or a step, which the parser lets be 0.
fn positive(duration: Duration) -> Result<i64, QueryError> {
    if duration.is_zero() {
        return Err(QueryError::BadExpression("duration must be greater than 0".to_owned()));
    }
    Ok(millis(duration))
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).map_or(FAR_MS, |millis| millis.min(FAR_MS))
}

fn since_1970(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => millis(after),
        Err(before) => -millis(before.duration()),
    }
}
