//! The queue's promises, kept by real apalis workers on a real Redis, and by the in-process queue.

#[path = "queue/server.rs"]
mod server;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use apalis::prelude::{BoxDynError, WorkerBuilder, WorkerBuilderExt, WorkerError};
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinHandle,
};
use vigil_domain::{
    id::{GroupId, NotificationId},
    job::{DeliverNotification, EvaluateGroups},
};
use vigil_store::queue::{Depth, Queue};

use self::server::{Server, eventually};

const KEY: &str = "test:queue:deliver";
/// For tests in which nobody may be taken for dead.
const NEVER: Duration = Duration::from_secs(3600);
/// For tests in which somebody dies.
const SOON: Duration = Duration::from_millis(400);

/// How often each notification's job was started, and by whom last.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<HashMap<NotificationId, Vec<&'static str>>>>);

impl Log {
    fn add(&self, job: DeliverNotification, worker: &'static str) {
        self.0.lock().expect("no test panics here").entry(job.notification).or_default().push(worker);
    }

    fn starts(&self, id: NotificationId) -> Vec<&'static str> {
        self.0.lock().expect("no test panics here").get(&id).cloned().unwrap_or_default()
    }

    fn jobs(&self) -> usize {
        self.0.lock().expect("no test panics here").len()
    }

    fn all_started_once(&self) -> bool {
        self.0.lock().expect("no test panics here").values().all(|starts| starts.len() == 1)
    }
}

/// A worker that can be stopped politely or killed.
struct Worker {
    task: JoinHandle<Result<(), WorkerError>>,
    stop: oneshot::Sender<oneshot::Sender<()>>,
}

impl Worker {
    /// Notes each job and ends it at once.
    fn quick(queue: &Queue, name: &'static str, slots: usize, log: &Log) -> Self {
        Self::gated(queue, name, (slots, slots), log, &Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)))
    }

    /// Notes each job and ends it when the gate has a permit for it. Takes `slots.0` jobs, runs `slots.1`.
    fn gated(queue: &Queue, name: &'static str, slots: (usize, usize), log: &Log, gate: &Arc<Semaphore>) -> Self {
        let (log, gate) = (log.clone(), Arc::clone(gate));
        let (stop, stopped) = oneshot::channel::<oneshot::Sender<()>>();
        let worker = WorkerBuilder::new(name).backend(queue.deliver_backend(slots.0)).concurrency(slots.1).build(
            move |job: DeliverNotification| {
                let (log, gate) = (log.clone(), Arc::clone(&gate));
                async move {
                    log.add(job, name);
                    gate.acquire().await.expect("the gate is never closed").forget();
                }
            },
        );
        let task = tokio::spawn(worker.run_until(async {
            match stopped.await {
                Ok(heeded) => {
                    heeded.send(()).expect("the test listens");
                    Ok::<_, WorkerError>(())
                }
                Err(_) => std::future::pending().await,
            }
        }));
        Self { task, stop }
    }

    /// Asks it to stop, and answers with its end. From then on it starts nothing.
    async fn ask_to_stop(self) -> impl Future<Output = ()> {
        let (heeded, heard) = oneshot::channel();
        self.stop.send(heeded).expect("the worker runs");
        heard.await.expect("the worker listens");
        async { self.task.await.expect("the worker does not panic").expect("the worker does not fail") }
    }

    async fn stop(self) {
        self.ask_to_stop().await.await;
    }

    /// As `kill -9` would: nothing is settled, nothing given back.
    async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.expect_err("it was running").is_cancelled());
    }
}

fn ids(count: usize) -> Vec<NotificationId> {
    (0..count).map(|_| NotificationId::random()).collect()
}

async fn pushed(queue: &Queue, count: usize) -> Vec<NotificationId> {
    let ids = ids(count);
    queue.push_deliver(ids.clone()).await.expect("Redis takes jobs");
    ids
}

async fn drained(queue: &Queue) {
    eventually("the queue is empty", async || queue.depth().await.is_ok_and(|depth| depth == Depth::default())).await;
}

