//! Where "now" comes from. Only the edges ask; everything else is handed a timestamp.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// The time source of a program: the system's, or one that a test moves by hand.
///
/// Clones of a manual clock share one time. All times have whole milliseconds, which is what the databases keep, so
/// that a stored time compares equal to the one in memory.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// A clock that stands at `at` until it is moved.
    pub fn manual(at: DateTime<Utc>) -> Self {
        Self::Manual(Arc::new(Mutex::new(to_milliseconds(at))))
    }

    /// The current time, cut (not rounded) to whole milliseconds.
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => to_milliseconds(system_now()),
            Self::Manual(at) => *held(at),
        }
    }

    /// Moves a manual clock forward.
    ///
    /// # Panics
    ///
    /// On the system's clock, which nobody moves.
    pub fn advance(&self, by: Duration) {
        let mut at = held(self.hand());
        *at = to_milliseconds(*at + by);
    }

    /// Puts a manual clock at `to`, which may lie in its past.
    ///
    /// # Panics
    ///
    /// On the system's clock, which nobody moves.
    pub fn set(&self, to: DateTime<Utc>) {
        *held(self.hand()) = to_milliseconds(to);
    }

    fn hand(&self) -> &Mutex<DateTime<Utc>> {
        match self {
            Self::System => panic!("only a manual clock can be moved"),
            Self::Manual(at) => at,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's time")]
fn system_now() -> DateTime<Utc> {
    Utc::now()
}

fn to_milliseconds(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).expect("the milliseconds came from a valid time")
}

fn held(at: &Mutex<DateTime<Utc>>) -> MutexGuard<'_, DateTime<Utc>> {
    at.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_cut_to_milliseconds() {
        let clock = Clock::manual(at("2026-01-02T03:04:05.678999Z"));
        assert_eq!(clock.now(), at("2026-01-02T03:04:05.678Z"));
        clock.set(at("2026-01-02T03:04:05.000999Z"));
        assert_eq!(clock.now(), at("2026-01-02T03:04:05Z"));
        assert_eq!(Clock::System.now().timestamp_subsec_nanos() % 1_000_000, 0);
    }

    #[test]
    fn clones_of_a_manual_clock_share_one_time() {
        let clock = Clock::manual(at("2026-01-02T00:00:00Z"));
        let other = clock.clone();
        clock.advance(Duration::from_millis(90_500));
        assert_eq!(other.now(), at("2026-01-02T00:01:30.500Z"));
    }

    #[test]
    #[should_panic(expected = "only a manual clock can be moved")]
    fn the_system_clock_cannot_be_moved() {
        Clock::System.advance(Duration::from_secs(1));
    }
}
