use futures::StreamExt;

use super::*;

#[tokio::test]
async fn every_subscriber_of_a_topic_hears_a_frame_and_nobody_else_does() {
    let live = Live::memory();
    let mut one = live.subscribe("a").await;
    let mut two = live.subscribe("a").await;
    let mut other = live.subscribe("b").await;
    live.publish("a", "frame").await;
    assert_eq!(one.next().await, "frame");
    assert_eq!(two.next().await, "frame");
    live.publish("b", "theirs").await;
    assert_eq!(other.next().await, "theirs");
}

#[tokio::test]
async fn a_slow_subscriber_skips_to_the_newest_frame() {
    let live = Live::memory();
    let mut slow = live.subscribe("a").await;
    for number in 0..1000 {
        live.publish("a", number.to_string()).await;
    }
    assert_eq!(slow.next().await, "999");
    live.publish("a", "1000").await;
    assert_eq!(slow.next().await, "1000");
}

#[tokio::test]
async fn a_topic_without_subscribers_is_forgotten() {
    let live = Live::memory();
    let Live::Memory(local) = &live else { panic!("what is in memory is not elsewhere") };
    let one = live.subscribe("a").await;
    let two = live.subscribe("a").await;
    drop(one);
    assert!(local.hub.contains("a"));
    drop(two);
    assert!(!local.hub.contains("a"));
}

#[tokio::test]
async fn a_subscription_is_a_stream_too() {
    let live = Live::memory();
    let frames = live.subscribe("a").await.into_stream();
    live.publish("a", "1").await;
    live.publish("a", "2").await;
    assert_eq!(frames.take(2).collect::<Vec<_>>().await, ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn the_latest_frame_is_there_until_it_is_stale() {
    let live = Live::memory();
    assert_eq!(live.latest("a").await, None);
    live.set_latest("a", "frame", Duration::from_secs(5)).await;
    assert_eq!(live.latest("a").await.unwrap(), "frame");
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(live.latest("a").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_lease_has_one_holder_until_it_ends_or_is_given_up() {
    let live = Live::memory();
    let ttl = Duration::from_secs(5);
    assert!(live.try_lease("poll", "one", ttl).await.unwrap());
    assert!(!live.try_lease("poll", "two", ttl).await.unwrap());
    live.release("poll", "two").await.unwrap();
    tokio::time::advance(Duration::from_secs(3)).await;
    assert!(live.try_lease("poll", "one", ttl).await.unwrap(), "renewed");
    tokio::time::advance(Duration::from_secs(3)).await;
    assert!(!live.try_lease("poll", "two", ttl).await.unwrap(), "the renewal counts");
    tokio::time::advance(Duration::from_secs(3)).await;
    assert!(live.try_lease("poll", "two", ttl).await.unwrap(), "it ended");
    live.release("poll", "two").await.unwrap();
    assert!(live.try_lease("poll", "one", ttl).await.unwrap(), "it was given up");
}
