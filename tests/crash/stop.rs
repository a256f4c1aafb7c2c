//! A busy worker is asked to stop.

use std::time::{Duration, Instant};
use vigil_tests::cluster::world::Plan;
use vigil_tests::cluster::{Cluster, Setup, rounds};

/// What the programs promise.
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_busy_worker_that_is_asked_to_stop_finishes_what_runs_and_returns_the_rest() {
    rounds("a_busy_worker_that_is_asked_to_stop", async |mut round| {
        // Leases that outlast the story: what the worker had and did not finish or return would stay open.
        let setup = Setup::workers(2)
            .env("VIGIL_EVALUATION__CLAIM_LEASE_SECONDS", 600)
            .env("VIGIL_DELIVERY__LEASE_SECONDS", 600)
            .env("VIGIL_DELIVERY__TIMEOUT_SECONDS", 10)
            .env("VIGIL_DELIVERY__CONCURRENCY", 3);
        let mut cluster = Cluster::with(setup).await;
        cluster.watch(Plan::lively(30)).await;
        cluster.world.prometheus.takes(Duration::from_millis(150));
        for _ in 0..2 {
            for _ in 0..20 {
                cluster.telegram.hang_next(Duration::from_millis(800));
            }
            cluster.world.flip_all();
            round.pause(500..=3000).await;
            for worker in 0..2 {
                let asked = Instant::now();
                let status = cluster.workers[worker].term(LIMIT).await;
                assert!(status.success(), "it ended with {status}:\n{}", cluster.workers[worker].story());
                println!("worker {worker} took {:?} to stop", asked.elapsed());
                cluster.workers[worker].restart();
                cluster.workers[worker].ready().await;
                round.pause(0..=500).await;
            }
        }
        cluster.settled().await;
        let record = cluster.judge().await;
        assert_eq!((record.marked(), record.doubled()), (0, 0), "nobody died, so nothing is uncertain");
    });
}
