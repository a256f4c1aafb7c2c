//! C56 to C60: rule files, as they go in, come out and are refused.

use reqwest::Method;
use serde_json::{Value, json};
use vigil_tests::app::{TestApp, items, text};

use crate::lab::cpu;

/// Everything a file can say, as Vigil writes it.
const EVERYTHING: &str = r#"groups:
- name: node
  interval: 1m
  query_offset: 0s
  limit: -1
  labels:
    team: infra
    tier: "1"
  rules:
  - alert: Down
    expr: |
      # is it there?
      up == 0
    for: 1m30s
    keep_firing_for: 2h
    labels:
      severity: page
      tier: ""
    annotations:
      summary: '{{ $labels.instance }} is "down"'
  - record: job:up:sum
    expr: sum by (job) (up)
    labels:
      how: sum
  - alert: Down
    expr: absent(up)
- name: größe & co
  query_offset: 1w
  limit: 9223372036854775807
  rules:
  - alert: 'yes: "quoted" \ and größer'
    expr: node_load1 > 1
- name: empty
  rules: []
"#;

/// Every mistake that a file may have besides its YAML, each behind a mark.
const MISTAKES: &str = r#"groups:
- name: one
  interval: «soon
  query_offset: «-1m
  limit: «many
  labels:
    «__name__: x
  «rule: []
  rules:
  - alert: Both
    record: «both
    expr: up
  - «expr: up
  - «alert: NoExpr
  - alert: EmptyExpr
    expr: «''
  - alert: BadExpr
    expr: «sum(
    for: «5
    keep_firing_for: «1x
  - alert: BadTexts
    expr: up
    for: «''
    labels:
      «'': x
      «__name__: x
      list: «[a, b]
      unclosed: «'{{ $value'
    annotations:
      «'': x
      function: «'{{ nope }}'
      variable: «'{{ $nope }}'
    «annotation: {}
  - record: lots:of:mistakes
    expr: up
    «for: 1m
    «keep_firing_for: 1m
    «annotations: {a: b}
  - record: «braces{a="b"}
    expr: up
  - «just a text
  - alert: OutOfRange
    expr: up
    for: «300y
- name: «one
  rules: []
- name: «''
  rules: []
- «rules: []
- name: two
  rules: «{}
«group: []
"#;

/// What is said of them: the group, the rule's number in it, and Prometheus' words; `…` stands for the parser's.
const SAID: [(Option<&str>, Option<u64>, &str); 32] = [
    (Some("one"), None, r#"not a valid duration string: "soon""#),
    (Some("one"), None, r#"not a valid duration string: "-1m""#),
    (Some("one"), None, "cannot unmarshal !!str `many` into int"),
    (Some("one"), None, "invalid label name: __name__"),
    (Some("one"), None, "field rule not found in type rulefmt.RuleGroup"),
    (Some("one"), Some(1), "only one of 'record' and 'alert' must be set"),
    (Some("one"), Some(2), "one of 'record' or 'alert' must be set"),
    (Some("one"), Some(3), "field 'expr' must be set in rule"),
    (Some("one"), Some(4), "field 'expr' must be set in rule"),
    (Some("one"), Some(5), "could not parse expression: …"),
    (Some("one"), Some(5), r#"not a valid duration string: "5""#),
    (Some("one"), Some(5), r#"unknown unit "x" in duration "1x""#),
    (Some("one"), Some(6), "empty duration string"),
    (Some("one"), Some(6), "invalid label name: "),
    (Some("one"), Some(6), "invalid label name: __name__"),
    (Some("one"), Some(6), "cannot unmarshal !!seq into string"),
    (Some("one"), Some(6), r#"label "unclosed": template: __alert_BadTexts:1: unclosed action"#),
    (Some("one"), Some(6), "invalid annotation name: "),
    (Some("one"), Some(6), r#"annotation "function": template: __alert_BadTexts:1: function "nope" not defined"#),
    (Some("one"), Some(6), r#"annotation "variable": template: __alert_BadTexts:1: undefined variable "$nope""#),
    (Some("one"), Some(6), "field annotation not found in type rulefmt.Rule"),
    (Some("one"), Some(7), "invalid field 'for' in recording rule"),
    (Some("one"), Some(7), "invalid field 'keep_firing_for' in recording rule"),
    (Some("one"), Some(7), "invalid field 'annotations' in recording rule"),
    (Some("one"), Some(8), r#"braces present in the recording rule name; should it be in expr?: braces{a="b"}"#),
    (Some("one"), Some(9), "cannot unmarshal !!str `just a ...` into rulefmt.Rule"),
    (Some("one"), Some(10), "duration out of range"),
    (None, None, r#"groupname: "one" is repeated in the same file"#),
    (None, None, "Groupname must not be empty"),
    (None, None, "Groupname must not be empty"),
    (Some("two"), None, "cannot unmarshal !!map into []rulefmt.Rule"),
    (None, None, "field group not found in type rulefmt.RuleGroups"),
];

/// A text without its marks, and what they stand before: line and column, both from 1.
fn marked(text: &str) -> (String, Vec<(u64, u64)>) {
    let (mut plain, mut places) = (String::new(), Vec::new());
    for (line, number) in text.lines().zip(1..) {
        let mut column = 1;
        for c in line.chars() {
            if c == '«' {
                places.push((number, column));
            } else {
                plain.push(c);
                column += 1;
            }
        }
        plain.push('\n');
    }
    (plain, places)
}

fn place(finding: &Value) -> (u64, u64) {
    let number = |field: &str| finding[field].as_u64().unwrap_or_else(|| panic!("{field} in {finding}"));
    (number("line"), number("column"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("a list: {value}"))
}

/// A file with one group of these rules, evaluated each second.
fn rules_of(yaml: &str) -> String {
    format!("groups:\n- name: g\n  interval: 1s\n  rules:\n{yaml}")
}

async fn exported(app: &TestApp, namespace: &str) -> String {
    let answer = app.api.get(&format!("/rule-files/{namespace}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.text
}

/// The one rule of that name.
async fn rule(app: &TestApp, name: &str) -> Value {
    let rules = app.api.get(&format!("/rules?q={name}")).await.ok();
    assert_eq!(items(&rules).len(), 1, "{rules}");
    items(&rules)[0].clone()
}

/// What an import of this text is refused for.
async fn mistakes(app: &TestApp, namespace: &str, yaml: &str) -> Vec<Value> {
    let refused = app.api.import(namespace, "", yaml).await;
    let kind = refused.headers["content-type"].to_str().ok();
    assert_eq!((refused.status.as_u16(), kind), (422, Some("application/problem+json")), "{yaml}{}", refused.text);
    list(&refused.body["errors"]).to_vec()
}

lines! {
    /// Byte for byte once Vigil has written it, and goes in again as nothing new.
    async fn c56_a_file_comes_out_as_it_went_in(lab) {
        let app = &lab.app;
        let plan = app.api.import("all.yml", "", EVERYTHING).await.ok();
        assert_eq!((&plan["groups_added"], &plan["rules_added"]), (&json!(3), &json!(4)));
        assert_eq!(exported(app, "all.yml").await, EVERYTHING);
        let again = app.api.import("all.yml", "", &exported(app, "all.yml").await).await.ok();
        assert_eq!((&again["changes"], &again["rules_unchanged"]), (&json!([]), &json!(4)));
        app.api.import("copy.yml", "", &exported(app, "all.yml").await).await.ok();
        assert_eq!(exported(app, "copy.yml").await, EVERYTHING);
    }

    /// What differs only in what Prometheus does not see is no change.
    async fn c56_what_says_the_same_is_no_change(lab) {
        let app = &lab.app;
        app.api.import("all.yml", "", EVERYTHING).await.ok();
        let otherwise = EVERYTHING
            .replace("for: 1m30s", "for: 90s")
            .replace("interval: 1m\n", "interval: 60s # a minute\n")
            .replace("expr: node_load1 > 1", "expr: >-\n      node_load1\n      > 1")
            .replace("tier: \"1\"", "tier: 1")
            .replace("    labels:\n      how: sum", "    labels: {\"how\": 'sum'}");
        let plan = app.api.import("all.yml", "&dry_run=true", &otherwise).await.ok();
        assert_eq!((&plan["changes"], &plan["rules_unchanged"]), (&json!([]), &json!(4)), "{otherwise}");
        let without_offset = EVERYTHING.replace("  query_offset: 0s\n", "");
        let plan = app.api.import("all.yml", "&dry_run=true", &without_offset).await.ok();
        let diff = json!([{"field": "query_offset", "before": "0s", "after": null}]);
        assert_eq!((list(&plan["changes"]).len(), &plan["changes"][0]["diff"]), (1, &diff));
    }

    /// All of them at once, each with its line and column. (What is no UTF-8 is refused before it is read, and of names any
    /// will do, as since Prometheus 3.)
    async fn c57_every_mistake_is_told_at_once_with_line_and_column(lab) {
        let (yaml, places) = marked(MISTAKES);
        let told = mistakes(&lab.app, "wrong.yml", &yaml).await;
        assert_eq!(told.iter().map(place).collect::<Vec<_>>(), places, "{told:#?}");
        for (told, (group, number, message)) in told.iter().zip(SAID) {
            assert_eq!((told["group"].as_str(), told["rule_number"].as_u64()), (group, number), "{told}");
            let said = text(told, "message");
            match message.strip_suffix('…') {
                Some(begin) => assert!(said.starts_with(begin) && said.len() > begin.len(), "{said}"),
                None => assert_eq!(said, message),
            }
        }
        assert_eq!(told.len(), SAID.len());
        assert_eq!(items(&lab.app.api.get("/rules").await.ok()).len(), 0, "nothing is imported");
    }

    /// Nothing after the first can be trusted.
    async fn c57_broken_yaml_is_one_mistake_with_line_and_column(lab) {
        for yaml in ["groups: [", "groups:\n- name: \"g", "groups:\n\t- name: g\n", "a: b: c", "groups:\n- name: *g\n"] {
            let told = mistakes(&lab.app, "wrong.yml", yaml).await;
            assert_eq!(told.len(), 1, "{told:?}");
            let (line, column) = place(&told[0]);
            assert!(line > 0 && column > 0 && text(&told[0], "message").starts_with("yaml: "), "{told:?}");
        }
        let (two, places) = marked("groups: []\n«---\ngroups: 5\n");
        let plan = lab.app.api.import("two.yml", "", &two).await.ok();
        let warnings = list(&plan["warnings"]);
        assert_eq!(text(&warnings[0], "message"), "only the first document of the file is read");
        assert_eq!((warnings.len(), place(&warnings[0])), (1, places[0]));
    }

    async fn c58_unknown_fields_are_refused_unless_lenient(lab) {
        let app = &lab.app;
        let (yaml, places) = marked(
            "«version: 1\ngroups:\n- name: g\n  interval: 1s\n  «concurrency: 2\n  rules:\n  - alert: Busy\n    expr: cpu\n    \
             «debug: true\n",
        );
        let expected = [
            "field version not found in type rulefmt.RuleGroups",
            "field concurrency not found in type rulefmt.RuleGroup",
            "field debug not found in type rulefmt.Rule",
        ];
        let told = |findings: &[Value]| -> (Vec<String>, Vec<(u64, u64)>) {
            (findings.iter().map(|one| text(one, "message")).collect(), findings.iter().map(place).collect())
        };
        let expected = (expected.map(str::to_owned).to_vec(), places);
        assert_eq!(told(&mistakes(app, "vm.yml", &yaml).await), expected);
        assert_eq!(items(&app.api.get("/rules").await.ok()).len(), 0);

        let lenient = app.api.import("vm.yml", "&lenient=true", &yaml).await.ok();
        assert_eq!(told(list(&lenient["warnings"])), expected);
        lab.has([cpu("a", 97.0)]);
        lab.step().await;
        assert_eq!(lab.alert(&text(&rule(app, "Busy").await, "id")).await.state, "firing");
    }

    /// They are neither changed nor forgotten, and go on being evaluated; what is only planned leaves them alone, too.
    async fn c59_a_bad_file_leaves_the_running_rules_untouched(lab) {
        let app = &lab.app;
        let good = rules_of("  - {alert: Busy, expr: cpu, annotations: {v: '{{ $value }}'}}\n");
        app.api.import("g.yml", "", &good).await.ok();
        lab.has([cpu("a", 1.0)]);
        lab.step().await;
        let before = rule(app, "Busy").await;
        let (id, since) = (text(&before, "id"), lab.now());
        for (value, bad) in [
            (2, rules_of("  - alert: Busy\n    expr: cpu ==\n")),
            (3, rules_of("  - {alert: Busy, expr: cpu, annotations: {v: '{{ $nope }}'}}\n")),
            (4, rules_of("  - {alert: Other, expr: cpu}\n  - {alert: Busy}\n")),
            (5, format!("{good}- name: g\n  rules: []\n")),
            (6, "groups:\n- name: \"g".to_owned()),
        ] {
            mistakes(app, "g.yml", &bad).await;
            let config = "/prometheus/config/v1/rules/g.yml";
            let group = "name: g\nrules: [{alert: Busy}]\n";
            let refused = app.api.send_text(Method::POST, config, "application/yaml", group).await;
            assert_eq!(refused.status, 400, "{}", refused.text);
            app.api.import("g.yml", "&dry_run=true", "").await.ok();
            lab.has([cpu("a", f64::from(value))]);
            lab.step().await;
            assert_eq!(exported(app, "g.yml").await.matches("alert:").count(), 1);
            let alert = lab.alert(&id).await;
            assert_eq!((alert.active_at, alert.annotations["v"].as_str()), (since, value.to_string().as_str()), "{bad}");
        }
        assert_eq!(rule(app, "Busy").await["version"], before["version"]);
        assert_eq!(app.states(&id).await, ["firing"]);
    }

    /// Years and weeks are printed when nothing is left over, zero where it says something.
    async fn c60_durations_are_read_and_printed_as_in_prometheus(lab) {
        let app = &lab.app;
        for (written, printed) in [
            ("90s", "1m30s"),
            ("1h30m", "1h30m"),
            ("500ms", "500ms"),
            ("1500ms", "1s500ms"),
            ("24h", "1d"),
            ("7d", "1w"),
            ("8d", "8d"),
            ("52w", "52w"),
            ("365d", "1y"),
            ("1y2w3d4h5m6s7ms", "382d4h5m6s7ms"),
            ("1h0m0s", "1h"),
        ] {
            let rule_of_all = format!("  - {{alert: Down, expr: up == 0, for: {written}, keep_firing_for: {written}}}\n");
            let yaml = format!("groups:\n- name: g\n  query_offset: {written}\n  rules:\n{rule_of_all}");
            app.api.import("g.yml", "", &yaml).await.ok();
            let shown = rule(app, "Down").await;
            assert_eq!([&shown["for"], &shown["keep_firing_for"]], [printed; 2], "{written}");
            let exported = exported(app, "g.yml").await;
            for field in ["for", "keep_firing_for", "query_offset"] {
                assert!(exported.contains(&format!(" {field}: {printed}\n")), "{field}: {written}\n{exported}");
            }
        }
        for zero in ["0", "0s", "0m0s"] {
            let rule = format!("  - {{alert: Down, expr: up == 0, for: {zero}, keep_firing_for: {zero}}}\n");
            let yaml = format!("groups:\n- name: g\n  interval: {zero}\n  query_offset: {zero}\n  rules:\n{rule}");
            app.api.import("g.yml", "", &yaml).await.ok();
            let expected = "groups:\n- name: g\n  query_offset: 0s\n  rules:\n  - alert: Down\n    expr: up == 0\n";
            assert_eq!(exported(app, "g.yml").await, expected, "{zero}");
        }
    }

    async fn c60_what_is_no_duration_is_refused_in_prometheus_words(lab) {
        for (written, said) in [
            ("''", "empty duration string"),
            ("1", r#"not a valid duration string: "1""#),
            ("m", r#"not a valid duration string: "m""#),
            ("1x", r#"unknown unit "x" in duration "1x""#),
            ("1m1h", r#"not a valid duration string: "1m1h""#),
            ("1m1m", r#"not a valid duration string: "1m1m""#),
            ("-1m", r#"not a valid duration string: "-1m""#),
            ("1.5h", r#"unknown unit "." in duration "1.5h""#),
            ("' 1m'", r#"not a valid duration string: " 1m""#),
            ("'1m '", r#"unknown unit "m " in duration "1m ""#),
            ("300y", "duration out of range"),
            ("99999999999999999999s", r#"not a valid duration string: "99999999999999999999s""#),
        ] {
            let (yaml, places) = marked(&rules_of(&format!("  - {{alert: Down, expr: up == 0, for: «{written}}}\n")));
            let told = mistakes(&lab.app, "g.yml", &yaml).await;
            assert_eq!((told.len(), text(&told[0], "message").as_str()), (1, said), "{written}");
            assert_eq!(place(&told[0]), places[0], "{written}");
        }
    }
}
