//! Naming alerts by templates that ask the data source.

use std::{collections::BTreeSet, panic};

use tokio::task::JoinSet;
use vigil_domain::{
    QueryValue, Timestamp,
    alert::{Answers, EvaluationError, Named, Naming, Vector, name},
};

use crate::Datasource;

/// The most queries that the templates of one rule may ask in one evaluation.
const MOST_QUERIES: usize = 1_000;

impl Datasource {
    /// Names the elements of a rule's result as alerts, see [`name`]. What templates ask is asked at `at`; a query
    /// that fails is told in the text that asked it.
    ///
    /// # Errors
    /// The result is no vector, or two of its elements become one alert.
    pub async fn name(&self, naming: Naming<'_>, value: &QueryValue, at: Timestamp) -> Result<Vector, EvaluationError> {
        let mut answers = Answers::new();
        loop {
            match name(naming, value, at, &answers)? {
                Named::Vector(vector) => return Ok(vector),
                Named::Needs(needs) => self.answer(needs, at, &mut answers).await,
            }
        }
    }

    /// Asks side by side, within the limit on requests.
    async fn answer(&self, needs: BTreeSet<String>, at: Timestamp, answers: &mut Answers) {
        let mut asked = JoinSet::new();
        let room = MOST_QUERIES.saturating_sub(answers.len());
        for (index, expr) in needs.into_iter().enumerate() {
            if index >= room {
                answers.insert(expr, Err(format!("the templates of one rule may ask {MOST_QUERIES} queries")));
                continue;
            }
            let source = self.clone();
            asked.spawn(async move {
                let answer = source.instant(&expr, at).await;
                (expr, answer.map(|answer| answer.value).map_err(|error| error.reason()))
            });
        }
        while let Some(joined) = asked.join_next().await {
            match joined {
                Ok((expr, answer)) => answers.insert(expr, answer),
                Err(failed) => panic::resume_unwind(failed.into_panic()),
            };
        }
    }
}
