//! What is forwarded to Alertmanagers, on a database of its own.

use std::collections::BTreeMap;

use sea_orm::{DatabaseConnection, EntityTrait, PaginatorTrait as _};
use sea_orm_migration::MigratorTrait;
use serde_json::json;
use vigil_domain::{
    Deviations, Labels, Span, Timestamp,
    alert::{Annotations, Conditions, Seen, Vector, step},
    channel::ChannelKind,
    forward::{Memory, Pace, forward},
    id::{ChannelId, GroupId, NotificationId, RuleId, UserId},
    message::Message,
    notification::NotifyReason,
    rule::RuleDraft,
    source::{Outcome, SourcePolicy},
};

use super::*;
use crate::{
    channels::{self, Kept},
    db,
    entity::{forwarded, notification, rule_group, source_incident},
    rules::{self, shadow},
};

const MINUTE: Span = Span::from_secs(60);

struct Bed {
    db: DatabaseConnection,
    _folder: tempfile::TempDir,
}

fn start() -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000, 0).unwrap()
}

fn seen(instances: &[&str]) -> Vector {
    let annotations = Annotations::from([("summary".to_owned(), "it is".to_owned())]);
    let seen = |instance: &&str| {
        let labels = Labels::from([("alertname", "Down"), ("instance", *instance)]);
        (labels.fingerprint(), Seen { labels, annotations: annotations.clone(), value: 0.0 })
    };
    instances.iter().map(seen).collect()
}

fn policy() -> SourcePolicy {
    SourcePolicy { down_after_failures: 1, down_after: MINUTE }
}

impl Bed {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = db::connect(&format!("sqlite://{}/vigil.db", folder.path().display()), 4).await.unwrap();
        vigil_migration::Migrator::up(&db, None).await.unwrap();
        Self { db, _folder: folder }
    }

    async fn channel(&self, kind: ChannelKind, is_active: bool) -> ChannelId {
        let id = ChannelId::random();
        let kept = Kept { name: id.to_string(), kind, config: json!({}), secret: None, is_active };
        channels::insert(&self.db, id, kept, start()).await.unwrap();
        id
    }

    async fn rule(&self, channel_ids: &[ChannelId]) -> RuleId {
        let interval = Some("1m".to_owned());
        let draft = RuleDraft { name: "Down".into(), expr: "up == 0".into(), interval, ..RuleDraft::default() };
        let draft = RuleDraft { channel_ids: channel_ids.to_vec(), is_active: Some(true), ..draft };
        let row = rules::insert(&self.db, draft.check().unwrap(), UserId::random(), start()).await.unwrap();
        RuleId(row.rule.id)
    }

    /// The next slot of the one rule there is, and what its evaluation makes due.
    async fn slot(&self, vector: Vector) -> (Timestamp, Vec<notification::Model>) {
        let group = rule_group::Entity::find().one(&self.db).await.unwrap().unwrap();
        let slot = Timestamp::from_timestamp_millis(group.next_slot_ms).unwrap();
        let claim = claim(&self.db, &[GroupId(group.id)], slot, slot, MINUTE).await.unwrap();
        let mut batch = self.one(&claim).await;
        let conditions = Conditions { hold: Span::ZERO, keep_firing: Span::ZERO, limit: 0 };
        let (line, open) = (batch.line(), std::mem::take(&mut batch.alerts));
        let evaluation = step(conditions, open, vector, slot);
        let pace = Pace { interval: MINUTE, resend_delay: MINUTE };
        let forwarding = forward(batch.origin(&line), &evaluation, pace, slot);
        let outcome = RuleOutcome {
            rule: line,
            evaluation: Some(evaluation),
            announcements: vec![],
            forwarding,
            recorded: None,
            health: None,
        };
        let commit = Commit {
            rules: vec![outcome],
            source: Outcome::Answered,
            source_policy: policy(),
            took: BTreeMap::new(),
            now: slot,
        };
        let due = super::commit(&self.db, &claim, commit).await.unwrap().unwrap();
        (slot, self.notifications(&due).await)
    }

    async fn one(&self, claim: &Claim) -> BatchRule {
        read(&self.db, claim).await.unwrap().groups.remove(0).1.remove(0)
    }

    async fn batch(&self) -> BatchRule {
        let groups = rule_group::Entity::find().all(&self.db).await.unwrap();
        self.one(&Claim { token: Uuid::nil(), slot: start(), groups }).await
    }

    async fn memory(&self) -> Memory {
        self.batch().await.forwarded
    }

    async fn notifications(&self, ids: &[NotificationId]) -> Vec<notification::Model> {
        let mut found = Vec::new();
        for id in ids {
            found.push(notification::Entity::find_by_id(id.0).one(&self.db).await.unwrap().unwrap());
        }
        found
    }

    async fn rows(&self) -> u64 {
        forwarded::Entity::find().count(&self.db).await.unwrap()
    }
}

