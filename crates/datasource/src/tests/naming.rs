//! Templates that ask.

use vigil_domain::{
    Labels, QueryValue, Sample,
    alert::{Annotations, Installation, Naming},
};

use super::fake::{Fake, at};

async fn told(fake: &Fake, annotation: &str, elements: usize) -> Vec<String> {
    let (labels, installation) = (Labels::default(), Installation::default());
    let annotations = Annotations::from([("told".to_owned(), annotation.to_owned())]);
    let naming = Naming { rule_name: "Busy", labels: &labels, annotations: &annotations, installation: &installation };
    let sample = |n: usize| Sample { labels: Labels::from([("n", format!("{n:05}"))]), value: 1.0 };
    let value = QueryValue::Vector((0..elements).map(sample).collect());
    let named = fake.source().name(naming, &value, at()).await.unwrap();
    named.into_values().map(|seen| seen.annotations["told"].clone()).collect()
}

#[tokio::test]
async fn a_question_of_many_alerts_is_asked_once_at_the_evaluations_time() {
    let fake = Fake::healthy().await;
    let text = "{{ query \"sum(up)\" | first | value }} {{ query \"count(up)\" | first | value }}";
    assert_eq!(told(&fake, text, 3).await, ["1 1", "1 1", "1 1"]);
    let asked: Vec<_> = fake.seen().iter().map(|seen| seen.pairs["query"].clone()).collect();
    assert_eq!(asked, ["sum(up)", "count(up)"]);
    assert!(fake.seen().iter().all(|seen| seen.pairs["time"] == "1700000000.123"));
}

#[tokio::test]
async fn a_question_that_is_refused_is_told_in_the_text() {
    let refusal = r#"{"status":"error","errorType":"execution","error":"too much"}"#;
    let fake = Fake::answering(422, "application/json", refusal).await;
    let told = told(&fake, "{{ query \"up\" }}", 1).await;
    assert!(told[0].starts_with("<error expanding template: error executing template __alert_Busy: "), "{told:?}");
    assert!(told[0].contains("error calling query: too much"), "{told:?}");
}

#[tokio::test]
async fn questions_of_one_rule_have_a_limit() {
    let fake = Fake::healthy().await;
    let told = told(&fake, "{{ query (printf \"up%s\" $labels.n) | first | value }}", 1_002).await;
    assert_eq!(told.iter().filter(|text| *text == "1").count(), 1_000);
    assert_eq!(told.iter().filter(|text| text.contains("may ask 1000 queries")).count(), 2);
}
