//! Any course of events against a list of points.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vigil_promql::{SeriesLabels, Wanted};

use crate::bed::*;

#[derive(Clone, Debug)]
enum Step {
    /// So many points of a series, so many milliseconds apart.
    Append {
        series: usize,
        count: usize,
        apart_ms: i64,
        value: f64,
    },
    Flush,
    Crash,
    Restart,
    Wait {
        ms: i64,
    },
    Select {
        after: f64,
        until: f64,
    },
}

fn any_step() -> impl Strategy<Value = Step> {
    let apart = prop::sample::select(vec![1, 999, 15_000, 60_000, 1_234_567]);
    let value = prop_oneof![any::<u64>().prop_map(f64::from_bits), (-100..100).prop_map(f64::from)];
    prop_oneof![
        6 => (0_usize..4, 1_usize..200, apart, value)
            .prop_map(|(series, count, apart_ms, value)| Step::Append { series, count, apart_ms, value }),
        4 => Just(Step::Flush),
        1 => Just(Step::Crash),
        1 => Just(Step::Restart),
        2 => (0..3 * HOUR).prop_map(|ms| Step::Wait { ms }),
        4 => (-0.1..1.1, -0.1..1.1).prop_map(|(after, until)| Step::Select { after, until }),
    ]
}

type Model = BTreeMap<SeriesLabels, Bits>;

fn expected(model: &Model, after: i64, until: i64, wanted: Wanted) -> Vec<(SeriesLabels, Bits)> {
    let inside = |points: &Bits| {
        let inside: Bits = points.iter().filter(|(at, _)| *at > after && *at <= until).copied().collect();
        if wanted == Wanted::Newest { inside.into_iter().next_back().into_iter().collect() } else { inside }
    };
    model
        .iter()
        .map(|(labels, points)| (labels.clone(), inside(points)))
        .filter(|(_, points)| !points.is_empty())
        .collect()
}

async fn play(steps: Vec<Step>) {
    let mut bed = Bed::new();
    bed.options.retention = std::time::Duration::from_hours(365 * 24);
    let mut store = bed.open().await;
    let (mut model, mut flushed) = (Model::new(), Model::new());
    for step in steps {
        match step {
            Step::Append { series, count, apart_ms, value } => {
                let labels = labels("m", &[("n", &series.to_string())]);
                let points = model.entry(labels.clone()).or_default();
                for n in 0..count {
                    let at_ms = points.last().map_or(bed.now(), |(at, _)| at + apart_ms);
                    bed.set(bed.now().max(at_ms));
                    let value = if value.is_finite() { value + n as f64 } else { value };
                    add(&store, &labels, at_ms, value);
                    points.push((at_ms, value.to_bits()));
                }
            }
            Step::Flush => {
                store.flush().await.unwrap();
                flushed = model.clone();
            }
            Step::Crash => {
                drop(store);
                store = bed.open().await;
                model = flushed.clone();
            }
            Step::Restart => {
                store.close().await.unwrap();
                drop(store);
                store = bed.open().await;
                flushed = model.clone();
            }
            Step::Wait { ms } => bed.set(bed.now() + ms),
            Step::Select { after, until } => {
                let span = (bed.now() - START + 1) as f64;
                let (after, until) = (START + (span * after) as i64, START + (span * until) as i64);
                for wanted in [Wanted::All, Wanted::Newest] {
                    let found = select(&store, metric("m"), after, until, wanted).await;
                    assert_eq!(found, expected(&model, after, until, wanted));
                }
            }
        }
        let count: usize = model.values().map(Vec::len).sum();
        assert_eq!(store.usage().samples, count as u64);
    }
    let found = select(&store, metric("m"), i64::MIN, i64::MAX, Wanted::All).await;
    assert_eq!(found, expected(&model, i64::MIN, i64::MAX, Wanted::All));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn the_store_has_what_was_appended_and_flushed(steps in proptest::collection::vec(any_step(), 1..40)) {
        let mut options = tokio::runtime::Builder::new_current_thread();
        options.enable_all().build().unwrap().block_on(play(steps));
    }
}