/// Reads one job as a worker that dies with it, and answers its entry id.
async fn ghost_takes_one(server: &Server) -> String {
    let words = ["XREADGROUP", "GROUP", "vigil", "ghost", "COUNT", "1", "STREAMS", KEY, ">"];
    let reply: redis::streams::StreamReadReply = server.run(&words).await;
    reply.keys[0].ids[0].id.clone()
}

async fn group_exists(server: &Server) {
    let () = server.run(&["XGROUP", "CREATE", KEY, "vigil", "0", "MKSTREAM"]).await;
}

async fn every_job_runs_once(queue: Queue) {
    let log = Log::default();
    let ids = pushed(&queue, 100).await;
    let worker = Worker::quick(&queue, "one", 4, &log);
    let more = pushed(&queue, 100).await;
    drained(&queue).await;
    for id in ids.into_iter().chain(more) {
        assert_eq!(log.starts(id), ["one"]);
    }
    worker.stop().await;
}

#[tokio::test]
async fn every_job_in_redis_runs_once_and_leaves_nothing_behind() {
    let server = Server::start().await;
    every_job_runs_once(Queue::redis(server.redis().await)).await;
    assert_eq!(server.run::<u64>(&["XLEN", KEY]).await, 0);
    let pending: redis::Value = server.run(&["XPENDING", KEY, "vigil", "-", "+", "10"]).await;
    assert_eq!(pending, redis::Value::Array(vec![]));
}

#[tokio::test]
async fn every_job_in_process_runs_once() {
    every_job_runs_once(Queue::memory()).await;
}

#[tokio::test]
async fn batches_of_groups_travel_whole() {
    let server = Server::start().await;
    for queue in [Queue::memory(), Queue::redis(server.redis().await)] {
        let sent = EvaluateGroups { slot_ms: 1_700_000_000_123, groups: (0..200).map(|_| GroupId::random()).collect() };
        let (heard, mut hear) = tokio::sync::mpsc::unbounded_channel();
        let worker = WorkerBuilder::new("one").backend(queue.evaluate_backend(1)).build(move |job: EvaluateGroups| {
            let heard = heard.clone();
            async move { heard.send(job).expect("the test listens") }
        });
        let running = tokio::spawn(worker.run());
        queue.push_evaluate(vec![sent.clone()]).await.unwrap();
        assert_eq!(hear.recv().await.unwrap(), sent);
        drained(&queue).await;
        running.abort();
    }
}

async fn fifty_thousand_jobs_drain(queues: [Queue; 2]) {
    let log = Log::default();
    let ids = pushed(&queues[0], 50_000).await;
    assert_eq!(queues[0].depth().await.expect("Redis answers").deliver, 50_000);
    let workers = queues.each_ref().map(|queue| Worker::quick(queue, "any", 16, &log));
    drained(&queues[0]).await;
    assert_eq!(log.jobs(), ids.len());
    assert!(log.all_started_once());
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test]
async fn fifty_thousand_due_jobs_drain_from_redis_and_give_its_memory_back() {
    let server = Server::start().await;
    let queues = [Queue::redis(server.redis().await), Queue::redis(server.redis().await)];
    fifty_thousand_jobs_drain(queues).await;
    let left: u64 = server.run(&["MEMORY", "USAGE", KEY, "SAMPLES", "0"]).await;
    assert!(left < 10_000, "{left} bytes are left");
    assert_eq!(server.run::<u64>(&["DBSIZE"]).await, 1, "nothing but the stream was ever made");
}

#[tokio::test]
async fn fifty_thousand_due_jobs_drain_in_process() {
    let queue = Queue::memory();
    fifty_thousand_jobs_drain([queue.clone(), queue]).await;
}

