use std::time::Duration;

use vigil_samples::Period;

use crate::bed::*;

#[tokio::test]
async fn old_chunks_go_and_series_without_points_with_them() {
    let mut bed = Bed::new();
    bed.options.retention = Duration::from_hours(12);
    let store = bed.open().await;
    let (ended, lasting) = (labels("ended", &[]), labels("lasting", &[]));
    for n in 0..48 * 60 {
        bed.set(START + n * MINUTE);
        if n < 60 {
            add(&store, &ended, bed.now(), 1.0);
        }
        add(&store, &lasting, bed.now(), n as f64);
        if n % 10 == 0 {
            store.flush().await.unwrap();
            store.clean().await.unwrap();
        }
    }
    let found = all(&store, "lasting").await;
    let span = found.last().unwrap().0 - found[0].0;
    assert!((12 * HOUR..=16 * HOUR + 10 * MINUTE).contains(&span), "{} h", span / HOUR);
    assert_eq!(all(&store, "ended").await, []);
    assert_eq!(store.series(&[], Period::ALL).await.unwrap(), [lasting]);
    assert_eq!(store.usage().samples, found.len() as u64);
    drop(store);
    let store = bed.open().await;
    assert_eq!(store.usage().series, 1, "the series is gone from the file too");
    // It may begin again, and a reference from before its end still works.
    add(&store, &ended, bed.now(), 7.0);
    assert_eq!(all(&store, "ended").await, [(bed.now(), 7.0)]);
}

#[tokio::test]
async fn a_reference_outlives_the_series_it_was_made_for() {
    let mut bed = Bed::new();
    bed.options.retention = Duration::from_hours(12);
    let store = bed.open().await;
    let up = store.series_ref(&labels("up", &[])).unwrap();
    store.append_to(&[(up.clone(), point(START, 1.0))]);
    store.flush().await.unwrap();
    bed.set(START + 2 * DAY);
    store.flush().await.unwrap();
    assert!(store.clean().await.unwrap());
    assert_eq!(store.usage().series, 0);
    assert_eq!(store.append_to(&[(up, point(bed.now(), 2.0))]).accepted, 1);
    store.flush().await.unwrap();
    drop(store);
    assert_eq!(all(&bed.open().await, "up").await, [(START + 2 * DAY, 2.0)]);
}

#[tokio::test]
async fn freed_space_is_used_again() {
    let mut bed = Bed::new();
    bed.options.retention = Duration::from_hours(6);
    let store = bed.open().await;
    let series: Vec<_> = (0..20).map(|n| labels("noise", &[("n", &n.to_string())])).collect();
    let mut sizes = Vec::new();
    for n in 0..80 * 60_u32 {
        bed.set(START + i64::from(n) * MINUTE);
        for labels in &series {
            add(&store, labels, bed.now(), (f64::from(n) * 1.234_567).sin());
        }
        if n % 30 == 0 {
            store.flush().await.unwrap();
            store.clean().await.unwrap();
            sizes.push(bed.number("PRAGMA page_count").await);
        }
    }
    let (early, late) = (sizes[40], sizes[sizes.len() - 1]);
    assert!(late <= early + early / 4, "grew from {early} to {late} pages");
}
