use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer {
    #[expect(dead_code, reason = "only its presence matters")]
    inner: Option<Inner>,
    #[serde(default, deserialize_with = "double_option")]
    text: Option<Option<String>>,
    limit: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    #[expect(dead_code, reason = "only its presence matters")]
    name: String,
}

fn mistakes(json: &str) -> Vec<(String, String)> {
    match from_json::<Outer>(json.as_bytes()) {
        Err(Problem::Invalid(errors)) => errors.into_iter().map(|error| (error.field, error.message)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mistake_names_the_field_by_its_path() {
    assert_eq!(mistakes(r#"{"inner": {}}"#)[0], ("inner.name".to_owned(), "missing field `name`".to_owned()));
    assert_eq!(mistakes(r#"{"inner": {"name": 1}}"#)[0].0, "inner.name");
    assert_eq!(mistakes(r#"{"inner": {"nam": "x"}}"#)[0].0, "inner.nam");
    assert_eq!(mistakes(r#"{"oops": 1}"#)[0].0, "oops");
    assert_eq!(mistakes(r#"{"limit": 300}"#)[0].0, "limit");
    assert_eq!(mistakes("3")[0].0, "");
}

#[test]
fn every_nul_is_found_and_an_escaped_backslash_is_none() {
    let nuls = mistakes(r#"{"inner": {"name": "a\u0000"}, "text": "\u0000"}"#);
    assert_eq!(nuls, [("inner.name".to_owned(), NUL.to_owned()), ("text".to_owned(), NUL.to_owned())]);
    let escaped: Outer = from_json(br#"{"text": "\\u0000"}"#).unwrap();
    assert_eq!(escaped.text, Some(Some("\\u0000".to_owned())));
}

#[test]
fn absent_and_null_differ() {
    assert_eq!(from_json::<Outer>(b"{}").unwrap().text, None);
    assert_eq!(from_json::<Outer>(br#"{"text": null}"#).unwrap().text, Some(None));
}

#[test]
fn queries_read_numbers_and_name_what_is_wrong() {
    assert_eq!(from_pairs::<Outer>(b"limit=7").unwrap().limit, Some(7));
    for (query, field) in [("limit=x", "limit"), ("limit=1&limit=2", "limit"), ("a=b", "a"), ("text=%00", "text")] {
        match from_pairs::<Outer>(query.as_bytes()) {
            Err(Problem::Invalid(errors)) => assert_eq!(errors[0].field, field, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn versions_come_in_quotes() {
    assert_eq!(IfMatch::parse("\"3\""), Some(IfMatch(Some(3))));
    assert_eq!(IfMatch::parse(" W/\"3\" "), Some(IfMatch(Some(3))));
    assert_eq!(IfMatch::parse("*"), Some(IfMatch(None)));
    assert_eq!(IfMatch::parse("\"other\""), Some(IfMatch(Some(IfMatch::NEVER))));
    for malformed in ["3", "\"3", "\"", "\"1\", \"2\"", ""] {
        assert_eq!(IfMatch::parse(malformed), None, "{malformed}");
    }
    assert!(IfMatch(Some(2)).check(3).is_err());
    assert!(IfMatch(None).check(3).is_ok());
}
