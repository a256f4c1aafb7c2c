//! Files of unit tests.

use super::*;

fn parsed(text: &str) -> UnitTestFile {
    let (file, warnings) = UnitTestFile::parse(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}\n{text}"));
    assert_eq!(warnings, []);
    file
}

fn mistakes(text: &str) -> Vec<String> {
    UnitTestFile::parse(text).expect_err(text).iter().map(ToString::to_string).collect()
}

#[test]
fn everything_in_a_file_is_read() {
    let file = parsed(
        "
rule_files: [a.yml, b/*.yml]
evaluation_interval: 1m30s
group_eval_order: [one, two]
fuzzy_compare: true
tests:
- name: first
  interval: 15s
  input_series:
  - {series: 'up{job=\"a\"}', values: 0+1x3}
  alert_rule_test:
  - eval_time: 1m
    alertname: Down
    exp_alerts:
    - exp_labels: {code: 500, gone: ~}
      exp_annotations: {summary: yes}
  promql_expr_test:
  - expr: up
    eval_time: 0
    exp_samples:
    - {labels: 'up{job=\"a\"}', value: -1.5}
    - {labels: '{}', histogram: '{{}}'}
  external_labels: {region: eu}
  external_url: http://here
  start_timestamp: 2024-01-01T00:00:00.5Z
",
    );
    let first = UnitTest {
        name: "first".into(),
        interval: Span::from_secs(15),
        input_series: vec![InputSeries { series: "up{job=\"a\"}".into(), values: "0+1x3".into() }],
        alert_tests: vec![AlertTest {
            eval_time: Span::from_secs(60),
            alertname: "Down".into(),
            expected: vec![ExpectedAlert {
                labels: texts([("code", "500"), ("gone", "")]),
                annotations: texts([("summary", "yes")]),
            }],
        }],
        expression_tests: vec![ExpressionTest {
            expr: "up".into(),
            eval_time: Span::ZERO,
            expected: vec![
                ExpectedSample { labels: "up{job=\"a\"}".into(), value: -1.5, histogram: String::new() },
                ExpectedSample { labels: "{}".into(), value: 0.0, histogram: "{{}}".into() },
            ],
        }],
        external_labels: texts([("region", "eu")]),
        external_url: "http://here".into(),
        start_timestamp: chrono::DateTime::from_timestamp_millis(1_704_067_200_500),
    };
    let expected = UnitTestFile {
        rule_files: vec!["a.yml".into(), "b/*.yml".into()],
        evaluation_interval: Span::from_secs(90),
        group_eval_order: vec!["one".into(), "two".into()],
        tests: vec![first],
        fuzzy_compare: true,
    };
    assert_eq!(file, expected);
}

#[test]
fn what_is_not_said_is_empty() {
    for text in ["", "~", "{}", "tests:", "tests: []", "tests: ~\nrule_files: ~\nfuzzy_compare: ~"] {
        assert_eq!(parsed(text), UnitTestFile::default(), "{text:?}");
    }
    let file = parsed("rule_files: [~]\ntests:\n-\n- alert_rule_test: [{exp_alerts: [~]}]\n  promql_expr_test: [~]");
    assert_eq!((file.rule_files, file.tests.len()), (vec![String::new()], 2));
    assert_eq!(file.tests[1].alert_tests[0].expected, [ExpectedAlert::default()]);
    assert_eq!(file.tests[1].expression_tests, [ExpressionTest::default()]);
}

#[test]
fn numbers_are_those_of_yaml() {
    let value = |text: &str| {
        let file =
            UnitTestFile::parse(&format!("tests: [{{promql_expr_test: [{{exp_samples: [{{value: {text}}}]}}]}}]"));
        file.map(|(file, _)| file.tests[0].expression_tests[0].expected[0].value).ok()
    };
    for (text, number) in [
        ("1", 1.0),
        ("1e3", 1_000.0),
        ("-.5", -0.5),
        ("0x10", 16.0),
        ("1_000", 1_000.0),
        ("~", 0.0),
        (".inf", f64::INFINITY),
        ("-.INF", f64::NEG_INFINITY),
        ("+.Inf", f64::INFINITY),
    ] {
        assert_eq!(value(text), Some(number), "{text}");
    }
    assert!(value(".nan").is_some_and(f64::is_nan));
    for text in ["NaN", "Inf", "'1'", "one", "[]", "true"] {
        assert_eq!(value(text), None, "{text}");
    }
}

#[test]
fn yes_is_yes_in_many_spellings() {
    let fuzzy =
        |text: &str| UnitTestFile::parse(&format!("fuzzy_compare: {text}")).map(|(file, _)| file.fuzzy_compare).ok();
    for (text, expected) in [
        ("true", Some(true)),
        ("on", Some(true)),
        ("Yes", Some(true)),
        ("FALSE", Some(false)),
        ("n", Some(false)),
        ("'true'", None),
        ("1", None),
        ("tRue", None),
        ("[]", None),
    ] {
        assert_eq!(fuzzy(text), expected, "{text}");
    }
}

#[test]
fn a_test_may_begin_at_seconds_or_at_a_date() {
    let start = |text: &str| {
        let file = UnitTestFile::parse(&format!("tests: [{{start_timestamp: {text}}}]"));
        file.map(|(file, _)| file.tests[0].start_timestamp.map(|at| at.timestamp_millis())).ok()
    };
    assert_eq!(start("1704067200"), Some(Some(1_704_067_200_000)));
    assert_eq!(start("'1.25'"), Some(Some(1_250)));
    assert_eq!(start("-60"), Some(Some(-60_000)));
    assert_eq!(start("2024-01-01T01:00:00+01:00"), Some(Some(1_704_067_200_000)));
    assert_eq!(start("~"), Some(None));
    for text in ["yesterday", "1e30", "1e300", "inf", "NaN", "2024-01-01"] {
        assert_eq!(start(text), None, "{text}");
    }
}

#[test]
fn every_mistake_is_found_at_once() {
    let text = "
rules_files: []
evaluation_interval: 1x
tests:
- name: [a]
  name: b
  interval: 5
  input_series: {}
  promql_expr_test:
  - exprs: up
    exp_samples: [{value: one}, 7]
  start_timestamp: soon
";
    assert_eq!(
        mistakes(text),
        [
            "2:1: field rules_files not found in type main.unitTestFile",
            "3:22: unknown unit \"x\" in duration \"1x\"",
            "5:9: cannot unmarshal !!seq into string",
            "6:3: mapping key \"name\" already defined at line 5",
            "7:13: not a valid duration string: \"5\"",
            "8:17: cannot unmarshal !!map into []main.series",
            "10:5: field exprs not found in type main.promqlTestCase",
            "11:27: cannot unmarshal !!str `one` into float64",
            "11:33: cannot unmarshal !!int `7` into main.sample",
            "12:20: cannot parse \"soon\" to a valid timestamp",
        ]
    );
    assert_eq!(mistakes("tests: ["), ["1:8: yaml: unclosed bracket '['"]);
}

#[test]
fn only_the_first_document_is_read() {
    let (file, warnings) = UnitTestFile::parse("fuzzy_compare: true\n---\nfuzzy_compare: false\n").unwrap();
    assert!(file.fuzzy_compare);
    assert_eq!(
        warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["2:1: only the first document of the file is read"]
    );
}
