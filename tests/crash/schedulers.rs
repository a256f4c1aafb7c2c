//! Two workers schedule at once.

use std::collections::HashMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use vigil_tests::cluster::world::Plan;
use vigil_tests::cluster::{Cluster, Setup, eventually, rounds};

#[test]
fn two_schedulers_at_once_evaluate_each_slot_once() {
    rounds("two_schedulers_at_once", async |mut round| {
        // Nobody dies here, so nobody may be taken for dead on a slow machine.
        let setup = Setup::workers(2)
            .env("VIGIL_EVALUATION__CLAIM_LEASE_SECONDS", 20)
            .env("VIGIL_DELIVERY__LEASE_SECONDS", 20)
            .env("VIGIL_DELIVERY__TIMEOUT_SECONDS", 10);
        let mut cluster = Cluster::with(setup).await;
        cluster.watch(Plan::lively(20)).await;
        let (db, stop) = (cluster.database().await, CancellationToken::new());
        let forgetting = tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            loop {
                use sea_orm::ConnectionTrait as _;
                db.execute_unprepared("DELETE FROM leases").await.expect("PostgreSQL runs");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }));
        let both = async || match cluster.counted("vigil_scheduler_leader").await {
            leaders if leaders > 1.5 => Ok(()),
            leaders => Err(format!("{leaders} lead")),
        };
        eventually(cluster.waits.settle(), both).await;
        cluster.world.prometheus.clear();
        for _ in 0..4 {
            cluster.world.flip_all();
            cluster.settled().await;
            cluster.world.flip_some(&mut round.dice);
            round.pause(0..=1500).await;
        }
        stop.cancel();
        forgetting.await.expect("it does not panic");
        let record = cluster.judge().await;
        assert_eq!((record.marked(), record.doubled()), (0, 0), "nobody died, so nothing is uncertain");

        let mut asked: HashMap<(String, i64), usize> = HashMap::new();
        for question in cluster.world.prometheus.asked() {
            let time = question.time.expect("a slot is asked for by its time");
            *asked.entry((question.expr, time.timestamp_millis())).or_default() += 1;
        }
        asked.retain(|_, times| *times > 1);
        assert_eq!(asked, HashMap::new(), "slots were asked for more than once");
    });
}

#[test]
fn a_scheduler_that_slept_through_its_lease_does_no_harm() {
    rounds("a_scheduler_that_slept_through_its_lease", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(20)).await;
        cluster.world.flip_all();
        cluster.settled().await;
        let led = async || cluster.leader().await.ok_or_else(|| "nobody leads".to_owned());
        let sleeper = eventually(cluster.waits.settle(), led).await;
        cluster.world.flip_some(&mut round.dice);
        round.pause(0..=1000).await;
        cluster.workers[sleeper].pause();
        let taken_over = async || match cluster.leader().await {
            Some(leader) if leader != sleeper => Ok(()),
            other => Err(format!("{other:?} leads")),
        };
        eventually(cluster.waits.settle(), taken_over).await;
        cluster.world.flip_all();
        cluster.settled().await;
        cluster.world.flip_some(&mut round.dice);
        cluster.workers[sleeper].resume();
        round.pause(0..=1000).await;
        cluster.world.flip_all();
        cluster.settled().await;
        cluster.judge().await;
    });
}
