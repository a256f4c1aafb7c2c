use clap::Parser;
use vigil_domain::rule_file::Missing;

use super::*;

/// Arguments as they come from the command line.
#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(line: &str) -> Result<Arguments, clap::Error> {
    Line::try_parse_from(format!("check {line}").split(' ')).map(|line| line.arguments)
}

fn checked(text: &str, line: &str) -> (String, Verdict) {
    let arguments = arguments(&format!("{line} r.yml")).unwrap();
    let Arguments { lint, scrape_interval, strictness, .. } = arguments;
    let options = LintOptions { lints: lint.0, scrape_interval, known: Known::default() };
    Subject::read("r.yml".to_owned(), Ok(text.to_owned()), strictness).report(&options)
}

const RULES: &str = "groups:
- name: g
  rules:
  - {record: r, expr: 'rate(x[1m])'}
  - alert: A
    expr: count(up) == 0
    labels: {serverity: page}
";

#[test]
fn rules_are_counted_as_promtool_counts_them() {
    for (text, report) in [
        ("", "Checking r.yml\n  SUCCESS: 0 rules found\n\n"),
        ("groups: [{name: g, rules: [{record: a, expr: b}]}]", "Checking r.yml\n  SUCCESS: 1 rules found\n\n"),
    ] {
        assert_eq!(checked(text, "--lint all"), (report.to_owned(), Verdict::Fine));
    }
}

#[test]
fn remarks_say_where_they_are_and_what_they_are_called() {
    let (report, verdict) = checked(RULES, "--scrape-interval 1m");
    let expected = r#"Checking r.yml
  r.yml:4:23: group "g", rule 1, "r": rate(x[1m]) needs two samples, and 1m is less than two scrapes 1m apart (short-range) [warning]
  r.yml:5:5: group "g", rule 2, "A": fires at the first evaluation that sees it: there is no 'for' (no-for) [info]
  r.yml:6:11: group "g", rule 2, "A": `count(up) == 0` is never true: `count(up)` is never below 1; a count of nothing is no value, ask absent() instead (never-true) [warning]
  r.yml:7:14: group "g", rule 2, "A": "serverity" is almost "severity" (spelling) [warning]
  SUCCESS: 2 rules found, 3 warnings, 1 info

"#;
    assert_eq!((report.as_str(), verdict), (expected, Verdict::Warnings));
    assert_eq!(
        checked(RULES, "--lint none"),
        ("Checking r.yml\n  SUCCESS: 2 rules found\n\n".to_owned(), Verdict::Fine)
    );
    let (report, verdict) = checked(RULES, "--lint no-for");
    assert!(report.ends_with("  SUCCESS: 2 rules found, 1 info\n\n"), "{report}");
    assert_eq!(verdict, Verdict::Fine);
}

#[test]
fn what_a_data_source_does_not_have_is_told_where_it_is_asked_for() {
    let missing = Missing::metric("x", ["y"].into_iter());
    let known = Known { missing: [("x".to_owned(), missing)].into(), ..Known::default() };
    let options = LintOptions { lints: Lint::ALL.into(), known, ..LintOptions::default() };
    let strictness = arguments("r.yml").unwrap().strictness;
    let (report, verdict) = Subject::read("r.yml".to_owned(), Ok(RULES.to_owned()), strictness).report(&options);
    let expected = "\n  r.yml:4:23: group \"g\", rule 1, \"r\": `x` finds nothing: no metric is called x; y is almost that \
                    (never-matching) [warning]\n";
    assert!(report.contains(expected), "{report}");
    assert_eq!(verdict, Verdict::Warnings);
}

#[test]
fn mistakes_come_all_at_once() {
    let text = "groups:\n- name: g\n  rules:\n  - {alert: A, record: b, expr: ')'}\n  - {alert: B, expr: up, labels: {a: '{{'}}\n";
    let (report, verdict) = checked(text, "--lint all");
    assert_eq!(report.lines().next(), Some("Checking r.yml"));
    assert_eq!(report.matches("\n  r.yml:").count(), 3, "{report}");
    assert!(
        report.contains("r.yml:4:24: group \"g\", rule 1, \"A\": only one of 'record' and 'alert' must be set"),
        "{report}"
    );
    assert_eq!(verdict, Verdict::Mistakes);
    let strictness = arguments("r.yml").unwrap().strictness;
    let missing = Subject::read("r.yml".to_owned(), Err("no such file".to_owned()), strictness);
    let missing = missing.report(&LintOptions::default());
    assert_eq!(missing, ("Checking r.yml\n  FAILED:\n  r.yml: no such file\n\n".to_owned(), Verdict::Mistakes));
}

#[test]
fn unknown_fields_are_refused_unless_they_are_to_be_ignored() {
    let text = "groups: [{name: g, team: x, rules: []}]";
    assert_eq!(checked(text, "--lint all").1, Verdict::Mistakes);
    let (report, verdict) = checked(text, "--ignore-unknown-fields");
    assert!(report.ends_with("found, 1 warning\n\n"), "{report}");
    assert_eq!(verdict, Verdict::Fine);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for line in [
        "--lint nonsense r.yml",
        "--scrape-interval soon r.yml",
        "--lint all",
        "--online --datasource http://p:9090 r.yml",
        "--lookback 1w r.yml",
        "--bearer-token x r.yml",
        "--online --header A=b r.yml",
        "--datasource http://p:9090 --header A r.yml",
    ] {
        assert!(arguments(line).is_err(), "{line}");
    }
    for line in [
        "--online --lookback 1w r.yml",
        "--datasource http://p:9090 --bearer-token x --header A=b --header C=d=e --lookback 1h r.yml",
    ] {
        assert!(arguments(line).is_ok(), "{line}");
    }
    let some = arguments("--lint never-true,spelling r.yml").unwrap();
    assert_eq!(some.lint.0, BTreeSet::from([Lint::NeverTrue, Lint::Spelling]));
}
