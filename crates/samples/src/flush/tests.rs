use vigil_promql::{Point, SeriesLabels};

use super::*;
use crate::{admission::Bounds, index::Index};

const ALL_TIMES: Bounds = Bounds { oldest_ms: i64::MIN, newest_ms: i64::MAX };

fn series(n: usize) -> SeriesLabels {
    SeriesLabels::new([("__name__".into(), "noise".into()), ("n".into(), n.to_string().into())])
}

/// A head of `count` series with 500 points each, one a minute.
fn head(count: usize) -> Head {
    let head = Head::new(Index::default(), 1, 0, usize::MAX);
    for minute in 0..500_i64 {
        let value = (minute as f64 * 1.234_567).sin();
        let batch: Vec<_> = (0..count).map(|n| (series(n), Point { at_ms: minute * 60_000, value })).collect();
        assert_eq!(head.append(&batch, ALL_TIMES).refused_count(), 0);
    }
    head
}

fn waiting(head: &Head) -> Vec<(i64, usize)> {
    let index = head.index();
    let chunks = index.all().flat_map(|series| series.body().sealed.iter().cloned().collect::<Vec<_>>());
    chunks.map(|chunk| (chunk.first_ms, chunk.bytes.len())).collect()
}

#[test]
fn only_the_oldest_chunks_are_dropped_and_only_above_the_limit() {
    let head = head(3);
    let before = waiting(&head);
    let bytes: usize = before.iter().map(|(_, size)| size).sum();
    assert_eq!(drop_oldest(&head, bytes), 0);
    let dropped = drop_oldest(&head, bytes / 2);
    let after = waiting(&head);
    assert!(after.iter().map(|(_, size)| size).sum::<usize>() <= bytes / 2);
    let oldest_kept = after.iter().map(|(first_ms, _)| *first_ms).min().unwrap();
    let gone: Vec<_> = before.iter().filter(|chunk| !after.contains(chunk)).collect();
    assert!(!gone.is_empty() && gone.iter().all(|(first_ms, _)| *first_ms <= oldest_kept));
    let mut left = Vec::new();
    head.index().all().for_each(|series| series.body().decode(i64::MIN, i64::MAX, &mut left));
    assert_eq!(left.len() as u64 + dropped, 1_500);
}

#[test]
fn after_a_failure_everything_unfinished_is_collected_again() {
    let head = head(2);
    let mut age = JournalAge::default();
    let first = collect(&head, &mut age, 0, i64::MIN);
    assert!(first.journal.is_some());
    assert_eq!(first.series.len(), 2);
    assert_eq!(first.failed(&head), 0);
    // Meanwhile another point came.
    head.append(&[(series(0), Point { at_ms: 500 * 60_000, value: 1.0 })], ALL_TIMES);
    let second = collect(&head, &mut age, 0, i64::MIN);
    assert_eq!(second.series.len(), 2);
    assert!(second.journal.is_none());
    let points: u32 = second.chunks.iter().map(|(_, chunk)| chunk.count).sum();
    assert_eq!(points, 1_001);
    second.succeeded();
    let third = collect(&head, &mut age, 0, i64::MIN);
    assert!(third.series.is_empty() && third.chunks.is_empty() && third.journal.is_none());
}

#[test]
fn frames_are_overdue_after_their_span() {
    const MINUTE: i64 = 60_000;
    let mut age = JournalAge::default();
    for minute in 0..60 {
        age.note(minute, minute.cast_signed() * MINUTE);
    }
    assert_eq!(age.overdue(44 * MINUTE), None);
    assert_eq!(age.overdue(45 * MINUTE), Some(0));
    assert_eq!(age.overdue(59 * MINUTE), Some(14));
    assert_eq!(age.overdue(59 * MINUTE), Some(14));
}
