//! The queue is only a hint: what it lost is found, and what its workers lost it gives to others.

use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use vigil_domain::id::NotificationId;
use vigil_store::{queue::Queue, redis};
use vigil_tests::cluster::world::Plan;
use vigil_tests::cluster::{Cluster, Setup, Waits, eventually, jobs, rounds, series};

#[test]
fn the_job_of_a_killed_worker_runs_again_within_fifteen_seconds() {
    rounds("the_job_of_a_killed_worker", async |_| {
        let mut setup = Setup::workers(2);
        let (rules, soon) = match setup.waits() {
            // Without sweeps: whatever happens, the queue has brought it about. One rule, so one job: of several, the
            // worker may die delivering one before it has queued the others, and that only a sweep finds.
            Waits::Short => {
                setup = setup.env("VIGIL_DELIVERY__SWEEP_SECONDS", 3600);
                (1, Duration::from_secs(15))
            }
            // A sweep finds what the lease of the killed worker kept from the queue.
            Waits::Real => (10, Duration::from_secs(20)),
        };
        let mut cluster = Cluster::with(setup).await;
        cluster.watch(Plan::plain(rules, 1)).await;
        cluster.workers[0].restart_to_die_at("deliver.begun", 1);
        cluster.world.set_all(true);
        while cluster.workers[0].is_running() {
            cluster.settled_alerts().await;
            if cluster.unfinished().await == Some(0) && cluster.workers[0].is_running() {
                cluster.world.flip_all();
            }
        }
        let died = Instant::now();
        cluster.workers[0].assert_killed_itself().await;
        cluster.settled().await;
        assert!(died.elapsed() < soon, "it took {:?}", died.elapsed());
        let record = cluster.record().await;
        assert!(record.marked() > 0, "the killed worker had begun an attempt");
        cluster.workers[0].restart();
        cluster.workers[0].ready().await;
        cluster.judge().await;
    });
}

#[test]
fn with_its_queue_deleted_all_the_time_the_sweep_alone_delivers_in_time() {
    rounds("with_its_queue_deleted_all_the_time", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(20)).await;
        let (url, stop) = (cluster.redis.url(), CancellationToken::new());
        let deleting = tokio::spawn(stop.clone().run_until_cancelled_owned(async move {
            let client = ::redis::Client::open(url).expect("its address is one");
            let mut connection = client.get_multiplexed_async_connection().await.expect("Redis runs");
            loop {
                let mut delete = ::redis::cmd("DEL");
                delete.arg("vigil:queue:deliver").arg("vigil:queue:evaluate");
                delete.query_async::<()>(&mut connection).await.expect("Redis deletes");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }));
        for _ in 0..3 {
            cluster.world.flip_all();
            cluster.settled().await;
            cluster.world.flip_some(&mut round.dice);
            cluster.settled().await;
        }
        let swept = cluster.counted("vigil_sweep_notifications_total").await;
        stop.cancel();
        deleting.await.expect("it does not panic");
        assert!(swept > 0.0, "the sweep had something to do");
        let record = cluster.judge().await;
        assert_eq!(record.marked(), 0, "nobody died, so nothing is uncertain");
    });
}

/// A million in the long run (`tests/faults --long`); were they left behind, 50,000 would show as well.
#[test]
fn after_many_jobs_redis_has_its_memory_back() {
    const CHUNK: usize = 5_000;
    const PATIENCE: Duration = Duration::from_secs(120);
    /// What may remain, in bytes: a stream's empty nodes, consumers, statistics.
    const TOLERANCE: u64 = 1_000_000;
    series("after_many_jobs", async |_| {
        let jobs = jobs();
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(20)).await;
        cluster.world.flip_all();
        cluster.settled().await;
        let redis = redis::Redis::connect(&cluster.redis.url(), "vigil").await.expect("its address is one");
        let queue = Queue::redis(redis);
        let at_most = async |most: u64| match queue.depth().await.expect("Redis counts").deliver {
            depth if depth <= most => Ok(()),
            depth => Err(format!("{depth} jobs are left")),
        };
        let before = cluster.redis.used_memory().await;
        let began = Instant::now();
        for pushed in (0..jobs).step_by(CHUNK) {
            let ids = (0..CHUNK).map(|_| NotificationId::random()).collect();
            queue.push_deliver(ids).await.expect("Redis takes jobs");
            eventually(PATIENCE, async || at_most(20_000).await).await;
            if pushed % 100_000 == 0 {
                let memory = cluster.redis.used_memory().await;
                println!("{pushed} jobs after {:?}, Redis has {memory} bytes", began.elapsed());
            }
        }
        eventually(PATIENCE, async || at_most(0).await).await;
        let after = cluster.redis.used_memory().await;
        println!("{jobs} jobs took {:?}; Redis had {before} bytes and has {after}", began.elapsed());
        assert!(after < before + TOLERANCE, "Redis had {before} bytes and has {after}");
        cluster.judge().await;
    });
}
