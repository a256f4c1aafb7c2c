//! Answers as Prometheus, `VictoriaMetrics` and broken proxies give them.

use super::*;

fn success(data: &str) -> Vec<u8> {
    format!(r#"{{"status":"success","data":{data}}}"#).into_bytes()
}

fn vector(body: &[u8]) -> Vec<Sample> {
    let QueryValue::Vector(samples) = instant(body).unwrap().value else { panic!("not a vector") };
    samples
}

#[test]
fn a_vector_becomes_samples() {
    let body = success(
        r#"{"resultType":"vector","result":[
            {"metric":{"__name__":"up","instance":"web-1:9100","empty":""},"value":[1700000000.123,"97.5"]},
            {"metric":{},"value":[1700000000,"NaN"]},
            {"metric":{"a":"\u00fc\n\"x\""},"value":[1700000000.123,"-Inf"]}]}"#,
    );
    let samples = vector(&body);
    assert_eq!(samples[0].labels, Labels::from([("__name__", "up"), ("instance", "web-1:9100")]));
    assert_eq!(samples[0].value, 97.5);
    assert!(samples[1].labels.is_empty() && samples[1].value.is_nan());
    assert_eq!((samples[2].labels.get("a"), samples[2].value), (Some("ü\n\"x\""), f64::NEG_INFINITY));
}

#[test]
fn a_native_histogram_counts_as_present_with_value_zero() {
    let body = success(
        r#"{"resultType":"vector","result":[
            {"metric":{"a":"b"},"histogram":[1.5,{"count":"2","sum":"3","buckets":[[0,"1","2","1"]]}]}]}"#,
    );
    assert_eq!(vector(&body), [Sample { labels: Labels::from([("a", "b")]), value: 0.0 }]);
}

#[test]
fn scalars_strings_and_range_vectors_keep_their_type() {
    for (data, expected) in [
        (r#"{"resultType":"scalar","result":[1.5,"1e-05"]}"#, QueryValue::Scalar(0.000_01)),
        (r#"{"resultType":"string","result":[1.5,"hi"]}"#, QueryValue::String("hi".to_owned())),
        (r#"{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"]]}]}"#, QueryValue::Matrix),
        (r#"{"resultType":"vector","result":[]}"#, QueryValue::Vector(vec![])),
    ] {
        assert_eq!(instant(&success(data)).unwrap().value, expected);
    }
}

#[test]
fn the_order_of_members_and_unknown_ones_do_not_matter() {
    for data in [
        r#"{"result":[{"value":[1,"2"],"metric":{"a":"b"}}],"stats":{"x":[1]},"resultType":"vector"}"#,
        r#"{"stats":null,"resultType":"vector","result":[{"metric":{"a":"b"},"x":1,"value":[1,"2"]}]}"#,
    ] {
        assert_eq!(vector(&success(data)), [Sample { labels: Labels::from([("a", "b")]), value: 2.0 }], "{data}");
    }
    for (data, expected) in [
        (r#"{"result":[1,"2"],"resultType":"scalar"}"#, QueryValue::Scalar(2.0)),
        (r#"{"result":[1,"2"],"resultType":"string"}"#, QueryValue::String("2".to_owned())),
        (r#"{"result":[],"resultType":"matrix"}"#, QueryValue::Matrix),
    ] {
        assert_eq!(instant(&success(data)).unwrap().value, expected);
    }
}

#[test]
fn warnings_are_kept_and_a_partial_answer_says_so() {
    let body = br#"{"status":"success","isPartial":true,"data":{"resultType":"scalar","result":[1,"2"]},"warnings":["careful"],"infos":["x"]}"#;
    let answer = instant(body).unwrap();
    assert_eq!(answer.warnings, ["careful", "the answer is partial: a part of the data source is away"]);
    let quiet =
        br#"{"status":"success","isPartial":false,"data":{"resultType":"scalar","result":[1,"2"]},"warnings":null}"#;
    assert!(instant(quiet).unwrap().warnings.is_empty());
}

#[test]
fn a_matrix_becomes_series_to_the_millisecond() {
    let body = success(
        r#"{"resultType":"matrix","result":[
            {"metric":{"a":"b"},"values":[[1700000000.001,"1"],[1700000015.999,"+Inf"]]},
            {"metric":{"a":"h"},"histograms":[[1700000000,{"count":"1","sum":"1"}]]}]}"#,
    );
    let series = range(&body).unwrap().value;
    let at = |millis| Timestamp::from_timestamp_millis(millis).unwrap();
    assert_eq!(series[0].points, [(at(1_700_000_000_001), 1.0), (at(1_700_000_015_999), f64::INFINITY)]);
    assert_eq!(series[1], Series { labels: Labels::from([("a", "h")]), points: vec![] });
}

#[test]
fn what_is_no_answer_is_never_an_empty_vector() {
    for body in [
        "",
        "<html>login</html>",
        "{}",
        "[]",
        "null",
        r#"{"status":"success"}"#,
        r#"{"status":"success","data":null}"#,
        r#"{"status":"success","data":{}}"#,
        r#"{"status":"success","data":{"resultType":"vector"}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":null}}"#,
        r#"{"status":"success","data":{"result":[]}}"#,
        r#"{"status":"success","data":{"resultType":"streams","result":[]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"many"]}]}}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}"#,
        r#"{"status":"error","data":{"resultType":"vector","result":[]}}"#,
        r#"{"status":"weird","data":{"resultType":"vector","result":[]}}"#,
    ] {
        let error = instant(body.as_bytes()).unwrap_err();
        assert!(error.is_source_failure(), "{body}: {error}");
    }
    assert!(range(&success(r#"{"resultType":"vector","result":[]}"#)).unwrap_err().is_source_failure());
}

#[test]
fn an_error_under_status_200_is_still_an_error() {
    let error = instant(br#"{"status":"error","errorType":"bad_data","error":"no"}"#).unwrap_err();
    assert_eq!(error, QueryError::Rejected { kind: "bad_data".to_owned(), message: "no".to_owned() });
}
