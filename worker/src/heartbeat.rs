//! What a worker does by itself: schedule each second, sweep, look after a failing data source, forget old history.

use std::time::Duration;

use chrono::TimeDelta;
use metrics::{counter, gauge};
use tokio_util::sync::CancellationToken;
use vigil_domain::{notification::NotifyReason, source::Outcome};
use vigil_runtime::shutdown::Shutdown;
use vigil_store::{evaluation, outbox};

use crate::{
    Context, ended,
    jobs::{self, deliver_notification, evaluate_group::source_policy},
    schedule::{Scheduler, sweep_groups},
};

/// How often a failing data source is asked whether it is back, beside the rules that ask it.
const PROBE: Duration = Duration::from_secs(5);
/// How often old history is looked for, and how many rows go at once.
const PRUNE: Duration = Duration::from_secs(600);
const PRUNE_ROWS: u64 = 5_000;
/// How long what was sent to Alertmanagers is kept: what began or ended, and what was only sent again, whose like follows
/// every minute.
const FORWARDS: [(NotifyReason, TimeDelta); 2] =
    [(NotifyReason::Forward, TimeDelta::days(1)), (NotifyReason::ForwardAgain, TimeDelta::hours(1))];

/// Starts everything a worker does; it ends with `shutdown`.
pub fn run(ctx: &Context, shutdown: &Shutdown) {
    shutdown.spawn("jobs", jobs::work(ctx.clone(), shutdown.token()));
    shutdown.spawn("schedule", schedule(ctx.clone(), shutdown.clone()));
    // Each by itself: what waits for the data source or for Redis holds up no message.
    shutdown.spawn("sweep of evaluations", sweep_evaluations(ctx.clone(), shutdown.token()));
    shutdown.spawn("sweep of notifications", sweep_notifications(ctx.clone(), shutdown.token()));
    shutdown.spawn("ends of series", end_series(ctx.clone(), shutdown.token()));
    shutdown.spawn("housekeeping", keep_house(ctx.clone(), shutdown.token()));
}

/// Ticks at every whole second: slots are whole seconds.
async fn schedule(ctx: Context, shutdown: Shutdown) {
    let (stop, mut scheduler) = (shutdown.token(), Scheduler::default());
    let mut probed = ctx.clock.now();
    loop {
        let into_second = ctx.clock.now().timestamp_subsec_millis().min(999);
        let next = Duration::from_millis(u64::from(1_000 - into_second));
        tokio::select! {
            () = tokio::time::sleep(next) => {}
            () = stop.cancelled() => break,
        }
        if let Err(error) = beat(&ctx, &mut scheduler, &mut probed).await {
            counter!("vigil_scheduler_errors_total").increment(1);
            tracing::error!(error = format!("{error:#}"), "could not schedule; trying again in a second");
        }
    }
    scheduler.resign(&ctx).await;
}

async fn beat(ctx: &Context, scheduler: &mut Scheduler, probed: &mut vigil_domain::Timestamp) -> anyhow::Result<()> {
    let now = ctx.clock.now();
    let leads = scheduler.leads(ctx, now).await?;
    gauge!("vigil_scheduler_leader").set(f64::from(u8::from(leads)));
    if !leads {
        return Ok(());
    }
    scheduler.tick(ctx, now).await?;
    if (now - *probed).to_std().is_ok_and(|since| since >= PROBE) {
        *probed = now;
        let ctx = ctx.clone();
        tokio::spawn(async move {
            if let Err(error) = probe(&ctx).await {
                tracing::warn!(error = format!("{error:#}"), "could not probe the data source");
            }
        });
    }
    Ok(())
}

/// Asks a failing data source whether it is back, so that rules with long intervals do not delay the news.
async fn probe(ctx: &Context) -> anyhow::Result<()> {
    let source = evaluation::current_source(&ctx.db).await?;
    gauge!("vigil_datasource_up").set(f64::from(u8::from(source.status.down_since.is_none())));
    if source.status.failing_since.is_none() {
        return Ok(());
    }
    let outcome = match ctx.datasource.healthy().await {
        Err(error) if error.is_source_failure() => Outcome::Failed(error.to_string()),
        Ok(()) | Err(_) => Outcome::Answered,
    };
    let due = evaluation::record_probe(&ctx.db, &outcome, ctx.clock.now(), source_policy(ctx)).await?;
    if !due.is_empty() {
        ctx.push_deliver(due).await;
    }
    Ok(())
}

/// Waits until it is time to sweep again. `false`: it is time to stop.
async fn again(ctx: &Context, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(ctx.config.delivery.sweep()) => true,
        () = stop.cancelled() => false,
    }
}

async fn sweep_evaluations(ctx: Context, stop: CancellationToken) {
    while again(&ctx, &stop).await {
        match sweep_groups(&ctx, ctx.clock.now()).await {
            Ok(0) => {}
            Ok(found) => counter!("vigil_sweep_groups_total").increment(found as u64),
            Err(error) => tracing::error!(error = format!("{error:#}"), "could not sweep groups"),
        }
    }
}

async fn sweep_notifications(ctx: Context, stop: CancellationToken) {
    while again(&ctx, &stop).await {
        deliver_notification::sweep(&ctx).await;
    }
}

async fn end_series(ctx: Context, stop: CancellationToken) {
    while again(&ctx, &stop).await {
        if let Err(error) = ended::end_series(&ctx).await {
            tracing::warn!(error = format!("{error:#}"), "could not end the series of rules that are gone");
        }
    }
}

async fn keep_house(ctx: Context, stop: CancellationToken) {
    let mut pruned = ctx.clock.now();
    while again(&ctx, &stop).await {
        report(&ctx).await;
        let now = ctx.clock.now();
        if (now - pruned).to_std().is_ok_and(|since| since >= PRUNE) {
            pruned = now;
            prune(&ctx, now).await;
        }
    }
}

/// Gauges that only the database and the queue know.
async fn report(ctx: &Context) {
    if let Err(error) = outbox::report(&ctx.db).await {
        tracing::warn!(%error, "could not count notifications");
    }
    if let Err(error) = ctx.queue.depth().await {
        tracing::debug!(%error, "could not read the queue's depth");
    }
}

async fn prune(ctx: &Context, now: vigil_domain::Timestamp) {
    let retention = &ctx.config.retention;
    let days = |days: u32| now - TimeDelta::days(i64::from(days));
    let events = evaluation::prune_events(&ctx.db, days(retention.events_days), PRUNE_ROWS).await;
    let notifications = outbox::prune(&ctx.db, days(retention.notifications_days), PRUNE_ROWS).await;
    let forwards = prune_forwards(ctx, now).await;
    for error in [events.err(), notifications.err(), forwards.err()].into_iter().flatten() {
        tracing::warn!(%error, "could not forget old history");
    }
}

async fn prune_forwards(ctx: &Context, now: vigil_domain::Timestamp) -> Result<(), sea_orm::DbErr> {
    for (reason, kept) in FORWARDS {
        while outbox::prune_reason(&ctx.db, reason, now - kept, PRUNE_ROWS).await? == PRUNE_ROWS {}
    }
    Ok(())
}
