//! Templates expand to what Prometheus makes of them, and are refused in its words.

mod tables;

use std::collections::BTreeSet;

use tables::{Case, Scene};
use vigil_template::{Expanded, Template};

const RULE: &str = "Case";

/// What there is to call: Prometheus' functions, but those of consoles, and Go's.
const FUNCTIONS: &str = "query first label value strvalue sortByLabel args humanize humanize1024 humanizeDuration \
    humanizePercentage humanizeTimestamp toTime toDuration now parseDuration title toUpper toLower match reReplaceAll \
    stripPort stripDomain graphLink tableLink externalURL pathPrefix urlQueryEscape safeHtml and or not len index slice \
    print printf println html js urlquery call eq ne lt le gt ge";

/// What a case comes to, if that is not what it should.
fn different(scene: &Scene, case: &Case) -> Option<String> {
    let got = match Template::parse(RULE, &case.template) {
        Ok(template) => match scene.expand(&template, case.value) {
            Expanded::Text(text) | Expanded::Failed(text) => text,
            Expanded::Needs(query) => format!("needs {query}"),
        },
        Err(error) => {
            format!("<error expanding template: error parsing template __alert_{RULE}: {error}>")
        }
    };
    (got != case.expected).then(|| tell(case, &got))
}

fn tell(case: &Case, got: &str) -> String {
    let Case { value, template, expected } = case;
    format!("with {value}: {template:?}\n  expected  {expected:?}\n  got       {got:?}\n")
}

fn assert_same(differences: &[String], of: usize) {
    assert!(differences.is_empty(), "{} of {of} cases differ:\n{}", differences.len(), differences.concat());
}

fn assert_expands(file: &str, at_least: usize) {
    let (scene, cases) = (Scene::read(), tables::expansions(file));
    assert!(cases.len() >= at_least, "{file} has only {} cases", cases.len());
    let differences: Vec<String> = cases.iter().filter_map(|case| different(&scene, case)).collect();
    assert_same(&differences, cases.len());
}

#[test]
fn templates_expand_as_promtool_expands_them() {
    assert_expands("expanded.tsv", 1_000);
}

#[test]
fn what_a_newer_prometheus_does_otherwise_is_done_as_it_does() {
    assert_expands("newer.tsv", 150);
}

#[test]
fn templates_are_refused_in_the_words_of_promtool() {
    let cases = tables::refusals("refused.tsv");
    assert!(cases.len() >= 250, "refused.tsv has only {} cases", cases.len());
    let different = |case: &Case| match Template::parse(RULE, &case.template) {
        Ok(_) => Some(tell(case, "accepted")),
        Err(error) => (error != case.expected).then(|| tell(case, &error)),
    };
    let differences: Vec<String> = cases.iter().filter_map(different).collect();
    assert_same(&differences, cases.len());
}

#[test]
fn the_tables_call_every_function() {
    let cases = ["expanded.tsv", "newer.tsv"].map(tables::expansions).into_iter().flatten();
    let words = |case: Case| -> Vec<String> {
        case.template.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect()
    };
    let called: BTreeSet<String> = cases.flat_map(words).collect();
    let missing: Vec<&str> = FUNCTIONS.split_whitespace().filter(|name| !called.contains(*name)).collect();
    assert!(missing.is_empty(), "no case calls {missing:?}");
}
