//! What must hold of any query over any series.

use vigil_promql::{Options, Query, QueryError, Series, format};

use crate::{
    data::Case,
    dice::Dice,
    held::{self, Written, at, written},
};

const LONG: usize = 2_000;

/// How a case went, as far as it is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Went {
    /// The parser does not take it.
    NoQuery,
    Unsupported,
    BadExpression,
    Execution,
    Limit,
    Answered,
    /// Answered with something else than no series.
    AnsweredSome,
}

/// Tight, so that many cases are run; a query beyond them is still planned.
fn options() -> Options {
    Options { max_samples: 200_000, max_series: 1_000, max_steps: 100, ..Options::default() }
}

/// # Errors
/// What is wrong, in words.
pub(crate) fn check(case: &Case, dice: &mut Dice) -> Result<Went, String> {
    let options = options();
    let instant = instant(case, case.start_ms, &case.data, &options);
    match format(&case.text) {
        Ok(printed) => prints_itself(case, &printed, &instant, &options)?,
        Err(QueryError::Limit(_)) => {}
        Err(_) if instant.is_ok() => return Err("answered, but cannot be printed".to_owned()),
        Err(_) => return Ok(Went::NoQuery),
    }
    // One question of a long text takes long enough.
    if case.text.len() > LONG {
        return Ok(went(&instant));
    }
    let range = range(case, &case.data, &options);
    agrees(case, &range, &instant, &options)?;
    if !case.doubled {
        let mut shuffled = case.data.clone();
        dice.shuffle(&mut shuffled);
        same_in_any_order(&range, &self::range(case, &shuffled, &options))?;
    }
    Ok(went(&instant))
}

type Answered = Result<Written, QueryError>;

fn instant(case: &Case, at_ms: i64, data: &[Series], options: &Options) -> Answered {
    held::run(Query::instant(&case.text, at_ms, options), data).map(|answer| written(answer.value, at_ms))
}

/// What a range query answers, with its warnings and infos.
type Told = Result<(Written, Vec<String>, Vec<String>), QueryError>;

fn range(case: &Case, data: &[Series], options: &Options) -> Told {
    let end_ms = case.start_ms + case.steps * case.step_ms;
    let query = Query::range(&case.text, case.start_ms, end_ms, case.step_ms, options);
    held::run(query, data).map(|answer| (written(answer.value, case.start_ms), answer.warnings, answer.infos))
}

fn went(answered: &Answered) -> Went {
    match answered {
        Ok(series) if series.is_empty() => Went::Answered,
        Ok(_) => Went::AnsweredSome,
        Err(QueryError::Unsupported(_)) => Went::Unsupported,
        Err(QueryError::BadExpression(_)) => Went::BadExpression,
        Err(QueryError::Execution(_)) => Went::Execution,
        Err(QueryError::Limit(_) | QueryError::TimedOut | QueryError::Canceled) => Went::Limit,
    }
}

/// The printed form is a query, prints as itself, and has the same answer.
fn prints_itself(case: &Case, printed: &str, answered: &Answered, options: &Options) -> Result<(), String> {
    match format(printed) {
        Ok(again) if again == printed => {}
        // Printing takes more room.
        Err(QueryError::Limit(_)) => return Ok(()),
        Ok(again) => return Err(format!("printed as {printed:?}, which is printed as {again:?}")),
        Err(error) => return Err(format!("printed as {printed:?}, which is no query: {error}")),
    }
    let again = Case { text: printed.to_owned(), data: Vec::new(), ..*case };
    let again = instant(&again, case.start_ms, &case.data, options);
    match (answered, &again) {
        (Ok(one), Ok(other)) if one == other => Ok(()),
        (Err(_), Err(_)) => Ok(()),
        _ => Err(format!("printed as {printed:?}: {again:?} where the query answers {answered:?}")),
    }
}

fn agrees(case: &Case, range: &Told, first: &Answered, options: &Options) -> Result<(), String> {
    // The first and the last moment are others when each moment is asked for alone.
    if case.text.contains("start") || case.text.contains("end") {
        return Ok(());
    }
    match range {
        Err(QueryError::Limit(_)) => Ok(()),
        Err(QueryError::BadExpression(text)) if text.starts_with("invalid expression type") => Ok(()),
        // A range query evaluates its subqueries between the windows too, where no instant query looks.
        Err(QueryError::Execution(_)) if case.text.contains(':') => Ok(()),
        Err(error) => {
            let mut others = (1..=case.steps).map(|step| case.start_ms + step * case.step_ms);
            if first.is_err() || others.any(|at_ms| instant(case, at_ms, &case.data, options).is_err()) {
                return Ok(());
            }
            Err(format!("only the range query fails: {error}"))
        }
        Ok((range, ..)) => (0..=case.steps).try_for_each(|step| {
            let at_ms = case.start_ms + step * case.step_ms;
            let instant = instant(case, at_ms, &case.data, options);
            let of_range = at(range, at_ms);
            if instant.as_ref() == Ok(&of_range) {
                return Ok(());
            }
            Err(format!("at {at_ms} the range query says {of_range:?} and the instant query {instant:?}"))
        }),
    }
}

fn same_in_any_order(one: &Told, other: &Told) -> Result<(), String> {
    match (one, other) {
        (Err(_), Err(_)) => Ok(()),
        (Ok(one), Ok(other)) if one == other => Ok(()),
        _ => Err(format!("with the series in another order {other:?} instead of {one:?}")),
    }
}
