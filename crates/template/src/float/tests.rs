use super::format_float;

/// A number, verb and precision, and what Go makes of them.
const CASES: &[(f64, u8, Option<usize>, &str)] = &[
    (0.0, b'g', None, "0"),
    (-0.0, b'g', None, "-0"),
    (1.0, b'g', None, "1"),
    (123456.0, b'g', None, "123456"),
    (1.234567e6, b'g', None, "1.234567e+06"),
    (100000.0, b'g', None, "100000"),
    (1e6, b'g', None, "1e+06"),
    (1e20, b'g', None, "1e+20"),
    (1e21, b'g', None, "1e+21"),
    (0.0001, b'g', None, "0.0001"),
    (1e-5, b'g', None, "1e-05"),
    (0.1, b'g', None, "0.1"),
    (0.3333333333333333, b'g', None, "0.3333333333333333"),
    (5e-324, b'g', None, "5e-324"),
    (f64::MAX, b'g', None, "1.7976931348623157e+308"),
    (12345.678, b'g', Some(4), "1.235e+04"),
    (12345.678, b'G', Some(4), "1.235E+04"),
    (12345.678, b'g', Some(5), "12346"),
    (12345.678, b'g', Some(6), "12345.7"),
    (100.0, b'g', Some(3), "100"),
    (100.0, b'g', Some(2), "1e+02"),
    (1000.0, b'g', Some(0), "1e+03"),
    (0.0, b'g', Some(3), "0"),
    (1e6, b'g', Some(10), "1000000"),
    (1.2345e-5, b'g', Some(3), "1.23e-05"),
    (1.23456789e8, b'G', None, "1.23456789E+08"),
    (99.99, b'g', Some(3), "100"),
    (-1.8144194437084292e15, b'g', None, "-1.8144194437084292e+15"),
    (0.1, b'g', Some(30), "0.100000000000000005551115123126"),
    (400.0, b'g', Some(4), "400"),
    (40.0, b'g', Some(4), "40"),
    (0.0, b'e', None, "0e+00"),
    (0.0, b'e', Some(5), "0.00000e+00"),
    (1.0, b'e', None, "1e+00"),
    (1.0, b'e', Some(5), "1.00000e+00"),
    (1.5, b'e', Some(0), "2e+00"),
    (2.5, b'e', Some(0), "2e+00"),
    (9.99, b'e', Some(1), "1.0e+01"),
    (1234.5678, b'E', Some(3), "1.235E+03"),
    (5e-324, b'e', None, "5e-324"),
    (1e100, b'e', Some(2), "1.00e+100"),
    (1e23, b'e', Some(17), "9.99999999999999916e+22"),
    (1e23, b'e', Some(18), "9.999999999999999161e+22"),
    (f64::MAX, b'e', Some(20), "1.79769313486231570815e+308"),
    (0.0, b'f', None, "0"),
    (0.0, b'f', Some(2), "0.00"),
    (1.0, b'f', None, "1"),
    (0.5, b'f', Some(0), "0"),
    (1.5, b'f', Some(0), "2"),
    (2.5, b'f', Some(0), "2"),
    (0.25, b'f', Some(1), "0.2"),
    (0.35, b'f', Some(1), "0.3"),
    (1.005, b'f', Some(2), "1.00"),
    (999.995, b'f', Some(2), "1000.00"),
    (1e21, b'f', None, "1000000000000000000000"),
    (1e-7, b'f', None, "0.0000001"),
    (1e-7, b'f', Some(3), "0.000"),
    (-0.0001, b'f', Some(2), "-0.00"),
    (123456.789, b'F', Some(1), "123456.8"),
    (1e25, b'f', Some(0), "10000000000000000905969664"),
    (0.05, b'f', Some(1), "0.1"),
    (0.95, b'f', Some(0), "1"),
    (0.0, b'x', None, "0x0p+00"),
    (1.0, b'x', None, "0x1p+00"),
    (1.5, b'x', None, "0x1.8p+00"),
    (-0.1, b'x', None, "-0x1.999999999999ap-04"),
    (0.1, b'X', None, "0X1.999999999999AP-04"),
    (1e300, b'x', None, "0x1.7e43c8800759cp+996"),
    (5e-324, b'x', None, "0x1p-1074"),
    (1.9999, b'x', Some(1), "0x1.0p+01"),
    (1.9999, b'X', Some(0), "0X1P+01"),
    (1.03125, b'x', Some(1), "0x1.0p+00"),
    (1.09375, b'x', Some(1), "0x1.2p+00"),
    (0.0, b'x', Some(3), "0x0.000p+00"),
    (1.0, b'x', Some(20), "0x1.00000000000000000000p+00"),
    (0.0, b'b', None, "0p-1074"),
    (1.0, b'b', None, "4503599627370496p-52"),
    (-1.5, b'b', None, "-6755399441055744p-52"),
    (1e300, b'b', None, "6724873095247260p+944"),
    (5e-324, b'b', None, "1p-1074"),
    (f64::INFINITY, b'g', None, "+Inf"),
    (f64::NEG_INFINITY, b'f', Some(2), "-Inf"),
    (f64::NAN, b'e', Some(3), "NaN"),
];

#[test]
fn floats_are_formatted_as_go_does() {
    for &(value, verb, precision, expected) in CASES {
        let verb_shown = char::from(verb);
        assert_eq!(format_float(value, verb, precision), expected, "{value:?} {verb_shown} {precision:?}");
    }
}

#[test]
fn precisions_beyond_all_digits_give_zeros() {
    let text = format_float(0.1, b'f', Some(100_000));
    assert_eq!(text.len(), 100_002);
    assert!(text.starts_with("0.1000000000000000055511151231257827021181583404541015625000"));
    assert!(text.ends_with("0000"));
    assert_eq!(format_float(1.0, b'e', Some(70_000)).len(), 70_006);
    assert_eq!(format_float(0.5, b'g', Some(70_000)), "0.5");
}

#[test]
fn the_smallest_number_has_all_its_digits() {
    let text = format_float(5e-324, b'g', Some(2000));
    assert!(text.starts_with("4.940656458412465441765687928682213723650598026143"));
    assert!(text.ends_with("33447265625e-324"));
    assert_eq!(text.len(), 751 + ".e-324".len());
}
