//! What holds of any expression over any series.

mod held;

use held::{at, labels, run, written};
use proptest::{prelude::*, sample::select};
use vigil_promql::{Options, Point, Query, Series, stale_marker};

const STEP_MS: i64 = 15_000;

/// Up to three metrics with a few labels; points about every 15 s, with gaps, resets and ends.
fn data() -> impl Strategy<Value = Vec<Series>> {
    let value = prop_oneof![
        8 => (0_u32..500).prop_map(|value| Some(f64::from(value))),
        2 => (-1e9..1e9).prop_map(Some),
        2 => Just(None),
        1 => Just(Some(stale_marker())),
        1 => select(vec![f64::NAN, f64::INFINITY, 0.0, 1e300, -1e300]).prop_map(Some),
    ];
    let points = prop::collection::vec((value, -2000_i64..2000), 1..60).prop_map(|values| {
        let at = (0_i64..).zip(values);
        let points =
            at.filter_map(|(index, (value, jitter))| Some(Point { at_ms: index * STEP_MS + jitter, value: value? }));
        points.collect::<Vec<Point>>()
    });
    prop::collection::vec(points, 12).prop_map(|series| {
        let names = ["a", "b", "c"].into_iter().flat_map(|name| {
            [("x", "0.1"), ("x", "1"), ("y", "0.1"), ("y", "+Inf")]
                .map(|(job, le)| [("__name__", name), ("job", job), ("le", le)])
        });
        names.zip(series).map(|(pairs, points)| Series { labels: labels(&pairs), points }).collect()
    })
}

fn words(list: &'static str) -> impl Strategy<Value = &'static str> {
    select(list.split('|').collect::<Vec<_>>())
}

fn selector() -> impl Strategy<Value = String> {
    words("a|b|c|none|{job=\"x\"}|a{le!=\"1\"}|b{job=~\"x|y\"}|{__name__=~\"a|b\"}").prop_map(str::to_owned)
}

fn modifier() -> impl Strategy<Value = &'static str> {
    words("|||| offset 30s| offset -1m| @ 300| @ 120 offset 15s")
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => (selector(), modifier()).prop_map(|(selector, modifier)| format!("{selector}{modifier}")),
        1 => words("vector(1)|vector(time())|absent(none{job=\"x\"})").prop_map(str::to_owned),
        4 => (
            words("rate|increase|delta|irate|idelta|deriv|changes|resets|sum_over_time|avg_over_time|min_over_time|max_over_time|last_over_time|count_over_time|present_over_time|stddev_over_time|stdvar_over_time|absent_over_time"),
            selector(), words("15s|1m|2m30s|10m"), modifier(),
        ).prop_map(|(function, selector, range, modifier)| format!("{function}({selector}[{range}]{modifier})")),
    ];
    leaf.prop_recursive(4, 24, 2, |inner| {
        prop_oneof![
            (words("abs|ceil|floor|round|sgn|sqrt|exp|ln|hour|timestamp|-|clamp_min|absent"), inner.clone()).prop_map(
                |(function, of)| {
                    if function == "clamp_min" { format!("clamp_min({of}, 3)") } else { format!("{function}({of})") }
                }
            ),
            (
                words("sum|avg|min|max|count|group|stddev|quantile|topk|bottomk|count_values"),
                words("| by (job)| without (le)| by (le)"),
                inner.clone()
            )
                .prop_map(|(function, by, of)| {
                    let parameter = match function {
                        "quantile" => "0.7, ",
                        "topk" | "bottomk" => "2, ",
                        "count_values" => "\"value\", ",
                        _ => "",
                    };
                    format!("{function}{by} ({parameter}{of})")
                }),
            (
                inner.clone(),
                words("+|-|*|/|%|^|atan2|>|<=|== bool|and|or|unless"),
                words("|| on (job)| ignoring (le)"),
                inner.clone()
            )
                .prop_map(|(left, operator, on, right)| format!("({left}) {operator}{on} ({right})")),
            (
                inner.clone(),
                words("* on (job) group_left|/ ignoring (le) group_left (le)|+ on (le) group_right (job)"),
                inner.clone()
            )
                .prop_map(|(left, operator, right)| format!("({left}) {operator} ({right})")),
            (inner.clone(), words("+ 1|> 2|/ 0|== bool 1|* scalar(a{job=\"x\", le=\"1\"})"))
                .prop_map(|(of, with)| format!("({of}) {with}")),
            (
                words("max_over_time|sum_over_time|rate|count_over_time"),
                inner.clone(),
                words("1m:15s|2m:30s|3m:|45s:20s"),
                modifier()
            )
                .prop_map(|(function, of, range, modifier)| format!("{function}(({of})[{range}]{modifier})")),
            inner.clone().prop_map(|of| format!("histogram_quantile(0.9, {of})")),
            inner.clone().prop_map(|of| format!("label_replace({of}, \"job\", \"$1\", \"le\", \"(.).*\")")),
            inner.prop_map(|of| format!("label_join({of}, \"both\", \"-\", \"job\", \"le\")")),
        ]
    })
}

