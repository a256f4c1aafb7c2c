//! One story, told many times with other dice. A round that fails says how to repeat it.

use super::Waits;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::ops::{Range, RangeInclusive};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Rounds of one story that run side by side: they mostly wait.
const AT_ONCE: u64 = 3;
/// After so many failures of one story the rest of its rounds would tell nothing new.
const MOST_FAILURES: usize = 3;

/// One telling of a story.
pub struct Round {
    /// Decides everything. Those of neighbouring rounds are neighbours: its remainder chooses between ways to do a thing.
    pub seed: u64,
    pub dice: StdRng,
}

impl Round {
    fn new(seed: u64) -> Self {
        Self { seed, dice: StdRng::seed_from_u64(seed) }
    }

    /// One of `ways`, each in its turn.
    pub fn turn<T: Copy>(&self, ways: &[T]) -> T {
        let count = u64::try_from(ways.len()).expect("few");
        ways[usize::try_from(self.seed % count).expect("few")]
    }

    /// Waits for a random time, in milliseconds: something is to happen while others work.
    pub async fn pause(&mut self, millis: RangeInclusive<u64>) {
        let millis = self.dice.random_range(millis);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

/// Tells `story` as often as the environment asks (`CRASH_ROUNDS`, 3), several at once, with dice that the seed decides
/// (`CRASH_SEED`, random). Round `n` of seed `s` is round 0 of seed `s + n`.
///
/// # Panics
/// When a round does, after the others.
pub fn rounds(name: &str, story: impl AsyncFn(Round) + Sync) {
    let seeds = seeds();
    let (base, count) = (seeds.start, seeds.end - seeds.start);
    let began = Instant::now();
    let (next, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let failed = |failures: &Mutex<Vec<u64>>| failures.lock().expect("nobody panics while holding it").len();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(count) {
            scope.spawn(|| {
                while failed(&failures) < MOST_FAILURES {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= count {
                        return;
                    }
                    let seed = base + number;
                    if catch_unwind(AssertUnwindSafe(|| tell(story(Round::new(seed))))).is_err() {
                        println!("round {number} of {name} failed, seed {seed}");
                        failures.lock().expect("nobody panics while holding it").push(seed);
                    }
                }
            });
        }
    });
    println!("{name}: {count} rounds took {:?}", began.elapsed());
    let failures = failures.into_inner().expect("nobody panics while holding it");
    let again = |seed: &u64| format!("tests/faults --only {name} --rounds 1 --seed {seed}");
    let again: Vec<String> = failures.iter().map(again).collect();
    assert!(failures.is_empty(), "{} rounds failed; to repeat them:\n{}", failures.len(), again.join("\n"));
}

/// Tells one story of all rounds: for what is dear to set up.
pub fn series(name: &str, story: impl AsyncFnOnce(Vec<Round>)) {
    let seeds = seeds();
    println!("{name}: seeds {seeds:?}");
    tell(story(seeds.map(Round::new).collect()));
}

fn tell(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(story);
}

fn seeds() -> Range<u64> {
    let base = number("CRASH_SEED").unwrap_or_else(|| rand::random_range(0..1_000_000));
    base..base + number("CRASH_ROUNDS").unwrap_or(3)
}

/// The waits that `CRASH_WAITS` asks for: `real`, or short ones.
pub(super) fn waits() -> Waits {
    match variable("CRASH_WAITS").as_deref() {
        None | Some("short") => Waits::Short,
        Some("real") => Waits::Real,
        Some(other) => panic!("CRASH_WAITS is short or real, not {other:?}"),
    }
}

/// How many jobs are many (`CRASH_JOBS`, 50,000).
///
/// # Panics
/// When the variable is no number.
pub fn jobs() -> usize {
    number("CRASH_JOBS").map_or(50_000, |jobs| usize::try_from(jobs).expect("they fit into memory"))
}

fn number(name: &str) -> Option<u64> {
    let text = variable(name)?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

#[expect(clippy::disallowed_methods, reason = "how long to test is no configuration of Vigil's")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}
