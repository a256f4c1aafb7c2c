//! From the tests of Prometheus and of `prometheus/common`, and what Go 1.26 gives for the same.

use std::sync::Arc;

use super::*;
use crate::{
    function::Asked,
    value::{LabelMap, Sample},
};

const NOW_MS: i64 = 1_353_755_652_000;

fn call_asking(name: &str, args: &[Value], ask: &mut dyn FnMut(&str) -> Asked) -> Result<Value, Failure> {
    let function = function(name).unwrap();
    if function.variadic.is_none() {
        assert_eq!(function.params.len(), args.len(), "{name}");
    }
    let external_url = "http://testhost:9090/path/prefix";
    (function.call)(&mut Env { external_url, now_ms: NOW_MS, bytes: 1000, steps: 1_000_000, ask }, args.to_vec())
}

fn call(name: &str, args: &[Value]) -> Result<Value, Failure> {
    call_asking(name, args, &mut |_| Asked::NotYet)
}

fn text_of(name: &str, args: &[Value]) -> String {
    match call(name, args) {
        Ok(Value::Text(text)) => text.lossy().into_owned(),
        other => panic!("{name}: {other:?}"),
    }
}

fn error_of(name: &str, args: &[Value]) -> String {
    match call(name, args) {
        Err(Failure::Error(error)) => error,
        other => panic!("{name}: {other:?}"),
    }
}

fn sample(labels: &[(&str, &str)], value: f64) -> Sample {
    let labels: LabelMap = labels.iter().map(|(name, value)| (Text::from(*name), Text::from(*value))).collect();
    Sample { labels: Arc::new(labels), value }
}

fn samples(samples: &[Sample]) -> Value {
    Value::Samples(samples.iter().cloned().map(Arc::new).collect())
}

#[test]
fn all_functions_of_prometheus_but_tmpl_are_there() {
    let names = "query first label value strvalue args reReplaceAll safeHtml match title toUpper toLower graphLink \
        tableLink sortByLabel stripPort stripDomain humanize humanize1024 humanizeDuration humanizePercentage \
        humanizeTimestamp toTime toDuration now pathPrefix externalURL parseDuration urlQueryEscape";
    for name in names.split_whitespace() {
        assert_eq!(function(name).map(|function| function.name), Some(name));
    }
    assert_eq!(FUNCTIONS.len(), names.split_whitespace().count());
    assert!(function("tmpl").is_none());
}

#[test]
fn a_query_has_its_answer_its_error_or_is_asked_first() {
    let up = Value::text("up");
    let answer = [sample(&[("__name__", "up")], 1.5)];
    let mut asked = Vec::new();
    let found = call_asking("query", std::slice::from_ref(&up), &mut |expression| {
        asked.push(expression.to_owned());
        Asked::Answer(answer.to_vec())
    });
    assert_eq!(found, Ok(samples(&answer)));
    assert_eq!(asked, ["up"]);
    let failed = call_asking("query", std::slice::from_ref(&up), &mut |_| Asked::Failed("no".to_owned()));
    assert_eq!(failed, Err(Failure::new("no")));
    assert_eq!(call("query", &[up]), Err(Failure::Needs("up".to_owned())));
}

#[test]
fn samples_are_taken_apart() {
    let [a, b] = [sample(&[("instance", "a"), ("__value__", "x")], 11.0), sample(&[("instance", "b")], 21.0)];
    let first = call("first", &[samples(&[a, b.clone()])]).unwrap();
    let label = |name: &str| text_of("label", &[Value::text(name), first.clone()]);
    assert_eq!((label("instance"), label("foo")), ("a".to_owned(), String::new()));
    assert_eq!(call("value", std::slice::from_ref(&first)), Ok(Value::Float(11.0)));
    assert_eq!(text_of("strvalue", &[first]), "x");
    assert_eq!(text_of("strvalue", &[Value::Sample(Some(Arc::new(b)))]), "");
}

#[test]
fn there_is_no_first_of_nothing_and_nothing_in_nil() {
    let empty = "first() called on vector with no elements";
    assert_eq!(error_of("first", &[samples(&[])]), empty);
    assert_eq!(error_of("first", &[Value::Nil]), empty);
    let nil = "runtime error: invalid memory address or nil pointer dereference";
    assert_eq!(error_of("value", &[Value::Nil]), nil);
    assert_eq!(error_of("strvalue", &[Value::Sample(None)]), nil);
    assert_eq!(error_of("label", &[Value::text("a"), Value::Nil]), nil);
    assert_eq!(call("sortByLabel", &[Value::text("a"), Value::Nil]), Ok(samples(&[])));
}

