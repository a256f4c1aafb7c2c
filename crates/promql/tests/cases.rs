//! Cases for every function, operator and rule of matching.

mod script;

use script::{Kind, Outcome};

const CASES: [(&str, &str); 5] = [
    ("aggregations.test", include_str!("cases/aggregations.test")),
    ("functions.test", include_str!("cases/functions.test")),
    ("operators.test", include_str!("cases/operators.test")),
    ("ranges.test", include_str!("cases/ranges.test")),
    ("remarks.test", include_str!("cases/remarks.test")),
];

fn failure(outcome: Outcome) -> Option<String> {
    assert_eq!(outcome.kind, Kind::Stable, "{}", outcome.place);
    let what = if outcome.answered { "answered" } else { "refused" };
    Some(format!("{} {} {what}: {}", outcome.place, outcome.text, outcome.wrong?))
}

#[test]
fn every_case_has_its_answer() {
    let outcomes = CASES.iter().flat_map(|(name, text)| script::run(&script::parse(name, text), |_| false));
    let failures: Vec<String> = outcomes.filter_map(failure).collect();
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

/// The functions of Prometheus that are behind no flag.
const FUNCTIONS: &str = "abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp \
    clamp_max clamp_min cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv exp \
    floor histogram_avg histogram_count histogram_fraction histogram_quantile histogram_stddev histogram_stdvar \
    histogram_sum hour idelta increase irate label_join label_replace last_over_time ln log10 log2 max_over_time \
    min_over_time minute month pi predict_linear present_over_time quantile_over_time rad rate resets round scalar sgn \
    sin sinh sort sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp vector year";

const AGGREGATIONS: &str = "sum avg min max group count stddev stdvar topk bottomk quantile count_values";

#[test]
fn every_function_and_aggregation_has_a_case() {
    let words = FUNCTIONS.split_whitespace().chain(AGGREGATIONS.split_whitespace());
    let called = |word: &str| {
        let calls = [format!(" {word}("), format!(" {word} by"), format!("({word}("), format!(" {word} without")];
        CASES.iter().any(|(_, text)| calls.iter().any(|call| text.contains(call)))
    };
    let without: Vec<&str> = words.filter(|word| !called(word)).collect();
    assert!(without.is_empty(), "no case calls {without:?}");
}
