//! The jobs, and the workers that run them.

pub mod deliver_notification;
pub mod evaluate_group;

use std::future::Future;

use apalis::prelude::{BoxDynError, Data, WorkerBuilder, WorkerContext};
use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use vigil_domain::job::{DeliverNotification, EvaluateGroups};

use crate::Context;

/// Runs both kinds of jobs until `stop`; running jobs finish, the others go back to the queue.
pub(crate) async fn work(ctx: Context, stop: CancellationToken) {
    let (evaluation, delivery) = (ctx.config.evaluation.concurrency, ctx.config.delivery.concurrency);
    let evaluate = WorkerBuilder::new(format!("evaluate-{}", ctx.instance))
        .backend(ctx.queue.evaluate_backend(evaluation))
        .data(ctx.clone())
        .build(evaluate);
    let deliver = WorkerBuilder::new(format!("deliver-{}", ctx.instance))
        .backend(ctx.queue.deliver_backend(delivery))
        .data(ctx.clone())
        .build(deliver);
    let ended = |stop: CancellationToken| async move {
        stop.cancelled().await;
        Ok::<(), std::io::Error>(())
    };
    let (evaluated, delivered) = tokio::join!(evaluate.run_until(ended(stop.clone())), deliver.run_until(ended(stop)));
    for ended in [evaluated.err().map(|e| e.to_string()), delivered.err().map(|e| e.to_string())].into_iter().flatten()
    {
        tracing::error!(error = ended, "a worker ended with an error");
    }
}

async fn evaluate(job: EvaluateGroups, ctx: Data<Context>, _: WorkerContext) -> Result<(), BoxDynError> {
    let ctx = Context::clone(&ctx);
    apart(async move { evaluate_group::run(&ctx, job).await }).await
}

async fn deliver(job: DeliverNotification, ctx: Data<Context>, _: WorkerContext) -> Result<(), BoxDynError> {
    let ctx = Context::clone(&ctx);
    apart(async move { deliver_notification::run(&ctx, job).await }).await
}

/// Runs a job as a task of its own, so that jobs use every core and a panic ends only its job.
async fn apart(job: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> Result<(), BoxDynError> {
    let outcome = tokio::spawn(job).await;
    outcome.map_err(BoxDynError::from)?.map_err(BoxDynError::from)
}

/// Evaluates without the queue, a few batches at once.
pub(crate) async fn evaluate_here(ctx: &Context, jobs: Vec<EvaluateGroups>) {
    let running = jobs.into_iter().map(|job| async move {
        if let Err(error) = evaluate_group::run(ctx, job).await {
            tracing::error!(error = format!("{error:#}"), "evaluation failed; the next sweep tries again");
        }
    });
    stream::iter(running).buffer_unordered(ctx.config.evaluation.concurrency).collect::<()>().await;
}
