//! The outbox on a database of its own.

use std::time::Duration;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseConnection, QueryFilter, QueryOrder, TransactionTrait, prelude::Uuid,
};
use sea_orm_migration::MigratorTrait;
use serde_json::json;
use vigil_domain::{Span, message::RuleLine, notification::Fingerprints};

use super::*;
use crate::entity::{channel, notification_attempt, stored::StoredFingerprints, told};

const LEASE: Duration = Duration::from_secs(30);

struct Outbox {
    db: DatabaseConnection,
    channel: ChannelId,
    _folder: tempfile::TempDir,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn message() -> Message {
    Message {
        reason: NotifyReason::First,
        at: at(0),
        rule: None,
        alerts: vec![],
        more_firing: 0,
        more_resolved: 0,
        source: None,
        forward: None,
    }
}

impl Outbox {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/vigil.db", folder.path().display());
        let db = crate::db::connect(&url, 4).await.unwrap();
        vigil_migration::Migrator::up(&db, None).await.unwrap();
        let channel = ChannelId::random();
        let row = channel::ActiveModel {
            id: Set(channel.0),
            name: Set("ops".into()),
            kind: Set("telegram".into()),
            config: Set(json!({"chat_id": -5, "silent": true})),
            secret: Set(None),
            is_active: Set(true),
            disabled_reason: Set(None),
            version: Set(1),
            created_at: Set(at(0)),
            updated_at: Set(at(0)),
        };
        row.insert(&db).await.unwrap();
        Self { db, channel, _folder: folder }
    }

    async fn add(&self, stream: &str, due_second: i64) -> NotificationId {
        let new = NewNotification {
            channel_id: self.channel,
            rule_id: None,
            stream: stream.into(),
            reason: NotifyReason::First,
            message: message(),
            due_at: at(due_second),
        };
        insert(&self.db, &[new], at(0)).await.unwrap()[0]
    }

    async fn begin(&self, id: NotificationId, second: i64) -> Begin {
        begin_attempt(&self.db, id, at(second), LEASE).await.unwrap()
    }

    async fn granted(&self, id: NotificationId, second: i64) -> Granted {
        match self.begin(id, second).await {
            Begin::Granted(granted) => *granted,
            other => panic!("{other:?}"),
        }
    }

    async fn finish(&self, token: Uuid, outcome: Outcome, second: i64) -> Finished {
        finish_attempt(&self.db, token, &outcome, at(second)).await.unwrap()
    }

    async fn row(&self, id: NotificationId) -> notification::Model {
        notification::Entity::find_by_id(id.0).one(&self.db).await.unwrap().unwrap()
    }

    async fn attempts(&self, id: NotificationId) -> Vec<(String, Option<String>)> {
        let rows = notification_attempt::Entity::find()
            .filter(notification_attempt::Column::NotificationId.eq(id.0))
            .order_by_asc(notification_attempt::Column::Id)
            .all(&self.db)
            .await
            .unwrap();
        rows.into_iter().map(|row| (row.status, row.error.or(row.peer_response))).collect()
    }

    async fn channel(&self) -> channel::Model {
        channel::Entity::find_by_id(self.channel.0).one(&self.db).await.unwrap().unwrap()
    }
}

fn delivered() -> Outcome {
    Outcome::Delivered { peer_response: Some("message 7".into()) }
}

fn retry(second: i64, perhaps_arrived: bool) -> Outcome {
    Outcome::Retry { at: at(second), error: "no route".into(), perhaps_arrived }
}

#[tokio::test]
async fn a_delivery_is_begun_once_and_ends_with_everything_written() {
    let outbox = Outbox::new().await;
    let id = outbox.add("s", 0).await;
    let granted = outbox.granted(id, 1).await;
    assert_eq!((granted.notification.attempt_count, granted.notification.status.as_str()), (1, "sending"));
    assert_eq!(granted.notification.message.0, message());
    assert_eq!(granted.channel.unwrap().name, "ops");
    assert!(!granted.previous_uncertain);
    assert!(matches!(outbox.begin(id, 2).await, Begin::Busy));
    assert_eq!(outbox.attempts(id).await, [("sending".into(), None)]);

    assert_eq!(outbox.finish(granted.token, delivered(), 3).await, Finished::Recorded);
    let row = outbox.row(id).await;
    assert_eq!((row.status.as_str(), row.delivered_at, row.finished_at), ("delivered", Some(at(3)), Some(at(3))));
    assert_eq!((row.lease_token, row.lease_expires_at, row.maybe_duplicate), (None, None, false));
    assert_eq!(outbox.attempts(id).await, [("delivered".into(), Some("message 7".into()))]);
    assert!(matches!(outbox.begin(id, 100).await, Begin::Finished));
    assert!(matches!(outbox.begin(NotificationId::random(), 100).await, Begin::Finished));
}

