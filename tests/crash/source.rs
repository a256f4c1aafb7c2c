//! The data source stops under two thousand rules: one incident, whatever it looks like.

use std::time::Duration;
use vigil_tests::cluster::world::{Plan, now};
use vigil_tests::cluster::{Cluster, Round, Setup, eventually, series};
use vigil_tests::fakes::FakePrometheus;

const RULES: usize = 2_000;
const FIRING: usize = 50;
/// Seconds between evaluations of a rule.
const INTERVAL: u32 = 10;
/// How long it may take until every rule was evaluated once more, here where builds are slow and processors few.
const PATIENCE: Duration = Duration::from_secs(90);

/// How the data source fails.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Refuses,
    Hangs,
    Answers503,
}

impl Failure {
    fn begin(self, prometheus: &FakePrometheus) {
        match self {
            Self::Refuses => prometheus.down(),
            Self::Hangs => prometheus.everything_hangs(),
            Self::Answers503 => prometheus.everything_fails(503, "no healthy upstream"),
        }
    }

    fn end(self, prometheus: &FakePrometheus) {
        match self {
            Self::Refuses => prometheus.up(),
            Self::Hangs | Self::Answers503 => prometheus.recovers(),
        }
    }
}

#[test]
fn a_source_that_stops_under_two_thousand_rules_is_one_message_and_its_return_another() {
    series("a_source_that_stops_under_two_thousand_rules", async |rounds| {
        let setup = Setup::workers(2)
            .env("VIGIL_EVALUATION__BATCH_RULES", 100)
            .env("VIGIL_EVALUATION__DOWN_AFTER_SECONDS", 3)
            .env("VIGIL_EVALUATION__CLAIM_LEASE_SECONDS", 5);
        let mut cluster = Cluster::with(setup).await;
        let rules = cluster.watch(Plan::plain(RULES, INTERVAL)).await;
        for rule in rules.take(FIRING) {
            cluster.world.set(rule, true);
        }
        every_rule_was_evaluated(&cluster, "health = 'ok'").await;
        cluster.settled().await;
        let outages = rounds.len();
        for round in rounds {
            one_outage(&cluster, &round).await;
        }
        let record = cluster.judge().await;
        assert_eq!((record.because("source_down").len(), record.because("source_up").len()), (outages, outages));
    });
}

async fn one_outage(cluster: &Cluster, round: &Round) {
    let failure = round.turn(&[Failure::Refuses, Failure::Hangs, Failure::Answers503]);
    println!("the source {failure:?}");
    let before = cluster.alerts().await.expect("the API tells");
    let since = cluster.record().await.heard.len();
    failure.begin(&cluster.world.prometheus);
    every_rule_was_evaluated(cluster, "health = 'err'").await;
    let heard = async || {
        let subjects: Vec<_> = cluster.record().await.heard.split_off(since);
        let subjects: Vec<_> = subjects.into_iter().map(|heard| heard.subject).collect();
        if subjects.is_empty() { Err("nobody was told".to_owned()) } else { Ok(subjects) }
    };
    assert_eq!(eventually(PATIENCE, heard).await, ["🔴 DATA SOURCE DOWN"]);

    failure.end(&cluster.world.prometheus);
    every_rule_was_evaluated(cluster, "health = 'ok'").await;
    cluster.settled().await;
    assert_eq!(heard().await.expect("both"), ["🔴 DATA SOURCE DOWN", "🟢 DATA SOURCE UP"]);
    let starts = |alerts: &[vigil_tests::cluster::Alert]| {
        let mut starts: Vec<_> = alerts.iter().map(|alert| (alert.fingerprint.clone(), alert.starts_at)).collect();
        starts.sort();
        starts
    };
    let after = cluster.alerts().await.expect("the API tells");
    assert_eq!(after.len(), FIRING);
    assert_eq!(starts(&after), starts(&before), "alerts stay as they are");
    assert_eq!(cluster.number("SELECT count(*) FROM alert_events WHERE state <> 'firing'").await, 0);
}

/// Waits until every rule was evaluated after now, with this outcome.
async fn every_rule_was_evaluated(cluster: &Cluster, outcome: &str) {
    let now = now().timestamp_millis();
    let missing = format!(
        "SELECT count(*) FROM rules JOIN rule_groups ON rule_groups.id = rules.group_id \
         WHERE NOT ({outcome}) OR evaluated_slot_ms IS NULL OR evaluated_slot_ms < {now}"
    );
    let probe = async || match cluster.number(&missing).await {
        0 => Ok(()),
        missing => Err(format!("{missing} rules were not evaluated since, or not so that {outcome}")),
    };
    eventually(PATIENCE, probe).await;
}
