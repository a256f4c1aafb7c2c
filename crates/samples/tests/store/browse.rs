use std::sync::Arc;

use vigil_samples::{Metadata, Period, Store};

use crate::bed::*;

async fn filled(bed: &Bed) -> Store {
    let store = bed.open().await;
    bed.set(START + 10 * HOUR);
    for (name, pairs, at_ms) in [
        ("up", [("host", "a"), ("job", "node")].as_slice(), START),
        ("up", &[("host", "b"), ("job", "node")], START + HOUR),
        ("load", &[("host", "a"), ("job", "node")], START + 2 * HOUR),
        ("rows", &[("job", "db")], START + 3 * HOUR),
    ] {
        add(&store, &labels(name, pairs), at_ms, 1.0);
    }
    store
}

fn texts(found: Vec<Arc<str>>) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn series_of_any_set_and_inside_the_period_are_found_once() {
    let bed = Bed::new();
    let store = filled(&bed).await;
    let count = async |sets: &[Vec<_>], period| store.series(sets, period).await.unwrap().len();
    let host_a = vec![matcher("host", "=", "a")];
    let hours = |start, end| Period { start_ms: START + start * HOUR, end_ms: START + end * HOUR };
    assert_eq!(count(&[], Period::ALL).await, 4);
    assert_eq!(count(&[metric("up"), host_a.clone()], Period::ALL).await, 3);
    assert_eq!(count(&[metric("up")], hours(1, 5)).await, 1);
    assert_eq!(count(&[], hours(0, 1)).await, 2, "both ends count");
    assert_eq!(count(&[], hours(4, 9)).await, 0);
}

#[tokio::test]
async fn label_names_and_values_are_those_of_the_series_meant() {
    let bed = Bed::new();
    let store = filled(&bed).await;
    let names = async |sets: &[Vec<_>], period| texts(store.label_names(sets, period).await.unwrap());
    let values = async |name, sets: &[Vec<_>], period| texts(store.label_values(name, sets, period).await.unwrap());
    let third_hour = Period { start_ms: START + 3 * HOUR, end_ms: START + 3 * HOUR };
    assert_eq!(names(&[], Period::ALL).await, ["__name__", "host", "job"]);
    assert_eq!(names(&[metric("rows")], Period::ALL).await, ["__name__", "job"]);
    assert_eq!(names(&[], third_hour).await, ["__name__", "job"]);
    assert_eq!(values("__name__", &[], Period::ALL).await, ["load", "rows", "up"]);
    assert_eq!(values("host", &[], Period::ALL).await, ["a", "b"]);
    assert_eq!(values("job", &[vec![matcher("host", "!=", "")]], Period::ALL).await, ["node"]);
    assert_eq!(values("host", &[], third_hour).await, [""; 0]);
    assert_eq!(values("nothing", &[], Period::ALL).await, [""; 0]);
}

#[tokio::test]
async fn browsing_sees_the_same_after_a_restart() {
    let bed = Bed::new();
    filled(&bed).await.close().await.unwrap();
    let store = bed.open().await;
    let values = store.label_values("host", &[], Period::ALL).await.unwrap();
    assert_eq!(texts(values), ["a", "b"]);
    let period = Period { start_ms: START + HOUR, end_ms: START + HOUR };
    let found = store.series(&[], period).await.unwrap();
    assert_eq!(found, [labels("up", &[("host", "b"), ("job", "node")])]);
}

#[tokio::test]
async fn metadata_outlives_a_restart_and_is_told_of_metrics_that_exist() {
    let bed = Bed::new();
    let store = bed.open().await;
    let about = Metadata { kind: "gauge".into(), help: "Whether the scrape worked.".into(), unit: String::new() };
    store.set_metadata("up", about.clone());
    store.set_metadata("absent", about.clone());
    assert!(store.metadata().is_empty());
    add(&store, &labels("up", &[]), START, 1.0);
    store.flush().await.unwrap();
    drop(store);
    let store = bed.open().await;
    assert_eq!(store.metadata().into_iter().collect::<Vec<_>>(), [("up".into(), about)]);
}
