//! A worker is killed at each named step of both jobs, while another one lives.

use rand::RngExt;
use std::time::{Duration, Instant};
use vigil_tests::cluster::world::Plan;
use vigil_tests::cluster::{Cluster, Round, rounds};

/// How often everything flips until the worker has reached its step.
const FLIPS: usize = 10;

#[test]
fn a_worker_killed_at_any_step_of_an_evaluation_loses_and_doubles_nothing() {
    rounds("a_worker_killed_at_any_step_of_an_evaluation", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(20)).await;
        for step in ["claimed", "read", "queried", "committed", "pushed"] {
            die_at(&mut cluster, &mut round, &format!("evaluate.{step}")).await;
        }
        cluster.judge().await;
    });
}

#[test]
fn a_worker_killed_at_any_step_of_a_delivery_loses_nothing_and_doubles_what_it_cannot_know() {
    rounds("a_worker_killed_at_any_step_of_a_delivery", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(20)).await;
        let (marked, doubled) = die_at(&mut cluster, &mut round, "deliver.begun").await;
        assert!(marked > 0, "an attempt that was begun is uncertain");

        let (marked_then, doubled_then) = die_at(&mut cluster, &mut round, "deliver.sent").await;
        assert!(doubled_then > doubled, "what was sent and not written down is sent again");
        assert!(marked_then > marked, "and marked");

        die_at(&mut cluster, &mut round, "deliver.finished").await;
        let record = cluster.judge().await;
        assert!(record.doubled() <= record.marked(), "{} doubled, {} marked", record.doubled(), record.marked());
    });
}

#[test]
fn a_worker_that_slept_through_its_lease_before_sending_leaves_it_to_another() {
    rounds("a_worker_that_slept_through_its_lease", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(10)).await;
        let asleep = cluster.waits.delivery_lease() + Duration::from_millis(1_500);
        // It may get one notification again and again: who sleeps also keeps rows from the other.
        cluster.nap = asleep;
        cluster.workers[0].restart_to_freeze_at("deliver.begun", asleep);
        cluster.workers[0].ready().await;
        // The other worker may have been quicker with all that there was.
        let mut naps = 0;
        while naps < 2 || cluster.record().await.marked() == 0 {
            assert!(naps < FLIPS, "nothing that worker 0 slept over was taken over and marked as uncertain");
            naps += 1;
            cluster.world.flip_some(&mut round.dice);
            cluster.settled().await;
            tokio::time::sleep(asleep).await;
        }
        cluster.workers[0].restart();
        cluster.workers[0].ready().await;
        let record = cluster.judge().await;
        assert_eq!(record.doubled(), 0, "who wakes too late sends nothing");
    });
}

/// Kills worker 0 at `step` while alerts flip, lets worker 1 bring everything to its end alone, and starts worker 0
/// again. Answers how many notifications are marked and how many messages arrived twice, since the cluster began.
async fn die_at(cluster: &mut Cluster, round: &mut Round, step: &str) -> (usize, usize) {
    let counted = cluster.workers[1].metric("vigil_notifications_maybe_duplicate_total").await.unwrap_or_default();
    let marked = cluster.record().await.marked();
    cluster.workers[0].restart_to_die_at(step, round.dice.random_range(1..=2));
    let mut flips = 0;
    while cluster.workers[0].is_running() {
        flips += 1;
        assert!(flips <= FLIPS, "worker 0 never died at {step}; only cargo build --workspace builds one that does");
        cluster.world.flip_all();
        settled_or_dead(cluster).await;
    }
    cluster.workers[0].assert_killed_itself().await;
    cluster.settled().await;
    cluster.world.flip_all();
    cluster.settled().await;
    cluster.workers[1].assert_running();

    let record = cluster.record().await;
    let counter = cluster.workers[1].metric("vigil_notifications_maybe_duplicate_total").await.unwrap_or_default();
    let marked = u32::try_from(record.marked() - marked).expect("few");
    assert!(
        (counter - counted - f64::from(marked)).abs() < 0.5,
        "{marked} marked, counted to {counter} from {counted}"
    );
    cluster.workers[0].restart();
    cluster.workers[0].ready().await;
    (record.marked(), record.doubled())
}

/// Waits until everything has settled, or worker 0 is dead.
async fn settled_or_dead(cluster: &mut Cluster) {
    let deadline = Instant::now() + cluster.waits.settle();
    while cluster.workers[0].is_running() && Instant::now() < deadline {
        let alerts = cluster.alerts().await.expect("the API tells");
        let unfinished = cluster.unfinished().await.expect("the API tells");
        if cluster.world.compare(&alerts).is_ok() && unfinished == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
