//! The same rule file in Debian's Prometheus and in Vigil, side by side in real time: what they show, write and send is
//! the same, apart from when in its interval each evaluates a group.
//!
//! [`world`] says what there is at each moment; [`sides`] are a Prometheus that evaluates `rules.yml` itself, and a
//! Vigil that asks another Prometheus, which scrapes the same targets. (One Prometheus would not do: both would write
//! the same `ALERTS`.) [`evidence`] keeps what each of them shows, look after look, and what its Alertmanager received;
//! [`compare`] judges. What is known to differ is in [`known`], and has to be met.
//!
//! *Apart from when* means: what one side shows at a moment the other shows within the [`pace`] of the rule, sooner or
//! later; and beginnings and ends are as many, and as far apart at most.

mod compare;
mod evidence;
mod known;
mod pace;
mod posts;
mod report;
mod shown;
mod sides;
mod target;
#[cfg(test)]
mod tests;
mod timeline;
mod times;
mod world;

use compare::{compare, unmet};
use sides::Sides;

/// How many minutes it takes, beside the start and the end; without the variable one cycle of the world.
const MINUTES: &str = "DIFFERENTIAL_MINUTES";

/// `tests/differential` runs this for longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_rules_come_to_the_same_in_prometheus_and_in_vigil() {
    let cycles = minutes().map_or(1, world::cycles);
    let mut sides = Sides::start(cycles).await;
    let (vigil, prometheus) = sides.watch(cycles).await;
    let pace = sides.pace().await;
    let mut report = compare(&vigil, &prometheus, &pace);
    unmet(&vigil, &prometheus, &mut report);
    report.demand_enough();
    println!("{report}");
    assert!(sides.is_running(), "a program has ended:\n{}", sides.output());
    assert!(report.is_clean(), "{} differences; they are told above", report.differences());
}

#[expect(clippy::disallowed_methods, reason = "how long to test is no configuration of Vigil's")]
fn minutes() -> Option<u32> {
    let text = std::env::var(MINUTES).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{MINUTES} is a number, not {text:?}")))
}
