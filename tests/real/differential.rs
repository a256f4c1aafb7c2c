//! The evaluator and the embedded store, beside Debian's Prometheus 2.42 with the very same samples.
//!
//! The queries are in `differential/*.promql`: `queries` have the same answers on both sides, `refused` are refused by
//! both, `differences` are all that is known to differ, because Vigil follows Prometheus 3.

mod answer;
mod containers;
mod edges;
mod hosts;
mod lists;
mod remote_write;
mod requests;
mod series;

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use vigil_datasource::{ApiPath, Datasource, EmbeddedOptions};
use vigil_promql::Series;
use vigil_samples::{Clock, Options, Store};
use vigil_tests::services::Prometheus;

use answer::Answer;
use lists::{Case, cases, differences};
use series::END_MS;

/// Instants are so many seconds before the end. Not whole, so that neither samples nor the steps of subqueries lie on
/// the edges of windows, where Prometheus 2 and 3 differ.
const INSTANTS: [f64; 5] = [7.25, 433.25, 1_003.25, 1_201.25, 1_700.25];
/// From and to, in seconds before the end, and the step.
const RANGES: [(f64, f64, f64); 2] = [(2_411.25, 1.25, 67.0), (1_500.25, 900.25, 20.5)];
/// The least number of queries, and which share of them in percent finds something.
const FEWEST: usize = 150;
const LEAST_FOUND: usize = 80;
/// Their series have an order of their own.
const ORDERED: [&str; 4] = ["sort(", "sort_desc(", "topk(", "bottomk("];

/// Both sides, with the same samples.
struct Both {
    prometheus: Prometheus,
    client: reqwest::Client,
    ours: Datasource,
    _folder: tempfile::TempDir,
}

impl Both {
    async fn start() -> Self {
        let series: Vec<Series> =
            [hosts::all(), containers::all(), requests::all(), edges::all()].into_iter().flatten().collect();
        let prometheus = Prometheus::configured("global: {}\n").await;
        remote_write::push(&prometheus, &series).await;
        let folder = tempfile::tempdir().expect("a folder");
        let ours = embedded(&folder, &series).await;
        Self { prometheus, client: reqwest::Client::new(), ours, _folder: folder }
    }

    /// Our answer, and theirs.
    async fn ask(&self, path: ApiPath, pairs: &[(&str, String)]) -> (Answer, Answer) {
        let ours: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let ours = self.ours.get_raw(&path, &ours).await.expect("the store answers");
        let body: Value = serde_json::from_slice(&ours.body).expect("JSON");
        let name = if path == ApiPath::Query { "query" } else { "query_range" };
        let theirs = self.client.post(format!("{}/api/v1/{name}", self.prometheus.url())).form(pairs);
        let theirs = theirs.send().await.expect("Prometheus answers");
        let (status, theirs) = (theirs.status().as_u16(), theirs.json().await.expect("JSON"));
        (Answer::read(ours.status, &body), Answer::read(status, &theirs))
    }

    async fn instant(&self, expr: &str, before_end: f64) -> (Answer, Answer) {
        self.ask(ApiPath::Query, &[("query", expr.to_owned()), ("time", moment(before_end))]).await
    }

    async fn range(&self, expr: &str, (from, to, step): (f64, f64, f64)) -> (Answer, Answer) {
        let window = [("start", moment(from)), ("end", moment(to)), ("step", step.to_string())];
        self.ask(ApiPath::QueryRange, &[&[("query", expr.to_owned())], window.as_slice()].concat()).await
    }
}

