//! The reads of Prometheus' API, answered from the embedded store in Prometheus' JSON.

mod json;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::Serialize;
use vigil_promql::{self as promql, Matcher, Query, Value};
use vigil_samples::Period;

use self::json::{Data, Metric, failure, success, told};
use super::Embedded;
use crate::{ApiPath, QueryError, RawAnswer, duration_millis, moment_millis};

/// Answers one read. What is wrong with the query is an envelope, as Prometheus has it.
pub(super) async fn answer(
    source: &Embedded,
    path: &ApiPath,
    pairs: &[(String, String)],
) -> Result<RawAnswer, QueryError> {
    let asked = Asked(pairs);
    let answered = match path {
        ApiPath::Query => query(source, asked).await,
        ApiPath::QueryRange => query_range(source, asked).await,
        ApiPath::Series => series(source, asked).await,
        ApiPath::Labels => labels(source, asked).await,
        ApiPath::LabelValues(name) => match path.relative() {
            Ok(_) => label_values(source, name, asked).await,
            Err(error) => Err(error),
        },
        ApiPath::Metadata => metadata(source, asked),
        ApiPath::Exemplars => Ok(success(&[(); 0], &[])),
        ApiPath::FormatQuery => format_query(asked),
        ApiPath::BuildInfo => Ok(success(&BTreeMap::from([("version", env!("CARGO_PKG_VERSION"))]), &[])),
    };
    match answered {
        Err(QueryError::Rejected { kind, message }) => Ok(failure(&kind, &message)),
        Err(QueryError::Timeout(_)) => Ok(failure("timeout", "query timed out in expression evaluation")),
        answered => answered,
    }
}

/// The parameters of a request.
#[derive(Clone, Copy)]
struct Asked<'a>(&'a [(String, String)]);

