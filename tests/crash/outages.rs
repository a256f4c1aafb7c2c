//! Redis and PostgreSQL go away and come back, while alerts come and go.

use rand::RngExt;
use std::time::Instant;
use vigil_tests::cluster::world::Plan;
use vigil_tests::cluster::{Cluster, Setup, rounds};

/// How Redis goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Away {
    Stopped,
    Killed,
    /// Connections stay open and nothing answers.
    Frozen,
}

#[test]
fn without_redis_everything_is_evaluated_and_delivered_in_time() {
    rounds("without_redis", async |mut round| {
        let away = round.turn(&[Away::Stopped, Away::Killed, Away::Frozen]);
        println!("Redis is {away:?}");
        let mut cluster = Cluster::with(Setup::workers(2).durable_redis(round.seed % 2 == 0)).await;
        cluster.watch(Plan::lively(20)).await;
        cluster.world.flip_all();
        round.pause(0..=1500).await;
        let began = Instant::now();
        match away {
            Away::Stopped => cluster.redis.stop().await,
            Away::Killed => cluster.redis.kill9(),
            Away::Frozen => cluster.redis.pause(),
        }
        cluster.settled().await;
        while began.elapsed() < cluster.waits.outage() {
            cluster.world.flip_all();
            cluster.settled().await;
        }
        cluster.world.flip_some(&mut round.dice);
        match away {
            Away::Stopped | Away::Killed => cluster.redis.start_again().await,
            Away::Frozen => cluster.redis.resume(),
        }
        round.pause(0..=1500).await;
        cluster.world.flip_all();
        cluster.settled().await;
        cluster.judge().await;
    });
}

#[test]
fn a_flushed_redis_loses_and_doubles_nothing() {
    rounds("a_flushed_redis", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(20)).await;
        for _ in 0..10 {
            cluster.world.flip_some(&mut round.dice);
            round.pause(0..=1200).await;
            cluster.redis.flush().await;
        }
        cluster.settled().await;
        let record = cluster.judge().await;
        assert_eq!(record.marked(), 0, "nobody died, so nothing is uncertain");
    });
}

#[test]
fn a_restarted_postgresql_loses_and_doubles_nothing() {
    rounds("a_restarted_postgresql", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(20)).await;
        for turn in 0..3 {
            cluster.world.flip_all();
            round.pause(300..=2500).await;
            if (round.seed + turn) % 2 == 0 {
                cluster.postgres.stop().await;
            } else {
                cluster.postgres.kill9();
            }
            cluster.world.flip_some(&mut round.dice);
            round.pause(0..=2000).await;
            cluster.postgres.start_again().await;
            if round.dice.random_bool(0.5) {
                cluster.settled().await;
            }
        }
        cluster.settled().await;
        cluster.judge().await;
    });
}
