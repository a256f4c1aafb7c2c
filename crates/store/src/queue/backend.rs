//! The queue as apalis sees it: one source for both transports, and the layer that settles a job when it has ended.

use std::{
    convert::Infallible,
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    error::BoxDynError,
    layers::{Layer, Service},
    task::{
        Task,
        builder::TaskBuilder,
        task_id::{RandomId, TaskId},
    },
    worker::context::WorkerContext,
};
use futures::future::BoxFuture;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::JoinSet,
};

use super::{
    Job,
    keeper::{Held, Keeper, Word},
    lease::{Fetched, Parcel},
    memory::MemoryQueue,
    reader::Reader,
    stream::Stream,
};

/// How long a stopping worker may take to settle with Redis. What is left then is claimed by others, or swept.
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// The source of one apalis worker.
///
/// It hands out a job only when one of its slots is free, so it holds nothing it cannot start, and a killed worker
/// leaves only what it ran. The slots bound the worker's concurrency; a `.concurrency(n)` on top is not needed.
///
/// A job ends when its handler does, well or not: a failure is logged and counted, and the sweep brings the work
/// back. While the handler runs the job is kept from others, however long it takes, so handlers bound their own
/// time (`.timeout`) and do not take the worker down with them (`.catch_panic`).
///
/// The source never ends and never fails: it waits for Redis as long as it takes. When the worker stops, jobs that
/// were not started go back to the queue.
pub struct QueueBackend<T: Job> {
    source: Source<T>,
    slots: Arc<Semaphore>,
    state: State<T>,
}

pub(super) enum Source<T: Job> {
    Memory(Arc<MemoryQueue<T>>),
    Redis(Arc<Stream>),
}

enum State<T> {
    Idle,
    Open(Feed<T>),
    Closing(BoxFuture<'static, ()>),
    Closed,
}

/// What brings jobs to an open source. Dropping it stops the tasks where they stand, like a kill.
struct Feed<T> {
    inbox: mpsc::UnboundedReceiver<Fetched<T>>,
    reader: JoinSet<()>,
    keeper: Option<(mpsc::UnboundedSender<Word>, JoinSet<()>)>,
}

impl<T: Job> QueueBackend<T> {
    pub(super) fn new(source: Source<T>, slots: usize) -> Self {
        Self { source, slots: Arc::new(Semaphore::new(slots.max(1))), state: State::Idle }
    }

    fn open(&self) -> Feed<T> {
        let (out, inbox) = mpsc::unbounded_channel();
        let mut reader = JoinSet::new();
        let slots = Arc::clone(&self.slots);
        let keeper = match &self.source {
            Source::Memory(queue) => {
                reader.spawn(Arc::clone(queue).feed(slots, out));
                None
            }
            Source::Redis(stream) => {
                let (words, said) = mpsc::unbounded_channel();
                let (consumer, held): (Arc<str>, _) = (Stream::new_consumer().into(), Held::default());
                let keeping = Keeper::new(Arc::clone(stream), Arc::clone(&consumer), held.clone()).run(said);
                let whose = (Arc::clone(stream), consumer);
                reader.spawn(Reader::new(whose, (slots, held), words.clone(), out).run());
                let mut keeper = JoinSet::new();
                keeper.spawn(keeping);
                Some((words, keeper))
            }
        };
        Feed { inbox, reader, keeper }
    }

    fn close(&mut self) -> BoxFuture<'static, ()> {
        let State::Open(feed) = std::mem::replace(&mut self.state, State::Closed) else {
            return Box::pin(std::future::ready(()));
        };
        let Feed { inbox, mut reader, keeper } = feed;
        let memory = match &self.source {
            Source::Memory(queue) => Some(Arc::clone(queue)),
            Source::Redis(_) => None,
        };
        Box::pin(async move {
            reader.shutdown().await;
            match memory {
                Some(queue) => queue.reclaim(inbox),
                None => drop(inbox),
            }
            if let Some((words, _tasks)) = keeper {
                let (closed, closing) = oneshot::channel();
                let _ = words.send(Word::Close(closed));
                if tokio::time::timeout(CLOSE_DEADLINE, closing).await.is_err() {
                    tracing::warn!(queue = T::QUEUE, "stopped without settling with Redis");
                }
            }
        })
    }
}

impl<T: Job> Backend for QueueBackend<T> {
    type Task = Task<T>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        if matches!(self.state, State::Idle) {
            self.state = State::Open(self.open());
        }
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        let State::Open(feed) = &mut self.state else {
            return Poll::Ready(None);
        };
        let Some(Fetched { id, job, lease }) = ready!(feed.inbox.poll_recv(cx)) else {
            // The reader cannot end by itself. Should it, it is started again rather than end the worker.
            self.state = State::Idle;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        let task = TaskBuilder::new(job).task_id(TaskId::from_string(id)).data(Parcel::new(lease)).build();
        Poll::Ready(Some(Ok(task)))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        if matches!(self.state, State::Open(_)) {
            self.state = State::Closing(self.close());
        }
        if let State::Closing(closing) = &mut self.state {
            ready!(closing.as_mut().poll(cx));
        }
        self.state = State::Closed;
        Poll::Ready(Ok(()))
    }
}

impl<T: Job> BackendConfig for QueueBackend<T> {
    type Args = T;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = LeaseLayer;

    fn config(&self) -> &Self::Config {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        LeaseLayer
    }
}

impl<T: Job> fmt::Debug for QueueBackend<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueBackend")
            .field("queue", &T::QUEUE)
            .field("free_slots", &self.slots.available_permits())
            .finish_non_exhaustive()
    }
}

/// Settles every job when its handler has ended. [`QueueBackend`] brings it along.
#[derive(Clone, Copy, Debug)]
pub struct LeaseLayer;

/// What [`LeaseLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct LeaseService<S>(S);

impl<S> Layer<S> for LeaseLayer {
    type Service = LeaseService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        LeaseService(inner)
    }
}

impl<T, S> Service<Task<T>> for LeaseService<S>
where
    T: Job,
    S: Service<Task<T>>,
    S::Future: Send + 'static,
    S::Response: Send,
    S::Error: Into<BoxDynError>,
{
    type Response = S::Response;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<S::Response, BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<T>) -> Self::Future {
        let lease = task.data().get::<Parcel>().and_then(Parcel::open);
        let id = task.task_id().map(ToString::to_string).unwrap_or_default();
        let running = self.0.call(task);
        Box::pin(async move {
            let result = running.await.map_err(Into::into);
            let outcome = match &result {
                Ok(_) => "ok",
                Err(error) => {
                    tracing::error!(queue = T::QUEUE, entry = id, %error, "job failed");
                    "failed"
                }
            };
            metrics::counter!("vigil_queue_jobs_total", "queue" => T::QUEUE, "outcome" => outcome).increment(1);
            if let Some(lease) = lease {
                lease.finish();
            }
            result
        })
    }
}
