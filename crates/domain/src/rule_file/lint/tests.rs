use super::*;
use crate::rule_file::{Missing, NameScheme, ParseOptions, UnknownFields};

fn remarks_with(text: &str, options: &LintOptions) -> Vec<String> {
    let parse = ParseOptions { unknown_fields: UnknownFields::Refuse, names: NameScheme::Utf8, templates: &|_| Ok(()) };
    let (file, _) = RuleFile::parse(text, &parse).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let remarks = lint(&file, text, options);
    remarks.iter().map(|remark| format!("{} [{}]", remark.finding, remark.lint)).collect()
}

/// Everything but `no-for`.
fn warnings(text: &str) -> Vec<String> {
    let lints = Lint::ALL.into_iter().filter(|lint| lint.severity() == Severity::Warning).collect();
    remarks_with(text, &LintOptions { lints, scrape_interval: Some(Span::from_secs(60)), known: Known::default() })
}

#[test]
fn rules_of_one_name_and_the_same_labels_are_duplicates() {
    let text = "groups:
- name: one
  labels: {team: a}
  rules:
  - {alert: Down, expr: up == 0}
  - {alert: Down, expr: up == 0, labels: {severity: page}}
- name: two
  rules:
  - {alert: Down, expr: up < 1, labels: {team: a}}
  - {record: Down, expr: up, labels: {severity: page, team: a}}
  - {record: Down, expr: up, labels: {team: b}}
";
    assert_eq!(
        warnings(text),
        [
            r#"9:5: group "two", rule 1, "Down": has the name and the labels of the rule in line 5 [duplicate-rules]"#,
            r#"10:5: group "two", rule 2, "Down": has the name and the labels of the rule in line 6 [duplicate-rules]"#,
        ]
    );
}

#[test]
fn ranges_hold_two_scrapes() {
    let text = "groups:
- name: g
  rules:
  - record: r
    expr: rate(a[1m]) + rate(b[2m]) + max_over_time(c[1m]) + increase(d[90s] offset 1h) + rate(e[1m:15s])
";
    assert_eq!(
        warnings(text),
        [
            r#"5:11: group "g", rule 1, "r": rate(a[1m]) needs two samples, and 1m is less than two scrapes 1m apart [short-range]"#,
            r#"5:11: group "g", rule 1, "r": increase(d[1m30s] offset 1h) needs two samples, and 1m30s is less than two scrapes 1m apart [short-range]"#,
        ]
    );
    let all = LintOptions { lints: Lint::ALL.into(), ..LintOptions::default() };
    assert!(remarks_with(text, &all).is_empty());

    let intervals = [("a", 15), ("b", 90)].map(|(series, seconds)| (series.to_owned(), Span::from_secs(seconds)));
    let known = Known { intervals: intervals.into(), ..Known::default() };
    let measured = LintOptions { scrape_interval: Some(Span::from_secs(30)), known, ..all };
    assert_eq!(
        remarks_with(text, &measured),
        [
            r#"5:11: group "g", rule 1, "r": rate(b[2m]) needs two samples, and 2m is less than two scrapes 1m30s apart [short-range]"#
        ],
        "what was measured wins over what was said"
    );
}

#[test]
fn selectors_that_find_nothing_are_told_unless_an_or_makes_up_for_them() {
    let text = "groups:
- name: g
  rules:
  - {alert: A, for: 1m, expr: gone > 1 or gone < 0}
  - {alert: B, for: 1m, expr: up == 0 or gone}
  - {alert: C, for: 1m, expr: (up * gone) or gone or other}
  - {alert: D, for: 1m, expr: gone or absent(gone)}
  - {record: r, expr: 'rate(gone[5m]) + up{jb!=\"x\"}'}
";
    let missing = ["gone", "other"].map(|name| (name.to_owned(), Missing::metric(name, ["gonne"].into_iter())));
    let misspelt = [("up{jb!=\"x\"}".to_owned(), vec![Missing::label("up", "jb", &["job".to_owned()])])];
    let known = Known { missing: missing.into(), misspelt: misspelt.into(), ..Known::default() };
    let options = LintOptions { lints: Lint::ALL.into(), known, ..LintOptions::default() };
    let gone = "`gone` finds nothing: no metric is called gone; gonne is almost that [never-matching]";
    assert_eq!(
        remarks_with(text, &options),
        [
            format!(r#"4:31: group "g", rule 1, "A": {gone}"#),
            format!(r#"6:31: group "g", rule 3, "C": {gone}"#),
            r#"6:31: group "g", rule 3, "C": `other` finds nothing: no metric is called other [never-matching]"#.to_owned(),
            format!(r#"7:31: group "g", rule 4, "D": {gone}"#),
            format!(r#"8:23: group "g", rule 5, "r": {gone}"#),
            r#"8:23: group "g", rule 5, "r": in `up{jb!="x"}`: no series of up has a label jb; job is almost that [spelling]"#
                .to_owned(),
        ]
    );
}

#[test]
fn well_known_names_are_spelt_right() {
    let text = "groups:
- name: g
  labels: {sevrity: page}
  rules:
  - alert: A
    expr: up == 0
    for: 1m
    labels: {serverity: page, security: high, severities: all, Severity: x, severity_level: y}
    annotations: {sumary: s, descritpion: d, summaries: t, summary: s, descriptions: d, runbook_uri: r}
";
    assert_eq!(
        warnings(text),
        [
            r#"3:12: "sevrity" is almost "severity" [spelling]"#,
            r#"8:14: group "g", rule 1, "A": "serverity" is almost "severity" [spelling]"#,
            r#"9:19: group "g", rule 1, "A": "sumary" is almost "summary" [spelling]"#,
            r#"9:30: group "g", rule 1, "A": "descritpion" is almost "description" [spelling]"#,
        ]
    );
}

#[test]
fn alerts_that_cannot_fire_and_alerts_that_fire_at_once_are_told() {
    let text = "groups:
- name: g
  rules:
  - alert: A
    expr: count(up) == 0
  - {alert: B, expr: up == 0, for: 1m}
  - {record: r, expr: count(up) == 0}
";
    let options = LintOptions { lints: Lint::ALL.into(), ..LintOptions::default() };
    assert_eq!(
        remarks_with(text, &options),
        [
            r#"4:5: group "g", rule 1, "A": fires at the first evaluation that sees it: there is no 'for' [no-for]"#,
            r#"5:11: group "g", rule 1, "A": `count(up) == 0` is never true: `count(up)` is never below 1; a count of nothing is no value, ask absent() instead [never-true]"#,
        ]
    );
    assert_eq!(remarks_with(text, &LintOptions::default()), Vec::<String>::new());
}

#[test]
fn lints_have_names() {
    for lint in Lint::ALL {
        assert_eq!(lint.to_string().parse(), Ok(lint));
    }
    let error = "no-such".parse::<Lint>().unwrap_err().to_string();
    assert_eq!(
        error,
        r#""no-such" is none of duplicate-rules, never-true, never-matching, short-range, spelling, no-for"#
    );
}
