use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::*;
use crate::value::{Data, LabelMap, Sample};

const LIMIT: usize = 1 << 20;

fn text(text: &str) -> Value {
    Value::text(text)
}

/// A string with bytes that are no characters.
fn raw(text: &[u8]) -> Value {
    Value::text(text)
}

fn html(text: &str) -> Value {
    Value::Html(text.into())
}

fn bytes(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.into())
}

fn label_map(pairs: &[(&str, &str)]) -> Arc<LabelMap> {
    Arc::new(pairs.iter().map(|&(name, value)| (name.into(), value.into())).collect())
}

fn labels(pairs: &[(&str, &str)]) -> Value {
    Value::Labels(label_map(pairs))
}

fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Map(Arc::new(pairs.into_iter().map(|(key, value)| (key.into(), value)).collect()))
}

fn sample(pairs: &[(&str, &str)], value: f64) -> Value {
    Value::Sample(Some(Arc::new(Sample { labels: label_map(pairs), value })))
}

fn samples(values: &[f64]) -> Value {
    Value::Samples(values.iter().map(|&value| Arc::new(Sample { labels: label_map(&[]), value })).collect())
}

fn data() -> Value {
    Value::Data(Arc::new(Data {
        labels: label_map(&[("a", "b")]),
        external_labels: label_map(&[]),
        external_url: "http://x".into(),
        value: 1.5,
    }))
}

fn time(seconds: i64, nanos: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, nanos).unwrap()
}

fn check(cases: Vec<(&[u8], Vec<Value>, &[u8])>) {
    for (format, args, expected) in cases {
        let printed = sprintf(format, &args, LIMIT).unwrap();
        let shown = (String::from_utf8_lossy(&printed), String::from_utf8_lossy(expected));
        assert!(printed == expected, "{} {args:?}: {shown:?}", String::from_utf8_lossy(format));
    }
}

#[test]
fn integers_are_printed_as_go_does() {
    check(vec![
        (b"%d", vec![Value::Int(42)], b"42"),
        (b"%v", vec![Value::Int(-42)], b"-42"),
        (b"%+d", vec![Value::Int(42)], b"+42"),
        (b"% d", vec![Value::Int(42)], b" 42"),
        (b"%5d|%-5d|%05d", vec![Value::Int(42), Value::Int(42), Value::Int(42)], b"   42|42   |00042"),
        (b"%-05d|", vec![Value::Int(42)], b"42   |"),
        (b"%+05d", vec![Value::Int(42)], b"+0042"),
        (b"%05d", vec![Value::Int(-42)], b"-0042"),
        (b"%.4d", vec![Value::Int(42)], b"0042"),
        (b"%8.4d", vec![Value::Int(-42)], b"   -0042"),
        (b"%08.4d", vec![Value::Int(42)], b"    0042"),
        (b"%.0d|%.d", vec![Value::Int(0), Value::Int(0)], b"|"),
        (b"%5.0d|", vec![Value::Int(0)], b"     |"),
        (b"%b", vec![Value::Int(-5)], b"-101"),
        (b"%o %O %#o", vec![Value::Int(8), Value::Int(8), Value::Int(8)], b"10 0o10 010"),
        (b"%#.3o", vec![Value::Int(8)], b"010"),
        (
            b"%x %X %#x %#X",
            vec![Value::Int(255), Value::Int(255), Value::Int(255), Value::Int(-255)],
            b"ff FF 0xff -0XFF",
        ),
        (b"%#b", vec![Value::Int(5)], b"0b101"),
        (b"% x", vec![Value::Int(255)], b" ff"),
    ]);
}

