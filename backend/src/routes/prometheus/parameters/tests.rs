use axum::{body::Body, http::header::CONTENT_TYPE};

use super::*;

fn parameters(query: &str) -> Parameters {
    Parameters(read(query.as_bytes()))
}

/// The text of a refusal.
fn refused(outcome: Result<Pairs>) -> String {
    let failure = outcome.unwrap_err();
    assert_eq!((failure.status.as_u16(), failure.kind), (400, "bad_data"), "{failure:?}");
    failure.message
}

fn sent(outcome: Result<Pairs>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(outcome.unwrap()).finish()
}

#[test]
fn what_prometheus_knows_is_sent_on_and_the_rest_ignored() {
    let all = "query=up&time=1&timeout=3s&limit=5&lookback_delta=1m&stats=all&start=2&end=3&step=1&match%5B%5D=a\
               &match%5B%5D=b&metric=m&limit_per_metric=1&dedup=true&query=again&max_source_resolution=5m";
    let all = parameters(all);
    assert_eq!(sent(all.instant()), "query=up&time=1&timeout=3s&limit=5&lookback_delta=1m&stats=all");
    assert_eq!(sent(all.range()), "query=up&start=2&end=3&step=1&timeout=3s&limit=5&lookback_delta=1m&stats=all");
    assert_eq!(sent(all.exemplars()), "query=up&start=2&end=3");
    assert_eq!(sent(all.format()), "query=up");
    assert_eq!(sent(all.series()), "start=2&end=3&limit=5&match%5B%5D=a&match%5B%5D=b");
    assert_eq!(sent(all.labels()), "start=2&end=3&limit=5&match%5B%5D=a&match%5B%5D=b");
    assert_eq!(sent(all.metadata()), "metric=m&limit=5&limit_per_metric=1");
}

#[test]
fn absent_and_empty_are_the_same() {
    assert_eq!(sent(parameters("query=up&time=&timeout=&limit=").instant()), "query=up");
    assert_eq!(sent(parameters("start=&end=").labels()), "");
    assert_eq!(sent(parameters("limit=-1").metadata()), "limit=-1");
}

#[test]
fn an_instant_query_is_refused_in_prometheus_words() {
    let nothing = r#"invalid parameter "query": unknown position: parse error: no expression found in input"#;
    let long = format!("query={}", "x".repeat(promql::LONGEST + 1));
    for (query, text) in [
        ("", nothing),
        ("query=+", nothing),
        (&long, r#"invalid parameter "query": is longer than 16384 bytes"#),
        (
            "query=up&time=x",
            r#"invalid parameter "time": Invalid time value for 'time': cannot parse "x" to a valid timestamp"#,
        ),
        ("query=up&timeout=x", r#"invalid parameter "timeout": cannot parse "x" to a valid duration"#),
        ("query=up&limit=x", r#"invalid parameter "limit": limit must be a number"#),
        ("query=up&limit=-1", r#"invalid parameter "limit": limit must be non-negative"#),
    ] {
        assert_eq!(refused(parameters(query).instant()), text, "{query}");
    }
}

#[test]
fn a_range_query_is_refused_in_prometheus_words() {
    let step = r#"invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer"#;
    let many =
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
    for (query, text) in [
        ("query=up", r#"invalid parameter "start": cannot parse "" to a valid timestamp"#),
        ("query=up&start=x", r#"invalid parameter "start": cannot parse "x" to a valid timestamp"#),
        ("query=up&start=0", r#"invalid parameter "end": cannot parse "" to a valid timestamp"#),
        ("query=up&start=2&end=1", r#"invalid parameter "end": end timestamp must not be before start time"#),
        ("query=up&start=1&end=2", r#"invalid parameter "step": cannot parse "" to a valid duration"#),
        ("query=up&start=1&end=2&step=1x", r#"invalid parameter "step": cannot parse "1x" to a valid duration"#),
        ("query=up&start=1&end=2&step=0", step),
        ("query=up&start=1&end=2&step=-1", step),
        ("query=up&start=1&end=1&step=0.0001", step),
        ("query=up&start=0&end=11001&step=1", many),
        (
            "start=0&end=11000&step=1",
            r#"invalid parameter "query": unknown position: parse error: no expression found in input"#,
        ),
    ] {
        assert_eq!(refused(parameters(query).range()), text, "{query}");
    }
    assert!(parameters("query=up&start=0&end=11000.9&step=1").range().is_ok());
}

#[test]
fn lookups_are_refused_in_prometheus_words() {
    assert_eq!(refused(parameters("start=0").series()), "no match[] parameter provided");
    let text = r#"invalid parameter "start": Invalid time value for 'start': cannot parse "x" to a valid timestamp"#;
    assert_eq!(refused(parameters("match[]=up&start=x").series()), text);
    assert_eq!(refused(parameters("start=x").labels()), text);
    assert_eq!(refused(parameters("limit=x").metadata()), "limit must be a number");
    assert_eq!(refused(parameters("limit_per_metric=x").metadata()), "limit_per_metric must be a number");
    let text = "end timestamp must not be before start timestamp";
    assert_eq!(refused(parameters("query=up&start=2&end=1").exemplars()), text);
}

#[tokio::test]
async fn a_form_goes_before_the_address_and_only_a_form_is_read() {
    let asked = async |method: Method, kind: &str| {
        let request = Request::builder().method(method).uri("/?query=address&match[]=a").header(CONTENT_TYPE, kind);
        let request = request.body(Body::from("query=form&match[]=b&match[]=c")).unwrap();
        let Parameters(pairs) = Parameters::from_request(request, &()).await.unwrap();
        pairs.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(" ")
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(asked(Method::POST, form).await, "form b c address a");
    assert_eq!(asked(Method::POST, &format!("{form}; charset=utf-8")).await, "form b c address a");
    assert_eq!(asked(Method::POST, "application/json").await, "address a");
    assert_eq!(asked(Method::GET, form).await, "address a");
}
