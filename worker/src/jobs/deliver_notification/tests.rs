//! Deliveries from the outbox to a chat, and what failures leave behind.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use vigil_domain::{id::ChannelId, message::Message, notification::NotificationStatus};
use vigil_runtime::{Clock, Config, Secret};
use vigil_store::{
    entity::{notification, notification_attempt},
    outbox::NewNotification,
    stores::Stores,
};

use super::*;
use crate::channels::telegram::fake::{FakeTelegram, Reply};

const KEY: &str = "0123456789abcdef0123456789abcdef";

struct Delivery {
    ctx: Context,
    telegram: FakeTelegram,
    channel: ChannelId,
    _folder: tempfile::TempDir,
}

fn message(reason: NotifyReason, at: Timestamp) -> Message {
    Message { reason, at, rule: None, alerts: vec![], more_firing: 0, more_resolved: 0, source: None, forward: None }
}

impl Delivery {
    async fn new() -> Self {
        let (folder, telegram) = (tempfile::tempdir().unwrap(), FakeTelegram::start().await);
        let url = format!("sqlite://{}/vigil.db", folder.path().display());
        let stores = Stores::open(&url, 4, None).await.unwrap();
        vigil_migration::Migrator::up(&stores.db, None).await.unwrap();
        let mut config = Config::default();
        config.telegram.api_url = Some(telegram.url());
        let clock = Clock::manual(Timestamp::from_timestamp(1_800_000_000, 0).unwrap());
        let datasource = crate::connect::datasource(&config.datasource).unwrap();
        let ctx = Context::new(&stores, datasource, Arc::new(config), &Secret::from(KEY), clock).unwrap();
        let delivery = Self { ctx, telegram, channel: ChannelId::random(), _folder: folder };
        delivery.add_channel().await;
        delivery
    }

    async fn add_channel(&self) {
        let now = self.ctx.clock.now();
        let row = channel::ActiveModel {
            id: Set(self.channel.0),
            name: Set("ops".into()),
            kind: Set("telegram".into()),
            config: Set(json!({"chat_id": -5})),
            secret: Set(Some(self.ctx.sealer.seal("1:token", self.channel).unwrap())),
            is_active: Set(true),
            disabled_reason: Set(None),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
        };
        row.insert(&self.ctx.db).await.unwrap();
    }

    async fn add(&self, stream: &str, reason: NotifyReason) -> NotificationId {
        let now = self.ctx.clock.now();
        let message = message(reason, now);
        let new = NewNotification {
            channel_id: self.channel,
            rule_id: None,
            stream: stream.into(),
            reason,
            message,
            due_at: now,
        };
        outbox::insert(&self.ctx.db, &[new], now).await.unwrap()[0]
    }

    async fn run(&self, notification: NotificationId) {
        run(&self.ctx, DeliverNotification { notification }).await.unwrap();
    }

    async fn row(&self, id: NotificationId) -> notification::Model {
        notification::Entity::find_by_id(id.0).one(&self.ctx.db).await.unwrap().unwrap()
    }

    async fn status(&self, id: NotificationId) -> NotificationStatus {
        self.row(id).await.status.parse().unwrap()
    }

    async fn attempts(&self, id: NotificationId) -> Vec<notification_attempt::Model> {
        notification_attempt::Entity::find()
            .filter(notification_attempt::Column::NotificationId.eq(id.0))
            .order_by_asc(notification_attempt::Column::Id)
            .all(&self.ctx.db)
            .await
            .unwrap()
    }

    async fn channel(&self) -> channel::Model {
        channel::Entity::find_by_id(self.channel.0).one(&self.ctx.db).await.unwrap().unwrap()
    }