#[test]
fn integers_take_the_verbs_that_go_has_for_them() {
    check(vec![
        (b"%d", vec![Value::Int64(i64::MIN)], b"-9223372036854775808"),
        (b"%x", vec![Value::Int(-1)], b"-1"),
        (b"%c%c%c", vec![Value::Int(120), Value::Int(26085), Value::Int(-1)], b"x\xe6\x97\xa5\xef\xbf\xbd"),
        (b"%5c|%-5c|%05c", vec![Value::Int(120), Value::Int(120), Value::Int(120)], b"    x|x    |0000x"),
        (
            b"%q %q %+q %#q",
            vec![Value::Int(120), Value::Int(39), Value::Int(233), Value::Int(10)],
            b"'x' '\\'' '\\u00e9' '\\n'",
        ),
        (b"%q", vec![Value::Int(1114112)], b"'\xef\xbf\xbd'"),
        (
            b"%U %#U %U",
            vec![Value::Int(120), Value::Int(128512), Value::Int(-1)],
            b"U+0078 U+1F600 '\xf0\x9f\x98\x80' U+FFFFFFFFFFFFFFFF",
        ),
        (
            b"%#.6U|%12U|%-12U|",
            vec![Value::Int(120), Value::Int(120), Value::Int(120)],
            b"U+000078 'x'|      U+0078|U+0078      |",
        ),
        (b"%#U", vec![Value::Int(10)], b"U+000A"),
        (b"%s", vec![Value::Int(1)], b"%!s(int=1)"),
        (b"%t", vec![Value::Int(1)], b"%!t(int=1)"),
        (b"%e", vec![Value::Int(1)], b"%!e(int=1)"),
        (b"%z", vec![Value::Int(1)], b"%!z(int=1)"),
        (b"%5s|", vec![Value::Int(1)], b"%!s(int=    1)|"),
        (b"%#v", vec![Value::Int(10)], b"10"),
        (
            b"%v %d %#v %x %c",
            vec![Value::Byte(10), Value::Byte(10), Value::Byte(10), Value::Byte(10), Value::Byte(99)],
            b"10 10 0xa a c",
        ),
        (b"%T %T %T", vec![Value::Int(1), Value::Int64(1), Value::Byte(1)], b"int int64 uint8"),
        (b"%p", vec![Value::Int(3)], b"%!p(int=3)"),
        (b"%w", vec![Value::Int(3)], b"%!w(int=3)"),
        (b"%\xc3\xa9", vec![Value::Int(3)], b"%!\xc3\xa9(int=3)"),
    ]);
}

#[test]
fn floating_point_numbers_are_printed_as_go_does() {
    check(vec![
        (
            b"%v %v %v %v",
            vec![Value::Float(1.0), Value::Float(1.5), Value::Float(123456.0), Value::Float(1.234567e6)],
            b"1 1.5 123456 1.234567e+06",
        ),
        (b"%v", vec![Value::Float(1e20)], b"1e+20"),
        (b"%v", vec![Value::Float(1e21)], b"1e+21"),
        (b"%f %F", vec![Value::Float(1.5), Value::Float(1.5)], b"1.500000 1.500000"),
        (b"%.2f", vec![Value::Float(3.15149)], b"3.15"),
        (
            b"%8.2f|%-8.2f|%08.2f|%+.2f",
            vec![Value::Float(3.15149), Value::Float(3.15149), Value::Float(-3.15149), Value::Float(3.15149)],
            b"    3.15|3.15    |-0003.15|+3.15",
        ),
        (b"%.f", vec![Value::Float(2.5)], b"2"),
        (b"%.4g", vec![Value::Float(1.234567e6)], b"1.235e+06"),
        (b"%e %E", vec![Value::Float(1.234567e6), Value::Float(1e-10)], b"1.234567e+06 1.000000E-10"),
        (b"%g %G", vec![Value::Float(1e-10), Value::Float(1e-10)], b"1e-10 1E-10"),
        (b"%x %X", vec![Value::Float(1.5), Value::Float(-0.1)], b"0x1.8p+00 -0X1.999999999999AP-04"),
        (b"%b", vec![Value::Float(1.0)], b"4503599627370496p-52"),
    ]);
}

#[test]
fn infinities_points_and_complex_numbers_are_printed_as_go_does() {
    check(vec![
        (
            b"%v %v %v",
            vec![Value::Float(f64::INFINITY), Value::Float(f64::NEG_INFINITY), Value::Float(f64::NAN)],
            b"+Inf -Inf NaN",
        ),
        (
            b"%08f|%08f|%-8f|",
            vec![Value::Float(f64::INFINITY), Value::Float(f64::NAN), Value::Float(f64::NAN)],
            b"    +Inf|     NaN|NaN     |",
        ),
        (
            b"%+f % f %+f % f",
            vec![
                Value::Float(f64::NAN),
                Value::Float(f64::NAN),
                Value::Float(f64::INFINITY),
                Value::Float(f64::INFINITY),
            ],
            b"+NaN  NaN +Inf  Inf",
        ),
        (b"% f|% 8.1f", vec![Value::Float(1.0), Value::Float(1.0)], b" 1.000000|     1.0"),
        (
            b"%#g %#g %#.3g %#v",
            vec![Value::Float(1.0), Value::Float(1e-10), Value::Float(0.0), Value::Float(1.0)],
            b"1.00000 1.00000e-10 0.00 1",
        ),
        (b"%#.0f %#.0e", vec![Value::Float(1.0), Value::Float(1.0)], b"1. 1.e+00"),
        (b"%#x %#X", vec![Value::Float(1.0), Value::Float(1.0)], b"0x1.0000p+00 0X1.P+00"),
        (b"%#b", vec![Value::Float(1.0)], b"4503599627370496p-52"),
        (b"%+v %+08.2f", vec![Value::Float(1.5), Value::Float(1.5)], b"1.5 +0001.50"),
        (b"%d", vec![Value::Float(1.0)], b"%!d(float64=1)"),
        (b"%s", vec![Value::Float(1.5)], b"%!s(float64=1.5)"),
        (b"%t", vec![Value::Float(0.0)], b"%!t(float64=0)"),
        (b"%q", vec![Value::Float(1.0)], b"%!q(float64=1)"),
        (b"%T", vec![Value::Float(1.0)], b"float64"),
        (b"%6.2f%%", vec![Value::Float(12.3456)], b" 12.35%"),
        (b"%.3v", vec![Value::Float(0.6666666666666666)], b"0.667"),
        (b"%.30f", vec![Value::Float(0.1)], b"0.100000000000000005551115123126"),
        (b"%+.3e", vec![Value::Float(0.0)], b"+0.000e+00"),
        (b"%v", vec![Value::Complex(1.0, -2.0)], b"(1-2i)"),
        (b"%.2f", vec![Value::Complex(1.0, 2.0)], b"(1.00+2.00i)"),
        (
            b"%8.1f|%+v|%T",
            vec![Value::Complex(1.0, 2.0), Value::Complex(1.0, 2.0), Value::Complex(1.0, 2.0)],
            b"(     1.0    +2.0i)|(1+2i)|complex128",
        ),
        (b"%d", vec![Value::Complex(1.0, 2.0)], b"%!d(complex128=(1+2i))"),
        (b"%#v", vec![Value::Complex(0.0, 1.0)], b"(0+1i)"),
    ]);
}

