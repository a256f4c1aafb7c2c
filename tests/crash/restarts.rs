//! Everything is restarted: what was pending and what fired goes on as if nothing had happened.

use std::time::Duration;
use vigil_tests::cluster::world::Plan;
use vigil_tests::cluster::{Alert, Cluster, Round, eventually, rounds};

const TERM: Duration = Duration::from_secs(20);

#[test]
fn a_restart_while_pending_keeps_active_at() {
    rounds("a_restart_while_pending", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        let hold = 6;
        cluster.watch(Plan { hold, slow_each: 1, ..Plan::plain(5, 1) }).await;
        cluster.world.set_all(true);
        let pending = async || {
            let alerts = cluster.alerts().await.unwrap_or_default();
            let all = alerts.len() == 5 && alerts.iter().all(|alert| alert.state == "pending");
            if all { Ok(alerts) } else { Err(format!("not all are pending: {alerts:?}")) }
        };
        let before = eventually(cluster.waits.settle(), pending).await;
        restart_all(&mut cluster, &mut round).await;
        cluster.settled().await;
        let after = cluster.alerts().await.expect("the API tells");
        let active = |alerts: &[Alert]| {
            let mut active: Vec<_> = alerts.iter().map(|alert| (alert.fingerprint.clone(), alert.active_at)).collect();
            active.sort();
            active
        };
        assert_eq!(active(&after), active(&before));
        let record = cluster.judge().await;
        let states = |state: &str| record.events.iter().filter(|event| event.state == state).count();
        assert_eq!((states("pending"), states("firing"), states("inactive"), states("resolved")), (5, 5, 0, 5));
    });
}

#[test]
fn a_restart_while_firing_sends_nothing_new_and_keeps_starts_at() {
    rounds("a_restart_while_firing", async |mut round| {
        let mut cluster = Cluster::start(2).await;
        cluster.watch(Plan::lively(10)).await;
        cluster.world.set_all(true);
        cluster.settled().await;
        let (before, record) = (cluster.alerts().await.expect("the API tells"), cluster.record().await);
        restart_all(&mut cluster, &mut round).await;
        cluster.world.prometheus.clear();
        cluster.world.prometheus.wait_for(5 * cluster.world.rules.len(), cluster.waits.settle()).await;
        cluster.settled().await;
        let after = cluster.alerts().await.expect("the API tells");
        let starts = |alerts: &[Alert]| {
            let mut starts: Vec<_> = alerts.iter().map(|alert| (alert.fingerprint.clone(), alert.starts_at)).collect();
            starts.sort();
            starts
        };
        assert_eq!(starts(&after), starts(&before));
        let later = cluster.record().await;
        assert_eq!(later.notifications.len(), record.notifications.len());
        assert_eq!(later.heard, record.heard);
        assert_eq!(later.events.len(), record.events.len());
        cluster.judge().await;
    });
}

/// Ends the backend and all workers, politely or not, and starts them again; sometimes with the servers below them.
async fn restart_all(cluster: &mut Cluster, round: &mut Round) {
    if round.seed.is_multiple_of(2) {
        for worker in &mut cluster.workers {
            assert!(worker.term(TERM).await.success(), "{}", worker.story());
        }
        assert!(cluster.backend.term(TERM).await.success(), "{}", cluster.backend.output());
    } else {
        cluster.workers.iter_mut().for_each(|worker| worker.kill9());
        cluster.backend.kill9();
    }
    if round.seed.is_multiple_of(3) {
        cluster.postgres.restart().await;
        cluster.redis.flush().await;
    }
    round.pause(0..=1000).await;
    cluster.backend.start_again();
    for worker in &mut cluster.workers {
        worker.restart();
        worker.ready().await;
    }
    cluster.backend.until_healthy(&format!("{}/readyz", cluster.api.url), TERM).await;
}