impl<'a> Asked<'a> {
    fn all(self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    fn one(self, name: &'a str) -> Option<&'a str> {
        self.all(name).find(|value| !value.is_empty())
    }

    fn moment(self, name: &'a str) -> Result<Option<i64>, QueryError> {
        let read = |text| moment_millis(text).ok_or_else(|| bad(name, text, "a time: RFC 3339 or Unix seconds"));
        self.one(name).map(read).transpose()
    }

    fn period(self) -> Result<Period, QueryError> {
        let all = Period::ALL;
        let start_ms = self.moment("start")?.unwrap_or(all.start_ms);
        let end_ms = self.moment("end")?.unwrap_or(all.end_ms);
        if end_ms < start_ms {
            return Err(QueryError::rejected("bad_data", "end timestamp must not be before start time"));
        }
        Ok(Period { start_ms, end_ms })
    }

    fn selectors(self) -> Result<Vec<Vec<Matcher>>, QueryError> {
        self.all("match[]").map(|text| Ok(promql::selector(text)?)).collect()
    }

    /// A duration above zero.
    fn duration(self, name: &'a str) -> Result<Option<i64>, QueryError> {
        let read = |text: &str| duration_millis(text).filter(|ms| *ms > 0);
        let checked =
            |text| read(text).ok_or_else(|| bad(name, text, "a duration above zero, such as 30s, or seconds"));
        self.one(name).map(checked).transpose()
    }

    /// How long the asker waits.
    fn timeout(self) -> Result<Option<Duration>, QueryError> {
        Ok(self.duration("timeout")?.map(|ms| Duration::from_millis(ms.unsigned_abs())))
    }

    /// The evaluator's limits, with the lookback that is asked for.
    fn limits(self, source: &Embedded) -> Result<promql::Options, QueryError> {
        let limits = source.limits().clone();
        Ok(match self.duration("lookback_delta")? {
            Some(lookback_ms) => promql::Options { lookback_ms, ..limits },
            None => limits,
        })
    }

    /// How many elements an answer may have; all when none or 0 is asked for.
    fn limit(self) -> Result<usize, QueryError> {
        let read = |text: &str| text.parse::<usize>().map_err(|_| bad("limit", text, "a whole number from 0 up"));
        Ok(self.one("limit").map(read).transpose()?.filter(|limit| *limit > 0).unwrap_or(usize::MAX))
    }
}

fn bad(name: &str, text: &str, wanted: &str) -> QueryError {
    QueryError::rejected("bad_data", &format!("invalid parameter \"{name}\": {text:?} is not {wanted}"))
}

async fn query(source: &Embedded, asked: Asked<'_>) -> Result<RawAnswer, QueryError> {
    let at_ms = asked.moment("time")?.unwrap_or_else(|| source.now_ms());
    let query = Query::instant(asked.one("query").unwrap_or_default(), at_ms, &asked.limits(source)?)?;
    evaluated(source, query, at_ms, asked).await
}

async fn query_range(source: &Embedded, asked: Asked<'_>) -> Result<RawAnswer, QueryError> {
    let missing = |name| QueryError::rejected("bad_data", &format!("invalid parameter \"{name}\": it is missing"));
    let start_ms = asked.moment("start")?.ok_or_else(|| missing("start"))?;
    let end_ms = asked.moment("end")?.ok_or_else(|| missing("end"))?;
    let step = asked.one("step").ok_or_else(|| missing("step"))?;
    let step_ms = duration_millis(step).ok_or_else(|| bad("step", step, "a duration such as 15s, or seconds"))?;
    let query =
        Query::range(asked.one("query").unwrap_or_default(), start_ms, end_ms, step_ms, &asked.limits(source)?)?;
    evaluated(source, query, end_ms, asked).await
}

async fn evaluated(source: &Embedded, query: Query, at_ms: i64, asked: Asked<'_>) -> Result<RawAnswer, QueryError> {
    let limit = asked.limit()?;
    let mut answer = source.run(query, asked.timeout()?).await?;
    let all = match &mut answer.value {
        Value::Vector(samples) => cut(samples, limit),
        Value::Matrix(series) => cut(series, limit),
        Value::Scalar(_) | Value::String(_) => true,
    };
    if !all {
        answer.warnings.push(TRUNCATED.to_owned());
    }
    Ok(told(&Data { value: &answer.value, at_ms }, &answer.warnings, &answer.infos))
}

const TRUNCATED: &str = "results truncated due to limit";

/// Whether nothing had to be left out.
fn cut<T>(list: &mut Vec<T>, limit: usize) -> bool {
    let all = list.len() <= limit;
    list.truncate(limit);
    all
}

async fn series(source: &Embedded, asked: Asked<'_>) -> Result<RawAnswer, QueryError> {
    let sets = asked.selectors()?;
    if sets.is_empty() {
        return Err(QueryError::rejected("bad_data", "no match[] parameter provided"));
    }
    let mut found = source.store().series(&sets, asked.period()?).await?;
    found.sort();
    let metrics: Vec<Metric<'_>> = found.iter().map(Metric).collect();
    listed(metrics, asked)
}

async fn labels(source: &Embedded, asked: Asked<'_>) -> Result<RawAnswer, QueryError> {
    listed(texts(source.store().label_names(&asked.selectors()?, asked.period()?).await?), asked)
}

async fn label_values(source: &Embedded, name: &str, asked: Asked<'_>) -> Result<RawAnswer, QueryError> {
    listed(texts(source.store().label_values(name, &asked.selectors()?, asked.period()?).await?), asked)
}

fn texts(found: Vec<Arc<str>>) -> Vec<String> {
    found.iter().map(|text| text.as_ref().to_owned()).collect()
}

fn listed<T: Serialize>(mut list: Vec<T>, asked: Asked<'_>) -> Result<RawAnswer, QueryError> {
    let warnings = if cut(&mut list, asked.limit()?) { Vec::new() } else { vec![TRUNCATED.to_owned()] };
    Ok(success(&list, &warnings))
}

fn metadata(source: &Embedded, asked: Asked<'_>) -> Result<RawAnswer, QueryError> {
    #[derive(Serialize)]
    struct About {
        r#type: String,
        help: String,
        unit: String,
    }
    let wanted = asked.one("metric");
    let known = source.store().metadata().into_iter();
    let known = known.filter(|(metric, _)| wanted.is_none_or(|wanted| wanted == metric.as_ref()));
    let about = known.take(asked.limit()?).map(|(metric, about)| {
        (metric.as_ref().to_owned(), [About { r#type: about.kind, help: about.help, unit: about.unit }])
    });
    Ok(success(&about.collect::<BTreeMap<String, [About; 1]>>(), &[]))
}

fn format_query(asked: Asked<'_>) -> Result<RawAnswer, QueryError> {
    Ok(success(&promql::format(asked.one("query").unwrap_or_default())?, &[]))
}