#[test]
fn strings_bytes_and_booleans_are_printed_as_go_does() {
    check(vec![
        (b"%s %v", vec![text("hi"), text("hi")], b"hi hi"),
        (b"%5s|%-5s|%05s|%-05s|", vec![text("hi"), text("hi"), text("hi"), text("hi")], b"   hi|hi   |000hi|hi   |"),
        (b"%.3s|%.10s|%.0s|%.s|", vec![text("héllo"), text("hi"), text("hi"), text("hi")], b"h\xc3\xa9l|hi|||"),
        (b"%5.1s|", vec![text("été")], b"    \xc3\xa9|"),
        (b"%5s|", vec![raw(b"\xff\xfe")], b"   \xff\xfe|"),
        (b"%.1s|", vec![raw(b"\xff\xfe")], b"\xff|"),
        (b"%q", vec![text("a\"b\n")], b"\"a\\\"b\\n\""),
        (b"%#q %#q", vec![text("a\"b"), text("a`b")], b"`a\"b` \"a`b\""),
        (b"%+q", vec![text("hé")], b"\"h\\u00e9\""),
        (b"%10q|%-10q|%010q", vec![text("hi"), text("hi"), text("hi")], b"      \"hi\"|\"hi\"      |000000\"hi\""),
        (b"%.2q", vec![text("hello")], b"\"he\""),
        (b"%x %X", vec![raw(b"hi\xff"), raw(b"hi\xff")], b"6869ff 6869FF"),
        (
            b"% x|%#x|%# x|%# X",
            vec![text("abc"), text("abc"), text("abc"), text("abc")],
            b"61 62 63|0x616263|0x61 0x62 0x63|0X61 0X62 0X63",
        ),
        (
            b"%.2x|%8x|%-8x|%08x|%5x|",
            vec![text("abc"), text("abc"), text("abc"), text("abc"), text("")],
            b"6162|  616263|616263  |00616263|     |",
        ),
        (b"%#v %+v", vec![text("a\tb"), text("a\tb")], b"\"a\\tb\" a\tb"),
        (b"%T|%6T|%.3T", vec![text(""), text(""), text("")], b"string|string|str"),
        (b"%d", vec![text("hi")], b"%!d(string=hi)"),
        (b"%f", vec![text("hi")], b"%!f(string=hi)"),
        (b"%5d", vec![text("hi")], b"%!d(string=   hi)"),
        (b"%t %c %U", vec![text("a"), text("b"), text("c")], b"%!t(string=a) %!c(string=b) %!U(string=c)"),
        (b"%p", vec![text("a")], b"%!p(string=a)"),
        (
            b"%s %v %q %T %#v %d",
            vec![html("<b>"), html("<b>"), html("<b>"), html("<b>"), html("<b>"), html("<b>")],
            b"<b> <b> \"<b>\" template.HTML \"<b>\" %!d(template.HTML=<b>)",
        ),
        (
            b"%t %v %5t|%-6t|",
            vec![Value::Bool(true), Value::Bool(false), Value::Bool(true), Value::Bool(false)],
            b"true false  true|false |",
        ),
        (b"%s %d", vec![Value::Bool(true), Value::Bool(false)], b"%!s(bool=true) %!d(bool=false)"),
        (b"%#v %T", vec![Value::Bool(true), Value::Bool(true)], b"true bool"),
        (
            b"%s %v %x %X %q",
            vec![bytes(b"hi"), bytes(b"hi"), bytes(b"hi"), bytes(b"hi"), bytes(b"hi")],
            b"hi [104 105] 6869 6869 \"hi\"",
        ),
        (
            b"%d %#v %T %c %02x",
            vec![bytes(b"hi"), bytes(b"hi"), bytes(b"hi"), bytes(b"hi"), bytes(b"hi")],
            b"[104 105] []byte{0x68, 0x69} []uint8 [h i] 6869",
        ),
        (b"%t", vec![bytes(b"hi")], b"[%!t(uint8=104) %!t(uint8=105)]"),
        (b"% x|%.1s|%4d", vec![bytes(b"hi"), bytes(b"hi"), bytes(b"hi")], b"68 69|h|[ 104  105]"),
        (
            b"%#v %v %w %#w",
            vec![bytes(b""), bytes(b""), bytes(b"h"), bytes(b"h")],
            b"[]byte{} [] [%!w(uint8=104)] []uint8{%!w(uint8=0x68)}",
        ),
    ]);
}

