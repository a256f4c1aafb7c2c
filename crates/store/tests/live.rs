//! What several processes share through a real Redis: frames, leases, answers and counts.

#[path = "queue/server.rs"]
mod server;

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use vigil_store::{cache::Cache, live::Live, throttle::Throttle};

use self::server::{Server, eventually};

const LONG: Duration = Duration::from_secs(600);

#[tokio::test]
async fn a_frame_reaches_the_subscribers_of_every_process() {
    let server = Server::start().await;
    let (here, there) = (Live::redis(server.redis().await), Live::redis(server.redis().await));
    let mut near = here.subscribe("web-1").await;
    let mut far = there.subscribe("web-1").await;
    let mut other = there.subscribe("web-2").await;
    here.publish("web-1", "frame").await;
    here.publish("web-2", "theirs").await;
    assert_eq!(near.next().await, "frame");
    assert_eq!(far.next().await, "frame");
    assert_eq!(other.next().await, "theirs");
}

#[tokio::test]
async fn many_topics_and_subscribers_need_one_connection_and_leave_nothing_behind() {
    let server = Server::start().await;
    let live = Live::redis(server.redis().await);
    let mut subscriptions = Vec::new();
    for number in 0..40 {
        subscriptions.push(live.subscribe(&format!("topic-{}", number % 20)).await);
    }
    let clients: String = server.run(&["CLIENT", "LIST", "TYPE", "pubsub"]).await;
    assert_eq!(clients.lines().count(), 1, "{clients}");
    let heard: Vec<String> = server.run(&["PUBSUB", "CHANNELS", "test:live:*"]).await;
    assert_eq!(heard.len(), 20);
    drop(subscriptions);
    eventually("nothing is subscribed to", async || {
        server.run::<Vec<String>>(&["PUBSUB", "CHANNELS", "test:live:*"]).await.is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_subscription_outlives_a_restart_of_redis() {
    let mut server = Server::start().await;
    let (here, there) = (Live::redis(server.redis().await), Live::redis(server.redis().await));
    let mut subscription = there.subscribe("web-1").await;
    here.publish("web-1", "before").await;
    assert_eq!(subscription.next().await, "before");
    server.stop();
    server.launch().await;
    eventually("the topic is subscribed to again", async || {
        server.run::<Vec<String>>(&["PUBSUB", "CHANNELS", "test:live:*"]).await == ["test:live:web-1"]
    })
    .await;
    here.publish("web-1", "after").await;
    assert_eq!(subscription.next().await, "after");
}

#[tokio::test]
async fn without_redis_a_frame_still_reaches_its_own_process() {
    let mut server = Server::start().await;
    let live = Live::redis(server.redis().await);
    let mut early = live.subscribe("web-1").await;
    server.stop();
    let mut late = live.subscribe("web-1").await;
    live.publish("web-1", "frame").await;
    assert_eq!(early.next().await, "frame");
    assert_eq!(late.next().await, "frame");
    assert_eq!(live.latest("web-1").await, None);
    assert!(live.try_lease("poll", "me", LONG).await.is_err());
}

#[tokio::test]
async fn the_latest_frame_is_known_to_every_process_until_it_is_stale() {
    let server = Server::start().await;
    let (here, there) = (Live::redis(server.redis().await), Live::redis(server.redis().await));
    assert_eq!(there.latest("web-1").await, None);
    here.set_latest("web-1", "frame", LONG).await;
    assert_eq!(there.latest("web-1").await.unwrap(), "frame");
    here.set_latest("web-1", "newer", Duration::from_millis(50)).await;
    eventually("the frame is stale", async || there.latest("web-1").await.is_none()).await;
}

#[tokio::test]
async fn of_many_who_want_a_lease_one_gets_it() {
    let server = Server::start().await;
    let mut wanting = tokio::task::JoinSet::new();
    for number in 0..20 {
        let live = Live::redis(server.redis().await);
        wanting.spawn(async move { live.try_lease("poll", &format!("holder-{number}"), LONG).await.unwrap() });
    }
    let got = wanting.join_all().await;
    assert_eq!(got.into_iter().filter(|got| *got).count(), 1);
}

#[tokio::test]
async fn a_lease_is_renewed_and_released_by_its_holder_only() {
    let server = Server::start().await;
    let (one, two) = (Live::redis(server.redis().await), Live::redis(server.redis().await));
    assert!(one.try_lease("poll", "one", Duration::from_millis(200)).await.unwrap());
    assert!(one.try_lease("poll", "one", LONG).await.unwrap(), "renewed");
    two.release("poll", "two").await.unwrap();
    assert!(!two.try_lease("poll", "two", LONG).await.unwrap());
    one.release("poll", "one").await.unwrap();
    assert!(two.try_lease("poll", "two", Duration::from_millis(50)).await.unwrap());
    eventually("the lease ends by itself", async || one.try_lease("poll", "one", LONG).await.unwrap()).await;
}

#[tokio::test]
async fn an_answer_computed_by_one_process_is_found_by_another() {
    let server = Server::start().await;
    let (here, there) = (Cache::redis(server.redis().await), Cache::redis(server.redis().await));
    let computed = here.get_or_compute("up", LONG, async { Ok::<_, Infallible>(Bytes::from("1")) }).await;
    assert_eq!(computed.unwrap(), "1");
    let found = there.get_or_compute("up", LONG, async { Err(std::fmt::Error) }).await;
    assert_eq!(found.unwrap(), "1");
    here.set("load", "2", LONG).await;
    assert_eq!(there.get("load").await.unwrap(), "2");
}

#[tokio::test]
async fn guesses_are_counted_across_processes() {
    let server = Server::start().await;
    let (here, there) = (Throttle::redis(server.redis().await), Throttle::redis(server.redis().await));
    assert_eq!(here.hit("ann", LONG).await.count, 1);
    assert_eq!(there.hit("ann", LONG).await.count, 2);
    assert_eq!(here.retry_after("ann", 3).await, None);
    let wait = here.retry_after("ann", 2).await.unwrap();
    assert!(wait > Duration::from_secs(500) && wait <= LONG, "{wait:?}");
    here.clear("ann").await;
    assert_eq!(there.hits("ann").await.count, 0);
    assert_eq!(there.hit("bob", Duration::from_millis(50)).await.count, 1);
    eventually("the window ends", async || there.hits("bob").await.count == 0).await;
}
