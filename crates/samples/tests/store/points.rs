use vigil_promql::{Wanted, stale_marker};
use vigil_samples::{Options, ReadError, Refusal};

use crate::bed::*;

#[tokio::test]
async fn a_point_is_readable_at_once() {
    let bed = Bed::new();
    let store = bed.open().await;
    add(&store, &labels("up", &[("host", "a")]), START, 1.0);
    assert_eq!(all(&store, "up").await, [(START, 1.0)]);
}

#[tokio::test]
async fn a_window_is_open_on_the_left_and_closed_on_the_right() {
    let bed = Bed::new();
    bed.set(START + HOUR);
    let store = bed.open().await;
    let up = labels("up", &[]);
    (1..=3).for_each(|n| add(&store, &up, START + n * MINUTE, n as f64));
    for (after, until, expected_all, expected_newest) in [
        (0, 3, [1, 2, 3].as_slice(), [3].as_slice()),
        (1, 3, &[2, 3], &[3]),
        (1, 2, &[2], &[2]),
        (0, 1, &[1], &[1]),
        (3, 9, &[], &[]),
        (2, 2, &[], &[]),
    ] {
        for (wanted, expected) in [(Wanted::All, expected_all), (Wanted::Newest, expected_newest)] {
            let found = select(&store, metric("up"), START + after * MINUTE, START + until * MINUTE, wanted).await;
            let minutes: Vec<_> =
                found.iter().flat_map(|(_, points)| points).map(|(at, _)| (at - START) / MINUTE).collect();
            assert_eq!(minutes, expected, "{after} {until} {wanted:?}");
        }
    }
}

#[tokio::test]
async fn a_stale_marker_is_a_point_and_keeps_its_bits() {
    let bed = Bed::new();
    let store = bed.open().await;
    let up = labels("up", &[]);
    let other_nan = f64::from_bits(0x7ff8_0000_dead_beef);
    for (n, value) in [(0, 1.0), (1, stale_marker()), (2, other_nan), (3, -0.0)] {
        add(&store, &up, START + n, value);
    }
    let expected = [1.0_f64.to_bits(), 0x7ff0_0000_0000_0002, 0x7ff8_0000_dead_beef, 1 << 63];
    store.flush().await.unwrap();
    let found = select(&store, metric("up"), 0, i64::MAX, Wanted::All).await;
    assert_eq!(found[0].1.iter().map(|(_, bits)| *bits).collect::<Vec<_>>(), expected);
    store.close().await.unwrap();
    drop(store);
    let store = bed.open().await;
    let found = select(&store, metric("up"), 0, i64::MAX, Wanted::All).await;
    assert_eq!(found[0].1.iter().map(|(_, bits)| *bits).collect::<Vec<_>>(), expected);
    let newest = select(&store, metric("up"), 0, START + 1, Wanted::Newest).await;
    assert_eq!(newest[0].1, [(START + 1, 0x7ff0_0000_0000_0002)]);
}

#[tokio::test]
async fn points_are_refused_one_by_one_with_reasons() {
    let bed = Bed::new();
    let store = bed.open().await;
    let up = labels("up", &[]);
    let appended = store.append(&[
        (up.clone(), point(START, 1.0)),
        (up.clone(), point(START, 1.0)),
        (up.clone(), point(START, 2.0)),
        (up.clone(), point(START - 1, 1.0)),
        (up.clone(), point(START - 2, 1.0)),
        (up.clone(), point(START + 10 * MINUTE + 1, 1.0)),
        (labels("old", &[]), point(START - 7 * DAY - 1, 1.0)),
        (labels("old enough", &[]), point(START, 1.0)),
        (labels("bad_label", &[("a-b", "c")]), point(START, 1.0)),
        (up.clone(), point(START + 10 * MINUTE, 3.0)),
        (labels("backfilled", &[]), point(START - 7 * DAY, 1.0)),
    ]);
    assert_eq!(appended.accepted, 4);
    assert_eq!(appended.refused_count(), 7);
    let counts: Vec<_> = appended.refused.iter().map(|(refusal, refused)| (*refusal, refused.count)).collect();
    assert_eq!(
        counts,
        [
            (Refusal::MetricName, 1),
            (Refusal::LabelName, 1),
            (Refusal::OutOfOrder, 2),
            (Refusal::Duplicate, 1),
            (Refusal::TooOld, 1),
            (Refusal::TooFarAhead, 1),
        ]
    );
    assert_eq!(appended.refused[&Refusal::OutOfOrder].example.1.at_ms, START - 1);
    assert_eq!(all(&store, "up").await, [(START, 1.0), (START + 10 * MINUTE, 3.0)]);
    assert_eq!(store.usage().series, 2, "a refused point makes no series");
    assert_eq!(store.usage().samples, 3);
}