/// Instances by whether they have ended, of what one Alertmanager is sent.
fn instances(message: &Message) -> Vec<(String, bool)> {
    let alerts = &message.forward.as_ref().unwrap().alerts;
    let instance = |labels: &Labels| labels.get("instance").unwrap().to_owned();
    let mut all: Vec<_> = alerts.iter().map(|alert| (instance(&alert.labels), alert.is_over(message.at))).collect();
    all.sort();
    all
}

#[tokio::test]
async fn people_and_alertmanagers_listen_apart() {
    for (case, own, people, alertmanagers) in [
        ("no channel at all: the log", &[][..], &["log"][..], &[][..]),
        ("people only", &["ops"], &["ops"], &[]),
        ("both", &["ops", "am"], &["ops"], &["am"]),
        ("an Alertmanager only: not the log", &["am"], &[], &["am"]),
        ("one that is switched off is still none of the people", &["off", "am"], &[], &["am"]),
    ] {
        let bed = Bed::new().await;
        let ids = [
            ("log", LOG_CHANNEL),
            ("ops", bed.channel(ChannelKind::Telegram, true).await),
            ("am", bed.channel(ChannelKind::Alertmanager, true).await),
            ("off", bed.channel(ChannelKind::Alertmanager, false).await),
        ];
        let named = |names: &[&str]| -> Vec<ChannelId> {
            names.iter().map(|name| ids.iter().find(|(known, _)| known == name).unwrap().1).collect()
        };
        bed.rule(&named(own)).await;
        let listeners = Listeners { people: named(people), alertmanagers: named(alertmanagers) };
        assert_eq!(bed.batch().await.listeners, listeners, "{case}");
    }
}

#[tokio::test]
async fn each_alertmanager_is_sent_what_the_rule_remembers() {
    let bed = Bed::new().await;
    let (one, other) =
        (bed.channel(ChannelKind::Alertmanager, true).await, bed.channel(ChannelKind::Alertmanager, true).await);
    let rule = bed.rule(&[one, other]).await;
    let (first_slot, sent) = bed.slot(seen(&["a", "b"])).await;
    let streams: Vec<_> = sent.iter().map(|row| row.stream.clone()).collect();
    assert_eq!(streams, [one, other].map(|channel| format!("alertmanager:{channel}:{rule}")));
    for row in &sent {
        assert_eq!((row.reason.as_str(), row.rule_id, row.due_at), ("forward", Some(rule.0), first_slot));
        assert_eq!(instances(&row.message.0), [("a".into(), false), ("b".into(), false)]);
        assert_eq!(row.message.0.forward.as_ref().unwrap().expr, "up == 0");
    }
    let (second_slot, sent) = bed.slot(seen(&["a"])).await;
    assert_eq!(sent.len(), 2);
    assert_eq!(instances(&sent[0].message.0), [("b".into(), true)]);
    let memory = bed.memory().await;
    let ended = seen(&["b"]).into_values().next().unwrap();
    let remembered = memory[&ended.labels.fingerprint()].clone();
    assert_eq!(remembered.last_sent_at, second_slot);
    let alert = remembered.ended.unwrap();
    assert_eq!((&alert.labels, &alert.annotations), (&ended.labels, &ended.annotations));
    assert_eq!((alert.starts_at, alert.ends_at), (first_slot, second_slot));

    let (third_slot, sent) = bed.slot(seen(&["a", "b"])).await;
    assert_eq!(instances(&sent[0].message.0), [("a".into(), false), ("b".into(), false)], "again, and anew");
    assert!(bed.memory().await.values().all(|sent| sent.last_sent_at == third_slot && sent.ended.is_none()));
    let (_, sent) = bed.slot(seen(&["a", "b"])).await;
    assert!(sent.is_empty(), "{sent:?}");
}

