use super::*;

fn version(text: &str) -> PrometheusVersion {
    text.parse().unwrap()
}

const EVERYTHING: &str = "
groups:
- name: g
  interval: 30s
  query_offset: 1m
  limit: 5
  labels: {team: infra, severity: none}
  rules:
  - alert: A
    expr: up == 0
    keep_firing_for: 5m
    labels: {severity: page}
  - record: r
    expr: up
";

#[test]
fn versions_are_read_from_what_people_write() {
    for (text, major, minor) in
        [("2.42", 2, 42), ("2.42.0", 2, 42), ("v3.0.1", 3, 0), ("3", 3, 0), ("v3.1.0-rc.0", 3, 1), ("2.45.6+ds", 2, 45)]
    {
        assert_eq!(text.parse(), Ok(PrometheusVersion { major, minor }), "{text}");
    }
    for text in ["", "v", "latest", "2.x", "2.42.x", "2,42", "-2.1"] {
        assert!(text.parse::<PrometheusVersion>().is_err(), "{text}");
    }
    assert!(version("2.9") < version("2.42") && version("2.53") < version("3.0"));
}

#[test]
fn a_new_target_gets_the_file_as_it_is() {
    let file = read(EVERYTHING);
    assert_eq!(file.for_target(version("3.0")), Ok(file.clone()));
}

#[test]
fn group_labels_go_into_the_rules_of_an_older_target() {
    let mut file = read(EVERYTHING);
    file.groups[0].query_offset = None;
    let older = file.for_target(version("2.42")).unwrap();
    assert_eq!(older.groups[0].labels, texts([]));
    assert_eq!(older.groups[0].rules[0].labels, texts([("severity", "page"), ("team", "infra")]));
    assert_eq!(older.groups[0].rules[1].labels, texts([("severity", "none"), ("team", "infra")]));
    assert_eq!((older.groups[0].limit, older.groups[0].interval), (5, Span::from_secs(30)));
}

#[test]
fn an_emptied_label_stays_emptied() {
    let file = read("groups: [{name: g, labels: {a: x}, rules: [{record: r, expr: up, labels: {a: ''}}]}]");
    assert_eq!(file.for_target(version("2.42")).unwrap().groups[0].rules[0].labels, texts([("a", "")]));
}

#[test]
fn what_an_older_target_lacks_is_refused_by_name() {
    let file = read(EVERYTHING);
    assert_eq!(
        file.for_target(version("2.52")),
        Err(vec!["group \"g\": field 'query_offset' needs Prometheus 2.53 or newer; the target is 2.52".to_owned()])
    );
    let expected = [
        "group \"g\": field 'limit' needs Prometheus 2.31 or newer; the target is 2.30",
        "group \"g\": field 'query_offset' needs Prometheus 2.53 or newer; the target is 2.30",
        "group \"g\", rule 1, \"A\": field 'keep_firing_for' needs Prometheus 2.42 or newer; the target is 2.30",
    ];
    assert_eq!(file.for_target(version("2.30")).unwrap_err(), expected);
}

#[test]
fn what_says_nothing_is_left_out_for_an_older_target() {
    let file = read("groups: [{name: g, query_offset: 0s, limit: -1, rules: []}]");
    assert_eq!(file.for_target(version("2.30")), Ok(read("groups: [{name: g}]")));
    assert_eq!(file.for_target(version("2.53")), Ok(file));
}

#[test]
fn names_beyond_ascii_words_need_the_third_prometheus() {
    let file = read(
        "
groups:
- name: größe
  labels: {a-b: x}
  rules:
  - alert: größe
    expr: up
    labels: {c.d: x}
    annotations: {e f: x}
  - record: g.h
    expr: up
  - record: job:up:sum
    expr: up
",
    );
    let reasons = file.for_target(version("2.55")).unwrap_err();
    let expected = [
        "group \"größe\": label name \"a-b\" needs Prometheus 3.0 or newer; the target is 2.55",
        "group \"größe\", rule 1, \"größe\": annotation name \"e f\" needs Prometheus 3.0 or newer; the target is 2.55",
        "group \"größe\", rule 1, \"größe\": label name \"c.d\" needs Prometheus 3.0 or newer; the target is 2.55",
        "group \"größe\", rule 2, \"g.h\": metric name \"g.h\" needs Prometheus 3.0 or newer; the target is 2.55",
    ];
    assert_eq!(reasons, expected);
    assert_eq!(file.for_target(version("3.0")), Ok(file));
}