#[test]
fn maps_structs_and_nil_are_printed_as_go_does() {
    check(vec![
        (b"%v %+v", vec![labels(&[("a", "x"), ("b", "1")]), labels(&[("b", "1")])], b"map[a:x b:1] map[b:1]"),
        (b"%#v", vec![labels(&[("a", "x"), ("b", "1")])], b"map[string]string{\"a\":\"x\", \"b\":\"1\"}"),
        (b"%s %q %x", vec![labels(&[("a", "b")]), labels(&[("a", "b")]), labels(&[("a", "b")])], b"map[a:b] map[\"a\":\"b\"] map[61:62]"),
        (b"%d", vec![labels(&[("a", "b")])], b"map[%!d(string=a):%!d(string=b)]"),
        (b"%4v|", vec![labels(&[("a", "b")])], b"map[   a:   b]|"),
        (b"%v %#v %T", vec![labels(&[]), labels(&[]), labels(&[])], b"map[] map[string]string{} map[string]string"),
        (b"%v", vec![map([("arg0", Value::Int(1)), ("arg1", text("x")), ("arg2", Value::Nil)])], b"map[arg0:1 arg1:x arg2:<nil>]"),
        (b"%#v", vec![map([("arg0", Value::Int(1)), ("arg1", text("x")), ("arg2", Value::Nil), ("arg3", bytes(b"h"))])], b"map[string]interface {}{\"arg0\":1, \"arg1\":\"x\", \"arg2\":interface {}(nil), \"arg3\":[]uint8{0x68}}"),
        (b"%d", vec![map([("a", Value::Nil), ("b", Value::Duration(5)), ("c", text("s"))])], b"map[%!d(string=a):<nil> %!d(string=b):5 %!d(string=c):%!d(string=s)]"),
        (b"%T", vec![map([])], b"map[string]interface {}"),
        (b"%v", vec![map([("a", map([("b", Value::Duration(1000000000))])), ("c", Value::Time(time(0, 0))), ("d", Value::Month(2)), ("e", Value::Location)])], b"map[a:map[b:1s] c:1970-01-01 00:00:00 +0000 UTC d:February e:UTC]"),
        (b"%w", vec![map([("a", Value::Nil), ("b", Value::Month(1))])], b"%!w(map[string]interface {}=map[a:<nil> b:1])"),
        (b"%#w", vec![map([("a", bytes(b"h"))])], b"%!w(map[string]interface {}=map[string]interface {}{\"a\":[]uint8{0x68}})"),
        (b"%+v", vec![map([("a", data())])], b"map[a:{Labels:map[a:b] ExternalLabels:map[] ExternalURL:http://x Value:1.5}]"),
        (b"%s", vec![map([("a", Value::Float(1.0)), ("b", html("h")), ("c", bytes(b"hi"))])], b"map[a:%!s(float64=1) b:h c:hi]"),
        (b"%v", vec![sample(&[("a", "b")], 1.5)], b"&{map[a:b] 1.5}"),
        (b"%+v", vec![sample(&[("a", "b")], 1.5)], b"&{Labels:map[a:b] Value:1.5}"),
        (b"%#v", vec![sample(&[("a", "b")], 1.5)], b"&template.sample{Labels:map[string]string{\"a\":\"b\"}, Value:1.5}"),
        (b"%s", vec![sample(&[("a", "b")], 1.5)], b"&{map[a:b] %!s(float64=1.5)}"),
        (b"%T", vec![sample(&[], 1.0)], b"*template.sample"),
        (b"%.1f", vec![sample(&[], 1.0)], b"&{map[] 1.0}"),
        (b"%w", vec![sample(&[], 1.0)], b"%!w(*template.sample=&{map[] 1})"),
        (b"%v %+v %#v %s %d %p %x %T", vec![Value::Sample(None), Value::Sample(None), Value::Sample(None), Value::Sample(None), Value::Sample(None), Value::Sample(None), Value::Sample(None), Value::Sample(None)], b"<nil> <nil> (*template.sample)(nil) %!s(*template.sample=<nil>) 0 0x0 0 *template.sample"),
        (b"%8v|%t", vec![Value::Sample(None), Value::Sample(None)], b"   <nil>|%!t(*template.sample=<nil>)"),
        (b"%v %#v %T", vec![Value::Samples(Arc::new([])), Value::Samples(Arc::new([])), Value::Samples(Arc::new([]))], b"[] template.queryResult{} template.queryResult"),
        (b"%v", vec![data()], b"{map[a:b] map[] http://x 1.5}"),
        (b"%+v", vec![data()], b"{Labels:map[a:b] ExternalLabels:map[] ExternalURL:http://x Value:1.5}"),
        (b"%#v", vec![data()], b"struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }{Labels:map[string]string{\"a\":\"b\"}, ExternalLabels:map[string]string{}, ExternalURL:\"http://x\", Value:1.5}"),
        (b"%s", vec![data()], b"{map[a:b] map[] http://x %!s(float64=1.5)}"),
        (b"%p", vec![data()], b"%!p(struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }={map[a:b] map[] http://x 1.5})"),
        (b"%v %s %d %T %#v %w", vec![Value::Nil, Value::Nil, Value::Nil, Value::Nil, Value::Nil, Value::Nil], b"<nil> %!s(<nil>) %!d(<nil>) <nil> <nil> %!w(<nil>)"),
        (b"%8v|%-8T|%+v", vec![Value::Nil, Value::Nil, Value::Nil], b"   <nil>|<nil>   |<nil>"),
    ]);
}