#[tokio::test]
async fn thousands_of_alerts_are_remembered_and_forgotten() {
    let bed = Bed::new().await;
    let alertmanager = bed.channel(ChannelKind::Alertmanager, true).await;
    bed.rule(&[alertmanager]).await;
    let names: Vec<String> = (0..6_000).map(|n| n.to_string()).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    bed.slot(seen(&all)).await;
    bed.slot(seen(&all)).await;
    let (slot, sent) = bed.slot(seen(&all)).await;
    assert_eq!(sent[0].message.0.forward.as_ref().unwrap().alerts.len(), 6_000);
    let memory = bed.memory().await;
    assert_eq!(memory.len(), 6_000);
    assert!(memory.values().all(|sent| sent.last_sent_at == slot), "every one was sent again");
    bed.slot(seen(&all[..5_990])).await;
    assert_eq!(bed.memory().await.values().filter(|sent| sent.ended.is_some()).count(), 10);
    for _ in 0..17 {
        bed.slot(seen(&all[..5_990])).await;
    }
    assert_eq!(bed.rows().await, 5_990, "ends are forgotten in the end");
}

#[tokio::test]
async fn a_rule_that_goes_ends_its_alerts_once_and_leaves_nothing() {
    let bed = Bed::new().await;
    let alertmanager = bed.channel(ChannelKind::Alertmanager, true).await;
    let rule = bed.rule(&[alertmanager]).await;
    bed.slot(seen(&["a", "b"])).await;
    let (slot, _) = bed.slot(seen(&["a"])).await;
    let now = slot + Span::from_secs(7).chrono();
    let due = rules::delete(&bed.db, rule, None, UserId::random(), (now, Deviations::Kept)).await.unwrap();
    let told = bed.notifications(&due).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].channel_id, told[0].reason.as_str()), (alertmanager.0, "forward"));
    assert_eq!(instances(&told[0].message.0), [("a".into(), true)]);
    assert_eq!(told[0].message.0.forward.as_ref().unwrap().alerts[0].ends_at, now);
    assert_eq!(bed.rows().await, 0);
}

#[tokio::test]
async fn a_rule_that_goes_is_forgotten_without_a_word_where_prometheus_is_followed_to_the_letter() {
    let bed = Bed::new().await;
    let alertmanager = bed.channel(ChannelKind::Alertmanager, true).await;
    let rule = bed.rule(&[alertmanager]).await;
    let (slot, sent) = bed.slot(seen(&["a"])).await;
    assert_eq!(sent.len(), 1);
    let due = rules::delete(&bed.db, rule, None, UserId::random(), (slot, Deviations::Dropped)).await.unwrap();
    assert_eq!((due.len(), bed.rows().await), (0, 0));
}

#[tokio::test]
async fn a_rule_that_loses_its_alertmanager_forgets() {
    let bed = Bed::new().await;
    let alertmanager = bed.channel(ChannelKind::Alertmanager, true).await;
    bed.rule(&[alertmanager]).await;
    bed.slot(seen(&["a"])).await;
    let off = |row: &crate::entity::channel::Model| {
        Ok(Kept {
            name: row.name.clone(),
            kind: ChannelKind::Alertmanager,
            config: json!({}),
            secret: None,
            is_active: false,
        })
    };
    channels::update(&bed.db, alertmanager, None, start(), off).await.unwrap();
    let (_, sent) = bed.slot(seen(&["a"])).await;
    assert_eq!((sent.len(), bed.rows().await), (0, 0));
}

#[tokio::test]
async fn alertmanagers_do_not_hear_of_the_data_source() {
    let bed = Bed::new().await;
    let (ops, alertmanager) =
        (bed.channel(ChannelKind::Telegram, true).await, bed.channel(ChannelKind::Alertmanager, true).await);
    bed.rule(&[alertmanager]).await;
    let failed = Outcome::Failed("refused".to_owned());
    let due = record_probe(&bed.db, &failed, start(), policy()).await.unwrap();
    let told = bed.notifications(&due).await;
    let to: Vec<_> = told.iter().map(|row| (ChannelId(row.channel_id), row.reason.as_str())).collect();
    assert_eq!(to, [(LOG_CHANNEL, NotifyReason::SourceDown.as_str())], "somebody has to");
    bed.rule(&[alertmanager, ops]).await;
    let later = start() + MINUTE.chrono();
    let due = record_probe(&bed.db, &Outcome::Answered, later, policy()).await.unwrap();
    let told = bed.notifications(&due).await;
    let to: Vec<_> = told.iter().map(|row| (ChannelId(row.channel_id), row.reason.as_str())).collect();
    assert_eq!(to, [(ops, NotifyReason::SourceUp.as_str())]);
}

