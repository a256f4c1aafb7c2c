//! A feed: one question about one server, asked every interval for all who follow it.
//!
//! Each process with followers has one. At every instant one of them claims the right to ask; all hear the answer. A
//! process that dies in between costs one answer.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::extract::ws::Utf8Bytes;
use tokio::{pin, sync::watch, time::sleep};
use vigil_datasource::summary::{self, Selector, Summary};
use vigil_domain::{Labels, QueryValue, Span, Timestamp, id::ServerId, promql};
use vigil_store::live::Subscription;

use super::{close::Close, frame, guard::Ground, pace};
use crate::{auth::token::digest, state::AppState};

/// How long a feed goes on without followers: they often come back at once.
const GRACE: Duration = Duration::from_secs(3);
/// Added to what is kept for two intervals, for clocks that differ.
const MARGIN: Duration = Duration::from_secs(2);

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    Summary,
    /// `PromQL` in normal form, not tied to the server yet.
    Expr(Arc<str>),
}

/// Which feed it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) server: ServerId,
    pub(super) interval: Span,
    pub(super) question: Question,
}

impl Key {
    /// The same in every process.
    fn topic(&self) -> String {
        let (server, interval) = (self.server, self.interval.millis());
        match &self.question {
            Question::Summary => format!("metrics:{server}:{interval}"),
            Question::Expr(expr) => format!("metrics:{server}:{interval}:{}", digest(expr)),
        }
    }
}

/// What followers see of a feed: the newest only.
#[derive(Clone, Debug)]
pub(super) enum News {
    /// Nothing yet.
    None,
    Answer(Answer),
    /// There will be no more.
    Over(Close),
}

/// The answer for one instant.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// Counts the answers of this feed, so that followers know what they missed.
    pub(super) number: u64,
    pub(super) at: Timestamp,
    pub(super) text: Utf8Bytes,
}

/// What is sent to the data source, for the labels it was made for.
type Prepared = Option<(Arc<Labels>, Result<Arc<str>, String>)>;

struct Feed {
    state: AppState,
    key: Key,
    topic: String,
    ground: watch::Receiver<Ground>,
    /// Tells this feed from those of other processes.
    holder: String,
}

/// A feed's life: until nobody has followed it for a while, the server is gone, or the program ends.
pub(super) async fn run(
    state: AppState,
    key: Key,
    news: Arc<watch::Sender<News>>,
    mut ground: watch::Receiver<Ground>,
) {
    let (topic, holder) = (key.topic(), uuid::Uuid::new_v4().to_string());
    let feed = Feed { state, key, topic, ground: ground.clone(), holder };
    let (hub, end) = (Arc::clone(&feed.state.hub), feed.state.shutdown.token());
    let work = feed.work(&news);
    let gone = async {
        match ground.wait_for(|ground| matches!(ground, Ground::Gone(_))).await.as_deref() {
            Ok(Ground::Gone(close)) => close.clone(),
            Ok(Ground::Firm(_)) | Err(_) => Close::Internal,
        }
    };
    pin!(work, gone);
    loop {
        tokio::select! {
            never = &mut work => match never {},
            close = &mut gone => {
                hub.forget(&feed.key);
                news.send_replace(News::Over(close));
                return;
            }
            () = end.cancelled() => return hub.forget(&feed.key),
            () = abandoned(&news) => {
                if hub.retire(&feed.key, &news) {
                    return;
                }
            }
        }
    }
}

/// Ends when nobody has followed for a while.
async fn abandoned(news: &watch::Sender<News>) {
    loop {
        news.closed().await;
        sleep(GRACE).await;
        if news.receiver_count() == 0 {
            return;
        }
    }
}

impl Feed {
    async fn work(&self, news: &watch::Sender<News>) -> Infallible {
        // Before the first question, so that no answer is missed.
        let subscription = self.state.live.subscribe(&self.topic).await;
        let latest = self.state.live.latest(&self.topic).await.as_ref().and_then(frame::unpack);
        let now = self.state.now();
        let latest = latest.filter(|(at, _)| Span::between(*at, now) <= self.key.interval);
        // What nobody has asked lately is asked at once.
        let first = match &latest {
            Some((at, _)) => pace::next(now, *at, self.key.interval),
            None => now,
        };
        tokio::select! {
            never = listen(news, latest, subscription) => never,
            never = self.poll(first) => never,
        }
    }

