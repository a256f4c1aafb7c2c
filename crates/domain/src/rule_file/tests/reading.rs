use super::*;

#[test]
fn a_file_may_be_empty() {
    for text in ["", "\n# nothing yet\n", "---\n", "groups:\n", "groups: []\n", "groups: ~", "{}", "\u{feff}groups: []"]
    {
        assert_eq!(read(text), RuleFile::default(), "{text:?}");
    }
    assert_eq!(read("groups:\n- name: g\n"), read("groups:\n- name: g\n  rules: []\n"));
}

#[test]
fn everything_of_a_group_is_kept() {
    let file = read(
        "
groups:
- name: g
  interval: 90s
  query_offset: 0s
  limit: 10
  labels: {team: infra}
  rules:
  - alert: A
    expr: |
      up   ==  0   # down
    for: 5m
    keep_firing_for: 10m
    labels: {severity: page, gone: ''}
    annotations: {summary: '{{ $labels.instance }} is down'}
  - record: job:up:sum
    expr: sum by (job) (up)
",
    );
    let alert = FileRuleKind::Alert {
        name: "A".to_owned(),
        hold: Span::from_secs(300),
        keep_firing: Span::from_secs(600),
        annotations: texts([("summary", "{{ $labels.instance }} is down")]),
    };
    let record = FileRuleKind::Record { name: "job:up:sum".to_owned() };
    let rules = vec![
        FileRule {
            kind: alert,
            expr: "up   ==  0   # down\n".to_owned(),
            labels: texts([("gone", ""), ("severity", "page")]),
        },
        FileRule { kind: record, expr: "sum by (job) (up)".to_owned(), labels: texts([]) },
    ];
    let group = FileGroup {
        name: "g".to_owned(),
        interval: Span::from_secs(90),
        query_offset: Some(Span::ZERO),
        limit: 10,
        labels: texts([("team", "infra")]),
        rules,
    };
    assert_eq!(file, RuleFile { groups: vec![group] });
}

#[test]
fn no_query_offset_is_not_a_zero_one() {
    for (field, expected) in [
        ("", None),
        ("query_offset:", None),
        ("query_offset: ~", None),
        ("query_offset: 0", Some(Span::ZERO)),
        ("query_offset: 0s", Some(Span::ZERO)),
        ("query_offset: 1m", Some(Span::from_secs(60))),
    ] {
        assert_eq!(read(&format!("groups:\n- name: g\n  {field}\n")).groups[0].query_offset, expected, "{field}");
    }
}

#[test]
fn unquoted_scalars_are_texts_as_written() {
    let file = read(
        "
groups:
- name: 2024
  rules:
  - alert: yes
    expr: 1
    labels: {a: yes, b: 1.0, c: ~, d: on, e: 0x1F, f: null, g: '~', h: , 1: x, true: y, i: !!str 7}
",
    );
    let group = &file.groups[0];
    assert_eq!((group.name.as_str(), group.rules[0].name(), group.rules[0].expr.as_str()), ("2024", "yes", "1"));
    let expected = texts([
        ("1", "x"),
        ("a", "yes"),
        ("b", "1.0"),
        ("c", ""),
        ("d", "on"),
        ("e", "0x1F"),
        ("f", ""),
        ("g", "~"),
        ("h", ""),
        ("i", "7"),
        ("true", "y"),
    ]);
    assert_eq!(group.rules[0].labels, expected);
}

#[test]
fn anchors_aliases_and_merges_work_as_in_prometheus() {
    let file = read(
        "
groups:
- name: first
  rules:
  - &down
    alert: &name Down
    expr: &expr |
      up == 0
    for: 5m
    labels: &labels {severity: &severity page, team: a}
  - record: down
    expr: *expr
    labels: {severity: *severity}
  - <<: *down
    alert: AlsoDown
  - alert: Own
    labels:
      team: b
      <<: [*labels, {team: c, more: d}]
    <<: {expr: up, for: 1m}
    for: 2m
- name: second
  rules:
  - *down
",
    );
    let first = &file.groups[0].rules;
    assert_eq!(first[1].expr, "up == 0\n");
    assert_eq!(first[1].labels, texts([("severity", "page")]));
    assert_eq!((first[2].name(), &first[2].expr, &first[2].labels), ("AlsoDown", &first[0].expr, &first[0].labels));
    assert_eq!(first[3].labels, texts([("more", "d"), ("severity", "page"), ("team", "b")]));
    assert!(matches!(first[3].kind, FileRuleKind::Alert { hold, .. } if hold == Span::from_secs(120)));
    assert_eq!(file.groups[1].rules[0], first[0]);
}