#[tokio::test]
async fn nothing_is_forwarded_in_shadow_and_all_of_it_after_that() {
    let bed = Bed::new().await;
    let alertmanager = bed.channel(ChannelKind::Alertmanager, true).await;
    let rule = bed.rule(&[alertmanager]).await;
    assert_eq!(bed.slot(seen(&["a"])).await.1.len(), 1);
    shadow::set_rule(&bed.db, rule, None, UserId::random(), start(), true).await.unwrap();
    let listeners = Listeners { people: vec![alertmanager], alertmanagers: vec![] };
    assert_eq!(bed.batch().await.listeners, listeners, "what it would be told is written down");
    for vector in [seen(&["a", "b"]), seen(&["b"])] {
        let (_, sent) = bed.slot(vector).await;
        assert!(sent.is_empty() && bed.rows().await == 0, "{sent:?}");
    }
    shadow::set_rule(&bed.db, rule, None, UserId::random(), start(), false).await.unwrap();
    let (_, sent) = bed.slot(seen(&["b"])).await;
    assert_eq!(sent.iter().map(|row| instances(&row.message.0)).collect::<Vec<_>>(), [[("b".to_owned(), false)]]);
}

#[tokio::test]
async fn nobody_hears_of_the_data_source_for_rules_in_shadow() {
    let bed = Bed::new().await;
    let ops = bed.channel(ChannelKind::Telegram, true).await;
    let dark = bed.rule(&[ops]).await;
    shadow::set_rule(&bed.db, dark, None, UserId::random(), start(), true).await.unwrap();
    let failed = Outcome::Failed("refused".to_owned());
    assert_eq!(record_probe(&bed.db, &failed, start(), policy()).await.unwrap(), []);
    let incidents = source_incident::Entity::find().count(&bed.db).await.unwrap();
    assert_eq!(incidents, 1, "it is known all the same");
    bed.rule(&[]).await;
    let later = start() + MINUTE.chrono();
    let due = record_probe(&bed.db, &Outcome::Answered, later, policy()).await.unwrap();
    let told = bed.notifications(&due).await;
    assert_eq!(told.iter().map(|row| ChannelId(row.channel_id)).collect::<Vec<_>>(), [LOG_CHANNEL]);
    assert_eq!(told[0].message.0.source.as_ref().map(|line| line.rules), Some(1));
}

#[tokio::test]
async fn a_batch_in_shadow_does_not_say_that_the_source_fails_while_others_can() {
    let bed = Bed::new().await;
    let dark = bed.rule(&[]).await;
    shadow::set_rule(&bed.db, dark, None, UserId::random(), start(), true).await.unwrap();
    let failed = Outcome::Failed("timed out".to_owned());
    let line = bed.batch().await.line();
    let outcome = |is_shadow| RuleOutcome {
        rule: vigil_domain::message::RuleLine { is_shadow, ..line.clone() },
        evaluation: None,
        announcements: vec![],
        forwarding: vigil_domain::forward::Forwarding::default(),
        recorded: None,
        health: None,
    };
    let is_heeded = async |rules: &[RuleOutcome], outcome: &Outcome| {
        let tx = db::write(&bed.db).await.unwrap();
        source::is_heeded(&tx, rules, outcome).await.unwrap()
    };
    assert!(is_heeded(&[outcome(true)], &failed).await, "there are no others");
    bed.rule(&[]).await;
    assert!(!is_heeded(&[outcome(true), outcome(true)], &failed).await);
    assert!(is_heeded(&[outcome(true), outcome(false)], &failed).await);
    assert!(is_heeded(&[outcome(true)], &Outcome::Answered).await, "an answer is one");
    assert!(is_heeded(&[], &failed).await);
}