    fn wait(&self, seconds: u64) {
        self.ctx.clock.advance(Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn a_job_that_runs_twice_sends_once() {
    let delivery = Delivery::new().await;
    let id = delivery.add("s", NotifyReason::SourceDown).await;
    delivery.run(id).await;
    delivery.run(id).await;
    sweep(&delivery.ctx).await;
    assert_eq!(delivery.telegram.requests().len(), 1);
    assert_eq!(delivery.status(id).await, NotificationStatus::Delivered);
    assert_eq!(delivery.attempts(id).await[0].peer_response.as_deref(), Some("message_id 1"));
}

#[tokio::test]
async fn without_the_queue_the_sweep_delivers_everything_in_order() {
    let delivery = Delivery::new().await;
    let mut streams = vec![Vec::new(); 3];
    for number in 0..60 {
        streams[number % 3].push(delivery.add(&format!("s{}", number % 3), NotifyReason::SourceDown).await);
    }
    sweep(&delivery.ctx).await;
    assert_eq!(delivery.telegram.requests().len(), 60);
    for stream in streams {
        let mut begun = Vec::new();
        for id in stream {
            assert_eq!(delivery.status(id).await, NotificationStatus::Delivered);
            begun.extend(delivery.attempts(id).await.into_iter().map(|attempt| attempt.id));
        }
        assert!(begun.is_sorted() && begun.len() == 20, "attempts of a stream follow its order");
    }
}

#[tokio::test]
async fn one_chats_limit_holds_up_nobody_else() {
    let delivery = Delivery::new().await;
    let (first, second) =
        (delivery.add("a", NotifyReason::SourceDown).await, delivery.add("b", NotifyReason::SourceDown).await);
    delivery.telegram.refuse(429, "Too Many Requests", json!({"retry_after": 37}));
    delivery.run(first).await;
    delivery.run(second).await;
    assert_eq!(delivery.status(second).await, NotificationStatus::Delivered);
    let row = delivery.row(first).await;
    assert_eq!((row.status.as_str(), (row.due_at - row.created_at).num_seconds()), ("pending", 37));

    delivery.wait(36);
    sweep(&delivery.ctx).await;
    assert_eq!(delivery.status(first).await, NotificationStatus::Pending);
    delivery.wait(1);
    sweep(&delivery.ctx).await;
    let row = delivery.row(first).await;
    assert_eq!((row.status.as_str(), row.maybe_duplicate, row.attempt_count), ("delivered", false, 2));
}

#[tokio::test]
async fn a_break_off_is_tried_again_and_marked() {
    let delivery = Delivery::new().await;
    let id = delivery.add("s", NotifyReason::SourceDown).await;
    delivery.telegram.next(Reply::BreakOff);
    delivery.run(id).await;
    assert_eq!(delivery.attempts(id).await[0].status, "unknown");
    delivery.wait(20);
    sweep(&delivery.ctx).await;
    let row = delivery.row(id).await;
    assert_eq!((row.status.as_str(), row.maybe_duplicate), ("delivered", true));
}

#[tokio::test]
async fn a_bot_that_was_kicked_switches_its_channel_off_for_all_to_see() {
    let delivery = Delivery::new().await;
    let (first, second) =
        (delivery.add("a", NotifyReason::SourceDown).await, delivery.add("b", NotifyReason::SourceDown).await);
    delivery.telegram.refuse(403, "Forbidden: bot was kicked from the group chat", Value::Null);
    delivery.run(first).await;
    assert_eq!(delivery.status(first).await, NotificationStatus::Failed);
    let channel = delivery.channel().await;
    assert!(!channel.is_active && channel.disabled_reason.unwrap().contains("bot was kicked"));

    delivery.run(second).await;
    let row = delivery.row(second).await;
    assert_eq!(row.status, "failed");
    assert!(row.last_error.unwrap().starts_with("the channel is switched off: Forbidden: bot was kicked"));
    assert_eq!(delivery.telegram.requests().len(), 1);
}

#[tokio::test]
async fn a_moved_group_is_remembered() {
    let delivery = Delivery::new().await;
    let (first, second) =
        (delivery.add("a", NotifyReason::SourceDown).await, delivery.add("b", NotifyReason::SourceDown).await);
    delivery.telegram.refuse(400, "moved", json!({"migrate_to_chat_id": -1_009}));
    delivery.run(first).await;
    let channel = delivery.channel().await;
    assert_eq!((channel.config, channel.version, channel.is_active), (json!({"chat_id": -1_009}), 2, true));
    delivery.run(second).await;
    assert_eq!(delivery.telegram.requests().last().unwrap().1["chat_id"], -1_009);
    assert_eq!(delivery.telegram.requests().len(), 3);
}

#[tokio::test]
async fn a_test_is_tried_once() {
    let delivery = Delivery::new().await;
    let id = delivery.add("test:1", NotifyReason::Test).await;
    delivery.telegram.refuse(502, "Bad Gateway", Value::Null);
    delivery.run(id).await;
    let row = delivery.row(id).await;
    assert_eq!((row.status.as_str(), row.last_error.as_deref()), ("failed", Some("Telegram failed: Bad Gateway")));
}

#[tokio::test]
async fn what_is_forwarded_is_not_tried_beyond_the_next_resend() {
    let delivery = Delivery::new().await;
    let id = delivery.add("s", NotifyReason::Forward).await;
    for (wait, status) in
        [(15, NotificationStatus::Pending), (25, NotificationStatus::Pending), (0, NotificationStatus::Failed)]
    {
        delivery.telegram.refuse(502, "Bad Gateway", Value::Null);
        delivery.run(id).await;
        assert_eq!(delivery.status(id).await, status, "{:?}", delivery.row(id).await);
        delivery.wait(wait);
    }
    assert_eq!(delivery.attempts(id).await.len(), 3, "40 s after the first try the next would be later than 60 s");
}

#[tokio::test]
async fn what_is_forwarded_is_tried_once_where_prometheus_is_followed_to_the_letter() {
    let mut delivery = Delivery::new().await;
    Arc::make_mut(&mut delivery.ctx.config).evaluation.strict_prometheus = true;
    for reason in [NotifyReason::Forward, NotifyReason::ForwardAgain] {
        let id = delivery.add("s", reason).await;
        delivery.telegram.refuse(502, "Bad Gateway", Value::Null);
        delivery.run(id).await;
        assert_eq!((delivery.status(id).await, delivery.attempts(id).await.len()), (NotificationStatus::Failed, 1));
    }
}

#[tokio::test]
async fn failures_end_and_the_next_of_the_stream_goes_on() {
    let delivery = Delivery::new().await;
    let (first, second) =
        (delivery.add("s", NotifyReason::SourceDown).await, delivery.add("s", NotifyReason::SourceUp).await);
    for _ in 0..12 {
        delivery.telegram.refuse(502, "Bad Gateway", Value::Null);
    }
    for attempt in 1..=12 {
        delivery.run(second).await;
        delivery.run(first).await;
        assert_eq!(delivery.row(first).await.attempt_count, attempt);
        assert_eq!(delivery.row(second).await.attempt_count, 0, "it waits for its turn");
        delivery.wait(1_000);
    }
    assert_eq!(delivery.status(first).await, NotificationStatus::Failed);
    delivery.run(second).await;
    assert_eq!(delivery.status(second).await, NotificationStatus::Delivered);
    assert_eq!(delivery.ctx.queue.depth().await.unwrap().deliver, 1, "the queue was told of the next");
}

#[tokio::test]
async fn a_deleted_channel_fails_what_waits_for_it() {
    let delivery = Delivery::new().await;
    let id = delivery.add("s", NotifyReason::SourceDown).await;
    channel::Entity::delete_by_id(delivery.channel.0).exec(&delivery.ctx.db).await.unwrap();
    delivery.run(id).await;
    let row = delivery.row(id).await;
    assert_eq!((row.status.as_str(), row.last_error.as_deref()), ("failed", Some("the channel was deleted")));
}
