//! One attempt to deliver one notification: lease, send, write down.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::{StreamExt, stream};
use metrics::{counter, histogram};
use vigil_domain::{
    Timestamp,
    channel::ChannelKind,
    id::NotificationId,
    job::DeliverNotification,
    notification::{NotifyReason, RetryPolicy, SendError, next_attempt},
};
use vigil_runtime::fault::step;
use vigil_store::{
    entity::channel,
    outbox::{self, Begin, Finished, Granted, Outcome},
};

use super::evaluate_group::span;
use crate::{
    Context,
    channels::{self, Report, Sent},
};

/// A sweep takes no further round after this time, so that it comes back to what else it has to look after.
const SWEEP: Duration = Duration::from_secs(10);
/// How long to wait before the end of an attempt is written again.
const FINISH_RETRY: Duration = Duration::from_millis(250);

/// Tries to deliver a notification if it is due and nobody else does. Failing to deliver is no error: that is written
/// down and decided there. `Err` when the database could not be asked; the sweep comes back to it.
#[tracing::instrument(skip_all, fields(notification.id = %job.notification))]
pub async fn run(ctx: &Context, job: DeliverNotification) -> anyhow::Result<()> {
    let (lease, since) = (ctx.config.delivery.lease(), Instant::now());
    let begun = outbox::begin_attempt(&ctx.db, job.notification, ctx.clock.now(), lease).await;
    let granted = match begun.context("begin the attempt")? {
        Begin::Granted(granted) => *granted,
        Begin::NotDue(_) | Begin::Busy | Begin::Finished | Begin::Blocked(_) => return Ok(()),
    };
    step("deliver.begun");
    let report = attempt(ctx, &granted, since + ctx.config.delivery.timeout()).await;
    if report.result.is_ok() {
        step("deliver.sent");
    }
    let now = ctx.clock.now();
    let outcome = outcome(policy(ctx, &granted), &granted, &report.result, now);
    let finished = finish(ctx, &granted, &outcome, now, since + lease).await?;
    step("deliver.finished");
    tell(&granted, &outcome, finished);
    learn(ctx, &granted, &report, now).await;
    if !matches!(outcome, Outcome::Retry { .. }) {
        push_next(ctx, job.notification).await;
    }
    Ok(())
}

/// Delivers everything that is due, whatever became of its jobs.
pub async fn sweep(ctx: &Context) {
    let (started, concurrency) = (Instant::now(), ctx.config.delivery.concurrency);
    while started.elapsed() < SWEEP {
        match sweep_round(ctx, concurrency).await {
            Ok(0) => return,
            Ok(found) => counter!("vigil_sweep_notifications_total").increment(found as u64),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "could not sweep notifications");
                return;
            }
        }
    }
}

async fn sweep_round(ctx: &Context, concurrency: usize) -> anyhow::Result<usize> {
    let limit = 2 * concurrency as u64;
    let due = outbox::due(&ctx.db, ctx.clock.now(), limit).await.context("look for due notifications")?;
    let found = due.len();
    let runs = due.into_iter().map(|notification| run(ctx, DeliverNotification { notification }));
    let results: Vec<_> = stream::iter(runs).buffer_unordered(concurrency).collect().await;
    results.into_iter().collect::<anyhow::Result<()>>().map(|()| found)
}

async fn attempt(ctx: &Context, granted: &Granted, deadline: Instant) -> Report {
    let Some(stored) = &granted.channel else {
        return Err(SendError::Permanent("the channel was deleted".to_owned())).into();
    };
    let channel = match channels::open(&ctx.sealer, stored) {
        Ok(channel) => channel,
        Err(error) => return Err(error).into(),
    };
    let started = Instant::now();
    let message = &granted.notification.message.0;
    let report = channels::send(&ctx.senders, &channel, message, ctx.clock.now(), deadline).await;
    histogram!("vigil_notification_send_seconds", "kind" => kind(granted)).record(started.elapsed().as_secs_f64());
    report
}

/// An Alertmanager is soon sent everything again, and newer: what it missed is not tried for longer than that, if at all.
fn policy(ctx: &Context, granted: &Granted) -> RetryPolicy {
    let delivery = &ctx.config.delivery;
    let repeats = ctx.deviations().repeat_forwards();
    let longest_forward = if repeats { ctx.config.evaluation.resend_delay() } else { Duration::ZERO };
    RetryPolicy {
        base: span(delivery.retry_base()),
        longest: span(delivery.retry_max()),
        attempts: delivery.max_attempts,
        until: is_forward(granted).then(|| granted.notification.created_at + longest_forward),
    }
}