    /// Asks at every instant that no other process has claimed.
    async fn poll(&self, first: Timestamp) -> Infallible {
        let interval = self.key.interval;
        let (mut at, mut prepared) = (first, None);
        loop {
            sleep(Span::between(self.state.now(), at).min(interval).std()).await;
            if self.claim(at).await {
                metrics::counter!("vigil_ws_polls_total").increment(1);
                let packed = frame::pack(at, &self.ask(at, &mut prepared).await);
                self.state.live.set_latest(&self.topic, packed.clone(), self.lifetime()).await;
                self.state.live.publish(&self.topic, packed).await;
            }
            at = pace::next(self.state.now(), at, interval);
        }
    }

    /// Whether it is for this process to ask for `at`. When nobody can say, it is.
    async fn claim(&self, at: Timestamp) -> bool {
        let name = format!("{}:{}", self.topic, pace::slot(at, self.key.interval));
        self.state.live.try_lease(&name, &self.holder, self.lifetime()).await.unwrap_or(true)
    }

    fn lifetime(&self) -> Duration {
        self.key.interval.std() * 2 + MARGIN
    }

    async fn ask(&self, at: Timestamp, prepared: &mut Prepared) -> String {
        let ground = self.ground.borrow().clone();
        let labels = match ground {
            Ground::Firm(labels) => labels,
            Ground::Gone(_) => Arc::default(),
        };
        let expr = match prepared {
            Some((made_for, expr)) if *made_for == labels => expr.clone(),
            _ => {
                let expr = self.prepare(&labels).await;
                *prepared = Some((Arc::clone(&labels), expr.clone()));
                expr
            }
        };
        let value = match expr {
            Ok(expr) => self.state.datasource.instant(&expr, at).await.map_err(|error| error.to_string()),
            Err(error) => Err(error),
        };
        let value = value.map(|answer| answer.value);
        match self.key.question {
            Question::Summary => frame::summary(self.key.server, at, &figures(&labels, value)),
            Question::Expr(_) => frame::answer(at, value),
        }
    }

    /// The question as `PromQL` about this server.
    async fn prepare(&self, labels: &Arc<Labels>) -> Result<Arc<str>, String> {
        let selector = Selector::new(labels).ok_or("nothing ties the server to its series")?;
        match &self.key.question {
            Question::Summary => Ok(summary::summary_expr(&selector).into()),
            Question::Expr(expr) => {
                let (expr, labels) = (Arc::clone(expr), Arc::clone(labels));
                // Somebody may have nested it deeply.
                let scoped = tokio::task::spawn_blocking(move || promql::scope(&expr, &labels)).await;
                let scoped = scoped.map_err(|_| "the expression could not be tied to the server")?;
                scoped.map(|parsed| parsed.text.into()).map_err(|error| error.to_string())
            }
        }
    }
}

fn figures(labels: &Labels, value: Result<QueryValue, String>) -> Summary {
    match (Selector::new(labels), value) {
        (Some(selector), Ok(QueryValue::Vector(samples))) => summary::parse_summary(&selector, &samples),
        (_, Ok(_)) => frame::unknown("the data source answered with something else than a vector"),
        (_, Err(error)) => frame::unknown(&error),
    }
}

/// Tells followers what any process asked, newest last.
async fn listen(
    news: &watch::Sender<News>,
    latest: Option<(Timestamp, Utf8Bytes)>,
    mut subscription: Subscription,
) -> Infallible {
    let mut numbers = 1..;
    let mut newest: Option<Timestamp> = None;
    let mut tell = |(at, text): (Timestamp, Utf8Bytes)| {
        if newest.is_some_and(|newest| pace::is_late(at, newest)) {
            return;
        }
        newest = Some(at);
        let number = numbers.next().unwrap_or_default();
        news.send_replace(News::Answer(Answer { number, at, text }));
    };
    latest.map(&mut tell);
    loop {
        let packed = subscription.next().await;
        frame::unpack(&packed).map(&mut tell);
    }
}
