//! Workers are killed wherever they happen to be.

use rand::RngExt;
use std::time::{Duration, Instant};
use vigil_tests::cluster::world::Plan;
use vigil_tests::cluster::{Cluster, rounds};

/// How long the killing goes on.
const WHILE: Duration = Duration::from_secs(9);

#[test]
fn workers_killed_at_random_lose_nothing_and_double_only_what_is_marked() {
    rounds("workers_killed_at_random", async |mut round| {
        let mut cluster = Cluster::start(3).await;
        cluster.watch(Plan::lively(20)).await;
        let began = Instant::now();
        while began.elapsed() < WHILE {
            cluster.world.flip_some(&mut round.dice);
            round.pause(0..=700).await;
            let victim = round.dice.random_range(0..3);
            cluster.workers[victim].kill9();
            round.pause(0..=400).await;
            cluster.workers[victim].restart();
        }
        for worker in &mut cluster.workers {
            worker.ready().await;
        }
        cluster.judge().await;
    });
}

#[test]
fn all_workers_killed_at_once_leave_everything_to_the_next() {
    rounds("all_workers_killed_at_once", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(20)).await;
        for _ in 0..3 {
            cluster.world.flip_all();
            round.pause(500..=2500).await;
            cluster.workers.iter_mut().for_each(|worker| worker.kill9());
            cluster.world.flip_some(&mut round.dice);
            round.pause(0..=1500).await;
            for worker in &mut cluster.workers {
                worker.restart();
                worker.ready().await;
            }
        }
        cluster.judge().await;
    });
}
