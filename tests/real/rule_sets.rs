//! Rule sets as teams have them: they come out of Vigil as they went in, and Debian's promtool takes them.
//!
//! `rule_sets/*.yml` are in the style of what is public, each in a hand of its own; more rules are put together here, of
//! texts that are hard to quote.

use std::{collections::BTreeMap, fs, path::PathBuf};

use vigil_domain::{
    alert::check_template,
    rule_file::{FileGroup, NameScheme, ParseOptions, RuleFile, TemplateOf, UnknownFields},
};
use vigil_tests::{
    fakes::FakePrometheus,
    installation::{Installation, Layout},
    programs,
};

use crate::rules_client::shell::{self, Shell};

/// The least number of rules in all sets.
const FEWEST: usize = 400;
/// Rules that are made here: groups, and rules in each.
const MADE: (usize, usize) = (4, 30);
/// The set that needs a newer Prometheus than Debian's.
const NEWER: &str = "newer.yml";
/// The set that says what Debian's does not know, and says it without need: labels of groups, and an offset of nothing.
const FOLDED: &str = "queues.yml";

/// What is hard to quote, one piece beside the other. No two make the beginning of a template.
const PIECES: &[&str] = &[
    ": ",
    " #",
    "#",
    "'",
    "\"",
    "\\",
    "\\n",
    "- ",
    "? ",
    "yes",
    "~",
    "null",
    "{x}",
    "[a]",
    "&a",
    "*a",
    "!",
    "%",
    "@",
    "`",
    "|",
    ">",
    ",",
    "=",
    "<<",
    "...",
    "---",
    "0x1F",
    "017",
    "1e3",
    "12:30:45",
    "2024-01-02",
    "ä",
    "日本",
    "🔥",
    " ",
    "  ",
    "\t",
    "\n",
    "\n  ",
    "word",
    "{{ $value }}",
    "$labels.x",
];

/// Every set by the name of its file.
fn sets() -> BTreeMap<String, String> {
    let folder = programs::repository().join("tests/real/rule_sets");
    let files = fs::read_dir(folder).expect("the folder is there").map(|file| file.expect("an entry").path());
    let set = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("a file"))
    };
    let mut sets: BTreeMap<String, String> = files.map(set).collect();
    sets.insert("odd.yml".to_owned(), Odd(7).file());
    sets
}

/// Dice that always fall the same, and what they make.
struct Odd(u64);

impl Odd {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn text(&mut self) -> String {
        let pieces = 1 + self.throw(5);
        (0..pieces).map(|_| PIECES[self.throw(PIECES.len())]).collect()
    }

    /// The text as somebody may write it whose block would stand so many characters from the left.
    fn scalar(&mut self, text: &str, indent: usize) -> String {
        let is_flat = !text.contains(['\n', '\t']);
        let has_blank = text.lines().any(|line| !line.is_empty() && line.trim().is_empty());
        let is_block = text.contains('\n') && text.starts_with(|c: char| !c.is_whitespace()) && !text.ends_with("\n\n");
        match self.throw(3) {
            0 if is_flat => format!("'{}'", text.replace('\'', "''")),
            1 if is_block && !has_blank => block(text, indent),
            _ => quoted(text),
        }
    }

    fn file(mut self) -> String {
        let mut yaml = "groups:\n".to_owned();
        for group in 0..MADE.0 {
            let name = format!("odd {group} {}", self.text());
            let name = self.scalar(&name, 4);
            yaml += &format!("- name: {name}\n  interval: {}s\n  limit: {group}\n  rules:\n", 60 + 15 * group);
            for rule in 0..MADE.1 {
                yaml += &self.rule(group * MADE.1 + rule);
            }
        }
        yaml
    }

    fn rule(&mut self, number: usize) -> String {
        let (job, comment) = (quoted(&self.text()), self.text().replace('\n', " "));
        let expr = match number % 3 {
            0 => format!("# {comment}\nup{{job={job}}} == {number}\n"),
            1 => format!("up{{job={job}}}\n  == {number}"),
            _ => format!("up{{job={job}}} == {number}"),
        };
        let (expr, label) = (self.scalar(&expr, 6), self.text());
        let label = self.scalar(&label, 8);
        if number % 5 == 4 {
            return format!("  - record: odd:rule_{number}\n    expr: {expr}\n    labels:\n      label: {label}\n");
        }
        let (name, text) = (format!("{}{number}", self.text()), self.text());
        let (name, text) = (self.scalar(&name, 6), self.scalar(&text, 8));
        format!(
            "  - alert: {name}\n    expr: {expr}\n    for: {}s\n    keep_firing_for: {}m\n    labels:\n      \
             label: {label}\n    annotations:\n      text: {text}\n",
            number * 7,
            number % 11
        )
    }
}

