//! From what rule files look for to what is known of it: each question once, several at a time.

use std::{collections::BTreeSet, panic, sync::Arc};

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;
use vigil_datasource::QueryError;
use vigil_domain::{
    Span,
    labels::METRIC_NAME,
    promql::{LabelMatcher, Selection},
    rule_file::{Expected, Known, Missing},
};

use super::source::{AT_ONCE, Source};
use crate::{output, rules::batch};

/// So many questions may take too long before the rest is not asked.
const PATIENCE: usize = 3;

enum Question {
    Selection(Selection),
    /// How far apart the samples of these series are.
    Interval(String),
}

enum Answer {
    Selection { text: String, missing: Option<Missing>, misspelt: Vec<Missing> },
    Interval { series: String, interval: Option<Span> },
}

/// Asks the source all that is expected of it.
///
/// # Errors
/// The source is away, refuses to answer, or has nothing at all. A question that it cannot answer alone is told on
/// standard error, and nothing is known of what was asked.
pub(super) async fn ask(source: Source, expected: Expected) -> anyhow::Result<Known> {
    let selections = expected.selections.into_values().map(Question::Selection);
    let questions: Vec<_> = selections.chain(expected.ranged.into_iter().map(Question::Interval)).collect();
    let (name, total) = (source.name.clone(), questions.len());
    if questions.is_empty() {
        return Ok(Known::default());
    }
    let metrics = source.metrics().await.with_context(|| format!("ask {name} what it has"))?;
    ensure!(!metrics.is_empty(), "{name} has no metrics: is it the right one, and the right tenant?");
    let asker = Arc::new(Asker { source, metrics: metrics.into_iter().collect() });
    let bar = batch::bar(total, "asking");
    let (mut known, mut unanswered) = (Known::default(), Vec::new());
    let (mut left, mut running) = (questions.into_iter(), JoinSet::new());
    loop {
        while running.len() < AT_ONCE
            && let Some(question) = left.next()
        {
            let asker = Arc::clone(&asker);
            running.spawn(async move { asker.answer(question).await });
        }
        let Some(joined) = running.join_next().await else { break };
        bar.inc(1);
        match joined {
            Ok(Ok(answer)) => note(&mut known, answer),
            Ok(Err(error)) if is_hopeless(&error, &unanswered) => {
                return Err(error).with_context(|| format!("ask {name} what it has"));
            }
            Ok(Err(error)) => unanswered.push(error),
            Err(failed) => panic::resume_unwind(failed.into_panic()),
        }
    }
    drop(bar);
    if let Some(first) = unanswered.first() {
        output::note(format_args!("vigil: {name} did not answer {} of {total} questions: {first}", unanswered.len()));
    }
    Ok(known)
}

/// Whether the source is away, so that the other questions need not be asked.
fn is_hopeless(error: &QueryError, before: &[QueryError]) -> bool {
    let is_late = |error: &QueryError| matches!(error, QueryError::Timeout(_));
    let late = before.iter().filter(|error| is_late(error)).count();
    if is_late(error) { late + 1 >= PATIENCE } else { error.is_source_failure() }
}

fn note(known: &mut Known, answer: Answer) {
    match answer {
        Answer::Selection { text, missing: Some(missing), .. } => drop(known.missing.insert(text, missing)),
        Answer::Selection { misspelt, .. } if misspelt.is_empty() => {}
        Answer::Selection { text, misspelt, .. } => drop(known.misspelt.insert(text, misspelt)),
        Answer::Interval { series, interval } => {
            known.intervals.extend(interval.map(|interval| (series, interval)));
        }
    }
}

/// A source whose metrics are known by name.
struct Asker {
    source: Source,
    metrics: BTreeSet<String>,
}

impl Asker {
    async fn answer(&self, question: Question) -> Result<Answer, QueryError> {
        Ok(match question {
            Question::Selection(selection) => {
                let missing = self.missing(&selection).await?;
                let misspelt = if missing.is_none() { self.misspelt(&selection).await? } else { Vec::new() };
                Answer::Selection { text: selection.text, missing, misspelt }
            }
            Question::Interval(series) => {
                let interval = self.source.interval(&series).await?;
                Answer::Interval { series, interval }
            }
        })
    }

    /// Why nothing is selected, if nothing is.
    async fn missing(&self, selection: &Selection) -> Result<Option<Missing>, QueryError> {
        let Selection { text, metric, .. } = selection;
        if let Some(metric) = metric.as_ref().filter(|metric| !self.metrics.contains(*metric)) {
            return Ok(Some(Missing::metric(metric, self.metrics.iter().map(String::as_str))));
        }
        // A metric alone needs no further question.
        if metric.as_ref() == Some(text) || self.source.has(text).await? {
            return Ok(None);
        }
        self.reason(selection).await.map(Some)
    }

    /// The matcher without which something would be selected, or else one that matches nothing by itself.
    async fn reason(&self, Selection { base, matchers, .. }: &Selection) -> Result<Missing, QueryError> {
        for matcher in matchers {
            if let Some(rest) = &matcher.rest
                && self.source.has(rest).await?
            {
                return self.mistake(rest, matcher).await;
            }
        }
        if matchers.len() < 2 {
            return Ok(Missing::Unexplained);
        }
        for matcher in matchers {
            if let (Some(base), Some(alone)) = (base, &matcher.alone)
                && !self.source.has(alone).await?
            {
                return self.mistake(base, matcher).await;
            }
        }
        Ok(Missing::Together)
    }

    /// What is wrong with a matcher that matches no series of `rest`.
    async fn mistake(&self, rest: &str, matcher: &LabelMatcher) -> Result<Missing, QueryError> {
        if !matcher.is_optional && matcher.label != METRIC_NAME {
            let labels = self.source.labels(rest).await?;
            if !labels.contains(&matcher.label) {
                return Ok(Missing::label(rest, &matcher.label, &labels));
            }
        }
        Ok(Missing::value(rest, matcher, &self.source.values(&matcher.label, rest).await?))
    }

    /// Labels that are named only to leave something out, that the metric does not have, and that it almost has.
    async fn misspelt(&self, Selection { base, matchers, .. }: &Selection) -> Result<Vec<Missing>, QueryError> {
        let leaves_out = |matcher: &&LabelMatcher| {
            matcher.is_optional && matcher.value.as_deref() != Some("") && matcher.label != METRIC_NAME
        };
        let named: Vec<_> = matchers.iter().filter(leaves_out).collect();
        let Some(base) = base.as_ref().filter(|_| !named.is_empty()) else { return Ok(Vec::new()) };
        let labels = self.source.labels(base).await?;
        let unknown = named.into_iter().filter(|matcher| !labels.contains(&matcher.label));
        let missing = unknown.map(|matcher| Missing::label(base, &matcher.label, &labels));
        Ok(missing.filter(Missing::has_a_guess).collect())
    }
}