#[test]
fn times_and_their_parts_are_printed_as_go_does() {
    check(vec![
        (b"%v", vec![Value::Time(time(1600000000, 0))], b"2020-09-13 12:26:40 +0000 UTC"),
        (b"%s|%q", vec![Value::TimePointer(time(1600000000, 0)), Value::TimePointer(time(1600000000, 0))], b"2020-09-13 12:26:40 +0000 UTC|\"2020-09-13 12:26:40 +0000 UTC\""),
        (b"%d", vec![Value::Time(time(1600000000, 5))], b"{5 63735596800 0}"),
        (b"%d", vec![Value::TimePointer(time(1600000000, 5))], b"&{5 63735596800 0}"),
        (b"%t", vec![Value::Time(time(1600000000, 5))], b"{%!t(uint64=5) %!t(int64=63735596800) %!t(*time.Location=<nil>)}"),
        (b"%#v", vec![Value::Time(time(1600000000, 5))], b"time.Date(2020, time.September, 13, 12, 26, 40, 5, time.UTC)"),
        (b"%#v", vec![Value::TimePointer(time(1600000000, 5))], b"time.Date(2020, time.September, 13, 12, 26, 40, 5, time.UTC)"),
        (b"%w", vec![Value::Time(time(0, 0))], b"%!w(time.Time={0 62135596800 <nil>})"),
        (b"%#w", vec![Value::Time(time(0, 0))], b"%!w(time.Time=time.Time{wall:0x0, ext:62135596800, loc:(*time.Location)(nil)})"),
        (b"%+w", vec![Value::TimePointer(time(0, 0))], b"%!w(*time.Time=&{wall:0 ext:62135596800 loc:<nil>})"),
        (b"%T %T", vec![Value::Time(time(0, 0)), Value::TimePointer(time(0, 0))], b"time.Time *time.Time"),
        (b"%.10s|%12.4v|", vec![Value::Time(time(0, 0)), Value::Time(time(0, 0))], b"1970-01-01|        1970|"),
        (b"%v %s %d %#v %T %x %q", vec![Value::Duration(1000000000), Value::Duration(1000000000), Value::Duration(1000000000), Value::Duration(1000000000), Value::Duration(1000000000), Value::Duration(1000000000), Value::Duration(1000000000)], b"1s 1s 1000000000 1000000000 time.Duration 3173 \"1s\""),
        (b"%t", vec![Value::Duration(5)], b"%!t(time.Duration=5)"),
        (b"%v %s %T", vec![Value::DurationPointer(1000000000), Value::DurationPointer(1000000000), Value::DurationPointer(1000000000)], b"1s 1s *time.Duration"),
        (b"%8s|%-8v|", vec![Value::Duration(1000000000), Value::DurationPointer(1000000000)], b"      1s|1s      |"),
        (b"%v %s %d %#v %T %q %t", vec![Value::Month(3), Value::Month(3), Value::Month(3), Value::Month(3), Value::Month(3), Value::Month(3), Value::Month(3)], b"March March 3 3 time.Month \"March\" %!t(time.Month=3)"),
        (b"%v %d %x %p", vec![Value::Weekday(0), Value::Weekday(6), Value::Weekday(1), Value::Weekday(2)], b"Sunday 6 4d6f6e646179 %!p(time.Weekday=2)"),
        (b"%v %s %T %q", vec![Value::Location, Value::Location, Value::Location, Value::Location], b"UTC UTC *time.Location \"UTC\""),
        (b"%d", vec![Value::Location], b"&{%!d(string=UTC) [] [] %!d(string=) 0 0 0}"),
        (b"%#v", vec![Value::Location], b"&time.Location{name:\"UTC\", zone:[]time.zone(nil), tx:[]time.zoneTrans(nil), extend:\"\", cacheStart:0, cacheEnd:0, cacheZone:(*time.zone)(nil)}"),
        (b"%t", vec![Value::Location], b"&{%!t(string=UTC) [] [] %!t(string=) %!t(int64=0) %!t(int64=0) %!t(*time.zone=<nil>)}"),
        (b"%w", vec![Value::Location], b"%!w(*time.Location=&{UTC [] []  0 0 <nil>})"),
    ]);
}

