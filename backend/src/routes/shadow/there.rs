//! The other side's alerts, as the data source has them.

use std::collections::BTreeSet;

use vigil_datasource::{Answer, Datasource, QueryError, Series};
use vigil_domain::{
    Span,
    shadow::{AlertSeries, Samples, Window},
};

use super::too_much;
use crate::problem::{Problem, Result};

/// What is asked for at once, at first. If that is too much for one answer, half of it, and so on.
const LONGEST_PART: Span = Span::from_secs(86_400);
/// What is too much for less than this is not asked for again.
const SHORTEST_PART: Span = Span::from_secs(900);
/// The most alerts that are looked at.
const MOST_SERIES: usize = 20_000;
/// The most samples of them, which take some seconds: a day of 868 alerts that fire all the time, every 15 s.
const MOST_SAMPLES: usize = 5_000_000;

/// What has come so far.
struct Gathered {
    samples: Samples,
    /// How many there were.
    count: usize,
    warnings: BTreeSet<String>,
}

/// The series that the data source has for each selector, and what it has to say about them. No rule is evaluated more
/// often than each `shortest` interval.
pub(super) async fn ask(
    datasource: &Datasource,
    selectors: &[String],
    window: Window,
    shortest: Span,
) -> Result<(Vec<AlertSeries>, Vec<String>)> {
    let mut all = Gathered { samples: Samples::new(shortest), count: 0, warnings: BTreeSet::new() };
    for selector in selectors {
        let mut part = LONGEST_PART.min(Span::between(window.from, window.to));
        let mut from = window.from;
        while from < window.to {
            let to = window.to.min(from + part.chrono());
            match datasource.samples(&format!("{selector}[{}]", Span::between(from, to)), to).await {
                Ok(answer) => {
                    all.add(answer)?;
                    from = to;
                }
                Err(error) if may_be_parted(&error) && part > SHORTEST_PART => {
                    part = Span::from_millis(part.millis() / 2);
                }
                Err(error) => return Err(refused(error)),
            }
        }
    }
    Ok((all.samples.into_series(), all.warnings.into_iter().collect()))
}

impl Gathered {
    fn add(&mut self, answer: Answer<Vec<Series>>) -> Result<()> {
        self.warnings.extend(answer.warnings);
        for Series { labels, points } in answer.value {
            self.count += points.len();
            // Some data sources show the end of a series, which is no number.
            let times = points.into_iter().filter(|(_, value)| !value.is_nan()).map(|(at, _)| at);
            self.samples.add(labels, times);
        }
        if self.samples.count() > MOST_SERIES {
            return Err(too_much(&format!("the data source has more than {MOST_SERIES} alerts")));
        }
        if self.count > MOST_SAMPLES {
            return Err(too_much(&format!("the data source has more than {MOST_SAMPLES} samples of alerts")));
        }
        Ok(())
    }
}

/// Whether half of it may do: the answer was too large, or more than the source can give.
fn may_be_parted(error: &QueryError) -> bool {
    matches!(error, QueryError::TooLarge { .. } | QueryError::Rejected { .. })
}

/// What the source refuses is more than it can give.
fn refused(error: QueryError) -> Problem {
    if may_be_parted(&error) { too_much(&error.to_string()) } else { error.into() }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashMap,
        sync::{Arc, Mutex},
    };

    use axum::{Json, Router, extract::Query, http::StatusCode, routing::get};
    use serde_json::{Value, json};
    use tokio::net::TcpListener;
    use vigil_datasource::HttpOptions;
    use vigil_domain::{Timestamp, shadow::Run};

    use super::*;

    const MINUTE: i64 = 60;
    const DAY: i64 = 1_440 * MINUTE;
    const END: i64 = 20_000 * DAY;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_timestamp(second, 0).unwrap()
    }

    /// A data source with an alert that fires all the time. It gives no more than `most` of it at once.
    struct Source {
        client: Datasource,
        /// For how long it was asked, each time.
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl Source {
        async fn start(most: Span) -> Self {
            let asked = Arc::new(Mutex::new(Vec::new()));
            let seen = Arc::clone(&asked);
            let answer = move |Query(query): Query<HashMap<String, String>>| {
                let range = query["query"].trim_end_matches(']').rsplit('[').next().unwrap().to_owned();
                seen.lock().unwrap().push(range.clone());
                let to = query["time"].split('.').next().unwrap().parse().unwrap();
                let answer = answer(range.parse().unwrap(), to, most);
                async move { answer }
            };
            let router = Router::new().route("/api/v1/query", get(answer));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(async move { axum::serve(listener, router).await });
            Self { client: Datasource::http(HttpOptions::new(url)).unwrap(), asked }
        }

        async fn ask(&self, seconds: i64) -> Result<(Vec<AlertSeries>, Vec<String>)> {
            let window = Window { from: at(END - seconds), to: at(END) };
            ask(&self.client, &["ALERTS".to_owned()], window, Span::from_secs(60)).await
        }

        fn asked(&self) -> Vec<String> {
            self.asked.lock().unwrap().clone()
        }
    }

    fn answer(range: Span, to: i64, most: Span) -> (StatusCode, Json<Value>) {
        if range > most {
            let refusal = json!({"status": "error", "errorType": "execution", "error": "too many samples"});
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(refusal));
        }
        let from = to - range.millis_i64() / 1_000;
        let minutes = (from..=to).filter(|second| second % MINUTE == 0);
        let samples: Vec<_> = minutes.map(|second| json!([second, "1"])).chain([json!([to, "NaN"])]).collect();
        let series = json!({"metric": {"alertname": "Down"}, "values": samples});
        let data = json!({"resultType": "matrix", "result": [series]});
        (StatusCode::OK, Json(json!({"status": "success", "data": data, "warnings": ["slow"]})))
    }

    #[tokio::test]
    async fn what_is_too_much_for_one_answer_is_asked_for_part_by_part() {
        let source = Source::start(Span::from_secs(6 * 3_600)).await;
        let (found, warnings) = source.ask(DAY).await.unwrap();
        assert_eq!(source.asked(), ["1d", "12h", "6h", "6h", "6h", "6h"]);
        let [AlertSeries { labels, runs }] = &found[..] else { panic!("{found:?}") };
        assert_eq!(labels.get("alertname"), Some("Down"));
        assert_eq!(runs[..], [Run { first: at(END - DAY), last: at(END) }], "and is one all the same");
        assert_eq!(warnings, ["slow"]);
    }

    #[tokio::test]
    async fn days_are_asked_for_one_by_one() {
        let source = Source::start(Span::from_secs(7 * 86_400)).await;
        source.ask(2 * DAY + 90 * MINUTE).await.unwrap();
        assert_eq!(source.asked(), ["1d", "1d", "1h30m"]);
    }

    #[tokio::test]
    async fn what_is_too_much_for_a_quarter_of_an_hour_is_refused() {
        let source = Source::start(Span::ZERO).await;
        for (seconds, asked) in [(DAY, 8), (10 * MINUTE, 9)] {
            let refused = source.ask(seconds).await.unwrap_err();
            assert!(refused.to_string().contains("not valid"), "{refused}");
            assert!(matches!(refused, Problem::Invalid(mistakes) if mistakes[0].message.contains("too many samples")));
            assert_eq!(source.asked().len(), asked);
        }
    }
}
