//! The incident: a queue grows too long, people are told, it shrinks, people are told.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::time::{self, Instant};
use vigil_domain::Labels;
use vigil_promql::{Point, SeriesLabels};
use vigil_samples::Store;

use super::{Chat, client::Client};
use crate::output;

const METRIC: &str = "demo_queue_length";
const NORMAL: u64 = 12;
const TOO_LONG: u64 = 240;
/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Play {
    client: Client,
    store: Store,
    chat: Option<Chat>,
    began: Instant,
}

impl Play {
    pub(super) fn new(client: Client, store: Store, chat: Option<Chat>) -> Self {
        Self { client, store, chat, began: Instant::now() }
    }

    pub(super) async fn run(self) -> anyhow::Result<()> {
        let length = Arc::new(AtomicU64::new(NORMAL));
        let measuring = tokio::spawn(measure(self.store.clone(), Arc::clone(&length)));
        let played = self.acts(&length).await;
        measuring.abort();
        played
    }

    async fn acts(&self, length: &AtomicU64) -> anyhow::Result<()> {
        self.metric_arrives().await?;
        let channel = self.channel().await?;
        let rule = self.rule(channel.as_ref()).await?;
        length.store(TOO_LONG, Ordering::Relaxed);
        self.say("metric", &format!("{METRIC} rises to {TOO_LONG}"))?;
        let event = self.event(&rule, "pending").await?;
        self.say(
            "pending",
            &format!(
                "the condition holds, with the value {}; it must do so for 3 s",
                event["value"].as_str().unwrap_or_default()
            ),
        )?;
        self.event(&rule, "firing").await?;
        self.say("firing", "it has held long enough: event and notification are written in one transaction")?;
        self.told(&rule, "first", channel.is_some()).await?;
        length.store(NORMAL, Ordering::Relaxed);
        self.say("metric", &format!("{METRIC} falls to {NORMAL}"))?;
        self.event(&rule, "resolved").await?;
        self.say("resolved", "the condition holds no longer")?;
        self.told(&rule, "resolved", channel.is_some()).await?;
        self.sum_up(&rule).await
    }

    async fn metric_arrives(&self) -> anyhow::Result<()> {
        let path = format!("/metrics/query?query={METRIC}");
        let found = |answer: &Value| answer["data"]["result"].as_array().is_some_and(|series| !series.is_empty());
        self.until("the metric can be queried", &path, found).await?;
        self.say("metric", &format!("{METRIC} is {NORMAL}, measured once a second (GET /api/v1{path})"))?;
        Ok(())
    }

    /// The channel to tell, by its id; without one Vigil's own log is told.
    async fn channel(&self) -> anyhow::Result<Option<Value>> {
        let Some(Chat { id, bot_token }) = &self.chat else { return Ok(None) };
        let chat = id.parse::<i64>().map_or_else(|_| json!(id), |number| json!(number));
        let config = json!({"bot_token": bot_token.expose(), "chat_id": chat});
        let channel = json!({"name": "demo", "kind": "telegram", "config": config});
        let channel = self.client.create("/channels", &channel).await?;
        self.say("channel", &format!("the Telegram chat {id} (POST /api/v1/channels)"))?;
        Ok(Some(channel["id"].clone()))
    }

    async fn rule(&self, channel: Option<&Value>) -> anyhow::Result<String> {
        let rule = json!({
            "name": "Queue too long", "expr": METRIC, "threshold": {"op": ">", "value": 100}, "for": "3s",
            "interval": "1s", "severity": "warning", "channel_ids": channel.into_iter().collect::<Vec<_>>(),
            "annotations": {"summary": "This is a demo: nothing is wrong."},
        });
        let rule = self.client.create("/rules", &rule).await?;
        let id = rule["id"].as_str().context("a rule has an id")?.to_owned();
        let path = format!("/rules/{id}");
        self.until("the rule is evaluated", &path, |rule| rule["health"] == "ok").await?;
        self.say("rule", &format!("{METRIC} > 100 for 3s, evaluated every second (POST /api/v1/rules)"))?;
        Ok(id)
    }

    async fn event(&self, rule: &str, state: &str) -> anyhow::Result<Value> {
        let path = format!("/events?rule_id={rule}&state={state}");
        let events =
            self.until(&format!("the alert is {state}"), &path, |events| !events["items"][0].is_null()).await?;
        Ok(events["items"][0].clone())
    }

    async fn told(&self, rule: &str, reason: &str, by_telegram: bool) -> anyhow::Result<()> {
        let path = format!("/notifications?rule_id={rule}&reason={reason}");
        let ended = |told: &Value| matches!(told["items"][0]["status"].as_str(), Some("delivered" | "failed"));
        let told = self.until(&format!("the notification ({reason}) is delivered"), &path, ended).await?;
        let told = &told["items"][0];
        if told["status"] == "failed" {
            bail!("the notification ({reason}) could not be delivered: {}", told["last_error"]);
        }
        let attempts = told["attempts"].as_array().map_or(0, Vec::len);
        let place = if by_telegram { "to Telegram" } else { "to the log: the line above" };
        self.say("told", &format!("\"{reason}\" is delivered {place} (attempts: {attempts})"))?;
        Ok(())
    }

    async fn sum_up(&self, rule: &str) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        for table in ["events", "notifications"] {
            let list = self.client.get(&format!("/{table}?rule_id={rule}")).await?;
            rows.push(format!("{} {table}", list["items"].as_array().map_or(0, Vec::len)));
        }
        self.say("done", &format!("everything that happened is a row: {}", rows.join(", ")))?;
        Ok(())
    }

    /// Asks until the answer is as wanted.
    async fn until(&self, what: &str, path: &str, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.client.get(path).await?;
            if wanted(&answer) {
                return Ok(answer);
            }
            if Instant::now() >= deadline {
                bail!("waited {PATIENCE:?} until {what}, in vain; GET /api/v1{path} answers {answer}");
            }
            time::sleep(PAUSE).await;
        }
    }

    fn say(&self, step: &str, text: &str) -> anyhow::Result<()> {
        output::line(format_args!("{:5.1} s  {step:<8} {text}", self.began.elapsed().as_secs_f64()))
    }
}

/// Writes the queue's length once a second.
async fn measure(store: Store, length: Arc<AtomicU64>) {
    let labels: Labels = [("__name__", METRIC), ("instance", "demo"), ("job", "demo")].into_iter().collect();
    let labels = SeriesLabels::from(&labels);
    let mut ticks = time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        let value = length.load(Ordering::Relaxed) as f64;
        store.append(&[(labels.clone(), Point { at_ms: store.now_ms(), value })]);
    }
}