fn is_forward(granted: &Granted) -> bool {
    granted.notification.reason.parse().is_ok_and(NotifyReason::is_forward)
}

/// What a try means for its notification. Somebody waits for a test's result, so a test is tried once.
fn outcome(policy: RetryPolicy, granted: &Granted, result: &Result<Sent, SendError>, now: Timestamp) -> Outcome {
    let error = match result {
        Ok(Sent { peer_response }) => return Outcome::Delivered { peer_response: peer_response.clone() },
        Err(error) => error,
    };
    let notification = &granted.notification;
    let attempts = u32::try_from(notification.attempt_count).unwrap_or(u32::MAX);
    let again = next_attempt(policy, NotificationId(notification.id), attempts, error, now);
    let is_test = notification.reason == NotifyReason::Test.as_str();
    let (text, perhaps_arrived) = (error.to_string(), matches!(error, SendError::Unknown(_)));
    match again.filter(|_| !is_test) {
        Some(at) => Outcome::Retry { at, error: text, perhaps_arrived },
        None => Outcome::Failed { error: text, perhaps_arrived },
    }
}

/// Writes the outcome down, again and again while the lease holds: what was sent but not written is sent twice.
async fn finish(
    ctx: &Context,
    granted: &Granted,
    outcome: &Outcome,
    now: Timestamp,
    until: Instant,
) -> anyhow::Result<Finished> {
    loop {
        match outbox::finish_attempt(&ctx.db, granted.token, outcome, now).await {
            Ok(finished) => return Ok(finished),
            Err(error) if Instant::now() + FINISH_RETRY < until => {
                tracing::warn!(%error, "could not write down how the attempt went; trying again");
                tokio::time::sleep(FINISH_RETRY).await;
            }
            Err(error) => return Err(error).context("write down how the attempt went"),
        }
    }
}

fn tell(granted: &Granted, outcome: &Outcome, finished: Finished) {
    let (kind, reason) = (kind(granted), granted.notification.reason.clone());
    let attempt = granted.notification.attempt_count;
    let word = match outcome {
        Outcome::Delivered { .. } if is_forward(granted) => {
            tracing::debug!(kind, attempt, "alerts forwarded");
            "delivered"
        }
        Outcome::Delivered { .. } => {
            tracing::info!(kind, reason, attempt, "notification delivered");
            "delivered"
        }
        Outcome::Retry { at, error, .. } => {
            tracing::warn!(kind, reason, attempt, retry_at = %at, error, "notification not delivered; trying again");
            "retry"
        }
        Outcome::Failed { error, .. } => {
            tracing::error!(kind, reason, attempt, error, "notification given up");
            "failed"
        }
    };
    counter!("vigil_notifications_total", "kind" => kind, "reason" => reason, "outcome" => word).increment(1);
    if finished == Finished::LeaseLost {
        counter!("vigil_notifications_lease_lost_total").increment(1);
        tracing::warn!("the lease was lost before the attempt ended");
    }
}

/// Keeps what the try taught about the channel. A failure here costs the next try the same lesson.
async fn learn(ctx: &Context, granted: &Granted, report: &Report, now: Timestamp) {
    let Some(seen) = &granted.channel else { return };
    if let Err(error) = change_channel(ctx, seen.clone(), report, now).await {
        tracing::error!(%error, channel.name = seen.name, "could not change the channel");
    }
}

async fn change_channel(
    ctx: &Context,
    mut seen: channel::Model,
    report: &Report,
    now: Timestamp,
) -> Result<(), sea_orm::DbErr> {
    if let Some(chat) = report.migrated_to
        && outbox::migrate_chat(&ctx.db, &seen, chat, now).await?
    {
        seen.version += 1;
        tracing::info!(channel.name = seen.name, chat, "the channel's group became a supergroup: its chat was changed");
    }
    if let Err(SendError::ChannelBroken(reason)) = &report.result
        && outbox::disable_channel(&ctx.db, &seen, reason, now).await?
    {
        counter!("vigil_channels_disabled_total", "kind" => seen.kind.clone()).increment(1);
        tracing::error!(channel.name = seen.name, reason, "the channel was switched off");
    }
    Ok(())
}

async fn push_next(ctx: &Context, ended: NotificationId) {
    match outbox::next_in_stream(&ctx.db, ended).await {
        Ok(Some(next)) => ctx.push_deliver(vec![next]).await,
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "could not look for the next one: the sweep will"),
    }
}

fn kind(granted: &Granted) -> &'static str {
    let kind = granted.channel.as_ref().and_then(|channel| channel.kind.parse().ok());
    kind.map_or("unknown", ChannelKind::as_str)
}

#[cfg(test)]
mod tests;
