//! Each expression parses, is tied to its server everywhere, and its answer is sorted into the right figure.

use promql_parser::parser::{self, Expr};

use super::*;

fn web() -> Selector {
    Selector::new(&Labels::from([("instance", "web-1:9100")])).unwrap()
}

fn figure(name: &str, value: f64) -> Sample {
    Sample { labels: Labels::from([(NAME_LABEL, name)]), value }
}

/// Counts the selectors of `text` that have `label="value"`, and all of them.
fn selectors(text: &str, label: &str, value: &str) -> (usize, usize) {
    fn walk(expr: &Expr, visit: &mut dyn FnMut(&parser::VectorSelector)) {
        match expr {
            Expr::Aggregate(aggregate) => walk(&aggregate.expr, visit),
            Expr::Unary(unary) => walk(&unary.expr, visit),
            Expr::Binary(binary) => {
                walk(&binary.lhs, visit);
                walk(&binary.rhs, visit);
            }
            Expr::Paren(paren) => walk(&paren.expr, visit),
            Expr::Subquery(subquery) => walk(&subquery.expr, visit),
            Expr::VectorSelector(selector) => visit(selector),
            Expr::MatrixSelector(matrix) => visit(&matrix.vs),
            Expr::Call(call) => call.args.args.iter().for_each(|argument| walk(argument, visit)),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }
    let (mut tied, mut all) = (0, 0);
    walk(&parser::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")), &mut |selector| {
        all += 1;
        tied += usize::from(selector.matchers.matchers.iter().any(|m| m.name == label && m.value == value));
    });
    (tied, all)
}

#[test]
fn the_eleven_figures_of_the_contract_are_there() {
    let names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(
        names,
        [
            "cpu_percent",
            "memory_percent",
            "memory_used_bytes",
            "memory_total_bytes",
            "disk_percent",
            "disk_used_bytes",
            "disk_total_bytes",
            "network_receive_bytes_per_second",
            "network_transmit_bytes_per_second",
            "load1",
            "uptime_seconds",
        ]
    );
    assert_eq!(Metric::find("load1").map(|metric| metric.unit), Some("load"));
    assert!(Metric::find("load2").is_none());
}

#[test]
fn every_expression_parses_and_each_of_its_selectors_is_tied_to_the_server() {
    let sly = "a\"} or up{x=\"\\\nb";
    for value in ["web-1:9100", sly] {
        let server = Selector::new(&Labels::from([("instance", value)])).unwrap();
        for metric in METRICS {
            let (tied, all) = selectors(&metric.expr(&server), "instance", value);
            assert!(all > 0 && tied == all, "{}: {tied} of {all}", metric.name);
        }
        let (tied, all) = selectors(&summary_expr(&server), "instance", value);
        assert!(all > METRICS.len() && tied == all, "{tied} of {all}");
    }
}

#[test]
fn expressions_read_as_a_person_would_write_them() {
    assert_eq!(Metric::find("load1").unwrap().expr(&web()), r#"max(node_load1{instance="web-1:9100"})"#);
    assert_eq!(
        Metric::find("cpu_percent").unwrap().expr(&web()),
        r#"max(clamp_min(100 * (1 - avg without (cpu, mode) (rate(node_cpu_seconds_total{mode="idle",instance="web-1:9100"}[5m]))), 0))"#
    );
}

#[test]
fn a_selector_never_means_every_server() {
    assert_eq!(Selector::new(&Labels::default()), None);
    assert_eq!(Selector::new(&Labels::from([("a-b", "c")])), None);
    assert_eq!(Selector::new(&Labels::from([("__name__", "up")])), None);
    let two = Selector::new(&Labels::from([("job", "node"), ("host", "w\"1")])).unwrap();
    assert_eq!(two.matchers(), r#"host="w\"1",job="node""#);
}

#[test]
fn figures_are_found_by_name_and_the_rest_is_explained() {
    let samples = [figure("cpu_percent", 12.5), figure("disk_percent", f64::NAN), figure("load1", 0.0)];
    let summary = parse_summary(&web(), &samples);
    assert_eq!(summary.metrics.len(), METRICS.len());
    assert_eq!(summary.metrics["cpu_percent"], Some(12.5));
    assert_eq!(summary.metrics["load1"], Some(0.0));
    assert_eq!(summary.metrics["disk_percent"], None);
    assert_eq!(summary.missing.len(), METRICS.len() - 2);
    assert_eq!(
        summary.missing["uptime_seconds"],
        r#"no series node_boot_time_seconds{instance="web-1:9100"}; is node_exporter scraped?"#
    );
    assert!(summary.missing["disk_percent"].contains("NaN"));
}

#[test]
fn the_reason_says_when_the_target_is_down() {
    let down = parse_summary(&web(), &[figure("up", 0.0)]);
    assert!(down.missing["load1"].contains("up is 0"), "{:?}", down.missing);
    let young = parse_summary(&web(), &[figure("up", 1.0), figure("load1", 1.0)]);
    assert!(young.missing["cpu_percent"].contains("not yet two scrapes"), "{:?}", young.missing);
    assert!(!young.metrics.contains_key("up"));
}
