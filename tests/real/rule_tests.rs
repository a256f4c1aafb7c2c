//! `vigil rules` beside Debian's promtool 2.42, on the same files.
//!
//! `rule_tests/*.yml` are unit tests of the rules in `rule_tests/rules`: the verdicts are the same, and so is what fails.
//! `rule_checks/*.yml` are rule files, good and bad: those that are accepted are the same, and so is the number of rules.
//! All that is known to differ is listed here, because Vigil follows Prometheus 3.

mod failures;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use vigil_tests::programs;

use failures::Failures;

/// The least number of files of unit tests, and of those that pass and that fail.
const FEWEST: usize = 60;
const FEWEST_OF_EACH: usize = 30;

/// Files of unit tests that pass for Vigil and fail for promtool 2.42, and why.
const DIFFERENT_TESTS: [(&str, &str); 13] = [
    ("a_dot_matches_a_newline", "as in Prometheus 3, a dot of a regular expression matches a newline"),
    (
        "a_label_that_expands_to_nothing",
        "Vigil's ALERTS have the alert's labels; Prometheus puts the template's text there",
    ),
    ("a_start", "start_timestamp is newer"),
    (
        "a_test_without_an_interval",
        "the evaluation interval as default is newer; in 2.42 all values are at the beginning",
    ),
    ("a_value_is_not_good_for_five_minutes_sharp", "as in Prometheus 3, the look back is open at its beginning"),
    ("floats_that_are_almost_equal", "fuzzy_compare is newer"),
    ("labels_of_a_group", "labels of groups are newer"),
    ("many_samples", "promtool 2.42 looks at 10,000 samples at most"),
    ("names_in_utf8", "names in quotes are newer"),
    ("numbers_with_underscores", "underscores in numbers are newer"),
    ("queries_that_look_back", "query_offset is newer"),
    ("ranges_are_open_at_their_beginning", "as in Prometheus 3, ranges are open at their beginning"),
    (
        "the_function_external_url",
        "promtool gives templates no URL, and externalURL fails; Vigil gives them the test's",
    ),
];

/// Rule files that Vigil accepts and promtool 2.42 does not, and why.
const DIFFERENT_CHECKS: [(&str, &str); 5] = [
    ("functions_of_prometheus_3", "histogram_avg is newer"),
    ("labels_of_a_group", "labels of groups are newer"),
    ("metrics_in_utf8", "metrics in quotes are newer"),
    ("names_in_utf8", "names beyond letters, digits and underscores are newer"),
    ("query_offset", "query_offset is newer"),
];

fn folder(name: &str) -> PathBuf {
    programs::repository().join("tests/real").join(name)
}

/// The names of the files in a folder, without `.yml`, in order.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "yml"));
    files.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect()
}

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    output.unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()))
}

fn vigil(folder: &Path, arguments: &[&str]) -> Output {
    run(&programs::workspace("vigil"), folder, &[&["rules"], arguments].concat())
}

fn promtool(folder: &Path, arguments: &[&str]) -> Output {
    run(&programs::debian("promtool", "prometheus"), folder, arguments)
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// What is wrong with the pair of outcomes of one file of unit tests.
fn judge(name: &str, ours: &Failures, theirs: &Failures) -> Option<String> {
    let different = DIFFERENT_TESTS.iter().find(|(different, _)| *different == name);
    let wrong = match different {
        Some((_, reason)) => {
            let differs = ours.passed && !theirs.passed;
            (!differs).then(|| format!("is to differ ({reason}), and does not"))
        }
        None => (ours != theirs).then(|| "differs".to_owned()),
    };
    wrong.map(|wrong| format!("{name} {wrong}:\n  vigil    {ours:?}\n  promtool {theirs:?}"))
}

#[test]
fn c61_unit_tests_have_the_verdicts_of_promtool() {
    let folder = folder("rule_tests");
    let (mut wrong, mut passed, names) = (Vec::new(), 0, names(&folder));
    for name in &names {
        let file = format!("{name}.yml");
        let ours = vigil(&folder, &["test", "--json", &file]);
        let ours = Failures::of_vigil(ours.status.success(), &serde_json::from_slice(&ours.stdout).expect("JSON"));
        let theirs = promtool(&folder, &["test", "rules", &file]);
        let theirs = Failures::of_promtool(theirs.status.success(), &text(&theirs.stderr));
        passed += usize::from(ours.passed);
        wrong.extend(judge(name, &ours, &theirs));
    }
    println!("{} files of unit tests, {passed} pass, {} fail", names.len(), names.len() - passed);
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), names.len(), wrong.join("\n"));
    assert!(names.len() >= FEWEST, "{} files are fewer than {FEWEST}", names.len());
    assert!(passed.min(names.len() - passed) >= FEWEST_OF_EACH, "{passed} of {} pass", names.len());
    let known: Vec<_> = DIFFERENT_TESTS.iter().filter(|(name, _)| !names.contains(*name)).collect();
    assert!(known.is_empty(), "there are no files for {known:?}");
}