#[test]
fn directives_are_read_as_go_does() {
    check(vec![
        (b"", vec![], b""),
        (b"plain \xff", vec![], b"plain \xff"),
        (b"100%%", vec![], b"100%"),
        (b"%5%|%-5.3%|", vec![], b"%|%|"),
        (b"%", vec![], b"%!(NOVERB)"),
        (b"%-", vec![], b"%!(NOVERB)"),
        (b"%5", vec![Value::Int(1)], b"%!(NOVERB)%!(EXTRA int=1)"),
        (b"%.", vec![Value::Int(3)], b"%!.(int=3)"),
        (b"%.3", vec![Value::Int(3)], b"%!(NOVERB)%!(EXTRA int=3)"),
        (b"%d.", vec![Value::Int(3)], b"3."),
        (b"%!", vec![Value::Int(1)], b"%!!(int=1)"),
        (b"%d", vec![], b"%!d(MISSING)"),
        (b"%d %d", vec![Value::Int(1)], b"1 %!d(MISSING)"),
        (b"%s %s", vec![], b"%!s(MISSING) %!s(MISSING)"),
        (
            b"%d",
            vec![Value::Int(1), Value::Int(2), text("x"), Value::Nil, Value::Duration(1000000000)],
            b"1%!(EXTRA int=2, string=x, <nil>, time.Duration=1s)",
        ),
        (b"x", vec![Value::Float(1.5), labels(&[("a", "b")])], b"x%!(EXTRA float64=1.5, map[string]string=map[a:b])"),
        (b"%\xff", vec![Value::Int(1)], b"%!\xef\xbf\xbd(int=1)"),
        (b"%-010d|", vec![Value::Int(1)], b"1         |"),
    ]);
}

#[test]
fn indexes_of_arguments_are_read_as_go_does() {
    check(vec![
        (b"%[2]d %[1]d", vec![Value::Int(1), Value::Int(2)], b"2 1"),
        (b"%[2]*[1]d|", vec![Value::Int(1), Value::Int(5)], b"    1|"),
        (b"%[3]*.[2]*[1]f|", vec![Value::Float(12.0), Value::Int(2), Value::Int(6)], b" 12.00|"),
        (b"%6.2f %[1]v", vec![Value::Float(12.0)], b" 12.00 12"),
        (b"%[1]d %d %d", vec![Value::Int(1), Value::Int(2)], b"1 2 %!d(MISSING)"),
        (b"%[5]d", vec![Value::Int(1)], b"%!d(BADINDEX)"),
        (b"%[0]d %[x]d %[]d", vec![Value::Int(1)], b"%!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX)"),
        (b"%[1", vec![Value::Int(1)], b"%!(NOVERB)"),
        (b"%[", vec![Value::Int(1)], b"%!(NOVERB)"),
        (b"%[1]", vec![Value::Int(1)], b"%!(NOVERB)"),
        (b"%[3]2d", vec![Value::Int(1), Value::Int(2), Value::Int(3)], b"%!d(BADINDEX)"),
        (b"%[3].2d", vec![Value::Int(1), Value::Int(2), Value::Int(3)], b"%!d(BADINDEX)"),
        (b"%.[2]d", vec![Value::Int(1), Value::Int(2)], b"2"),
        (b"%[-1]d", vec![Value::Int(1)], b"%!d(BADINDEX)"),
        (b"%[99999999999]d %d", vec![Value::Int(1)], b"%!d(BADINDEX) 1"),
        (b"%.[]", vec![], b"%!](BADINDEX)"),
        (b"%[2]d", vec![Value::Int(1), Value::Int(2), Value::Int(3)], b"2"),
    ]);
}

