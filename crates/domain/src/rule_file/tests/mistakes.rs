use super::*;

/// A group `g` with one rule; `fields` begins at line 4, column 5.
fn rule(fields: &str) -> String {
    format!("groups:\n- name: g\n  rules:\n  - {}\n", fields.trim().replace('\n', "\n    "))
}

/// What a rule is refused for, without `rules.yml: `.
fn rule_refused_with(fields: &str, options: &ParseOptions<'_>) -> Vec<String> {
    let mistakes = refused_with(&rule(fields), options);
    mistakes.iter().map(|mistake| mistake.strip_prefix("rules.yml: ").unwrap().to_owned()).collect()
}

#[test]
fn every_mistake_of_a_rule_has_prometheus_words_and_the_place_of_the_field() {
    for (fields, expected) in [
        (
            "alert: A\nrecord: r\nexpr: up",
            r#"5:13: group "g", rule 1, "A": only one of 'record' and 'alert' must be set"#,
        ),
        ("expr: up", r#"4:5: group "g", rule 1, "": one of 'record' or 'alert' must be set"#),
        ("alert: ''\nexpr: up", r#"4:5: group "g", rule 1, "": one of 'record' or 'alert' must be set"#),
        ("alert: A", r#"4:5: group "g", rule 1, "A": field 'expr' must be set in rule"#),
        ("alert: A\nexpr:", r#"4:5: group "g", rule 1, "A": field 'expr' must be set in rule"#),
        ("alert: A\nexpr: ''", r#"5:11: group "g", rule 1, "A": field 'expr' must be set in rule"#),
        (
            "alert: A\nexpr: '  '",
            r#"5:11: group "g", rule 1, "A": could not parse expression: no expression found in input"#,
        ),
        (
            "record: r\nexpr: up\nannotations: {a: b}",
            r#"6:5: group "g", rule 1, "r": invalid field 'annotations' in recording rule"#,
        ),
        ("record: r\nexpr: up\nfor: 1m", r#"6:5: group "g", rule 1, "r": invalid field 'for' in recording rule"#),
        (
            "record: r\nexpr: up\nkeep_firing_for: 1m",
            r#"6:5: group "g", rule 1, "r": invalid field 'keep_firing_for' in recording rule"#,
        ),
        (
            "record: r{a=\"b\"}\nexpr: up",
            r#"4:13: group "g", rule 1, "r{a=\"b\"}": braces present in the recording rule name; should it be in expr?: r{a="b"}"#,
        ),
        ("alert: A\nexpr: up\nlabels:\n  '': x", r#"7:7: group "g", rule 1, "A": invalid label name: "#),
        ("alert: A\nexpr: up\nlabels:\n  __name__: x", r#"7:7: group "g", rule 1, "A": invalid label name: __name__"#),
        ("alert: A\nexpr: up\nannotations:\n  '': x", r#"7:7: group "g", rule 1, "A": invalid annotation name: "#),
        ("alert: A\nexpr: up\nfor: 5", r#"6:10: group "g", rule 1, "A": not a valid duration string: "5""#),
        ("alert: A\nexpr: up\nfor: ''", r#"6:10: group "g", rule 1, "A": empty duration string"#),
        ("alert: A\nexpr: up\nfor: 1x", r#"6:10: group "g", rule 1, "A": unknown unit "x" in duration "1x""#),
        ("alert: A\nexpr: up\nkeep_firing_for: 300y", r#"6:22: group "g", rule 1, "A": duration out of range"#),
    ] {
        assert_eq!(rule_refused_with(fields, &strict()), [expected], "{fields}");
    }
}

#[test]
fn what_is_no_rule_by_its_yaml_has_the_words_of_prometheus_library() {
    for (fields, expected) in [
        (
            "alert: A\nexpr: up\nannotation:\n  a: b",
            r#"6:5: group "g", rule 1, "A": field annotation not found in type rulefmt.Rule"#,
        ),
        ("alert: A\nexpr: [up]", r#"5:11: group "g", rule 1, "A": cannot unmarshal !!seq into string"#),
        (
            "alert: A\nexpr: up\nlabels: severity",
            r#"6:13: group "g", rule 1, "A": cannot unmarshal !!str `severity` into map[string]string"#,
        ),
        (
            "alert: A\nexpr: up\nlabels:\n  team: [a, b]",
            r#"7:13: group "g", rule 1, "A": cannot unmarshal !!seq into string"#,
        ),
        (
            "alert: A\nexpr: up\nlabels: {a: 1}\nlabels: {b: 1}",
            r#"7:5: group "g", rule 1, "A": mapping key "labels" already defined at line 6"#,
        ),
        (
            "alert: A\nexpr: up\nlabels:\n  a: 1\n  a: 2",
            r#"8:7: group "g", rule 1, "A": mapping key "a" already defined at line 7"#,
        ),
        (
            "<<: up\nalert: A\nexpr: up",
            r#"4:9: group "g", rule 1, "A": yaml: map merge requires map or sequence of maps as the value"#,
        ),
        ("up", r#"4:5: group "g", rule 1, "": cannot unmarshal !!str `up` into rulefmt.Rule"#),
    ] {
        assert_eq!(rule_refused_with(fields, &strict()), [expected], "{fields}");
    }
}

#[test]
fn an_expression_that_does_not_parse_is_shown_with_the_parsers_reason() {
    let mistakes = refused(&rule("alert: A\nexpr: sum(up"));
    let start = r#"rules.yml: 5:11: group "g", rule 1, "A": could not parse expression: "#;
    assert!(mistakes.len() == 1 && mistakes[0].len() > start.len() && mistakes[0].starts_with(start), "{mistakes:?}");
    let long = rule(&format!("alert: A\nexpr: {}", "x".repeat(crate::promql::LONGEST + 1)));
    let expected = r#"rules.yml: 5:11: group "g", rule 1, "A": field 'expr' is longer than 16384 bytes"#;
    assert_eq!(refused(&long), [expected]);
}

#[test]
fn legacy_names_are_checked_when_asked_for() {
    let legacy = ParseOptions { names: NameScheme::Legacy, ..strict() };
    for (fields, expected) in [
        ("record: 9r\nexpr: up", r#"4:13: group "g", rule 1, "9r": invalid recording rule name: 9r"#),
        ("record: a-b\nexpr: up", r#"4:13: group "g", rule 1, "a-b": invalid recording rule name: a-b"#),
        ("alert: A\nexpr: up\nlabels:\n  a-b: x", r#"7:7: group "g", rule 1, "A": invalid label name: a-b"#),
        ("alert: A\nexpr: up\nlabels:\n  größe: x", r#"7:7: group "g", rule 1, "A": invalid label name: größe"#),
        ("alert: A\nexpr: up\nannotations:\n  a-b: x", r#"7:7: group "g", rule 1, "A": invalid annotation name: a-b"#),
    ] {
        assert_eq!(rule_refused_with(fields, &legacy), [expected], "{fields}");
        read(&rule(fields));
    }
    read_with(&rule("record: 'job:up:sum'\nexpr: up"), &legacy);
}

#[test]
fn every_mistake_of_a_group_or_the_file_has_its_place() {
    for (text, expected) in [
        ("groups:\n- name: ''\n  rules: []", "2:9: Groupname must not be empty"),
        ("groups:\n- rules: []", "2:3: Groupname must not be empty"),
        ("groups:\n- name: g\n- name: g", "3:9: groupname: \"g\" is repeated in the same file"),
        ("groups:\n- name: g\n  labels:\n    __name__: x", r#"4:5: group "g": invalid label name: __name__"#),
        ("groups:\n- name: g\n  interval: 1q", r#"3:13: group "g": unknown unit "q" in duration "1q""#),
        ("groups:\n- name: g\n  query_offset: -1m", r#"3:17: group "g": not a valid duration string: "-1m""#),
        ("groups:\n- name: g\n  limit: many", r#"3:10: group "g": cannot unmarshal !!str `many` into int"#),
        ("groups:\n- name: g\n  rule: []", r#"3:3: group "g": field rule not found in type rulefmt.RuleGroup"#),
        ("groups:\n- name: g\n  rules: {}", r#"3:10: group "g": cannot unmarshal !!map into []rulefmt.Rule"#),
        ("groups: g", "1:9: cannot unmarshal !!str `g` into []rulefmt.RuleGroup"),
        ("groups: [g]", "1:10: cannot unmarshal !!str `g` into rulefmt.RuleGroup"),
        ("group: []", "1:1: field group not found in type rulefmt.RuleGroups"),
        ("groups: []\ngroups: []", "2:1: mapping key \"groups\" already defined at line 1"),
        ("[]", "1:1: cannot unmarshal !!seq into rulefmt.RuleGroups"),
        ("just a text", "1:1: cannot unmarshal !!str `just a ...` into rulefmt.RuleGroups"),
        ("groups:\n- name: *g", "2:9: yaml: unknown anchor 'g' referenced"),
        ("groups: &g [*g]", "1:13: yaml: anchor 'g' value contains itself"),
    ] {
        assert_eq!(refused(text), [format!("rules.yml: {expected}")], "{text}");
    }
}

#[test]
fn broken_yaml_is_one_mistake_with_its_place() {
    for text in
        ["groups: [", "groups:\n- name: \"g", "groups:\n\t- name: g", "a: b: c", "groups:\n- name: g\n rules: x"]
    {
        let mistakes = refused(text);
        assert!(mistakes.len() == 1 && mistakes[0].contains(": yaml: "), "{mistakes:?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_text() {
    let text = "
groups:
- name: g
  interval: soon
  rules:
  - alert: A
    expr: sum(
    for: 1
    labels: {__name__: x}
  - record: r
    expr: up
    for: 1m
    annotations: {a: b}
- name: g
  rules:
  - expr: up
    unknown: 1
";
    let places: Vec<_> = refused(text).iter().map(|mistake| mistake.split(": ").nth(1).unwrap().to_owned()).collect();
    assert_eq!(places, ["4:13", "7:11", "8:10", "9:14", "12:5", "13:5", "14:9", "16:5", "17:5"]);
}

#[test]
fn a_template_is_refused_with_the_reason_of_whoever_checks_it() {
    let check = |template: &TemplateOf<'_>| match template.text {
        "{{" => Err(format!("template: __alert_{}:1: unclosed action", template.alert)),
        _ => Ok(()),
    };
    let options = ParseOptions { templates: &check, ..strict() };
    let text = rule("alert: A\nexpr: up\nlabels:\n  a: '{{'\n  b: x\nannotations:\n  c: '{{'");
    assert_eq!(
        refused_with(&text, &options),
        [
            r#"rules.yml: 7:10: group "g", rule 1, "A": label "a": template: __alert_A:1: unclosed action"#,
            r#"rules.yml: 10:10: group "g", rule 1, "A": annotation "c": template: __alert_A:1: unclosed action"#,
        ]
    );
    read_with(&rule("record: r\nexpr: up\nlabels:\n  a: '{{'"), &options);
}

#[test]
fn rules_are_counted_from_one_in_their_group() {
    let text =
        "groups:\n- name: a\n  rules:\n  - {record: r, expr: up}\n  - {record: s}\n- name: b\n  rules: [{alert: T}]";
    assert_eq!(
        refused(text),
        [
            r#"rules.yml: 5:5: group "a", rule 2, "s": field 'expr' must be set in rule"#,
            r#"rules.yml: 7:11: group "b", rule 1, "T": field 'expr' must be set in rule"#,
        ]
    );
}

#[test]
fn a_finding_says_where_it_is_to_programs_too() {
    let mistakes = RuleFile::parse(&rule("alert: A\nexpr: up\nfor: x"), &strict()).unwrap_err();
    assert_eq!(
        mistakes,
        [Finding {
            line: 6,
            column: 10,
            group: Some("g".to_owned()),
            rule: Some(RuleAt { number: 1, name: "A".to_owned() }),
            message: "not a valid duration string: \"x\"".to_owned(),
        }]
    );
}

#[test]
fn a_thousand_mistakes_are_listed_and_the_rest_counted() {
    let name = "n".repeat(1_000_000);
    let rules = "  - {}\n".repeat(1_000);
    let mistakes = RuleFile::parse(&format!("groups:\n- name: {name}\n  rules:\n{rules}"), &strict()).unwrap_err();
    assert_eq!((mistakes.len(), mistakes[999].line), (1_001, 503));
    assert_eq!(mistakes[1_000].to_string(), "503:5: 1000 more like these are not listed");
    assert_eq!(mistakes[0].group, Some(format!("{}…", "n".repeat(200))));
}

#[test]
fn hostile_files_end_in_a_message() {
    let laughs = (1..20).map(|i| format!("l{i}: &l{i} [{}]\n", vec![format!("*l{}", i - 1); 20].join(", ")));
    let laughs = format!("l0: &l0 ha\n{}groups: []", laughs.collect::<String>());
    let huge = format!("groups: # {}", "x".repeat(LARGEST_FILE));
    let texts = format!("a: &a \"{}\"\nb: [{}]", "x".repeat(1_000_000), "*a, ".repeat(1_000));
    let nodes = format!("[{}]", "a,".repeat(2_500_000));
    let merges = (1..1_400).map(|i| format!("m{i}: &m{i} {{<<: *m{}}}\n", i - 1)).collect::<String>();
    let merges = format!("m0: &m0 {{groups: []}}\n{merges}<<: *m1399\n");
    let lenient = ParseOptions { unknown_fields: UnknownFields::Ignore, ..strict() };
    assert!(refused_with(&merges, &lenient)[0].ends_with("yaml: more than 100 levels of merging"));
    for (text, expected) in [
        (laughs.as_str(), "yaml: document contains excessive aliasing"),
        (texts.as_str(), "yaml: document contains excessive aliasing"),
        (huge.as_str(), "file is longer than 32 MiB"),
        (nodes.as_str(), "yaml: document has too many nodes"),
        (&"[".repeat(100_000), "yaml: more than 100 levels of nesting"),
        (&"- ".repeat(100_000), "yaml: more than 100 levels of nesting"),
        (&"{a: ".repeat(100_000), "yaml: more than 100 levels of nesting"),
    ] {
        let mistakes = refused(text);
        assert!(mistakes.len() == 1 && mistakes[0].ends_with(expected), "{expected}: {mistakes:?}");
    }
}