/// How many rules a report says there are.
fn rules_found(report: &str) -> Option<&str> {
    report.split_once("SUCCESS: ")?.1.split_once(" rules found").map(|(number, _)| number)
}

#[test]
fn rule_files_are_judged_as_promtool_judges_them() {
    let folder = folder("rule_checks");
    let (mut wrong, names) = (Vec::new(), names(&folder));
    for name in &names {
        let file = format!("{name}.yml");
        let ours = vigil(&folder, &["check", "--lint", "duplicate-rules", "--lint-fatal", &file]);
        let theirs = promtool(&folder, &["check", "rules", "--lint=duplicate-rules", "--lint-fatal", &file]);
        let (report, their_report) = (text(&ours.stdout), text(&theirs.stdout));
        let (ours, theirs) = (ours.status.code(), theirs.status.code());
        let known = DIFFERENT_CHECKS.iter().any(|(different, _)| different == name);
        let right = if known { ours == Some(0) && theirs == Some(1) } else { ours == theirs };
        let counted = ours != Some(0) || known || rules_found(&report) == rules_found(&their_report);
        if !right || !counted {
            wrong.push(format!("{name}: vigil {ours:?}, promtool {theirs:?}\n{report}{their_report}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), names.len(), wrong.join("\n"));
    assert!(names.len() > DIFFERENT_CHECKS.len() && DIFFERENT_CHECKS.iter().all(|(name, _)| names.contains(*name)));
}

/// Whether a line begins with the file's name, a line and a column.
fn says_where(line: &str, file: &str) -> bool {
    let place = line.trim_start().strip_prefix(file).and_then(|rest| rest.strip_prefix(':'));
    let mut parts = place.into_iter().flat_map(|rest| rest.splitn(3, ':'));
    let mut is_number = || parts.next().is_some_and(|part| part.parse::<usize>().is_ok());
    is_number() && is_number()
}

#[test]
fn every_mistake_has_a_line_and_a_column() {
    let folder = folder("rule_checks");
    for name in names(&folder) {
        let file = format!("{name}.yml");
        let report = text(&vigil(&folder, &["check", &file]).stdout);
        let Some((_, mistakes)) = report.split_once("FAILED:\n") else { continue };
        let mistakes: Vec<_> = mistakes.lines().filter(|line| !line.is_empty()).collect();
        assert!(!mistakes.is_empty(), "{report}");
        assert!(mistakes.iter().all(|line| says_where(line, &file)), "{report}");
    }
}

#[test]
fn only_the_tests_that_are_asked_for_are_run() {
    let folder = folder("rule_tests");
    let file = "some_tests_fail_and_some_do_not.yml";
    let some = vigil(&folder, &["test", "--run", "^passes", "--run", "nothing else", file]);
    assert_eq!(
        (some.status.code(), text(&some.stdout)),
        (Some(0), format!("Unit testing {file}\n  SUCCESS: 2 tests\n\n"))
    );
    let all = vigil(&folder, &["test", "--diff", file]);
    let report = text(&all.stdout);
    assert_eq!(all.status.code(), Some(1));
    for part in [
        "test \"fails\", alert Down at 9m\n        + {alertname=\"Down\"",
        "test \"unnamed#3\", expression count(up) at 1m\n        - {} 2\n        + {} 1",
        "2 of 4 tests failed",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    let json: Value = serde_json::from_slice(&vigil(&folder, &["test", "--json", file]).stdout).expect("JSON");
    let tests = json["files"][0]["tests"].as_array().expect("tests");
    let passed: Vec<_> = tests.iter().map(|test| (test["name"].as_str(), test["passed"].as_bool())).collect();
    let expected = [("passes", true), ("fails", false), ("passes too", true), ("unnamed#3", false)];
    assert_eq!(passed, expected.map(|(name, passed)| (Some(name), Some(passed))));
    let wrong = vigil(&folder, &["test", "--run", "(", file]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).contains("--run is no regular expression"), "{}", text(&wrong.stderr));
}

#[test]
fn a_file_that_is_not_there_is_a_failure() {
    let folder = folder("rule_tests");
    for command in ["test", "check"] {
        let output = vigil(&folder, &[command, "no_such_file.yml"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stdout).contains("no_such_file.yml: no such file"), "{}", text(&output.stdout));
    }
}

#[test]
fn the_alert_rules_about_vigil_itself_pass() {
    let folder = programs::repository().join("prometheus");
    let tested = vigil(&folder, &["test", "tests/vigil.yml"]);
    assert!(tested.status.success(), "{}", text(&tested.stdout));
    let checked = vigil(&folder, &["check", "--scrape-interval", "15s", "--lint-fatal", "rules/vigil.yml"]);
    assert!(checked.status.success(), "{}", text(&checked.stdout));
}
