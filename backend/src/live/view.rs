//! What one client sees: the server's figures, and the results of its own expressions laid into them.

use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use vigil_domain::{Span, Timestamp};

use super::{
    close::Close,
    feed::{Answer, News},
    frame,
};

/// The newest news of some feeds, as frames.
pub(super) struct View {
    figures: watch::Receiver<News>,
    results: Vec<Watched>,
    /// How long a frame waits for the results of the same instant.
    patience: Duration,
    /// Figures that wait for results.
    pending: Option<(Answer, Instant)>,
    last_number: u64,
}

/// An expression a client watches.
pub(super) struct Watched {
    /// The client's own text, as JSON.
    pub(super) expr: Box<str>,
    pub(super) feed: watch::Receiver<News>,
}

impl View {
    /// Begins with the latest figures, if there are any.
    pub(super) fn new(mut figures: watch::Receiver<News>, interval: Span) -> Self {
        figures.mark_changed();
        let patience = (interval.std() / 2).clamp(Duration::from_millis(200), Duration::from_secs(10));
        Self { figures, results: Vec::new(), patience, pending: None, last_number: 0 }
    }

    /// Watches these expressions instead of those before. The latest figures are sent again, with their results.
    pub(super) fn watch(&mut self, results: Vec<Watched>) {
        self.results = results;
        if let News::Answer(answer) = &*self.figures.borrow_and_update() {
            self.pending = Some((answer.clone(), Instant::now() + self.patience));
        }
    }

    /// The next frame, or the newest when some were missed. Cancelling loses nothing.
    ///
    /// # Errors
    /// When there will be none.
    pub(super) async fn next(&mut self) -> Result<Utf8Bytes, Close> {
        loop {
            let Some((answer, deadline)) = &self.pending else {
                self.figures.changed().await.map_err(|_| Close::Internal)?;
                let news = self.figures.borrow_and_update().clone();
                match news {
                    News::None => {}
                    News::Answer(answer) => self.pend(answer),
                    News::Over(close) => return Err(close),
                }
                continue;
            };
            for watched in &mut self.results {
                watched.reach(answer.at, *deadline).await;
            }
            let text = match &self.results[..] {
                [] => answer.text.clone(),
                results => frame::with_results(&answer.text, results.iter().map(Watched::newest)),
            };
            self.pending = None;
            return Ok(text);
        }
    }

    fn pend(&mut self, answer: Answer) {
        let missed = answer.number.saturating_sub(self.last_number + 1);
        if self.last_number > 0 && missed > 0 {
            metrics::counter!("vigil_ws_skipped_total").increment(missed);
        }
        self.last_number = answer.number;
        self.pending = Some((answer, Instant::now() + self.patience));
    }
}

impl Watched {
    /// Waits for the result for `at` or a later instant.
    async fn reach(&mut self, at: Timestamp, deadline: Instant) {
        let has_come = |news: &News| match news {
            News::None => false,
            News::Answer(answer) => answer.at >= at,
            News::Over(_) => true,
        };
        // What does not come in time is shown as it last was: every value carries its time.
        let _ = timeout_at(deadline, self.feed.wait_for(has_come)).await;
    }

    fn newest(&self) -> (&str, Utf8Bytes) {
        let answer = match &*self.feed.borrow() {
            News::Answer(answer) => answer.text.clone(),
            News::None | News::Over(_) => Utf8Bytes::from_static(frame::NO_ANSWER),
        };
        (&self.expr, answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(number: u64, second: u32, text: &str) -> News {
        let at = format!("2026-01-02T03:04:{second:02}Z").parse().unwrap();
        News::Answer(Answer { number, at, text: text.into() })
    }

    const FIGURES: &str = r#"{"n":1,"results":[]}"#;

    #[tokio::test(start_paused = true)]
    async fn a_new_client_gets_the_latest_frame_and_a_slow_one_the_newest() {
        let (sender, receiver) = watch::channel(answer(7, 0, "seven"));
        let mut view = View::new(receiver, Span::from_secs(1));
        assert_eq!(view.next().await.unwrap(), "seven");
        for number in 8..20 {
            sender.send_replace(answer(number, 1, &number.to_string()));
        }
        assert_eq!(view.next().await.unwrap(), "19");
        sender.send_replace(News::Over(Close::InactiveServer));
        assert_eq!(view.next().await.unwrap_err(), Close::InactiveServer);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_waits_for_the_results_of_its_instant() {
        let (figures, receiver) = watch::channel(News::None);
        let (results, feed) = watch::channel(answer(1, 0, r#""data":0"#));
        let mut view = View::new(receiver, Span::from_secs(10));
        view.watch(vec![Watched { expr: r#""up""#.into(), feed }]);
        figures.send_replace(answer(1, 10, FIGURES));
        assert!(tokio::time::timeout(Duration::from_secs(4), view.next()).await.is_err(), "it waits");
        results.send_replace(answer(2, 10, r#""data":1"#));
        assert_eq!(view.next().await.unwrap(), r#"{"n":1,"results":[{"expr":"up","data":1}]}"#);
        figures.send_replace(answer(2, 20, FIGURES));
        let late = view.next().await.unwrap();
        assert_eq!(late, r#"{"n":1,"results":[{"expr":"up","data":1}]}"#, "but not for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn who_subscribes_gets_the_latest_frame_again_with_results() {
        let (_figures, receiver) = watch::channel(answer(1, 5, FIGURES));
        let mut view = View::new(receiver, Span::from_secs(60));
        assert_eq!(view.next().await.unwrap(), FIGURES);
        let (results, feed) = watch::channel(News::None);
        view.watch(vec![Watched { expr: r#""up""#.into(), feed }]);
        results.send_replace(answer(1, 7, r#""data":1"#));
        assert_eq!(view.next().await.unwrap(), r#"{"n":1,"results":[{"expr":"up","data":1}]}"#);
        view.watch(Vec::new());
        assert_eq!(view.next().await.unwrap(), FIGURES);
    }
}
