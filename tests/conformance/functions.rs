//! C18: what the functions of templates give.
//!
//! Cases and outputs are those of `crates/template/tests/conformance`, which are promtool's and, for what is newer, Go's
//! own; here each case is an annotation of a rule that is evaluated.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::{Value, json};
use vigil_domain::{
    Labels, Sample, Span,
    rule_file::{FileGroup, FileRule, FileRuleKind, RuleFile},
};
use vigil_runtime::Config;
use vigil_tests::{app::text, programs};

use crate::lab::Lab;

use self::rows::Case;

#[path = "../../crates/template/tests/tables/rows.rs"]
#[expect(dead_code, reason = "refusals are compared where templates are parsed")]
mod rows;

/// What Prometheus gives to templates, but `now`, which is another time here than in the tables.
const FUNCTIONS: &str = "query first label value strvalue sortByLabel args humanize humanize1024 humanizeDuration \
    humanizePercentage humanizeTimestamp toTime toDuration parseDuration title toUpper toLower match reReplaceAll \
    stripPort stripDomain graphLink tableLink externalURL pathPrefix urlQueryEscape safeHtml";

/// How many annotations a rule has: people have fewer.
const AT_ONCE: usize = 40;

/// What every case is told.
#[derive(Debug, Default)]
struct Scene {
    /// The series of the alert.
    series: String,
    external_labels: BTreeMap<String, String>,
    url: String,
    /// What queries find.
    others: Vec<Sample>,
}

impl Scene {
    fn read() -> Self {
        let text = fs::read_to_string(tables().join("scene.txt")).expect("the scene is there");
        let mut scene = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (word, rest) = line.split_once(' ').expect("a word and what it says");
            match word {
                "labels" => rest.clone_into(&mut scene.series),
                "external" => {
                    let (name, value) = rest.split_once('=').expect("a label and its value");
                    scene.external_labels.insert(name.to_owned(), value.trim_matches('"').to_owned());
                }
                "url" => rest.clone_into(&mut scene.url),
                "series" => {
                    let (series, value) = rest.rsplit_once(' ').expect("a series and its value");
                    scene.others.push(Sample { labels: labels(series), value: rows::number(value) });
                }
                _ => {}
            }
        }
        scene
    }

    /// Vigil as the cases know it.
    fn configure(&self, config: &mut Config) {
        config.evaluation.external_labels.clone_from(&self.external_labels);
        config.http.public_url = Some(self.url.clone());
    }

    /// What there is when the alert's series has each of these values, told apart by a label `case`.
    fn samples(&self, values: &[f64]) -> Vec<Sample> {
        let of = |(case, value): (usize, &f64)| {
            let mut labels = labels(&self.series);
            labels.set("case", case.to_string());
            Sample { labels, value: *value }
        };
        values.iter().enumerate().map(of).chain(self.others.clone()).collect()
    }
}

fn tables() -> PathBuf {
    programs::repository().join("crates/template/tests/conformance")
}

fn labels(series: &str) -> Labels {
    rows::labelled(series).into_iter().collect()
}

/// What a template calls, and the plain words in it.
fn words(template: &str) -> impl Iterator<Item = &str> {
    template.split(|c: char| !c.is_alphanumeric() && !matches!(c, '$' | '.'))
}

/// The cases that call one of the [`FUNCTIONS`]. What a data source says of a query that is none is not Vigil's.
fn cases() -> Vec<Case> {
    let functions: BTreeSet<&str> = FUNCTIONS.split_whitespace().collect();
    let tables = ["expanded.tsv", "newer.tsv"].map(|name| rows::expansions(&tables().join(name)));
    let is_meant = |case: &Case| {
        let calls = words(&case.template).any(|word| functions.contains(word));
        let is_of_another_time = words(&case.template).any(|word| word.split('.').next() == Some("now"));
        let foreign = ["error calling query:", "error parsing template"];
        calls && !is_of_another_time && !foreign.iter().any(|error| case.expected.contains(error))
    };
    tables.into_iter().flatten().filter(is_meant).collect()
}

fn name(index: usize) -> String {
    format!("case{index:04}")
}