#[tokio::test]
async fn beyond_the_limit_new_series_are_refused_and_the_others_go_on() {
    let mut bed = Bed::new();
    bed.options = Options { max_series: 2, ..bed.options };
    let store = bed.open().await;
    add(&store, &labels("one", &[]), START, 1.0);
    add(&store, &labels("two", &[]), START, 1.0);
    let appended =
        store.append(&[(labels("three", &[]), point(START, 1.0)), (labels("one", &[]), point(START + 1, 2.0))]);
    assert_eq!(appended.accepted, 1);
    assert_eq!(appended.refused[&Refusal::TooManySeries].count, 1);
    assert!(Refusal::TooManySeries.to_string().contains("VIGIL_DATASOURCE__URL"));
    assert_eq!(store.series_ref(&labels("three", &[])).err(), Some(Refusal::TooManySeries));
    assert_eq!(all(&store, "one").await, [(START, 1.0), (START + 1, 2.0)]);
}

#[tokio::test]
async fn a_reference_appends_to_its_series() {
    let bed = Bed::new();
    let store = bed.open().await;
    let up = store.series_ref(&labels("up", &[])).unwrap();
    assert_eq!(store.append_to(&[(up.clone(), point(START, 1.0)), (up, point(START + 1, 2.0))]).accepted, 2);
    assert_eq!(all(&store, "up").await, [(START, 1.0), (START + 1, 2.0)]);
}

#[tokio::test]
async fn too_many_points_are_an_error_and_not_a_part() {
    let mut bed = Bed::new();
    bed.options = Options { max_points: 300, ..bed.options };
    bed.set(START + DAY);
    let store = bed.open().await;
    (0..301).for_each(|n| add(&store, &labels("up", &[]), START + n * MINUTE, 1.0));
    let error = async |select| store.select(&select).await.err().map(|error| error.to_string());
    let window =
        |after_ms| vigil_promql::Select { matchers: metric("up"), after_ms, until_ms: i64::MAX, wanted: Wanted::All };
    let expected = ReadError::TooManyPoints { limit: 300 }.to_string();
    assert_eq!(error(window(START - 1)).await.as_ref(), Some(&expected));
    assert_eq!(error(window(START)).await, None);
    // The same when the points are in the file.
    store.flush().await.unwrap();
    bed.set(START + 2 * DAY);
    store.flush().await.unwrap();
    store.close().await.unwrap();
    drop(store);
    let store = bed.open().await;
    let found = store.select(&window(START - 1)).await;
    assert!(matches!(found, Err(ReadError::TooManyPoints { limit: 300 })), "{found:?}");
}

#[tokio::test]
async fn a_closed_store_refuses_points() {
    let bed = Bed::new();
    let store = bed.open().await;
    store.close().await.unwrap();
    let appended = store.append(&[(labels("up", &[]), point(START, 1.0))]);
    assert_eq!(appended.refused[&Refusal::Closed].count, 1);
    assert_eq!(appended.accepted, 0);
}
