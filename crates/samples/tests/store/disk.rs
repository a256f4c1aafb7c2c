//! A disk that is full, here by the file's own limit: `SQLite` reports both alike.

use std::time::Duration;

use crate::bed::*;

fn noise(n: i64) -> f64 {
    (n as f64 * 1.234_567).sin()
}

#[tokio::test]
async fn a_full_disk_is_told_and_overcome() {
    let mut bed = Bed::new();
    bed.options.max_bytes = Some(200_000);
    bed.options.retention = Duration::from_hours(6);
    let store = bed.open().await;
    let series: Vec<_> = (0..30).map(|n| labels("noise", &[("n", &n.to_string())])).collect();
    let mut minute = 0;
    let mut step = async |store: &vigil_samples::Store| {
        minute += 1;
        bed.set(START + minute * MINUTE);
        series.iter().for_each(|labels| add(store, labels, bed.now(), noise(minute)));
        store.flush().await
    };
    let mut failed_at = 0;
    for n in 0..2_000 {
        if step(&store).await.is_err() {
            failed_at = n;
            break;
        }
    }
    assert!(failed_at > 0, "the file never was full");
    let health = store.health();
    assert!(health.error.as_ref().unwrap().contains("full"), "{health:?}");
    assert_eq!(health.failing_since_ms, Some(bed.now()));
    // Appending and reading go on.
    for _ in 0..20 {
        step(&store).await.unwrap_err();
    }
    let expected: Vec<_> = (1..=failed_at + 21).map(|n| (START + n * MINUTE, noise(n))).collect();
    assert!(all_of(&store, "3").await == expected);
    // Retention makes room, and what waited is written.
    bed.set(bed.now() + 5 * HOUR);
    assert!(store.clean().await.unwrap());
    store.flush().await.unwrap();
    assert_eq!(store.health().error, None);
    assert_eq!(store.health().dropped_samples, 0);
    let kept = all_of(&store, "3").await;
    drop(store);
    let store = bed.open().await;
    assert!(kept.len() > 20 && expected.ends_with(&kept), "{} of {}", kept.len(), expected.len());
    let reopened = all_of(&store, "3").await;
    assert_eq!((reopened.first(), reopened.last(), reopened.len()), (kept.first(), kept.last(), kept.len()));
    assert!(reopened == kept);
    assert_eq!(store.health().damaged_rows, 0);
}

async fn all_of(store: &vigil_samples::Store, n: &str) -> Vec<(i64, f64)> {
    let found = select(store, vec![matcher("n", "=", n)], i64::MIN, i64::MAX, vigil_promql::Wanted::All).await;
    found.into_iter().flat_map(|(_, points)| points).map(|(at, bits)| (at, f64::from_bits(bits))).collect()
}

#[tokio::test]
async fn a_crash_while_the_disk_is_full_damages_nothing() {
    let mut bed = Bed::new();
    bed.options.max_bytes = Some(200_000);
    let store = bed.open().await;
    let up = labels("up", &[]);
    let mut written = Vec::new();
    let mut all_points = Vec::new();
    for n in 0..40_000 {
        bed.set(START + n * SECOND);
        add(&store, &up, bed.now(), noise(n));
        all_points.push((bed.now(), noise(n)));
        if n % 100 == 99 && store.flush().await.is_ok() {
            written = all_points.clone();
        }
    }
    assert!(!store.health().is_good());
    drop(store);
    bed.options.max_bytes = None;
    let store = bed.open().await;
    assert!(!written.is_empty() && written.len() < 40_000);
    assert!(all(&store, "up").await == written);
    add(&store, &up, bed.now() + 1, 1.0);
    store.flush().await.unwrap();
    assert!(store.health().is_good());
}