/// Rules that have the cases as their annotations, and the values that their series are to have.
fn rules(cases: &[Case]) -> (Vec<FileRule>, Vec<f64>) {
    let mut by_value: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        by_value.entry(case.value.to_bits()).or_default().push(index);
    }
    let values = by_value.keys().map(|bits| f64::from_bits(*bits)).collect();
    let mut rules = Vec::new();
    for (value, indices) in by_value.values().enumerate() {
        for some in indices.chunks(AT_ONCE) {
            let annotations = some.iter().map(|index| (name(*index), cases[*index].template.clone())).collect();
            // The templates' errors name the rule, and none of them may see what tells the series apart.
            let kind =
                FileRuleKind::Alert { name: "Case".to_owned(), hold: Span::ZERO, keep_firing: Span::ZERO, annotations };
            let expr = format!(r#"label_replace(requests_total{{case="{value}"}}, "case", "", "", "")"#);
            let labels = BTreeMap::from([("n".to_owned(), rules.len().to_string())]);
            rules.push(FileRule { kind, expr, labels });
        }
    }
    (rules, values)
}

/// The annotations of all alerts by their names.
async fn annotations(lab: &Lab) -> BTreeMap<String, String> {
    let told = lab.prometheus_api("/alerts").await;
    let alerts = told["alerts"].as_array().unwrap_or_else(|| panic!("alerts: {told}"));
    let of = |alert: &Value| -> BTreeMap<String, String> {
        serde_json::from_value(alert["annotations"].clone()).expect("texts by name")
    };
    alerts.iter().flat_map(of).collect()
}

mod c18_every_function_of_templates_gives_what_it_gives_in_prometheus {
    use super::*;

    async fn line(lab: Lab, scene: Scene) {
        let cases = cases();
        let (rules, values) = rules(&cases);
        let count = rules.len();
        let group = FileGroup { name: "cases".to_owned(), interval: Span::from_secs(1), rules, ..FileGroup::default() };
        lab.app.api.import("cases.yml", "", &RuleFile { groups: vec![group] }.to_yaml()).await.ok();
        lab.has(scene.samples(&values));
        lab.step().await;

        let shown = lab.prometheus_api("/rules?exclude_alerts=true").await;
        let shown = shown["groups"][0]["rules"].as_array().expect("rules");
        let sick: Vec<_> = shown.iter().filter(|rule| rule["health"] != "ok").collect();
        assert!(sick.is_empty() && shown.len() == count, "{sick:#?}");
        let told = annotations(&lab).await;
        let different = cases.iter().enumerate().filter_map(|(index, Case { value, template, expected })| {
            let got = told.get(&name(index));
            let is_right = got == Some(expected);
            (!is_right).then(|| format!("with {value}: {template:?}\n  expected  {expected:?}\n  got       {got:?}\n"))
        });
        let different: Vec<String> = different.collect();
        assert!(different.is_empty(), "{} of {} differ:\n{}", different.len(), cases.len(), different.concat());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn prometheus() {
        let scene = Scene::read();
        let lab = Lab::prometheus_with(|config| scene.configure(config)).await;
        line(lab, scene).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn embedded() {
        let scene = Scene::read();
        let lab = Lab::embedded_with(|config| scene.configure(config)).await;
        line(lab, scene).await;
    }
}

lines! {
    /// In seconds.
    async fn c18_now_is_the_time_of_the_evaluation(lab) {
        let annotations = json!({
            "seconds": r#"{{ now | printf "%.0f" }}"#,
            "kind": r#"{{ printf "%T" now }}"#,
            "unix": "{{ (now | toTime).Unix }}",
        });
        let rule = lab.rule("Now", "vector(1)", json!({"annotations": annotations})).await;
        lab.step().await;
        let alert = lab.alert(&rule).await;
        let slot = lab.now().timestamp().to_string();
        let told = ["seconds", "unix", "kind"].map(|name| alert.annotations[name].as_str());
        assert_eq!(told, [slot.as_str(), &slot, "float64"]);
    }

    /// It belongs to consoles.
    async fn c18_tmpl_is_not_for_alerts(lab) {
        let rule = json!({"name": "Broken", "expr": "cpu", "annotations": {"a": r#"{{ tmpl "x" . }}"#}});
        let refused = lab.app.api.post("/rules", rule).await;
        assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec!["annotations.a"]));
        let reason = text(&refused.body["errors"][0], "message");
        assert_eq!(reason, "template: __alert_Broken:1: function \"tmpl\" not defined");
    }
}

#[test]
fn c18_every_function_has_a_case() {
    let cases = cases();
    let called: BTreeSet<&str> = cases.iter().flat_map(|case| words(&case.template)).collect();
    let missing: Vec<_> = FUNCTIONS.split_whitespace().filter(|name| !called.contains(name)).collect();
    assert!(missing.is_empty(), "no case calls {missing:?}");
    assert!(cases.len() >= 400, "only {} cases", cases.len());
}