#[tokio::test]
async fn of_many_who_begin_at_once_one_is_granted() {
    let outbox = Outbox::new().await;
    let id = outbox.add("s", 0).await;
    let all = (0..8).map(|_| begin_attempt(&outbox.db, id, at(1), LEASE));
    let begun = futures::future::try_join_all(all).await.unwrap();
    assert_eq!(begun.iter().filter(|begin| matches!(begin, Begin::Granted(_))).count(), 1);
    assert_eq!(begun.iter().filter(|begin| matches!(begin, Begin::Busy)).count(), 7);
    assert_eq!(outbox.row(id).await.attempt_count, 1);
}

#[tokio::test]
async fn nothing_is_written_when_the_deciding_transaction_is_rolled_back() {
    let outbox = Outbox::new().await;
    let tx = outbox.db.begin().await.unwrap();
    let new = NewNotification {
        channel_id: outbox.channel,
        rule_id: None,
        stream: "s".into(),
        reason: NotifyReason::First,
        message: message(),
        due_at: at(0),
    };
    let ids = insert(&tx, &vec![new; 1_200], at(0)).await.unwrap();
    assert!(ids.is_sorted() && ids.len() == 1_200);
    tx.rollback().await.unwrap();
    assert_eq!(due(&outbox.db, at(1), 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_vanished_worker_is_taken_over_and_the_doubt_is_marked() {
    let outbox = Outbox::new().await;
    let id = outbox.add("s", 0).await;
    let first = outbox.granted(id, 0).await;
    assert_eq!(due(&outbox.db, at(30), 9).await.unwrap(), [], "the lease still holds");
    assert_eq!(due(&outbox.db, at(31), 9).await.unwrap(), [id]);
    let second = outbox.granted(id, 31).await;
    assert!(second.previous_uncertain && second.notification.maybe_duplicate);
    let attempts = outbox.attempts(id).await;
    assert_eq!(attempts[0].0, "unknown");
    assert!(attempts[0].1.as_ref().unwrap().contains("vanished"));
    assert_eq!(attempts[1].0, "sending");

    assert_eq!(outbox.finish(first.token, retry(40, false), 32).await, Finished::LeaseLost);
    assert_eq!(outbox.row(id).await.lease_token, Some(second.token), "the second is not disturbed");
    assert_eq!(outbox.finish(second.token, delivered(), 33).await, Finished::Recorded);
    assert_eq!(outbox.row(id).await.status, "delivered");
}

#[tokio::test]
async fn a_late_success_is_recorded_and_spares_a_repetition_that_waits() {
    let outbox = Outbox::new().await;
    let id = outbox.add("s", 0).await;
    let first = outbox.granted(id, 0).await;
    let second = outbox.granted(id, 31).await;
    assert_eq!(outbox.finish(first.token, delivered(), 32).await, Finished::LeaseLost);
    assert_eq!(outbox.attempts(id).await[0].0, "delivered", "what is known is kept");

    let id = outbox.add("t", 0).await;
    let first = outbox.granted(id, 0).await;
    let third = outbox.granted(id, 31).await;
    outbox.finish(third.token, retry(90, false), 33).await;
    assert_eq!(outbox.finish(first.token, delivered(), 34).await, Finished::Recorded);
    assert_eq!(outbox.row(id).await.status, "delivered");
    outbox.finish(second.token, delivered(), 35).await;
}

#[tokio::test]
async fn a_failure_waits_for_its_time_and_an_end_is_final() {
    let outbox = Outbox::new().await;
    let id = outbox.add("s", 0).await;
    let granted = outbox.granted(id, 0).await;
    outbox.finish(granted.token, retry(10, false), 1).await;
    let row = outbox.row(id).await;
    assert_eq!((row.status.as_str(), row.due_at, row.last_error.as_deref()), ("pending", at(10), Some("no route")));
    assert!(!row.maybe_duplicate);
    assert!(matches!(outbox.begin(id, 9).await, Begin::NotDue(due) if due == at(10)));

    let granted = outbox.granted(id, 10).await;
    assert_eq!(granted.notification.attempt_count, 2);
    assert!(!granted.previous_uncertain);
    let failed = Outcome::Failed { error: "chat not found".into(), perhaps_arrived: false };
    outbox.finish(granted.token, failed, 11).await;
    let row = outbox.row(id).await;
    assert_eq!((row.status.as_str(), row.finished_at, row.delivered_at), ("failed", Some(at(11)), None));
    let errors = [("failed".into(), Some("no route".into())), ("failed".into(), Some("chat not found".into()))];
    assert_eq!(outbox.attempts(id).await, errors);
}

#[tokio::test]
async fn an_unknown_outcome_marks_the_repetition() {
    let outbox = Outbox::new().await;
    let id = outbox.add("s", 0).await;
    let granted = outbox.granted(id, 0).await;
    outbox.finish(granted.token, retry(10, true), 1).await;
    assert!(outbox.row(id).await.maybe_duplicate);
    assert_eq!(outbox.attempts(id).await[0].0, "unknown");
}

#[tokio::test]
async fn a_stream_is_delivered_in_order_and_others_go_on() {
    let outbox = Outbox::new().await;
    let (first, second, other) = (outbox.add("s", 0).await, outbox.add("s", 0).await, outbox.add("t", 0).await);
    assert_eq!(due(&outbox.db, at(1), 9).await.unwrap(), [first, other]);
    assert!(matches!(outbox.begin(second, 1).await, Begin::Blocked(by) if by == first));
    let granted = outbox.granted(first, 1).await;
    assert!(matches!(outbox.begin(second, 1).await, Begin::Blocked(by) if by == first));
    outbox.finish(granted.token, retry(10, false), 2).await;
    assert!(matches!(outbox.begin(second, 3).await, Begin::Blocked(by) if by == first), "while it waits, too");
    assert_eq!(due(&outbox.db, at(3), 9).await.unwrap(), [other]);

    let granted = outbox.granted(first, 10).await;
    outbox.finish(granted.token, delivered(), 11).await;
    assert_eq!(next_in_stream(&outbox.db, first).await.unwrap(), Some(second));
    assert_eq!(next_in_stream(&outbox.db, second).await.unwrap(), None);
    outbox.granted(second, 12).await;
}

#[tokio::test]
async fn an_attempt_given_back_leaves_no_trace() {
    let outbox = Outbox::new().await;
    let id = outbox.add("s", 0).await;
    let granted = outbox.granted(id, 5).await;
    assert!(release(&outbox.db, granted.token, at(6)).await.unwrap());
    let row = outbox.row(id).await;
    assert_eq!((row.status.as_str(), row.attempt_count, row.lease_token), ("pending", 0, None));
    assert_eq!(outbox.attempts(id).await, []);
    assert!(!release(&outbox.db, granted.token, at(6)).await.unwrap(), "only once");
    assert!(!outbox.granted(id, 6).await.notification.maybe_duplicate);
}

#[tokio::test]
async fn what_arrives_late_counts_as_told_then() {
    for (delivered_second, told_second) in [(59, 0), (61, 61)] {
        let outbox = Outbox::new().await;
        let id = outbox.add("s", 0).await;
        let believed = told::ActiveModel {
            rule_id: Set(Uuid::now_v7()),
            channel_id: Set(outbox.channel.0),
            firing: Set(StoredFingerprints(Fingerprints::new())),
            sent_at: Set(at(0)),
            notification_id: Set(id.0),
            is_shadow: Set(false),
        };
        believed.insert(&outbox.db).await.unwrap();
        let granted = outbox.granted(id, delivered_second).await;
        outbox.finish(granted.token, delivered(), delivered_second).await;
        let told = told::Entity::find().one(&outbox.db).await.unwrap().unwrap();
        assert_eq!(told.sent_at, at(told_second));
    }
}

#[tokio::test]
async fn a_channel_is_switched_off_only_as_it_was_seen() {
    let outbox = Outbox::new().await;
    let seen = outbox.channel().await;
    assert!(migrate_chat(&outbox.db, &seen, -1001, at(1)).await.unwrap());
    let migrated = outbox.channel().await;
    assert_eq!((migrated.config.clone(), migrated.version), (json!({"chat_id": -1001, "silent": true}), 2));
    assert!(!migrate_chat(&outbox.db, &seen, -1002, at(2)).await.unwrap(), "somebody was first");
    assert!(!disable_channel(&outbox.db, &seen, "bot was kicked", at(2)).await.unwrap(), "it has been mended since");
    assert!(disable_channel(&outbox.db, &migrated, "bot was kicked", at(3)).await.unwrap());
    let disabled = outbox.channel().await;
    assert_eq!((disabled.is_active, disabled.disabled_reason.as_deref()), (false, Some("bot was kicked")));
}

#[tokio::test]
async fn what_is_about_a_rule_in_shadow_is_written_down_and_never_begun() {
    let outbox = Outbox::new().await;
    let rule = RuleLine {
        id: RuleId::random(),
        name: "Down".into(),
        version: 1,
        severity: None,
        expr: "up == 0".into(),
        threshold: None,
        hold: Span::ZERO,
        server_id: None,
        server: None,
        is_shadow: true,
    };
    let new = |rule: Option<RuleLine>| NewNotification {
        channel_id: outbox.channel,
        rule_id: None,
        stream: "s".into(),
        reason: NotifyReason::First,
        message: Message { rule, ..message() },
        due_at: at(0),
    };
    let lit = RuleLine { is_shadow: false, ..rule.clone() };
    let [paper, voice] = insert(&outbox.db, &[new(Some(rule)), new(Some(lit))], at(0)).await.unwrap()[..] else {
        panic!("two")
    };
    let row = outbox.row(paper).await;
    assert_eq!((row.status.as_str(), row.finished_at, row.delivered_at), ("shadow", Some(at(0)), None));
    assert!(matches!(outbox.begin(paper, 1).await, Begin::Finished));
    assert_eq!(due(&outbox.db, at(1), 10).await.unwrap(), [voice], "nobody waits for what is on paper");
    assert_eq!(prune(&outbox.db, at(1), 10).await.unwrap(), 1);
}

#[tokio::test]
async fn only_ended_notifications_are_pruned_and_open_ones_counted() {
    let outbox = Outbox::new().await;
    let (done, waiting, sending) = (outbox.add("a", 0).await, outbox.add("b", 0).await, outbox.add("c", 0).await);
    let granted = outbox.granted(done, 1).await;
    outbox.finish(granted.token, delivered(), 2).await;
    outbox.granted(sending, 3).await;
    let counts = open_counts(&outbox.db).await.unwrap();
    let expected = [(NotificationStatus::Pending, 1), (NotificationStatus::Sending, 1)];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);

    assert_eq!(prune(&outbox.db, at(0), 10).await.unwrap(), 0, "it is too young");
    assert_eq!(prune(&outbox.db, at(1), 10).await.unwrap(), 1);
    assert_eq!(outbox.attempts(done).await, []);
    outbox.row(waiting).await;
    outbox.row(sending).await;
}

#[tokio::test]
async fn what_was_forwarded_is_pruned_by_itself() {
    let outbox = Outbox::new().await;
    let told = outbox.add("a", 0).await;
    let new = |reason, stream: &str| NewNotification {
        channel_id: outbox.channel,
        rule_id: None,
        stream: stream.into(),
        reason,
        message: Message { reason, ..message() },
        due_at: at(0),
    };
    let (first, again) = (NotifyReason::Forward, NotifyReason::ForwardAgain);
    let new = [new(first, "b"), new(again, "c"), new(again, "c")];
    let forwards = insert(&outbox.db, &new, at(0)).await.unwrap();
    for id in [told, forwards[0], forwards[1]] {
        let granted = outbox.granted(id, 1).await;
        outbox.finish(granted.token, delivered(), 2).await;
    }
    assert_eq!(prune_reason(&outbox.db, again, at(0), 10).await.unwrap(), 0, "it is too young");
    assert_eq!(prune_reason(&outbox.db, again, at(1), 10).await.unwrap(), 1);
    assert_eq!(outbox.attempts(forwards[1]).await, []);
    for kept in [told, forwards[0], forwards[2]] {
        outbox.row(kept).await;
    }
    assert_eq!(prune_reason(&outbox.db, first, at(1), 10).await.unwrap(), 1);
    assert_eq!(outbox.attempts(forwards[0]).await, []);
}
