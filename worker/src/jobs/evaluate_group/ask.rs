//! Asking the data source: equal questions once, and none while it is clearly gone.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use moka::future::Cache;
use vigil_datasource::QueryError;
use vigil_domain::{QueryValue, Timestamp, source::Outcome};

use crate::Context;

/// What a rule's query came to.
pub(super) type Answer = Arc<Result<QueryValue, QueryError>>;

/// Answers of the last moments by expression and time, shared by every batch of this process, so that an expression
/// that many rules have is asked once a slot.
#[derive(Clone, Debug)]
pub struct Answers(Cache<(String, i64), Answer>);

impl Default for Answers {
    fn default() -> Self {
        let cache = Cache::builder()
            .weigher(|_, answer: &Answer| match answer.as_ref() {
                Ok(QueryValue::Vector(samples)) => u32::try_from(samples.len()).unwrap_or(u32::MAX).saturating_add(1),
                Ok(QueryValue::Scalar(_) | QueryValue::String(_) | QueryValue::Matrix) | Err(_) => 1,
            })
            .max_capacity(100_000)
            .time_to_live(Duration::from_secs(2));
        Self(cache.build())
    }
}

/// Asks an expression at its time, unless the source is known to be gone. Unless it has to be `fresh`, what another rule
/// got will do.
pub(super) async fn ask(ctx: &Context, gate: &Gate, (expr, at): (&str, Timestamp), fresh: bool) -> Answer {
    let asked = async { Arc::new(ctx.datasource.instant(expr, at).await.map(|answer| answer.value)) };
    let answer = match gate.closed() {
        Some(error) => Arc::new(Err(error)),
        None if fresh => asked.await,
        None => ctx.answers.0.get_with((expr.to_owned(), at.timestamp_millis()), asked).await,
    };
    gate.note(&answer);
    answer
}

/// Closes when the source is clearly gone, so that two thousand rules do not wait for two thousand time-outs.
pub(super) struct Gate {
    /// The source is known to be down: one question at a time until one is answered.
    pub(super) probing: bool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    answered: bool,
    time_outs: u32,
    gone: Option<QueryError>,
    /// The newest failure of the source.
    failure: Option<String>,
}

impl Gate {
    /// Time-outs without any answer after which the rest is not asked.
    const PATIENCE: u32 = 3;

    pub(super) fn new(probing: bool) -> Self {
        Self { probing, seen: Mutex::default() }
    }

    fn closed(&self) -> Option<QueryError> {
        let seen = self.seen.lock().expect("nobody panics while holding it");
        seen.gone.clone().filter(|_| !seen.answered)
    }

    /// How the source did: failing when nothing was answered.
    pub(super) fn outcome(&self) -> Outcome {
        let seen = self.seen.lock().expect("nobody panics while holding it");
        match &seen.failure {
            _ if seen.answered => Outcome::Answered,
            Some(failure) => Outcome::Failed(failure.clone()),
            None => Outcome::Unasked,
        }
    }

    fn note(&self, answer: &Answer) {
        let mut seen = self.seen.lock().expect("nobody panics while holding it");
        if let Err(error) = answer.as_ref()
            && error.is_source_failure()
        {
            seen.failure = Some(error.to_string());
        }
        match answer.as_ref() {
            Err(error @ QueryError::Timeout(_)) => {
                seen.time_outs += 1;
                if self.probing || seen.time_outs >= Self::PATIENCE {
                    seen.gone = Some(error.clone());
                }
            }
            Err(error) if error.is_source_failure() => seen.gone = Some(error.clone()),
            Ok(_) | Err(_) => seen.answered = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> Answer {
        Arc::new(Err(QueryError::Unreachable("refused".into())))
    }

    #[test]
    fn a_source_that_refuses_connections_is_not_asked_again() {
        let gate = Gate::new(false);
        gate.note(&unreachable());
        assert_eq!(gate.closed(), Some(QueryError::Unreachable("refused".into())));
        assert_eq!(gate.outcome(), Outcome::Failed("data source unreachable: refused".into()));
    }

    #[test]
    fn a_source_that_answered_once_is_asked_on() {
        let gate = Gate::new(false);
        gate.note(&Arc::new(Ok(QueryValue::Scalar(1.0))));
        gate.note(&unreachable());
        assert_eq!((gate.closed(), gate.outcome()), (None, Outcome::Answered));
    }

    #[test]
    fn a_batch_without_rules_says_nothing_of_the_source() {
        assert_eq!(Gate::new(true).outcome(), Outcome::Unasked);
    }

    #[test]
    fn a_refused_query_is_an_answer() {
        let gate = Gate::new(true);
        gate.note(&Arc::new(Err(QueryError::Rejected { kind: "bad_data".into(), message: "parse".into() })));
        gate.note(&unreachable());
        assert_eq!(gate.closed(), None);
    }

    #[test]
    fn one_slow_query_does_not_close_but_three_do() {
        let gate = Gate::new(false);
        let slow: Answer = Arc::new(Err(QueryError::Timeout(Duration::from_secs(10))));
        gate.note(&slow);
        gate.note(&slow);
        assert_eq!(gate.closed(), None);
        gate.note(&slow);
        assert!(gate.closed().is_some());
    }
}