/// The data source in this process with these samples.
async fn embedded(folder: &tempfile::TempDir, series: &[Series]) -> Datasource {
    let options = Options { clock: Clock::new(|| END_MS), ..Options::default() };
    let store = Store::open(&folder.path().join("samples.db"), options).await.expect("a new file");
    for one in series {
        let batch: Vec<_> = one.points.iter().map(|point| (one.labels.clone(), *point)).collect();
        let appended = store.append(&batch);
        assert_eq!(appended.refused_count(), 0, "{:?}", appended.refused);
    }
    let limits = vigil_promql::Options::default();
    let options = EmbeddedOptions { timeout: Duration::from_secs(60), concurrency: 1, limits };
    Datasource::embedded(store, options)
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are exact in a float")]
fn moment(before_end: f64) -> String {
    (END_MS as f64 / 1_000.0 - before_end).to_string()
}

/// What became of one query at all its instants and ranges.
#[derive(Default)]
struct Compared {
    answers: usize,
    values: usize,
    differences: Vec<String>,
}

impl Compared {
    fn add(&mut self, when: &str, case: &Case, (ours, theirs): (Answer, Answer), is_ordered: bool) {
        let (ours, theirs) = if is_ordered { (ours, theirs) } else { (ours.sorted(), theirs.sorted()) };
        self.answers += 1;
        self.values += theirs.len();
        let place = format!("{} [{}] {when}", case.expr, case.heading);
        if theirs.is_refused() {
            self.differences.push(format!("{place}: {theirs}"));
        } else if let Some(difference) = ours.difference(&theirs) {
            self.differences.push(format!("{place}: {difference}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_have_the_answers_of_prometheus() {
    let both = Both::start().await;
    let cases = cases(include_str!("differential/queries.promql"));
    let (mut found, mut answers, mut values, mut differences) = (0, 0, 0, Vec::new());
    let mut nowhere: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in &cases {
        let mut compared = Compared::default();
        let is_ordered = ORDERED.iter().any(|name| case.expr.starts_with(name));
        for before_end in INSTANTS {
            let pair = both.instant(&case.expr, before_end).await;
            compared.add(&format!("{before_end} s before the end"), case, pair, is_ordered);
        }
        for range in RANGES {
            // The series of a range are in order of their labels.
            compared.add(&format!("over {range:?}"), case, both.range(&case.expr, range).await, true);
        }
        found += usize::from(compared.values > 0);
        if compared.values == 0 {
            nowhere.entry(case.heading.clone()).or_default().push(case.expr.clone());
        }
        answers += compared.answers;
        values += compared.values;
        differences.extend(compared.differences);
    }
    println!("{} queries compared, {found} of them found something: {values} values in {answers} answers", cases.len());
    println!("found nothing: {nowhere:#?}");
    assert!(differences.is_empty(), "{} of {answers} answers differ:\n{}", differences.len(), differences.join("\n"));
    assert!(cases.len() >= FEWEST, "{} queries are fewer than {FEWEST}", cases.len());
    assert!(100 * found >= LEAST_FOUND * cases.len(), "only {found} of {} queries found something", cases.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_prometheus_refuses_is_refused() {
    let both = Both::start().await;
    let cases = cases(include_str!("differential/refused.promql"));
    let mut differences = Vec::new();
    for case in &cases {
        let (ours, theirs) = both.instant(&case.expr, INSTANTS[0]).await;
        let difference =
            if theirs.is_refused() { ours.difference(&theirs) } else { Some(format!("not refused: {theirs}")) };
        differences.extend(difference.map(|difference| format!("{} [{}]: {difference}", case.expr, case.heading)));
    }
    println!("{} refusals compared", cases.len());
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_to_differ_differs_as_known() {
    let both = Both::start().await;
    let known = differences(include_str!("differential/differences.promql"));
    let mut wrong = Vec::new();
    for one in &known {
        let (ours, theirs) = both.instant(&one.expr, 0.0).await;
        for (who, answer, expected) in [("Vigil", ours, &one.of_three), ("Prometheus 2.42", theirs, &one.of_two)] {
            let said = if answer.is_refused() && expected == "refused" {
                "refused".to_owned()
            } else {
                answer.sorted().to_string()
            };
            if said != *expected {
                wrong.push(format!("{}\n{who} says\n{said}\ninstead of\n{expected}", one.expr));
            }
        }
    }
    println!("{} differences confirmed", known.len());
    assert!(wrong.is_empty(), "{} are not as listed:\n{}", wrong.len(), wrong.join("\n\n"));
}
