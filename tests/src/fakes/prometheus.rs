//! A Prometheus query API on this machine that answers what a test scripts, and remembers what it was asked.
//!
//! An expression nobody scripted has an empty vector. It knows no PromQL: expressions are compared as text; one that ends
//! with a bracket is a range, with one value.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/>

mod answer;
mod api;

use super::Labels;
use super::server::Server;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Says yes to the expressions it is about.
type Predicate = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Which expressions a script is about.
#[derive(Clone)]
pub enum Question {
    /// This very text.
    Exactly(String),
    /// Those the function says yes to. What was said of an exact text goes first; among functions the newest.
    Where(Predicate),
}

impl Question {
    pub fn matching(predicate: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::Where(Arc::new(predicate))
    }

    /// Expressions with `part` in their text.
    pub fn containing(part: &str) -> Self {
        let part = part.to_owned();
        Self::matching(move |expr| expr.contains(&part))
    }

    pub fn any() -> Self {
        Self::matching(|_| true)
    }
}

impl From<&str> for Question {
    fn from(expr: &str) -> Self {
        Self::Exactly(expr.to_owned())
    }
}

impl From<String> for Question {
    fn from(expr: String) -> Self {
        Self::Exactly(expr)
    }
}

impl From<&String> for Question {
    fn from(expr: &String) -> Self {
        Self::Exactly(expr.clone())
    }
}

/// One query it was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// `query` or `query_range`.
    pub endpoint: &'static str,
    pub expr: String,
    /// The instant asked for, to the millisecond; `None` when the request named none. A range's `end`.
    pub time: Option<DateTime<Utc>>,
    pub received_at: DateTime<Utc>,
    /// Headers of the request, names in lower case.
    pub headers: BTreeMap<String, String>,
}

/// What an expression has.
#[derive(Clone)]
enum Answer {
    Vector(Arc<Vec<(Labels, f64)>>),
    Scalar(f64),
    Failure { status: u16, body: String },
    Silence,
}

/// A running query API. It ends on drop.
pub struct FakePrometheus {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<Script>,
    asked: Mutex<Vec<Asked>>,
    count: watch::Sender<usize>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

#[derive(Default)]
struct Script {
    exact: HashMap<String, Answer>,
    predicates: Vec<(Predicate, Answer)>,
    /// Goes before everything else.
    outage: Option<Answer>,
    delay: Duration,
}

impl FakePrometheus {
    pub fn start() -> Self {
        let shared = Arc::new(Shared::default());
        Self { server: Server::start(api::router(shared.clone())), shared }
    }

    /// The base URL, before `/api/v1`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// An instant vector; a range query has each series with the same value at every step, and a range its value at the
    /// instant. Replaces what was said before of the same text.
    pub fn answers(&self, question: impl Into<Question>, series: impl IntoIterator<Item = (Labels, f64)>) {
        self.say(question, Answer::Vector(Arc::new(series.into_iter().collect())));
    }

    pub fn scalar(&self, question: impl Into<Question>, value: f64) {
        self.say(question, Answer::Scalar(value));
    }

    /// Answers `status` with `body` as it is. [`Self::rejects`] has the body of Prometheus.
    pub fn fails(&self, question: impl Into<Question>, status: u16, body: &str) {
        self.say(question, Answer::Failure { status, body: body.to_owned() });
    }

    /// Answers as Prometheus does to an expression it cannot evaluate: 422, `execution`, and the reason.
    pub fn rejects(&self, question: impl Into<Question>, reason: &str) {
        self.say(question, Answer::Failure { status: 422, body: answer::error("execution", reason) });
    }

    /// Never answers, until the asker gives up.
    pub fn hangs(&self, question: impl Into<Question>) {
        self.say(question, Answer::Silence);
    }

    /// Every query is answered with `status` and `body`, until [`Self::recovers`].
    pub fn everything_fails(&self, status: u16, body: &str) {
        self.shared.script().outage = Some(Answer::Failure { status, body: body.to_owned() });
    }

    /// No query is answered, until [`Self::recovers`].
    pub fn everything_hangs(&self) {
        self.shared.script().outage = Some(Answer::Silence);
    }

    /// Queries have their own answers again.
    pub fn recovers(&self) {
        self.shared.script().outage = None;
    }

    /// Every answer takes this long from now on.
    pub fn takes(&self, delay: Duration) {
        self.shared.script().delay = delay;
    }

    /// Closes every connection and refuses new ones.
    pub fn down(&self) {
        self.server.down();
    }

    /// Listens again, on the same port.
    pub fn up(&self) {
        self.server.up();
    }

    /// Every query since the start or [`Self::clear`], in the order of arrival.
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.asked().clone()
    }

    /// How many queries that are.
    pub fn count(&self) -> usize {
        self.shared.asked().len()
    }

    /// How many of them were about `expr`.
    pub fn count_of(&self, expr: &str) -> usize {
        self.shared.asked().iter().filter(|asked| asked.expr == expr).count()
    }

    /// The most queries it was answering at once since the start.
    pub fn most_at_once(&self) -> usize {
        self.shared.most_under_way.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// Waits until it was asked `count` times since the start or [`Self::clear`].
    ///
    /// # Panics
    /// When it was not after `patience`.
    pub async fn wait_for(&self, count: usize, patience: Duration) {
        let mut counted = self.shared.count.subscribe();
        let asked = tokio::time::timeout(patience, counted.wait_for(|counted| *counted >= count)).await;
        assert!(asked.is_ok(), "asked {} times of {count} after {patience:?}", self.count());
    }

    /// Forgets what it was asked; the script stays.
    pub fn clear(&self) {
        self.shared.asked().clear();
        self.shared.count.send_replace(0);
    }

    fn say(&self, question: impl Into<Question>, answer: Answer) {
        let mut script = self.shared.script();
        match question.into() {
            Question::Exactly(expr) => drop(script.exact.insert(expr, answer)),
            Question::Where(predicate) => script.predicates.push((predicate, answer)),
        }
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    /// The labels of every series that something has, each set once.
    fn label_sets(&self) -> Vec<Labels> {
        let answers = self.exact.values().chain(self.predicates.iter().map(|(_, answer)| answer));
        let mut sets = Vec::new();
        for answer in answers {
            if let Answer::Vector(series) = answer {
                sets.extend(series.iter().map(|(labels, _)| labels.clone()));
            }
        }
        sets.sort();
        sets.dedup();
        sets
    }

    fn answer(&self, expr: &str) -> Answer {
        let by_text = || self.outage.as_ref().or_else(|| self.exact.get(expr));
        let by_predicate = || self.predicates.iter().rev().find(|(wanted, _)| wanted(expr)).map(|(_, answer)| answer);
        by_text().or_else(by_predicate).cloned().unwrap_or_else(|| Answer::Vector(Arc::default()))
    }
}

#[cfg(test)]
mod tests;
