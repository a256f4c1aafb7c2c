//! What outlives a restart.

use vigil_promql::Wanted;

use crate::bed::*;

/// Ends a process without a word: what was not flushed is gone.
fn crash(store: vigil_samples::Store) {
    drop(store);
}

#[tokio::test]
async fn what_was_flushed_outlives_a_crash() {
    let bed = Bed::new();
    let store = bed.open().await;
    let up = labels("up", &[]);
    add(&store, &up, START, 1.0);
    store.flush().await.unwrap();
    add(&store, &up, START + 1, 2.0);
    crash(store);
    let store = bed.open().await;
    assert_eq!(all(&store, "up").await, [(START, 1.0)]);
    // The series goes on where it was.
    add(&store, &up, START + 2, 3.0);
    store.flush().await.unwrap();
    crash(store);
    assert_eq!(all(&bed.open().await, "up").await, [(START, 1.0), (START + 2, 3.0)]);
}

#[tokio::test]
async fn everything_outlives_a_polite_end() {
    let bed = Bed::new();
    bed.set(START + 5 * HOUR);
    let store = bed.open().await;
    let expected: Vec<_> = (0..1_000).map(|n| (START + n * 15 * SECOND, n as f64)).collect();
    expected.iter().for_each(|(at_ms, value)| add(&store, &labels("up", &[]), *at_ms, *value));
    store.close().await.unwrap();
    drop(store);
    let store = bed.open().await;
    assert_eq!(all(&store, "up").await, expected);
    assert_eq!(store.usage().samples, 1_000);
}

#[tokio::test]
async fn many_crashes_double_nothing_and_lose_nothing() {
    let bed = Bed::new();
    let up = labels("up", &[]);
    let mut expected = Vec::new();
    for round in 0..30 {
        let store = bed.open().await;
        assert_eq!(all(&store, "up").await, expected, "round {round}");
        assert_eq!(store.usage().samples, expected.len() as u64, "round {round}");
        for n in 0..47 {
            let at_ms = bed.now() + 15 * SECOND;
            bed.set(at_ms);
            add(&store, &up, at_ms, f64::from(n));
            expected.push((at_ms, f64::from(n)));
            if n % 7 == 0 {
                store.flush().await.unwrap();
            }
        }
        store.flush().await.unwrap();
        crash(store);
    }
}

#[tokio::test]
async fn rare_points_leave_the_journal_and_are_not_lost() {
    let bed = Bed::new();
    let store = bed.open().await;
    let (rare, busy) = (labels("rare", &[]), labels("busy", &[]));
    let mut expected = Vec::new();
    for minute in 0..600 {
        bed.set(START + minute * MINUTE);
        add(&store, &busy, bed.now(), 1.0);
        if minute % 20 == 0 {
            add(&store, &rare, bed.now(), minute as f64);
            expected.push((bed.now(), minute as f64));
        }
        store.flush().await.unwrap();
        assert!(journal_rows(&bed).await <= 50, "minute {minute}");
    }
    crash(store);
    let store = bed.open().await;
    assert_eq!(all(&store, "rare").await, expected);
    assert_eq!(store.usage().samples, 630);
}

async fn journal_rows(bed: &Bed) -> i64 {
    bed.number("SELECT count(*) FROM journal").await
}

#[tokio::test]
async fn old_points_come_from_the_file_and_new_ones_from_memory() {
    let bed = Bed::new();
    let store = bed.open().await;
    let series: Vec<_> = ["a", "b", "c"].map(|host| labels("up", &[("host", host)])).to_vec();
    let steps = 10 * 60 * 4;
    for n in 0..steps {
        bed.set(START + n * 15 * SECOND);
        series.iter().for_each(|labels| add(&store, labels, bed.now(), n as f64));
        if n % 20 == 0 {
            store.flush().await.unwrap();
        }
    }
    let end = bed.now();
    for (after, until) in
        [(START - 1, end), (START + HOUR, START + 2 * HOUR), (START + 8 * HOUR, end), (end - 90 * MINUTE, end)]
    {
        let expected: Vec<_> = (0..steps)
            .map(|n| (START + n * 15 * SECOND, (n as f64).to_bits()))
            .filter(|(at, _)| *at > after && *at <= until)
            .collect();
        let found = select(&store, metric("up"), after, until, Wanted::All).await;
        assert_eq!(found.len(), 3);
        found.iter().for_each(|(_, points)| assert!(*points == expected, "{after} {until}"));
        let newest = select(&store, metric("up"), after, until, Wanted::Newest).await;
        assert_eq!(newest.len(), 3);
        newest.iter().for_each(|(_, points)| assert_eq!(points[..], expected[expected.len() - 1..], "{after} {until}"));
    }
}

#[tokio::test]
async fn the_task_flushes_by_itself_and_closes_at_the_end() {
    let mut bed = Bed::new();
    bed.options.flush_every = std::time::Duration::from_millis(5);
    let store = bed.open().await;
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn({
        let store = store.clone();
        async move { store.run(async { drop(ended.await) }).await }
    });
    add(&store, &labels("up", &[]), START, 1.0);
    while journal_rows(&bed).await == 0 {
        tokio::task::yield_now().await;
    }
    add(&store, &labels("up", &[]), START + 1, 2.0);
    end.send(()).unwrap();
    task.await.unwrap().unwrap();
    drop(store);
    assert_eq!(journal_rows(&bed).await, 0, "all is in chunks");
    assert_eq!(all(&bed.open().await, "up").await, [(START, 1.0), (START + 1, 2.0)]);
}