/// In double quotes, as JSON has it: that is YAML, and a string of PromQL.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

/// As a literal block.
fn block(text: &str, indent: usize) -> String {
    let (mark, body) = text.strip_suffix('\n').map_or(("|-", text), |body| ("|", body));
    let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("\n{:indent$}{line}", "") };
    format!("{mark}{}", body.split('\n').map(line).collect::<String>())
}

fn read(name: &str, text: &str) -> RuleFile {
    let templates = |of: &TemplateOf<'_>| check_template(of.alert, of.text);
    let options =
        ParseOptions { unknown_fields: UnknownFields::Refuse, names: NameScheme::Utf8, templates: &templates };
    let read = RuleFile::parse(text, &options);
    let (file, warnings) = read.unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}"));
    assert!(warnings.is_empty(), "{name}: {warnings:#?}");
    file
}

fn count(file: &RuleFile) -> usize {
    file.groups.iter().map(|group| group.rules.len()).sum()
}

/// Field by field, so that what differs can be found.
fn assert_same(name: &str, one: &RuleFile, other: &RuleFile) {
    let names = |file: &RuleFile| file.groups.iter().map(|group| group.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(one), names(other), "{name}");
    for (one, other) in one.groups.iter().zip(&other.groups) {
        let settings = |group: &FileGroup| FileGroup { rules: Vec::new(), ..group.clone() };
        assert_eq!(settings(one), settings(other), "{name}");
        assert_eq!(one.rules.len(), other.rules.len(), "{name}: {}", one.name);
        for (one, other) in one.rules.iter().zip(&other.rules) {
            assert_eq!(one, other, "{name}");
        }
    }
}

/// Somebody who has imported every set.
async fn imported(vigil: &Installation, sets: &BTreeMap<String, String>) -> Shell {
    let shell = Shell::signed_in(vigil, "operator").await;
    for (name, text) in sets {
        shell.home.write(name, text);
    }
    let names: Vec<&str> = sets.keys().map(String::as_str).collect();
    let imported = shell.run(&[&["rules", "import"], names.as_slice()].concat());
    assert!(imported.is_success() && imported.err.is_empty(), "{imported:?}");
    shell
}

/// Exports sets into a directory.
fn exported<'n>(
    shell: &Shell,
    names: impl Iterator<Item = &'n String>,
    folder: &str,
    more: &[&str],
) -> BTreeMap<String, String> {
    let names: Vec<&String> = names.collect();
    let chosen: Vec<&str> = names.iter().flat_map(|name| ["--namespace", name.as_str()]).collect();
    let ran = shell.run(&[&["rules", "export", "-o", folder], more, chosen.as_slice()].concat());
    assert!(ran.is_success(), "{ran:?}");
    let text = |name: &String| fs::read_to_string(shell.home.file(folder).join(name)).expect("an exported file");
    names.into_iter().map(|name| (name.clone(), text(name))).collect()
}

/// Asserts that promtool takes the files in a directory, and finds as many rules in each.
fn assert_promtool_takes(shell: &Shell, folder: &str, files: &BTreeMap<String, String>) {
    let paths = files.keys().map(|name| shell.home.file(folder).join(name));
    let promtool = programs::debian("promtool", "prometheus");
    let ran = shell::output(shell::command(&promtool).args(["check", "rules"]).args(paths), "");
    assert!(ran.is_success(), "{ran:?}");
    let found = ran.out.lines().filter_map(|line| {
        let number = line.split_once("SUCCESS: ")?.1.split_once(" rules found")?.0;
        number.parse::<usize>().ok()
    });
    let expected: Vec<usize> = files.iter().map(|(name, text)| count(&read(name, text))).collect();
    assert_eq!(found.collect::<Vec<_>>(), expected, "{}", ran.out);
}