#[test]
fn what_is_zero_or_empty_is_not_there() {
    let with = "
groups:
- name: g
  interval: 0s
  limit: 0
  labels: {}
  rules:
  - record: r
    alert: ''
    expr: up
    for: 0s
    keep_firing_for: 0
    labels:
    annotations: {}
";
    assert_eq!(read(with), read("groups: [{name: g, rules: [{record: r, expr: up}]}]"));
}

#[test]
fn unknown_fields_are_only_warned_of_when_that_is_asked_for() {
    let text = "
groups:
- name: g
  concurrency: 2
  rules:
  - alert: A
    expr: up
    debug: true
namespace: x
";
    let lenient = ParseOptions { unknown_fields: UnknownFields::Ignore, ..strict() };
    let (file, warnings) = read_with(text, &lenient);
    assert_eq!(file, read("groups: [{name: g, rules: [{alert: A, expr: up}]}]"));
    let expected = [
        r#"rules.yml: 4:3: group "g": field concurrency not found in type rulefmt.RuleGroup"#,
        r#"rules.yml: 8:5: group "g", rule 1, "A": field debug not found in type rulefmt.Rule"#,
        "rules.yml: 9:1: field namespace not found in type rulefmt.RuleGroups",
    ];
    assert_eq!(warnings, expected);
    assert_eq!(refused(text), expected);
}

#[test]
fn only_the_first_document_is_read() {
    for second in ["groups: [{name: b}]", "", "not: [closed"] {
        let (file, warnings) = read_with(&format!("groups:\n- name: a\n---\n{second}\n"), &strict());
        assert_eq!(file.groups[0].name, "a");
        assert_eq!(warnings, ["rules.yml: 3:1: only the first document of the file is read"], "{second}");
    }
    assert_eq!(read("---\ngroups: []\n...\n"), RuleFile::default());
}

#[test]
fn empty_items_are_no_items() {
    let (file, warnings) = read_with("groups:\n-\n- name: g\n  rules:\n  - ~\n  - {record: r, expr: up}\n", &strict());
    assert_eq!(file, read("groups: [{name: g, rules: [{record: r, expr: up}]}]"));
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn expressions_are_kept_byte_for_byte() {
    for (yaml, expected) in [
        ("up == 0", "up == 0"),
        ("'up   ==   0'", "up   ==   0"),
        ("\"up\\t== 0\"", "up\t== 0"),
        ("|\n      up\n        == 0\n", "up\n  == 0\n"),
        ("|-\n      up\n\n      == 0  \n\n", "up\n\n== 0  "),
        ("|+\n      up\n\n", "up\n\n"),
        ("|2\n        up\n", "  up\n"),
        (">-\n      up\n      == 0\n", "up == 0"),
        ("|\n      up # größe 🔥", "up # größe 🔥"),
        ("up\n      == 0", "up == 0"),
    ] {
        let file = read(&format!("groups:\n- name: g\n  rules:\n  - record: r\n    expr: {yaml}"));
        assert_eq!(file.groups[0].rules[0].expr, expected, "{yaml:?}");
    }
}

#[test]
fn strings_and_matrices_are_no_mistakes_of_a_file() {
    read("groups: [{name: g, rules: [{alert: A, expr: '\"text\"'}, {alert: A, expr: 'up[5m]'}]}]");
}

#[test]
fn two_thousand_rules_are_read_and_written_in_no_time() {
    let rules = (0..2_000).map(|i| {
        format!(
            "  - alert: Alert{i}\n    expr: |\n      sum by (instance) (rate(requests_total{{code=~\"5..\"}}[5m]))\n        / \
             sum by (instance) (rate(requests_total[5m])) > 0.{i}\n    for: 5m\n    labels:\n      severity: page\n    \
             annotations:\n      summary: '{{{{ $labels.instance }}}} fails: {{{{ $value }}}}'\n"
        )
    });
    let text = format!("groups:\n- name: g\n  rules:\n{}", rules.collect::<String>());
    let began = std::time::Instant::now();
    let file = read(&text);
    let took = began.elapsed();
    assert_eq!(file.groups[0].rules.len(), 2_000);
    assert_eq!(read(&file.to_yaml()), file);
    // A second or two without optimisation on a busy machine; anything quadratic takes minutes.
    assert!(took < std::time::Duration::from_secs(30), "{took:?}");
}