#[tokio::test]
async fn the_jobs_of_a_killed_worker_run_on_a_peer() {
    let server = Server::start().await;
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let queue = Queue::redis_with_min_idle(server.redis().await, SOON);
    let ids = pushed(&queue, 5).await;
    let doomed = Worker::gated(&queue, "doomed", (5, 2), &log, &gate);
    eventually("two jobs run", async || log.jobs() == 2).await;
    doomed.kill().await;

    let peer_queue = Queue::redis_with_min_idle(server.redis().await, SOON);
    let peer = Worker::quick(&peer_queue, "peer", 2, &log);
    drained(&queue).await;
    for id in ids {
        assert_eq!(log.starts(id).last(), Some(&"peer"));
    }
    peer.stop().await;
}

#[tokio::test]
async fn a_long_job_is_not_stolen_and_neither_is_one_that_waits_for_its_turn() {
    let server = Server::start().await;
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let queue = Queue::redis_with_min_idle(server.redis().await, SOON);
    let mine = pushed(&queue, 2).await;
    let busy = Worker::gated(&queue, "busy", (2, 1), &log, &gate);
    eventually("one job runs", async || log.jobs() == 1).await;

    // The peer proves that it takes what is silent by taking, twice, a job that became silent later than mine began.
    let peer_queue = Queue::redis_with_min_idle(server.redis().await, SOON);
    for _ in 0..2 {
        let lost = pushed(&queue, 1).await;
        ghost_takes_one(&server).await;
        let peer = Worker::quick(&peer_queue, "peer", 4, &log);
        eventually("the peer takes the lost job", async || log.starts(lost[0]) == ["peer"]).await;
        peer.stop().await;
    }

    gate.add_permits(2);
    drained(&queue).await;
    for id in mine {
        assert_eq!(log.starts(id), ["busy"]);
    }
    busy.stop().await;
}

async fn a_stopping_worker_finishes_what_runs_and_returns_the_rest(queue: Queue) {
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let ids = pushed(&queue, 4).await;
    let leaving = Worker::gated(&queue, "leaving", (4, 1), &log, &gate);
    eventually("one job runs", async || log.jobs() == 1).await;
    let ended = leaving.ask_to_stop().await;
    gate.add_permits(1);
    ended.await;
    assert_eq!(log.jobs(), 1);
    assert_eq!(queue.depth().await.expect("Redis answers").deliver, 3);

    let peer = Worker::quick(&queue, "peer", 4, &log);
    drained(&queue).await;
    let starts: Vec<_> = ids.into_iter().map(|id| log.starts(id)).collect();
    assert_eq!(starts, [vec!["leaving"], vec!["peer"], vec!["peer"], vec!["peer"]]);
    peer.stop().await;
}

#[tokio::test]
async fn stopping_returns_unstarted_jobs_to_redis_and_leaves_the_group() {
    let server = Server::start().await;
    let queue = Queue::redis_with_min_idle(server.redis().await, NEVER);
    a_stopping_worker_finishes_what_runs_and_returns_the_rest(queue).await;
    let consumers: Vec<redis::Value> = server.run(&["XINFO", "CONSUMERS", KEY, "vigil"]).await;
    assert_eq!(consumers, []);
}

#[tokio::test]
async fn stopping_returns_unstarted_jobs_in_process() {
    a_stopping_worker_finishes_what_runs_and_returns_the_rest(Queue::memory()).await;
}

#[tokio::test]
async fn a_flushed_redis_is_used_again_by_the_same_worker() {
    let server = Server::start().await;
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let queue = Queue::redis_with_min_idle(server.redis().await, SOON);
    let worker = Worker::gated(&queue, "one", (2, 2), &log, &gate);
    pushed(&queue, 1).await;
    eventually("a job runs", async || log.jobs() == 1).await;
    let () = server.run(&["FLUSHALL"]).await;
    gate.add_permits(1000);

    for round in 2..5 {
        let later = pushed(&queue, 1).await;
        eventually("a job pushed later runs", async || log.starts(later[0]).len() == 1).await;
        assert_eq!(log.jobs(), round);
        let () = server.run(&["FLUSHALL"]).await;
    }
    assert!(!worker.task.is_finished());
    worker.stop().await;
}