#[test]
fn widths_and_precisions_are_read_as_go_does() {
    check(vec![
        (b"%*d|%-*d|", vec![Value::Int(5), Value::Int(42), Value::Int(5), Value::Int(42)], b"   42|42   |"),
        (b"%*d|", vec![Value::Int(-5), Value::Int(42)], b"42   |"),
        (b"%0*d|", vec![Value::Int(-5), Value::Int(42)], b"42   |"),
        (b"%*d", vec![text("x"), Value::Int(42)], b"%!(BADWIDTH)42"),
        (b"%*d", vec![Value::Int(10000001), Value::Int(42)], b"%!(BADWIDTH)42"),
        (b"%*d", vec![], b"%!(BADWIDTH)%!d(MISSING)"),
        (b"%.*f", vec![Value::Int(2), Value::Float(1.2345)], b"1.23"),
        (b"%.*d", vec![Value::Int(-1), Value::Int(42)], b"%!(BADPREC)42"),
        (b"%.*d", vec![text("x"), Value::Int(42)], b"%!(BADPREC)42"),
        (b"%*.*f|", vec![Value::Int(8), Value::Byte(2), Value::Float(1.2345)], b"    1.23|"),
        (b"%*d|", vec![Value::Month(5), Value::Int(1)], b"    1|"),
        (b"%*d", vec![Value::Nil, Value::Int(1)], b"%!(BADWIDTH)1"),
        (b"%99999999d", vec![Value::Int(1)], b"%!(NOVERB)%!(EXTRA int=1)"),
        (b"%.99999999d", vec![Value::Int(1)], b"%!(NOVERB)%!(EXTRA int=1)"),
        (
            b"%-+5d|%+-5d|% 05d|%0 5d",
            vec![Value::Int(1), Value::Int(1), Value::Int(1), Value::Int(1)],
            b"+1   |+1   | 0001| 0001",
        ),
        (b"%+s|% s", vec![text("a"), text("b")], b"a|b"),
    ]);
}

#[test]
fn values_are_printed_without_a_format_as_go_does() {
    let cases: Vec<(Vec<Value>, &str, &str)> = vec![
        (vec![], "", "\n"),
        (vec![Value::Int(1), Value::Int(2)], "1 2", "1 2\n"),
        (vec![text("a"), Value::Int(1), text("b")], "a1b", "a 1 b\n"),
        (vec![Value::Int(1), Value::Int(2), text("a"), text("b"), Value::Float(1.5)], "1 2ab1.5", "1 2 a b 1.5\n"),
        (vec![Value::Nil, Value::Nil], "<nil> <nil>", "<nil> <nil>\n"),
        (vec![text(""), Value::Int(1), Value::Int(2)], "1 2", " 1 2\n"),
        (vec![html("<b>"), Value::Int(1), Value::Bool(true)], "<b>1 true", "<b> 1 true\n"),
        (vec![labels(&[("a", "b")]), sample(&[("c", "d")], 1.0)], "map[a:b] &{map[c:d] 1}", "map[a:b] &{map[c:d] 1}\n"),
        (vec![Value::Duration(1000000000), Value::Month(3)], "1s March", "1s March\n"),
        (vec![bytes(b"hi"), Value::Float(1.234567e6)], "[104 105] 1.234567e+06", "[104 105] 1.234567e+06\n"),
        (vec![sample(&[], 1.0), Value::Sample(None)], "&{map[] 1} <nil>", "&{map[] 1} <nil>\n"),
    ];
    for (args, printed, line) in cases {
        assert_eq!(String::from_utf8(sprint(&args)).unwrap(), printed);
        assert_eq!(String::from_utf8(sprintln(&args)).unwrap(), line);
    }
}