#[test]
fn samples_are_sorted_by_a_label_and_stay_in_order_otherwise() {
    let [b, none, a, other_b] = [
        sample(&[("instance", "b")], 1.0),
        sample(&[], 2.0),
        sample(&[("instance", "a")], 3.0),
        sample(&[("instance", "b")], 4.0),
    ];
    let sorted = call(
        "sortByLabel",
        &[Value::text("instance"), samples(&[b.clone(), none.clone(), a.clone(), other_b.clone()])],
    );
    assert_eq!(sorted, Ok(samples(&[none, a, b, other_b])));
}

#[test]
fn arguments_get_names() {
    let Ok(Value::Map(map)) = call("args", &[Value::Int(1), Value::text("2"), Value::Nil]) else { panic!() };
    let named: Vec<(String, Value)> =
        map.iter().map(|(name, value)| (name.lossy().into_owned(), value.clone())).collect();
    let expected = [("arg0", Value::Int(1)), ("arg1", Value::text("2")), ("arg2", Value::Nil)];
    assert_eq!(named, expected.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(call("args", &[]), Ok(Value::Map(Arc::default())));
}

#[test]
fn the_port_or_the_domain_is_taken_off_an_address() {
    // Address, without its port, without its domain.
    let cases = [
        ("foo.example.com", "foo.example.com", "foo"),
        ("foo.example.com:12345", "foo.example.com", "foo:12345"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:12345", "192.0.2.1", "192.0.2.1:12345"),
        ("2001:0DB8::1", "2001:0DB8::1", "2001:0DB8::1"),
        ("[2001:0DB8::1]:12345", "2001:0DB8::1", "[2001:0DB8::1]:12345"),
        ("[2001:0DB8::1]::12345", "[2001:0DB8::1]::12345", "[2001:0DB8::1]::12345"),
        ("", "", ""),
        (":", "", ""),
        (":80", "", ":80"),
        ("foo.bar:", "foo.bar", "foo"),
        ("[::1]", "[::1]", "[::1]"),
        ("[::1", "[::1", "[::1"),
        ("[a.b]:80", "a.b", "a:80"),
        ("[a:b.c]:80", "a:b.c", "[a:b]:80"),
        ("a:b:c", "a:b:c", "a:b:c"),
        ("fe80::1%eth0", "fe80::1%eth0", "fe80::1%eth0"),
        ("[fe80::1%eth0.x]:80", "fe80::1%eth0.x", "[fe80::1%eth0.x]:80"),
        ("1.2.3.4%eth0", "1.2.3.4%eth0", "1"),
        ("01.2.3.4", "01.2.3.4", "01"),
        ("1.2.3", "1.2.3", "1"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7::"),
        ("1:2:3:4::5:6:7:8", "1:2:3:4::5:6:7:8", "1:2:3:4::5:6:7:8"),
        ("[x]y:80", "[x]y:80", "[x]y:80"),
        ("a]b:80", "a]b:80", "a]b:80"),
        ("a[b:80", "a[b:80", "a[b:80"),
        ("fe80::1%", "fe80::1%", "fe80::1%"),
        ("::", "::", "::"),
        ("::1.2.3.4:80", "::1.2.3.4:80", "::1"),
        ("host..x:1", "host..x", "host:1"),
        (".", ".", ""),
        (".x:1", ".x", ":1"),
        ("[]:80", "", ":80"),
    ];
    for (address, without_port, without_domain) in cases {
        assert_eq!(text_of("stripPort", &[Value::text(address)]), without_port);
        assert_eq!(text_of("stripDomain", &[Value::text(address)]), without_domain, "{address}");
    }
}

#[test]
fn numbers_are_humanized() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (-1.0, "-1"),
        (1_234_567.0, "1.235M"),
        (0.12, "120m"),
        (999.95, "1000"),
        (1000.0, "1k"),
        (1e-24, "1y"),
        (1e-30, "1e-06y"),
        (5e-324, "4.941e-300y"),
        (1e27, "1000Y"),
        (1e308, "1e+284Y"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ];
    for (number, expected) in cases {
        assert_eq!(text_of("humanize", &[Value::Float(number)]), expected);
    }
    let texts = ["0.0", "1.0", "1234567.0", ".12", "+Inf", "-Inf", "NaN"];
    let expected = ["0", "1", "1.235M", "120m", "+Inf", "-Inf", "NaN"];
    assert_eq!(texts.map(|text| text_of("humanize", &[Value::text(text)])), expected);
    let integers = [0, -1, 1, 1_234_567, i64::MAX].map(|number| text_of("humanize", &[Value::Int64(number)]));
    assert_eq!(integers, ["0", "-1", "1", "1.235M", "9.223E"]);
}

#[test]
fn numbers_are_humanized_with_binary_prefixes() {
    let cases = [
        (0.0, "0"),
        (1.0, "1"),
        (0.12, "0.12"),
        (-1.0, "-1"),
        (1_048_576.0, "1Mi"),
        (1023.0, "1023"),
        (1024.0, "1ki"),
        (-2048.0, "-2ki"),
        (1e308, "8.272e+283Yi"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ];
    for (number, expected) in cases {
        assert_eq!(text_of("humanize1024", &[Value::Float(number)]), expected);
    }
    let integers = [0, -1, 1, 1_234_567, i64::MAX].map(|number| text_of("humanize1024", &[Value::Int(number)]));
    assert_eq!(integers, ["0", "-1", "1", "1.177Mi", "8Ei"]);
}

#[test]
fn durations_are_humanized() {
    let cases = [
        (0.0, "0s"),
        (-0.0, "-0s"),
        (1.0, "1s"),
        (60.0, "1m 0s"),
        (3600.0, "1h 0m 0s"),
        (86_400.0, "1d 0h 0m 0s"),
        (90_000.0, "1d 1h 0m 0s"),
        (-183_845.0, "-2d 3h 4m 5s"),
        (899.99, "14m 59s"),
        (0.1, "100ms"),
        (0.0001, "100us"),
        (0.12345, "123.5ms"),
        (-0.12345, "-123.5ms"),
        (60.1, "1m 0s"),
        (60.5, "1m 0s"),
        (1.2345, "1.234s"),
        (12.345, "12.35s"),
        (-1.5, "-1.5s"),
        // More seconds than `int64` holds, on amd64.
        (1e308, "-106751991167300d -15h -30m -8s"),
        (-1e308, "--106751991167300d -15h -30m -8s"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ];
    for (number, expected) in cases {
        assert_eq!(text_of("humanizeDuration", &[Value::Float(number)]), expected);
    }
    let texts = ["0", ".1", "60.5", "86400", "12.345"].map(|text| text_of("humanizeDuration", &[Value::text(text)]));
    assert_eq!(texts, ["0s", "100ms", "1m 0s", "1d 0h 0m 0s", "12.35s"]);
    let integers = [0, -1, 1, 1_234_567].map(|number| text_of("humanizeDuration", &[Value::Int(number)]));
    assert_eq!(integers, ["0s", "-1s", "1s", "14d 6h 56m 7s"]);
    assert_eq!(text_of("humanizeDuration", &[Value::Duration(90_000_000_000)]), "1m 30s");
}

#[test]
fn ratios_are_shown_as_percentages() {
    let cases = [
        (-0.22222, "-22.22%"),
        (0.0, "0%"),
        (0.123_456_7, "12.35%"),
        (1.23456, "123.5%"),
        (0.959, "95.9%"),
        (1_234_567.0, "1.235e+08%"),
        (1e308, "+Inf%"),
        (f64::NAN, "NaN%"),
    ];
    for (number, expected) in cases {
        assert_eq!(text_of("humanizePercentage", &[Value::Float(number)]), expected);
    }
    assert_eq!(text_of("humanizePercentage", &[Value::Int64(i64::MAX)]), "9.223e+20%");
}

#[test]
fn what_is_no_number_cannot_be_humanized() {
    for name in ["humanize", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp", "toTime"] {
        let syntax = r#"strconv.ParseFloat: parsing "one": invalid syntax"#;
        assert_eq!(error_of(name, &[Value::text("one")]), syntax);
        let types = [
            (Value::Nil, "<nil>"),
            (Value::Bool(true), "bool"),
            (Value::Byte(1), "uint8"),
            (Value::Complex(1.0, 0.0), "complex128"),
            (Value::Html(Text::from("1")), "template.HTML"),
            (Value::DurationPointer(1), "*time.Duration"),
            (Value::Labels(Arc::default()), "map[string]string"),
            (samples(&[]), "template.queryResult"),
            (Value::Sample(None), "*template.sample"),
        ];
        for (value, type_name) in types {
            assert_eq!(error_of(name, &[value]), format!("can't convert {type_name} to float"));
        }
    }
}

const NUMBERS: &[(&str, u64)] = &[
    ("1", 0x3ff0_0000_0000_0000),
    ("1_000", 0x408f_4000_0000_0000),
    ("1_000.5_0", 0x408f_4400_0000_0000),
    ("0x1p-2", 0x3fd0_0000_0000_0000),
    ("0x1.8p1", 0x4008_0000_0000_0000),
    ("0X_1P4", 0x4030_0000_0000_0000),
    ("1e-400", 0x0000_0000_0000_0000),
    ("+Inf", 0x7ff0_0000_0000_0000),
    ("-inf", 0xfff0_0000_0000_0000),
    ("infinity", 0x7ff0_0000_0000_0000),
    (".5", 0x3fe0_0000_0000_0000),
    ("5.", 0x4014_0000_0000_0000),
    ("1e5", 0x40f8_6a00_0000_0000),
    ("+1", 0x3ff0_0000_0000_0000),
    ("-0", 0x8000_0000_0000_0000),
    ("0x1p-1080", 0x0000_0000_0000_0000),
    ("0x1.fffffffffffff7p1023", 0x7fef_ffff_ffff_ffff),
    ("0x0.8p-1074", 0x0000_0000_0000_0000),
    ("0x0.80000000000000001p-1074", 0x0000_0000_0000_0001),
    ("0x123456789abcdef01p0", 0x43f2_3456_789a_bcdf),
    ("0x1p+0_1", 0x4000_0000_0000_0000),
    ("1e0_1", 0x4024_0000_0000_0000),
    ("4.9e-324", 0x0000_0000_0000_0001),
    ("2e-324", 0x0000_0000_0000_0000),
    ("1.7976931348623158e308", 0x7fef_ffff_ffff_ffff),
    ("0_1", 0x3ff0_0000_0000_0000),
];

const NO_NUMBERS: &[(&str, &str)] = &[
    ("_1", "invalid syntax"),
    ("1_", "invalid syntax"),
    ("0x1", "invalid syntax"),
    ("0x", "invalid syntax"),
    ("0xp1", "invalid syntax"),
    ("1e400", "value out of range"),
    ("-1e400", "value out of range"),
    ("inFinit", "invalid syntax"),
    ("-nan", "invalid syntax"),
    ("+nan", "invalid syntax"),
    (".", "invalid syntax"),
    ("e5", "invalid syntax"),
    ("1e", "invalid syntax"),
    ("1e+", "invalid syntax"),
    (" 1", "invalid syntax"),
    ("1 ", "invalid syntax"),
    ("", "invalid syntax"),
    ("0b11", "invalid syntax"),
    ("1__0", "invalid syntax"),
    ("0x1p1024", "value out of range"),
    ("0x1.fffffffffffff8p1023", "value out of range"),
    ("1.7976931348623159e308", "value out of range"),
    ("0x_", "invalid syntax"),
    ("0x1_p1", "invalid syntax"),
    ("0x1._8p0", "invalid syntax"),
    ("1._5", "invalid syntax"),
    ("one", "invalid syntax"),
    ("\x00", "invalid syntax"),
    ("é\"", "invalid syntax"),
    ("١", "invalid syntax"),
];

#[test]
fn texts_are_read_as_numbers_as_go_does() {
    for (text, bits) in NUMBERS {
        assert_eq!(parse_float::parse_float(text.as_bytes()).map(f64::to_bits), Ok(*bits), "{text}");
    }
    for text in ["nan", "NaN"] {
        assert!(parse_float::parse_float(text.as_bytes()).unwrap().is_nan());
    }
    for (text, reason) in NO_NUMBERS {
        let expected = format!("strconv.ParseFloat: parsing {}: {reason}", crate::quote::quote(text.as_bytes()));
        assert_eq!(parse_float::parse_float(text.as_bytes()), Err(expected));
    }
}

#[test]
fn timestamps_are_shown_as_go_prints_times() {
    let cases = [
        (0.0, "1970-01-01 00:00:00 +0000 UTC"),
        (-1.0, "1969-12-31 23:59:59 +0000 UTC"),
        (1.0, "1970-01-01 00:00:01 +0000 UTC"),
        (1_234_567.0, "1970-01-15 06:56:07 +0000 UTC"),
        (9_223_372_036.0, "2262-04-11 23:47:16 +0000 UTC"),
        (9_223_372_036.854_7, "2262-04-11 23:47:16.854 +0000 UTC"),
        // One more than `int64` holds passes for the most it holds, and wraps round on amd64.
        (9_223_372_036.854_776, "1677-09-21 00:12:43.146 +0000 UTC"),
        (-9_223_372_036.854_776, "1677-09-21 00:12:43.146 +0000 UTC"),
        (1_435_065_584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
        (0.0015, "1970-01-01 00:00:00.001 +0000 UTC"),
        (-0.0005, "1970-01-01 00:00:00 +0000 UTC"),
        (-0.0015, "1969-12-31 23:59:59.999 +0000 UTC"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (f64::NAN, "NaN"),
    ];
    for (number, expected) in cases {
        assert_eq!(text_of("humanizeTimestamp", &[Value::Float(number)]), expected);
    }
    assert_eq!(text_of("humanizeTimestamp", &[Value::text("1435065584.128")]), "2015-06-23 13:19:44.128 +0000 UTC");
}

#[test]
fn a_time_too_far_away_is_an_error() {
    let cases = [
        (Value::Int64(i64::MIN), "-9.223372036854776e+18"),
        (Value::Int64(i64::MAX), "9.223372036854776e+18"),
        (Value::Float(1.8e300), "1.8e+300"),
        (Value::Float(f64::MIN), "-1.7976931348623157e+308"),
        (Value::Float(9_223_372_037.0), "9.223372037e+09"),
    ];
    for (value, shown) in cases {
        let expected = format!("{shown} cannot be represented as a nanoseconds timestamp since it overflows int64");
        assert_eq!(error_of("humanizeTimestamp", std::slice::from_ref(&value)), expected);
        assert_eq!(error_of("toTime", &[value]), expected);
    }
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(error_of("toTime", &[Value::Float(value)]), "value is NaN or Inf");
    }
}

#[test]
fn numbers_become_times_and_durations() {
    let time = |value| call("toTime", &[value]);
    let expected = chrono::DateTime::from_timestamp_millis(1_435_065_584_128).unwrap();
    assert_eq!(time(Value::Float(1_435_065_584.128)), Ok(Value::TimePointer(expected)));
    assert_eq!(time(Value::text("1435065584.128")), Ok(Value::TimePointer(expected)));
    let duration = |value| call("toDuration", &[value]);
    assert_eq!(duration(Value::Int(1800)), Ok(Value::DurationPointer(1_800_000_000_000)));
    assert_eq!(duration(Value::text("1800")), Ok(Value::DurationPointer(1_800_000_000_000)));
    assert_eq!(duration(Value::Float(-0.5)), Ok(Value::DurationPointer(-500_000_000)));
    for too_long in [1e308, -1e308, f64::NAN, f64::INFINITY, 9_223_372_036.854_776] {
        assert_eq!(duration(Value::Float(too_long)), Ok(Value::DurationPointer(i64::MIN)));
    }
}

#[test]
fn now_is_the_time_of_the_evaluation_in_seconds() {
    assert_eq!(call("now", &[]), Ok(Value::Float(1_353_755_652.0)));
}

#[test]
fn durations_are_parsed_into_seconds() {
    let cases = [
        ("0", 0.0),
        ("0w", 0.0),
        ("0s", 0.0),
        ("-0", -0.0),
        ("324ms", 0.324),
        ("3s", 3.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("4d", 345_600.0),
        ("4d1h", 349_200.0),
        ("14d", 1_209_600.0),
        ("3w", 1_814_400.0),
        ("3w2d1h", 1_990_800.0),
        ("10y", 315_360_000.0),
        ("289y", 9_113_904_000.0),
        ("1h2m10ms", 3720.01),
        ("-30m", -1800.0),
        ("-3w2d1h", -1_990_800.0),
        ("-10y", -315_360_000.0),
    ];
    for (text, seconds) in cases {
        assert_eq!(call("parseDuration", &[Value::text(text)]), Ok(Value::Float(seconds)), "{text}");
    }
}

#[test]
fn a_bad_duration_is_explained() {
    let cases = [
        ("", "empty duration string"),
        ("-", "empty duration string"),
        ("1", r#"not a valid duration string: "1""#),
        ("1y1m1d", r#"not a valid duration string: "1y1m1d""#),
        ("1m1m", r#"not a valid duration string: "1m1m""#),
        ("1.5d", r#"unknown unit "." in duration "1.5d""#),
        ("d", r#"not a valid duration string: "d""#),
        ("--5m", r#"not a valid duration string: "-5m""#),
        ("5m ", r#"unknown unit "m " in duration "5m ""#),
        ("5é", r#"unknown unit "é" in duration "5é""#),
        ("+5m", r#"not a valid duration string: "+5m""#),
        ("99999999999999999999s", r#"not a valid duration string: "99999999999999999999s""#),
        ("294y", "duration out of range"),
        ("200y10400w", "duration out of range"),
        ("107675d", "duration out of range"),
        ("2584200h", "duration out of range"),
        ("18446744073709551615ms", "duration out of range"),
    ];
    for (text, expected) in cases {
        assert_eq!(error_of("parseDuration", &[Value::text(text)]), expected);
    }
}

const TITLES: &[(&str, &str)] = &[
    ("aa bb CC", "Aa Bb CC"),
    ("don't", "Don't"),
    ("a:b c.d e,f g;h i_j k-l m/n 1a a1 '' 'x' a''b a.'b", "A:b C.d E,F G;H I_j K-L M/N 1A A1 '' 'X' A''B A.'B"),
    ("héllo wörld", "Héllo Wörld"),
    ("ⓐbc", "Ⓐbc"),
    ("a\u{301}b", "A\u{301}b"),
    ("ǆ ǆx", "ǅ ǅx"),
    ("ﬁn", "Fin"),
    ("ßa", "Ssa"),
    (r#"foo"bar"#, r#"Foo"Bar"#),
    ("カタa", "カタA"),
    ("it’s", "It’s"),
    ("a·b", "A·b"),
    ("a‧b", "A‧b"),
    ("a\u{ad}b", "A\u{ad}b"),
    ("a\u{200d}b", "A\u{200d}b"),
    ("a\u{200b}b", "A\u{200b}B"),
    ("i\u{307}x", "I\u{307}x"),
    ("ŉx", "ʼNx"),
    ("1st 2nd", "1St 2Nd"),
    ("x@y.z", "X@Y.z"),
    ("a…b", "A…B"),
    ("₁a", "₁A"),
    ("a\u{2060}b", "A\u{2060}b"),
    ("ªb", "ªb"),
    ("ʰb", "ʰb"),
    ("1,a 1.a", "1,A 1.A"),
    ("ა", "ა"),
    ("", ""),
    ("__a", "__A"),
    ("-a", "-A"),
    ("a\tb\nc\r\nd", "A\tB\nC\r\nD"),
    ("日本a", "日本A"),
    ("a日b", "A日B"),
    ("한글a", "한글A"),
    ("ไทยa", "ไทยA"),
    (r#"אbא"ב"#, r#"אBא"ב"#),
    ("½a", "½A"),
    ("a²b", "A²B"),
    ("a\u{20dd}b", "A\u{20dd}b"),
    ("Ǆ", "ǅ"),
    ("ǆ", "ǅ"),
    ("ǳ", "ǲ"),
    ("և", "Եւ"),
    ("ა", "ა"),
    ("ᾀ", "ᾈ"),
    ("ᾲ", "Ὰ\u{345}"),
    ("ᾳ", "ᾼ"),
    ("ᾷ", "Α\u{342}\u{345}"),
    ("ῷ", "Ω\u{342}\u{345}"),
    ("ﬃ", "Ffi"),
    ("ﬓ", "Մն"),
    ("ŉx", "ʼNx"),
    ("ǰx ΐx", "J\u{30c}x \u{399}\u{308}\u{301}x"),
];

#[test]
fn the_first_letters_of_words_become_capitals() {
    for (text, expected) in TITLES {
        assert_eq!(text_of("title", &[Value::text(*text)]), *expected, "{text}");
    }
    let broken = call("title", &[Value::text(b"x\xffy\xe2\x82z".to_vec())]);
    assert_eq!(broken, Ok(Value::text(b"X\xffY\xe2\x82Z".to_vec())));
}

#[test]
fn texts_are_changed_to_upper_and_lower_case_letter_by_letter() {
    let cases = [
        ("aA bB CC", "AA BB CC", "aa bb cc"),
        ("", "", ""),
        ("straße ǆ ŉ", "STRAßE Ǆ ŉ", "straße ǆ ŉ"),
        ("İıΣς", "İIΣΣ", "iıσς"),
        ("ᾳᾼᾀ", "ᾼᾼᾈ", "ᾳᾳᾀ"),
    ];
    for (text, upper, lower) in cases {
        assert_eq!(text_of("toUpper", &[Value::text(text)]), upper);
        assert_eq!(text_of("toLower", &[Value::text(text)]), lower);
    }
    let broken = Value::text(b"a\xffB".to_vec());
    assert_eq!(text_of("toUpper", std::slice::from_ref(&broken)), "A\u{fffd}B");
    assert_eq!(text_of("toLower", &[broken]), "a\u{fffd}b");
}

#[test]
fn patterns_are_matched_and_replaced() {
    let matched = |pattern, text| call("match", &[Value::text(pattern), Value::text(text)]);
    assert_eq!(matched("a+", "aa"), Ok(Value::Bool(true)));
    assert_eq!(matched("a+", "b"), Ok(Value::Bool(false)));
    assert_eq!(text_of("reReplaceAll", &["(a)b", "x$1", "ab"].map(Value::text)), "xa");
    let long = [Value::text("a"), Value::text("b".repeat(1001)), Value::text("a")];
    assert_eq!(error_of("reReplaceAll", &long), "the text is longer than 1000 bytes");
}

#[test]
fn links_and_queries_are_escaped() {
    let cases = [
        ("up", "up"),
        ("a b", "a+b"),
        ("a+b", "a%2Bb"),
        (
            r#"sum by (x) (rate(y{z=~"a|b"}[5m])) > 0.5"#,
            "sum+by+%28x%29+%28rate%28y%7Bz%3D~%22a%7Cb%22%7D%5B5m%5D%29%29+%3E+0.5",
        ),
        ("-_.~!*'()$&,/:;=?@[]#%", "-_.~%21%2A%27%28%29%24%26%2C%2F%3A%3B%3D%3F%40%5B%5D%23%25"),
        ("", ""),
    ];
    for (text, escaped) in cases {
        assert_eq!(text_of("urlQueryEscape", &[Value::text(text)]), escaped);
        assert_eq!(text_of("graphLink", &[Value::text(text)]), format!("/graph?g0.expr={escaped}&g0.tab=0"));
        assert_eq!(text_of("tableLink", &[Value::text(text)]), format!("/graph?g0.expr={escaped}&g0.tab=1"));
    }
    assert_eq!(query_escape(b"\xc3\xa9\xff\x00"), "%C3%A9%FF%00");
}

#[test]
fn the_external_url_is_known_and_so_is_its_path() {
    assert_eq!(text_of("externalURL", &[]), "http://testhost:9090/path/prefix");
    assert_eq!(text_of("pathPrefix", &[]), "/path/prefix");
    let paths = [
        ("http://host", ""),
        ("http://host/", "/"),
        ("https://u:p@[::1]:80/a%20b%2fc%zz/d?x=/y#/z", "/a b/c%zz/d"),
        ("http://host?x=/y", ""),
        ("/only/a/path", "/only/a/path"),
        ("", ""),
    ];
    for (url, path) in paths {
        assert_eq!(String::from_utf8(links::path(url)).unwrap(), path, "{url}");
    }
}

#[test]
fn safe_html_is_a_type_of_its_own() {
    assert_eq!(call("safeHtml", &[Value::text("<b>")]), Ok(Value::Html(Text::from("<b>"))));
}