#[tokio::test]
async fn a_restarted_redis_is_used_again_by_the_same_worker() {
    let mut server = Server::start().await;
    let (log, gate) = (Log::default(), Arc::new(Semaphore::new(0)));
    let queue = Queue::redis_with_min_idle(server.redis().await, SOON);
    let worker = Worker::gated(&queue, "one", (2, 2), &log, &gate);
    pushed(&queue, 1).await;
    eventually("a job runs", async || log.jobs() == 1).await;
    server.stop();
    assert!(queue.push_deliver(ids(1)).await.is_err());
    assert!(queue.ping().await.is_err());
    gate.add_permits(1000);
    server.launch().await;

    let later = pushed(&queue, 1).await;
    eventually("a job pushed later runs", async || log.starts(later[0]).len() == 1).await;
    drained(&queue).await;
    assert!(!worker.task.is_finished());
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_that_starts_before_redis_begins_when_redis_does() {
    let mut server = Server::start().await;
    server.stop();
    let log = Log::default();
    let queue = Queue::redis(server.redis().await);
    let worker = Worker::quick(&queue, "early", 2, &log);
    assert!(queue.ping().await.is_err());
    server.launch().await;
    let ids = pushed(&queue, 3).await;
    drained(&queue).await;
    assert!(ids.into_iter().all(|id| log.starts(id) == ["early"]));
    worker.stop().await;
}

#[tokio::test]
async fn what_is_no_job_is_given_up_and_the_next_job_runs() {
    let server = Server::start().await;
    let log = Log::default();
    let queue = Queue::redis(server.redis().await);
    let _: String = server.run(&["XADD", KEY, "*", "job", "{\"what\": 1}"]).await;
    let _: String = server.run(&["XADD", KEY, "*", "other", "field"]).await;
    let ids = pushed(&queue, 1).await;
    let worker = Worker::quick(&queue, "one", 1, &log);
    drained(&queue).await;
    assert_eq!(log.starts(ids[0]), ["one"]);
    worker.stop().await;
}

#[tokio::test]
async fn a_job_that_keeps_killing_its_workers_is_given_up() {
    let server = Server::start().await;
    group_exists(&server).await;
    let log = Log::default();
    let queue = Queue::redis_with_min_idle(server.redis().await, SOON);
    let deadly = pushed(&queue, 1).await;
    let entry = ghost_takes_one(&server).await;
    let _: redis::Value = server.run(&["XCLAIM", KEY, "vigil", "ghost", "0", &entry, "RETRYCOUNT", "5"]).await;
    let harmless = pushed(&queue, 1).await;
    ghost_takes_one(&server).await;

    let worker = Worker::quick(&queue, "one", 2, &log);
    drained(&queue).await;
    assert_eq!(log.starts(deadly[0]), Vec::<&str>::new());
    assert_eq!(log.starts(harmless[0]), ["one"]);
    worker.stop().await;
}

#[tokio::test]
async fn a_job_that_fails_or_panics_is_over_and_the_worker_goes_on() {
    let server = Server::start().await;
    for queue in [Queue::memory(), Queue::redis(server.redis().await)] {
        let log = Log::default();
        let ids = pushed(&queue, 3).await;
        let (failing, panicking, noted) = (ids[0], ids[1], log.clone());
        let worker = WorkerBuilder::new("one").backend(queue.deliver_backend(1)).catch_panic().build(
            move |job: DeliverNotification| {
                let log = noted.clone();
                async move {
                    log.add(job, "one");
                    assert_ne!(job.notification, panicking, "as the test wants it");
                    if job.notification == failing { Err("as the test wants it") } else { Ok(()) }
                        .map_err(BoxDynError::from)
                }
            },
        );
        let running = tokio::spawn(worker.run());
        drained(&queue).await;
        assert!(ids.into_iter().all(|id| log.starts(id) == ["one"]));
        assert!(!running.is_finished());
        running.abort();
    }
}