proptest! {
    #[test]
    fn a_range_is_its_instants(data in data(), text in expression(), start in 0_i64..20, step in 1_i64..4) {
        let (start_ms, step_ms) = (start * 20_000, step * 10_000 + 1_000);
        let options = Options::default();
        let range = run(Query::range(&text, start_ms, start_ms + 8 * step_ms, step_ms, &options), &data);
        let moments = (0..=8).map(|index| start_ms + index * step_ms);
        let instants: Vec<_> =
            moments.map(|at_ms| (at_ms, run(Query::instant(&text, at_ms, &options), &data))).collect();
        match range {
            Err(_) => prop_assert!(instants.iter().any(|(_, instant)| instant.is_err()), "{}: only the range fails", text),
            Ok(range) => {
                let range = written(range.value, 0);
                for (at_ms, instant) in instants {
                    let instant = instant.map(|answer| written(answer.value, at_ms));
                    prop_assert_eq!(instant, Ok(at(&range, at_ms)), "{} at {}", &text, at_ms);
                }
            }
        }
    }

    #[test]
    fn the_order_of_the_series_does_not_matter(data in data(), text in expression(), seed in any::<u64>()) {
        let mut shuffled = data.clone();
        let mut state = seed;
        for index in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let other = usize::try_from(state >> 33).unwrap_or_default() % (index + 1);
            shuffled.swap(index, other);
        }
        let options = Options::default();
        let of = |data: &[Series]| run(Query::range(&text, 60_000, 240_000, 30_000, &options), data).map(|answer| written(answer.value, 0));
        let (one, other) = (of(&data), of(&shuffled));
        prop_assert_eq!(one.is_err(), other.is_err(), "{}", &text);
        if let (Ok(one), Ok(other)) = (one, other) {
            prop_assert_eq!(one, other, "{}", &text);
        }
    }

    #[test]
    fn nothing_that_is_written_down_panics(text in "[a-c0-9 (){}\\[\\]:,\"=~!<>+*/%^@.-]{0,40}", more in expression()) {
        let options = Options { max_samples: 10_000, ..Options::default() };
        for text in [text.clone(), format!("{more} {text}"), format!("{text} {more}")] {
            let _ = run(Query::instant(&text, 60_000, &options), &[]);
            let _ = run(Query::range(&text, 0, 60_000, 15_000, &options), &[]);
        }
    }
}

/// What is to lose its name and what is not stay apart, though their labels are the same: at each moment it may be the one or
/// the other, or only one of them at all.
#[test]
fn a_side_without_values_says_nothing_of_the_other_sides_names() {
    let series = |n: &str, values: [f64; 2]| {
        let points = (0..).zip(values).map(|(step, value)| Point { at_ms: step * 1_000, value });
        Series { labels: held::labels(&[("__name__", "m"), ("n", n)]), points: points.collect() }
    };
    // The greatest is another one at each of the two moments.
    let data = [series("a", [1.0, 4.0]), series("b", [2.0, 3.0])];
    let options = Options::default();
    for k in [0, 1, 2] {
        let text = format!("label_join(exp(topk({k}, m)) or m, \"le\", \"\", \"n\")");
        let whole = held::run(Query::range(&text, 0, 1_000, 1_000, &options), &data).expect("an answer");
        let whole = held::written(whole.value, 0);
        for at_ms in [0, 1_000] {
            let one = held::run(Query::instant(&text, at_ms, &options), &data).expect("an answer");
            assert_eq!(held::at(&whole, at_ms), held::written(one.value, at_ms), "{text} at {at_ms}");
        }
    }
}