async fn come_back(layout: Layout) {
    let prometheus = FakePrometheus::start();
    let vigil = Installation::start(layout, &prometheus.url(), &[]).await;
    let sets = sets();
    let shell = imported(&vigil, &sets).await;
    let out = exported(&shell, sets.keys(), "out", &[]);
    let mut rules = 0;
    for (name, text) in &sets {
        let original = read(name, text);
        rules += count(&original);
        assert_same(name, &original, &read(name, &out[name]));
    }
    assert!(rules >= FEWEST, "only {rules} rules");

    let paths: Vec<String> = sets.keys().map(|name| format!("out/{name}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let again = shell.run(&[&["rules", "import"], paths.as_slice()].concat());
    let counts = sets.iter().map(|(name, text)| (name, count(&read(name, text))));
    let nothing: String = counts.map(|(name, rules)| format!("{name}: nothing changed ({rules} rules)\n")).collect();
    assert_eq!((again.status, again.out, again.err), (Some(0), nothing, String::new()));
    for (name, text) in &out {
        let copy = format!("copies/{name}");
        let copied = shell.run(&["rules", "import", "--namespace", &copy, &format!("out/{name}")]);
        assert!(copied.is_success(), "{copied:?}");
        let copied = shell.run(&["rules", "export", "--namespace", &copy]);
        assert_eq!((copied.status, &copied.out), (Some(0), text), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_rule_sets_come_back_from_sqlite_as_they_went_in() {
    come_back(Layout::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_rule_sets_come_back_from_postgresql_as_they_went_in() {
    come_back(Layout::Distributed { backends: 1, workers: 0 }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promtool_takes_every_export_that_it_can_know() {
    let prometheus = FakePrometheus::start();
    let vigil = Installation::start(Layout::OneProcess, &prometheus.url(), &[]).await;
    let sets = sets();
    let shell = imported(&vigil, &sets).await;

    let older = exported(&shell, sets.keys().filter(|name| *name != NEWER), "older", &["--target", "2.42"]);
    assert_promtool_takes(&shell, "older", &older);
    let known = || older.keys().filter(|name| *name != FOLDED);
    let plain = exported(&shell, known(), "plain", &[]);
    assert_promtool_takes(&shell, "plain", &plain);
    for (name, text) in &plain {
        assert_eq!(text, &older[name], "{name} has nothing that is too new");
    }
    // So it does with what people wrote.
    let written = known().map(|name| (name.clone(), sets[name].clone())).collect();
    assert_promtool_takes(&shell, ".", &written);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_new_for_a_target_is_folded_or_refused_by_name() {
    let prometheus = FakePrometheus::start();
    let vigil = Installation::start(Layout::OneProcess, &prometheus.url(), &[]).await;
    let sets = sets();
    let shell = imported(&vigil, &sets).await;

    let folded = shell.run(&["rules", "export", "--namespace", FOLDED, "--target", "2.42"]);
    assert!(folded.is_success(), "{folded:?}");
    let (original, folded) = (read(FOLDED, &sets[FOLDED]), read(FOLDED, &folded.out));
    for (original, folded) in original.groups.iter().zip(&folded.groups) {
        assert_eq!((&folded.name, folded.query_offset, folded.labels.len()), (&original.name, None, 0));
        let labels: Vec<_> = original.rules.iter().map(|rule| original.labels_of(rule)).collect();
        assert_eq!(folded.rules.iter().map(|rule| rule.labels.clone()).collect::<Vec<_>>(), labels);
    }
    assert_eq!(original.groups.len(), folded.groups.len());

    let refused = shell.run(&["rules", "export", "--namespace", NEWER, "--target", "2.42"]);
    assert_eq!((refused.status, refused.out.as_str()), (Some(1), ""));
    let is = "needs Prometheus 3.0 or newer; the target is 2.42";
    let reasons = [
        r#"group "late": field 'query_offset' needs Prometheus 2.53 or newer; the target is 2.42"#.to_owned(),
        r#"group "later": field 'query_offset' needs Prometheus 2.53 or newer; the target is 2.42"#.to_owned(),
        format!(r#"group "names": label name "service.name" {is}"#),
        format!(r#"group "names", rule 1, "Names": annotation name "a summary" {is}"#),
        format!(r#"group "names", rule 1, "Names": label name "http.status-code" {is}"#),
        format!(r#"group "names", rule 2, "http.server.errors": metric name "http.server.errors" {is}"#),
        format!(r#"group "names", rule 3, "größe:sum": metric name "größe:sum" {is}"#),
    ];
    let expected: String = reasons.iter().map(|reason| format!("{NEWER}: {reason}\n")).collect();
    assert_eq!(refused.err, format!("{expected}vigil: nothing was exported\n"));
    let newest = shell.run(&["rules", "export", "--namespace", NEWER, "--target", "3.0"]);
    assert_same(NEWER, &read(NEWER, &sets[NEWER]), &read(NEWER, &newest.out));
}
