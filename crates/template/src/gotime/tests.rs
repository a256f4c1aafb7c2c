//! What Go 1.26 gives for the same.

use super::*;
use crate::{
    function::{Asked, Env, Failure},
    value::{Type, Value},
};

fn at(second: i64, nanosecond: u32) -> DateTime<Utc> {
    DateTime::from_timestamp(second, nanosecond).unwrap()
}

fn call(receiver: Value, name: &str, args: &[Value]) -> Result<Value, Failure> {
    let method = method(receiver.go_type().unwrap(), name).unwrap();
    assert_eq!(method.params.len(), args.len(), "{name}");
    let mut ask = |_: &str| Asked::NotYet;
    let mut env = Env { external_url: "", now_ms: 0, bytes: 1000, steps: 1_000, ask: &mut ask };
    (method.call)(&mut env, [&[receiver], args].concat())
}

fn called(receiver: Value, name: &str, args: &[Value]) -> Value {
    call(receiver, name, args).unwrap()
}

fn error_of(receiver: Value, name: &str, args: &[Value]) -> String {
    match call(receiver, name, args) {
        Err(Failure::Error(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn bytes(text: &str) -> Value {
    Value::Bytes(text.as_bytes().into())
}

/// A layout and what five times are in it.
const LAYOUTS: &[(&str, [&str; 5])] = &[
    (
        "01/02 03:04:05PM '06 -0700",
        [
            "06/23 01:19:44PM '15 +0000",
            "02/29 11:59:59PM '24 +0000",
            "12/31 12:04:05PM '01 +0000",
            "06/07 12:03:09AM '45 +0000",
            "01/02 03:04:05PM '06 +0000",
        ],
    ),
    (
        "Mon Jan _2 15:04:05 2006",
        [
            "Tue Jun 23 13:19:44 2015",
            "Thu Feb 29 23:59:59 2024",
            "Fri Dec 31 12:04:05 -0001",
            "Thu Jun  7 00:03:09 12345",
            "Mon Jan  2 15:04:05 2006",
        ],
    ),
    (
        "Mon Jan _2 15:04:05 MST 2006",
        [
            "Tue Jun 23 13:19:44 UTC 2015",
            "Thu Feb 29 23:59:59 UTC 2024",
            "Fri Dec 31 12:04:05 UTC -0001",
            "Thu Jun  7 00:03:09 UTC 12345",
            "Mon Jan  2 15:04:05 UTC 2006",
        ],
    ),
    (
        "Mon Jan 02 15:04:05 -0700 2006",
        [
            "Tue Jun 23 13:19:44 +0000 2015",
            "Thu Feb 29 23:59:59 +0000 2024",
            "Fri Dec 31 12:04:05 +0000 -0001",
            "Thu Jun 07 00:03:09 +0000 12345",
            "Mon Jan 02 15:04:05 +0000 2006",
        ],
    ),
    (
        "02 Jan 06 15:04 MST",
        [
            "23 Jun 15 13:19 UTC",
            "29 Feb 24 23:59 UTC",
            "31 Dec 01 12:04 UTC",
            "07 Jun 45 00:03 UTC",
            "02 Jan 06 15:04 UTC",
        ],
    ),
    (
        "02 Jan 06 15:04 -0700",
        [
            "23 Jun 15 13:19 +0000",
            "29 Feb 24 23:59 +0000",
            "31 Dec 01 12:04 +0000",
            "07 Jun 45 00:03 +0000",
            "02 Jan 06 15:04 +0000",
        ],
    ),
    (
        "Monday, 02-Jan-06 15:04:05 MST",
        [
            "Tuesday, 23-Jun-15 13:19:44 UTC",
            "Thursday, 29-Feb-24 23:59:59 UTC",
            "Friday, 31-Dec-01 12:04:05 UTC",
            "Thursday, 07-Jun-45 00:03:09 UTC",
            "Monday, 02-Jan-06 15:04:05 UTC",
        ],
    ),
    (
        "Mon, 02 Jan 2006 15:04:05 MST",
        [
            "Tue, 23 Jun 2015 13:19:44 UTC",
            "Thu, 29 Feb 2024 23:59:59 UTC",
            "Fri, 31 Dec -0001 12:04:05 UTC",
            "Thu, 07 Jun 12345 00:03:09 UTC",
            "Mon, 02 Jan 2006 15:04:05 UTC",
        ],
    ),
    (
        "Mon, 02 Jan 2006 15:04:05 -0700",
        [
            "Tue, 23 Jun 2015 13:19:44 +0000",
            "Thu, 29 Feb 2024 23:59:59 +0000",
            "Fri, 31 Dec -0001 12:04:05 +0000",
            "Thu, 07 Jun 12345 00:03:09 +0000",
            "Mon, 02 Jan 2006 15:04:05 +0000",
        ],
    ),
    (
        "2006-01-02T15:04:05Z07:00",
        [
            "2015-06-23T13:19:44Z",
            "2024-02-29T23:59:59Z",
            "-0001-12-31T12:04:05Z",
            "12345-06-07T00:03:09Z",
            "2006-01-02T15:04:05Z",
        ],
    ),
    (
        "2006-01-02T15:04:05.999999999Z07:00",
        [
            "2015-06-23T13:19:44.128Z",
            "2024-02-29T23:59:59.999999999Z",
            "-0001-12-31T12:04:05.00000001Z",
            "12345-06-07T00:03:09.000001Z",
            "2006-01-02T15:04:05.00012Z",
        ],
    ),
    ("3:04PM", ["1:19PM", "11:59PM", "12:04PM", "12:03AM", "3:04PM"]),
    (
        "Jan _2 15:04:05",
        ["Jun 23 13:19:44", "Feb 29 23:59:59", "Dec 31 12:04:05", "Jun  7 00:03:09", "Jan  2 15:04:05"],
    ),
    (
        "Jan _2 15:04:05.000",
        [
            "Jun 23 13:19:44.128",
            "Feb 29 23:59:59.999",
            "Dec 31 12:04:05.000",
            "Jun  7 00:03:09.000",
            "Jan  2 15:04:05.000",
        ],
    ),
    (
        "Jan _2 15:04:05.000000",
        [
            "Jun 23 13:19:44.128000",
            "Feb 29 23:59:59.999999",
            "Dec 31 12:04:05.000000",
            "Jun  7 00:03:09.000001",
            "Jan  2 15:04:05.000120",
        ],
    ),
    (
        "Jan _2 15:04:05.000000000",
        [
            "Jun 23 13:19:44.128000000",
            "Feb 29 23:59:59.999999999",
            "Dec 31 12:04:05.000000010",
            "Jun  7 00:03:09.000001000",
            "Jan  2 15:04:05.000120000",
        ],
    ),
    (
        "2006-01-02 15:04:05",
        [
            "2015-06-23 13:19:44",
            "2024-02-29 23:59:59",
            "-0001-12-31 12:04:05",
            "12345-06-07 00:03:09",
            "2006-01-02 15:04:05",
        ],
    ),
    ("2006-01-02", ["2015-06-23", "2024-02-29", "-0001-12-31", "12345-06-07", "2006-01-02"]),
    ("15:04:05", ["13:19:44", "23:59:59", "12:04:05", "00:03:09", "15:04:05"]),
    ("", ["", "", "", "", ""]),
    (
        "no elements here",
        ["no elements here", "no elements here", "no elements here", "no elements here", "no elements here"],
    ),
    (
        "January Jan Month Mon Monday Mont MST",
        [
            "June Jun Month Tue Tuesday Mont UTC",
            "February Feb Month Thu Thursday Mont UTC",
            "December Dec Month Fri Friday Mont UTC",
            "June Jun Month Thu Thursday Mont UTC",
            "January Jan Month Mon Monday Mont UTC",
        ],
    ),
    (
        "1 01 2 02 _2 3 03 4 04 5 05 6 06",
        [
            "6 06 23 23 23 1 01 19 19 44 44 6 15",
            "2 02 29 29 29 11 11 59 59 59 59 6 24",
            "12 12 31 31 31 12 12 4 04 5 05 6 01",
            "6 06 7 07  7 12 12 3 03 9 09 6 45",
            "1 01 2 02  2 3 03 4 04 5 05 6 06",
        ],
    ),
    (
        "002 __2 _2006 __2006 2006 20061",
        [
            "174 174 _2015 174015 2015 20156",
            "060  60 _2024  60024 2024 20242",
            "365 365 _-0001 365001 -0001 -000112",
            "158 158 _12345 158045 12345 123456",
            "002   2 _2006   2006 2006 20061",
        ],
    ),
    (
        "15 5 PM pm AM p P",
        ["13 44 PM pm AM p P", "23 59 PM pm AM p P", "12 5 PM pm AM p P", "00 9 AM am AM p P", "15 5 PM pm AM p P"],
    ),
    (
        "-07 -0700 -07:00 -070000 -07:00:00 -7",
        [
            "+00 +0000 +00:00 +000000 +00:00:00 -7",
            "+00 +0000 +00:00 +000000 +00:00:00 -7",
            "+00 +0000 +00:00 +000000 +00:00:00 -7",
            "+00 +0000 +00:00 +000000 +00:00:00 -7",
            "+00 +0000 +00:00 +000000 +00:00:00 -7",
        ],
    ),
    (
        "Z07 Z0700 Z07:00 Z070000 Z07:00:00 Z7",
        ["Z Z Z Z Z Z7", "Z Z Z Z Z Z7", "Z Z Z Z Z Z7", "Z Z Z Z Z Z7", "Z Z Z Z Z Z7"],
    ),
    (
        "05.0 05.000 05,000 05.9 05.999999999 05,999 05.000000000000 05.99999999999 05.0001 05.00x",
        [
            "44.1 44.128 44,128 44.1 44.128 44,128 44.128000000 44.128 44.0006 44.12x",
            "59.9 59.999 59,999 59.9 59.999999999 59,999 59.999999999 59.999999999 59.0002 59.99x",
            "05.0 05.000 05,000 05 05.00000001 05 05.000000010 05.00000001 05.0012 05.00x",
            "09.0 09.000 09,000 09 09.000001 09 09.000001000 09.000001 09.0006 09.00x",
            "05.0 05.000 05,000 05 05.00012 05 05.000120000 05.00012 05.0001 05.00x",
        ],
    ),
    (".9 ,9 .0 ,0 . ,", [".1 ,1 .1 ,1 . ,", ".9 ,9 .9 ,9 . ,", "  .0 ,0 . ,", "  .0 ,0 . ,", "  .0 ,0 . ,"]),
    ("05.09", ["44.09", "59.09", "05.09", "09.09", "05.09"]),
    (
        "05.000000000 .999",
        ["44.128000000 .128", "59.999999999 .999", "05.000000010 ", "09.000001000 ", "05.000120000 "],
    ),
    (
        "JJanuary 001 003 0 00 010203",
        [
            "JJune 006 001 0 00 062301",
            "JFebruary 002 011 0 00 022911",
            "JDecember 012 012 0 00 123112",
            "JJune 006 012 0 00 060712",
            "JJanuary 001 003 0 00 010203",
        ],
    ),
    ("2006年01月02日", ["2015年06月23日", "2024年02月29日", "-0001年12月31日", "12345年06月07日", "2006年01月02日"]),
    (
        "Januaryx Janx JanX Monx MonX Mondayx",
        [
            "Junex Janx JunX Monx TueX Tuesdayx",
            "Februaryx Janx FebX Monx ThuX Thursdayx",
            "Decemberx Janx DecX Monx FriX Fridayx",
            "Junex Janx JunX Monx ThuX Thursdayx",
            "Januaryx Janx JanX Monx MonX Mondayx",
        ],
    ),
    (".00000000000000000000 x", [".128000000 x", ".999999999 x", ".000000010 x", ".000001000 x", ".000120000 x"]),
    ("Z07:0 -07:0 Z070", ["Z:0 +00:0 Z0", "Z:0 +00:0 Z0", "Z:0 +00:0 Z0", "Z:0 +00:0 Z0", "Z:0 +00:0 Z0"]),
    ("_", ["_", "_", "_", "_", "_"]),
    ("__", ["__", "__", "__", "__", "__"]),
    ("_3", ["_1", "_11", "_12", "_12", "_3"]),
];

#[test]
fn a_time_is_formatted_in_any_layout() {
    let times = [
        at(1_435_065_584, 128_000_000),
        at(1_709_251_199, 999_999_999),
        at(-62_167_262_155, 10),
        at(327_416_947_389, 1_000),
        at(1_136_214_245, 120_000),
    ];
    for (layout, expected) in LAYOUTS {
        for (time, expected) in times.into_iter().zip(expected) {
            let formatted = called(Value::Time(time), "Format", &[Value::text(*layout)]);
            assert_eq!(formatted, Value::text(*expected), "{layout:?}");
        }
    }
}

#[test]
fn bytes_of_a_layout_that_are_no_utf_8_are_copied() {
    let layout = Value::text(b"\xff2006\xff".to_vec());
    let time = Value::Time(at(1_435_065_584, 0));
    assert_eq!(called(time, "Format", &[layout]), Value::text(b"\xff2015\xff".to_vec()));
}

#[test]
fn a_fraction_of_4096_digits_has_none() {
    let layout = format!("05.{}", "0".repeat(4096));
    assert_eq!(called(Value::Time(at(5, 0)), "Format", &[Value::text(layout)]), Value::text("05."));
}

#[test]
fn a_time_has_a_text_and_a_text_as_go_code() {
    let cases = [
        (0, 0, "1970-01-01 00:00:00 +0000 UTC", "time.Date(1970, time.January, 1, 0, 0, 0, 0, time.UTC)"),
        (
            1_435_065_584,
            128_000_000,
            "2015-06-23 13:19:44.128 +0000 UTC",
            "time.Date(2015, time.June, 23, 13, 19, 44, 128000000, time.UTC)",
        ),
        (-62_135_596_800, 0, "0001-01-01 00:00:00 +0000 UTC", "time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC)"),
        (
            1_709_251_199,
            999_999_999,
            "2024-02-29 23:59:59.999999999 +0000 UTC",
            "time.Date(2024, time.February, 29, 23, 59, 59, 999999999, time.UTC)",
        ),
        (
            -62_167_262_155,
            10,
            "-0001-12-31 12:04:05.00000001 +0000 UTC",
            "time.Date(-1, time.December, 31, 12, 4, 5, 10, time.UTC)",
        ),
        (
            327_416_947_389,
            1000,
            "12345-06-07 00:03:09.000001 +0000 UTC",
            "time.Date(12345, time.June, 7, 0, 3, 9, 1000, time.UTC)",
        ),
        (
            939_474_000,
            500_000_000,
            "1999-10-09 13:00:00.5 +0000 UTC",
            "time.Date(1999, time.October, 9, 13, 0, 0, 500000000, time.UTC)",
        ),
        (-62_162_035_200, 0, "0000-03-01 00:00:00 +0000 UTC", "time.Date(0, time.March, 1, 0, 0, 0, 0, time.UTC)"),
        (
            1_136_214_245,
            120_000,
            "2006-01-02 15:04:05.00012 +0000 UTC",
            "time.Date(2006, time.January, 2, 15, 4, 5, 120000, time.UTC)",
        ),
    ];
    for (second, nanosecond, text, code) in cases {
        let time = at(second, nanosecond);
        assert_eq!(time_string(&time), text);
        assert_eq!(called(Value::TimePointer(time), "String", &[]), Value::text(text));
        assert_eq!(called(Value::Time(time), "GoString", &[]), Value::text(code));
    }
}

#[test]
fn a_duration_has_a_text() {
    let cases = [
        (0, "0s"),
        (1, "1ns"),
        (-1, "-1ns"),
        (999, "999ns"),
        (1000, "1µs"),
        (1100, "1.1µs"),
        (999_999, "999.999µs"),
        (1_000_000, "1ms"),
        (1_234_567, "1.234567ms"),
        (999_999_999, "999.999999ms"),
        (1_000_000_000, "1s"),
        (1_500_000_000, "1.5s"),
        (59_999_999_999, "59.999999999s"),
        (60_000_000_000, "1m0s"),
        (61_000_000_000, "1m1s"),
        (3_600_000_000_000, "1h0m0s"),
        (3_661_000_000_001, "1h1m1.000000001s"),
        (90_061_000_000_000, "25h1m1s"),
        (1_800_000_000_000, "30m0s"),
        (i64::MAX, "2562047h47m16.854775807s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
        (-1500, "-1.5µs"),
    ];
    for (nanos, text) in cases {
        assert_eq!(duration_string(nanos), text);
        assert_eq!(called(Value::DurationPointer(nanos), "String", &[]), Value::text(text));
    }
}

#[test]
fn a_time_is_rounded_and_cut_to_multiples_since_year_1() {
    let cases = [
        (1_435_065_584, 128_000_000, 0, "2015-06-23 13:19:44.128 +0000 UTC", "2015-06-23 13:19:44.128 +0000 UTC"),
        (
            1_435_065_584,
            128_000_000,
            7,
            "2015-06-23 13:19:44.128000003 +0000 UTC",
            "2015-06-23 13:19:44.127999996 +0000 UTC",
        ),
        (1_435_065_584, 128_000_000, 1_000_000_000, "2015-06-23 13:19:44 +0000 UTC", "2015-06-23 13:19:44 +0000 UTC"),
        (
            1_435_065_584,
            128_000_000,
            3_600_000_000_000,
            "2015-06-23 13:00:00 +0000 UTC",
            "2015-06-23 13:00:00 +0000 UTC",
        ),
        (
            1_435_065_584,
            128_000_000,
            604_800_000_000_000,
            "2015-06-22 00:00:00 +0000 UTC",
            "2015-06-22 00:00:00 +0000 UTC",
        ),
        (1_709_251_199, 999_999_999, 1000, "2024-03-01 00:00:00 +0000 UTC", "2024-02-29 23:59:59.999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, 1_000_000_000, "2024-03-01 00:00:00 +0000 UTC", "2024-02-29 23:59:59 +0000 UTC"),
        (
            1_709_251_199,
            999_999_999,
            123_456_789_123,
            "2024-03-01 00:00:01.139019579 +0000 UTC",
            "2024-02-29 23:57:57.682230456 +0000 UTC",
        ),
        (
            -62_167_262_155,
            10,
            3_000_000_001,
            "-0001-12-31 12:04:05.989444882 +0000 UTC",
            "-0001-12-31 12:04:02.989444881 +0000 UTC",
        ),
        (-62_167_262_155, 10, 86_400_000_000_000, "0000-01-01 00:00:00 +0000 UTC", "-0001-12-31 00:00:00 +0000 UTC"),
        (-62_167_262_155, 10, i64::MAX, "0001-01-01 00:00:00 +0000 UTC", "-0292-09-22 00:12:43.145224193 +0000 UTC"),
        (327_416_947_389, 1000, 86_400_000_000_000, "12345-06-07 00:00:00 +0000 UTC", "12345-06-07 00:00:00 +0000 UTC"),
    ];
    for (second, nanosecond, unit, rounded, truncated) in cases {
        let time = Value::Time(at(second, nanosecond));
        let text = |name| called(called(time.clone(), name, &[Value::Duration(unit)]), "String", &[]);
        assert_eq!(text("Round"), Value::text(rounded), "{unit}");
        assert_eq!(text("Truncate"), Value::text(truncated), "{unit}");
    }
}

#[test]
fn years_months_and_days_are_added_by_the_calendar() {
    let cases = [
        (1_709_251_199, 999_999_999, [0, 0, 0], "2024-02-29 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [0, 1, 0], "2024-03-29 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [0, -1, 0], "2024-01-29 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [1, 0, 0], "2025-03-01 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [0, 0, 1], "2024-03-01 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [0, 0, -400], "2023-01-25 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [-4, 25, 100], "2022-07-07 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [0, 13, 0], "2025-03-29 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [100, -1300, 5], "2015-11-03 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [0, 0, 100000], "2297-12-14 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [-3000, 0, 0], "-0976-02-29 23:59:59.999999999 +0000 UTC"),
        (1_709_251_199, 999_999_999, [0, -7, 31], "2023-08-29 23:59:59.999999999 +0000 UTC"),
        (-62_167_262_155, 10, [0, 0, 0], "-0001-12-31 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [0, 1, 0], "0000-01-31 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [0, -1, 0], "-0001-12-01 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [1, 0, 0], "0000-12-31 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [0, 0, 1], "0000-01-01 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [0, 0, -400], "-0002-11-26 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [-4, 25, 100], "-0002-05-11 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [0, 13, 0], "0001-01-31 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [100, -1300, 5], "-0009-09-05 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [0, 0, 100000], "0273-10-15 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [-3000, 0, 0], "-3001-12-31 12:04:05.00000001 +0000 UTC"),
        (-62_167_262_155, 10, [0, -7, 31], "-0001-07-01 12:04:05.00000001 +0000 UTC"),
    ];
    for (second, nanosecond, added, expected) in cases {
        let sum = called(Value::Time(at(second, nanosecond)), "AddDate", &added.map(Value::Int));
        assert_eq!(called(sum, "String", &[]), Value::text(expected), "{added:?}");
    }
}

#[test]
fn what_no_time_can_hold_is_the_first_or_the_last_one() {
    let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let now = Value::Time(at(1_435_065_584, 0));
    for extreme in [i64::MAX, i64::MAX - 1, 1 << 40] {
        let far = |years, months, days| called(now.clone(), "AddDate", &[years, months, days].map(Value::Int));
        assert_eq!(far(extreme, extreme, extreme), Value::Time(last));
        assert_eq!(far(-extreme, -extreme, -extreme), Value::Time(first));
        assert_eq!(far(0, 0, extreme), Value::Time(last));
        assert_eq!(far(extreme, 0, -extreme), Value::Time(last));
    }
    for time in [first, last] {
        for unit in [i64::MIN, 1, 7, i64::MAX] {
            called(Value::Time(time), "Add", &[Value::Duration(unit)]);
            called(Value::Time(time), "Round", &[Value::Duration(unit)]);
            called(Value::Time(time), "Truncate", &[Value::Duration(unit)]);
        }
        for name in ["Unix", "UnixMilli", "UnixMicro", "UnixNano", "String", "GoString", "MarshalBinary", "YearDay"] {
            called(Value::Time(time), name, &[]);
        }
    }
    let between = |time, other| called(Value::Time(time), "Sub", &[Value::Time(other)]);
    assert_eq!(between(first, last), Value::Duration(i64::MIN));
    assert_eq!(between(last, first), Value::Duration(i64::MAX));
}

#[test]
fn durations_are_added_to_times_and_found_between_them() {
    let (epoch, later) = (at(0, 0), at(1_435_065_584, 128_000_000));
    let sum = |nanos| called(called(Value::Time(epoch), "Add", &[Value::Duration(nanos)]), "String", &[]);
    assert_eq!(sum(i64::MIN), Value::text("1677-09-21 00:12:43.145224192 +0000 UTC"));
    assert_eq!(sum(i64::MAX), Value::text("2262-04-11 23:47:16.854775807 +0000 UTC"));
    let difference = called(Value::Time(later), "Sub", &[Value::Time(epoch)]);
    assert_eq!(called(difference, "String", &[]), Value::text("398629h19m44.128s"));
}

#[test]
fn the_parts_of_a_time_have_gos_types() {
    let time = Value::TimePointer(at(1_435_065_584, 128_000_000));
    let parts = [
        ("Year", Value::Int(2015)),
        ("Month", Value::Month(6)),
        ("Day", Value::Int(23)),
        ("YearDay", Value::Int(174)),
        ("Weekday", Value::Weekday(2)),
        ("Hour", Value::Int(13)),
        ("Minute", Value::Int(19)),
        ("Second", Value::Int(44)),
        ("Nanosecond", Value::Int(128_000_000)),
        ("Unix", Value::Int64(1_435_065_584)),
        ("UnixMilli", Value::Int64(1_435_065_584_128)),
        ("UnixMicro", Value::Int64(1_435_065_584_128_000)),
        ("UnixNano", Value::Int64(1_435_065_584_128_000_000)),
        ("IsDST", Value::Bool(false)),
        ("IsZero", Value::Bool(false)),
        ("Location", Value::Location),
        ("UTC", Value::Time(at(1_435_065_584, 128_000_000))),
        ("Local", Value::Time(at(1_435_065_584, 128_000_000))),
        ("MarshalText", bytes("2015-06-23T13:19:44.128Z")),
        ("MarshalJSON", bytes("\"2015-06-23T13:19:44.128Z\"")),
    ];
    for (name, expected) in parts {
        assert_eq!(called(time.clone(), name, &[]), expected, "{name}");
    }
    assert_eq!(called(Value::Location, "String", &[]), Value::text("UTC"));
    assert_eq!(called(time, "In", &[Value::Location]), Value::Time(at(1_435_065_584, 128_000_000)));
}

#[test]
fn the_zero_time_is_the_first_of_year_1() {
    let zero = at(-62_135_596_800, 0);
    assert_eq!(called(Value::Time(zero), "IsZero", &[]), Value::Bool(true));
    assert_eq!(called(Value::Time(zero), "UnixNano", &[]), Value::Int64(-6_795_364_578_871_345_152));
    assert_eq!(called(Value::Time(at(-62_135_596_800, 1)), "IsZero", &[]), Value::Bool(false));
}

#[test]
fn times_are_compared() {
    let (earlier, later) = (at(1, 0), at(1, 1));
    let compare = |name, other| called(Value::Time(earlier), name, &[Value::Time(other)]);
    assert_eq!(compare("Before", later), Value::Bool(true));
    assert_eq!(compare("Before", earlier), Value::Bool(false));
    assert_eq!(compare("After", later), Value::Bool(false));
    assert_eq!(compare("Equal", earlier), Value::Bool(true));
    assert_eq!(compare("Compare", later), Value::Int(-1));
    assert_eq!(compare("Compare", earlier), Value::Int(0));
    assert_eq!(called(Value::Time(later), "Compare", &[Value::Time(earlier)]), Value::Int(1));
}

#[test]
fn bytes_are_appended_to() {
    let time = Value::Time(at(1_435_065_584, 128_000_000));
    let appended = |name, args: &[Value]| called(time.clone(), name, args);
    assert_eq!(appended("AppendFormat", &[bytes("x"), Value::text("2006")]), bytes("x2015"));
    assert_eq!(appended("AppendFormat", &[Value::Nil, Value::text("2006")]), bytes("2015"));
    assert_eq!(appended("AppendText", &[bytes("x")]), bytes("x2015-06-23T13:19:44.128Z"));
    let binary = b"\x01\x00\x00\x00\x0e\xcd\x1b\x53\xf0\x07\xa1\x20\x00\xff\xff";
    assert_eq!(appended("MarshalBinary", &[]), Value::Bytes(binary.as_slice().into()));
    assert_eq!(appended("GobEncode", &[]), Value::Bytes(binary.as_slice().into()));
    assert_eq!(appended("AppendBinary", &[Value::Nil]), Value::Bytes(binary.as_slice().into()));
}

#[test]
fn a_year_without_four_digits_has_no_rfc_3339_form() {
    for time in [at(-62_167_262_155, 10), at(327_416_947_389, 1_000)] {
        let error = |name, args: &[Value]| error_of(Value::Time(time), name, args);
        assert_eq!(error("MarshalText", &[]), "Time.MarshalText: year outside of range [0,9999]");
        assert_eq!(error("MarshalJSON", &[]), "Time.MarshalJSON: year outside of range [0,9999]");
        assert_eq!(error("AppendText", &[Value::Nil]), "Time.AppendText: year outside of range [0,9999]");
    }
}

#[test]
fn a_method_with_too_many_results_is_none_that_can_be_called() {
    let error = |name| bad_signature(Type::TimePointer, name).unwrap();
    assert_eq!(error("Clock"), "function Clock has 3 return values; should be 1 or 2");
    assert_eq!(error("Date"), "function Date has 3 return values; should be 1 or 2");
    assert_eq!(error("Zone"), "invalid function signature for Zone: second return value should be error; is int");
    assert!(["Clock", "Date", "ISOWeek", "Zone", "ZoneBounds"].iter().all(|name| method(Type::Time, name).is_none()));
    assert_eq!(bad_signature(Type::Time, "Year"), None);
    assert_eq!(bad_signature(Type::Duration, "Clock"), None);
}

#[test]
fn there_is_no_time_in_no_location() {
    let error = error_of(Value::Time(at(0, 0)), "In", &[Value::Nil]);
    assert_eq!(error, "time: missing Location in call to Time.In");
}

#[test]
fn a_duration_is_counted_in_other_units() {
    let hour = Value::Duration(3_661_000_000_001);
    let count = |name| called(hour.clone(), name, &[]);
    assert_eq!(count("Hours"), Value::Float(1.016_944_444_444_722_2));
    assert_eq!(count("Minutes"), Value::Float(61.016_666_666_683_335));
    assert_eq!(count("Seconds"), Value::Float(3_661.000_000_001));
    assert_eq!(count("Milliseconds"), Value::Int64(3_661_000));
    assert_eq!(count("Microseconds"), Value::Int64(3_661_000_000));
    assert_eq!(count("Nanoseconds"), Value::Int64(3_661_000_000_001));
    let longest = |name| called(Value::Duration(i64::MIN), name, &[]);
    assert_eq!(longest("Abs"), Value::Duration(i64::MAX));
    assert_eq!(longest("Hours"), Value::Float(-2.562_047_788_015_215_7e6));
}

#[test]
fn a_duration_is_rounded_and_cut() {
    let cases = [
        (1_234_567, 1_000, 1_235_000, 1_234_000),
        (-1_500, 1_000, -2_000, -1_000),
        (-1_500, 7, -1_498, -1_498),
        (1_500_000_000, 0, 1_500_000_000, 1_500_000_000),
        (1_500_000_000, -5, 1_500_000_000, 1_500_000_000),
        (i64::MAX, 1_000, i64::MAX, 9_223_372_036_854_775_000),
        (i64::MIN, 1_000, i64::MIN, -9_223_372_036_854_775_000),
        (i64::MIN, i64::MAX, -i64::MAX, -i64::MAX),
    ];
    for (nanos, unit, rounded, truncated) in cases {
        let result = |name| called(Value::Duration(nanos), name, &[Value::Duration(unit)]);
        assert_eq!(result("Round"), Value::Duration(rounded), "{nanos} {unit}");
        assert_eq!(result("Truncate"), Value::Duration(truncated), "{nanos} {unit}");
    }
}

#[test]
fn months_and_weekdays_have_names() {
    assert_eq!((month_name(1), month_name(12)), ("January".to_owned(), "December".to_owned()));
    assert_eq!((month_name(0), month_name(13)), ("%!Month(0)".to_owned(), "%!Month(13)".to_owned()));
    assert_eq!((weekday_name(0), weekday_name(6)), ("Sunday".to_owned(), "Saturday".to_owned()));
    assert_eq!(weekday_name(7), "%!Weekday(7)");
    assert_eq!(called(Value::Month(6), "String", &[]), Value::text("June"));
    assert_eq!(called(Value::Weekday(2), "String", &[]), Value::text("Tuesday"));
}

#[test]
fn other_types_have_no_methods() {
    assert!(method(Type::Int, "String").is_none());
    assert!(method(Type::Html, "String").is_none());
    assert!(method(Type::Duration, "Format").is_none());
    assert!(method(Type::Time, "wall").is_none());
}