#[test]
fn addresses_are_made_up_and_the_same_each_time() {
    check(vec![
        (b"%v", vec![samples(&[1.0, 2.0])], b"[0xc000012340 0xc000012350]"),
        (b"%d %#x", vec![samples(&[1.0]), samples(&[1.0])], b"[824633795392] [0xc000012340]"),
        (b"%#v", vec![samples(&[1.0])], b"template.queryResult{(*template.sample)(0xc000012340)}"),
        (b"%s", vec![samples(&[1.0])], b"[%!s(*template.sample=&{map[] 1})]"),
        (b"%p %#p", vec![sample(&[], 1.0), labels(&[])], b"0xc000012340 c000012340"),
        (b"%16p|%-16p|", vec![bytes(b"a"), Value::Location], b"    0xc000012340|0xc000012340    |"),
        (b"%#v %d", vec![Value::DurationPointer(5); 2], b"(*time.Duration)(0xc000012340) 824633795392"),
        (b"%v", vec![map([("a", sample(&[], 1.0)), ("b", sample(&[], 1.0))])], b"map[a:0xc000012340 b:0xc000012350]"),
    ]);
}

#[test]
fn a_template_prints_what_a_pointer_points_to() {
    let cases = [
        (Value::Nil, "<no value>"),
        (Value::Sample(None), "<nil>"),
        (sample(&[("a", "b")], 1.0), "{map[a:b] 1}"),
        (samples(&[1.0]), "[0xc000012340]"),
        (Value::Location, "UTC"),
        (Value::DurationPointer(1_000_000_000), "1s"),
        (Value::TimePointer(time(0, 0)), "1970-01-01 00:00:00 +0000 UTC"),
        (Value::Float(1_234_567.0), "1.234567e+06"),
        (html("<b>"), "<b>"),
        (data(), "{map[a:b] map[] http://x 1.5}"),
    ];
    for (value, expected) in cases {
        assert_eq!(String::from_utf8(print_value(&value)).unwrap(), expected);
    }
}

#[test]
fn arguments_of_escapers_are_what_pointers_point_to() {
    let args = [Value::Nil, Value::Int(1), sample(&[], 2.0), text("x"), Value::Sample(None), Value::Bool(true)];
    assert_eq!(String::from_utf8(eval_args(&args)).unwrap(), "<no value>1 {map[] 2}x<nil> true");
    assert_eq!(eval_args(&[raw(b"\xff")]), b"\xff");
    assert!(eval_args(&[]).is_empty());
}

#[test]
fn a_text_as_long_as_the_limit_is_printed() {
    assert_eq!(sprintf(b"%5d", &[Value::Int(1)], 5).unwrap(), b"    1");
    assert_eq!(sprintf(b"%.3s", &[text("hello")], 3).unwrap(), b"hel");
    assert_eq!(sprintf(b"%.20g", &[Value::Float(0.5)], 3).unwrap(), b"0.5");
    assert_eq!(sprintf(b"", &[], 0).unwrap(), b"");
}

#[test]
fn a_text_longer_than_the_limit_is_an_error() {
    let long = Err(TooLong { limit: 100 });
    assert_eq!(sprintf(b"%101d", &[Value::Int(1)], 100), long);
    assert_eq!(sprintf(b"%-1000000s", &[text("a")], 100), long);
    assert_eq!(sprintf(b"%.1000000f", &[Value::Float(1.0)], 100), long);
    assert_eq!(sprintf(b"%.1000000d", &[Value::Int(1)], 100), long);
    assert_eq!(sprintf(b"%.1000000U", &[Value::Int(1)], 100), long);
    assert_eq!(sprintf(b"%*d", &[Value::Int(1_000_000), Value::Int(1)], 100), long);
    assert_eq!(sprintf("%1000000d".repeat(10_000).as_bytes(), &[], 100), long);
    assert_eq!(sprintf("a".repeat(101).as_bytes(), &[], 100), long);
    assert_eq!(sprintf(b"%s", &[text(&"a".repeat(101))], 100), long);
    assert_eq!(sprintf(b"", &[text(&"a".repeat(100))], 100), long);
    assert_eq!(TooLong { limit: 100 }.to_string(), "the text is longer than 100 bytes");
}

#[test]
fn values_that_contain_each_other_many_times_do_not_use_up_the_memory() {
    let mut value = Value::Int(1);
    for _ in 0..60 {
        value = map([("arg0", value.clone()), ("arg1", value)]);
    }
    assert_eq!(sprintf(b"%v", std::slice::from_ref(&value), 100), Err(TooLong { limit: 100 }));
    assert_eq!(sprint(&[value]).len(), FAR_TOO_LONG);
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    let mut value = Value::Int(1);
    for _ in 0..500 {
        value = map([("a", value)]);
    }
    let printed = std::thread::scope(|scope| {
        let small = std::thread::Builder::new().stack_size(256 * 1024);
        small.spawn_scoped(scope, || sprint(std::slice::from_ref(&value))).unwrap().join().unwrap()
    });
    assert_eq!(printed.len(), 500 * "map[a:]".len() + 1);
}
