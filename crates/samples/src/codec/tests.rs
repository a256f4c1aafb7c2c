use proptest::prelude::*;
use vigil_promql::{Point, stale_marker};

use super::{Damaged, Growing, decode, seal};

/// Times and the bits of the values, which compare where `NaN`s do not.
fn bits(points: &[Point]) -> Vec<(i64, u64)> {
    points.iter().map(|point| (point.at_ms, point.value.to_bits())).collect()
}

fn through_both(points: &[Point], after_ms: i64, until_ms: i64) -> [Vec<(i64, u64)>; 2] {
    let mut growing = Growing::new(points[0]);
    points[1..].iter().for_each(|point| growing.push(*point));
    assert_eq!(growing.count() as usize, points.len());
    let (mut from_growing, mut from_sealed) = (Vec::new(), Vec::new());
    growing.decode(after_ms, until_ms, &mut from_growing);
    decode(&seal(points), after_ms, until_ms, &mut from_sealed).unwrap();
    [bits(&from_growing), bits(&from_sealed)]
}

fn every_15_seconds(values: impl IntoIterator<Item = f64>) -> Vec<Point> {
    (0..).zip(values).map(|(n, value)| Point { at_ms: 1_700_000_000_000 + n * 15_000, value }).collect()
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits),
        2 => (-1_000_000_i64..1_000_000).prop_map(|n| n as f64),
        2 => (-1_000_000_i64..1_000_000).prop_map(|n| n as f64 / 100.0),
        1 => Just(stale_marker()),
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(f64::INFINITY), Just(f64::MIN_POSITIVE), Just(f64::NAN)],
    ]
}

fn any_points() -> impl Strategy<Value = Vec<Point>> {
    let times = prop_oneof![
        proptest::collection::btree_set(any::<i64>(), 1..200),
        proptest::collection::btree_set(0_i64..1_000_000, 1..200),
        (1_usize..200).prop_map(|count| (0..count as i64).map(|n| n * 15_000).collect()),
    ];
    (times, proptest::collection::vec(any_value(), 200)).prop_map(|(times, values)| {
        times.into_iter().zip(values).map(|(at_ms, value)| Point { at_ms, value }).collect()
    })
}

/// Values of one kind: the integer forms are only taken when all values of a chunk allow it.
fn even_points() -> impl Strategy<Value = Vec<Point>> {
    let whole = proptest::collection::vec(-9_007_199_254_740_993_i64..9_007_199_254_740_993, 1..150)
        .prop_map(|numbers| every_15_seconds(numbers.into_iter().map(|n| n as f64)));
    let decimal = (proptest::collection::vec(-99_999_999_i64..99_999_999, 1..150), 0_i32..9)
        .prop_map(|(numbers, places)| every_15_seconds(numbers.into_iter().map(|n| n as f64 / 10_f64.powi(places))));
    prop_oneof![whole, decimal]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_bit_of_every_point_comes_back(points in any_points()) {
        let [growing, sealed] = through_both(&points, i64::MIN, i64::MAX);
        let mut expected = bits(&points);
        expected.retain(|(at_ms, _)| *at_ms > i64::MIN);
        prop_assert_eq!(&growing, &expected);
        prop_assert_eq!(&sealed, &expected);
    }

    #[test]
    fn numbers_of_one_kind_come_back(points in even_points()) {
        let expected = bits(&points);
        let [growing, sealed] = through_both(&points, i64::MIN, i64::MAX);
        prop_assert_eq!(&growing, &expected);
        prop_assert_eq!(&sealed, &expected);
    }

    #[test]
    fn a_window_is_open_on_the_left_and_closed_on_the_right(points in any_points(), one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        let (after, until) = (one.get(&points).at_ms, other.get(&points).at_ms);
        let expected: Vec<_> = bits(&points).into_iter().filter(|(at, _)| *at > after && *at <= until).collect();
        let [growing, sealed] = through_both(&points, after, until);
        prop_assert_eq!(&growing, &expected);
        prop_assert_eq!(&sealed, &expected);
    }

    #[test]
    fn a_changed_byte_is_noticed(points in any_points(), place in any::<prop::sample::Index>(), change in 1_u8..) {
        let mut sealed = seal(&points);
        *place.get_mut(&mut sealed) ^= change;
        prop_assert_eq!(decode(&sealed, i64::MIN, i64::MAX, &mut Vec::new()), Err(Damaged));
    }

    #[test]
    fn garbage_with_a_right_sum_does_not_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut sealed = crc32fast::hash(&body).to_le_bytes().to_vec();
        sealed.extend(body);
        let mut points = Vec::new();
        let _ = decode(&sealed, i64::MIN, i64::MAX, &mut points);
        prop_assert!(points.len() <= 65_535);
    }
}

#[test]
fn a_negative_zero_keeps_its_sign() {
    let points = every_15_seconds([-0.0, 0.0, 1.0, -0.0]);
    assert_eq!(through_both(&points, i64::MIN, i64::MAX), [bits(&points), bits(&points)]);
    let alone = every_15_seconds([-0.0]);
    assert_eq!(through_both(&alone, i64::MIN, i64::MAX), [bits(&alone), bits(&alone)]);
}

#[test]
fn an_empty_or_cut_chunk_is_damaged() {
    let sealed = seal(&every_15_seconds([1.5, 2.5]));
    for length in 0..sealed.len() {
        assert_eq!(decode(&sealed[..length], i64::MIN, i64::MAX, &mut Vec::new()), Err(Damaged), "{length}");
    }
}

#[test]
fn ordinary_series_are_small() {
    // 120 points; the bounds are bytes with the checksum and all.
    let constant = seal(&every_15_seconds([42.0; 120]));
    assert!(constant.len() <= 50, "constant: {}", constant.len());
    let counter = seal(&every_15_seconds((0..120).map(|n| 1_234_567.0 + f64::from(n * 150 + (n * 7919) % 40))));
    assert!(counter.len() <= 150, "counter: {}", counter.len());
    let cpu_seconds =
        seal(&every_15_seconds((0..120).map(|n| f64::from(5_000_000 + n * 1_437 + (n * 7919) % 60) / 100.0)));
    assert!(cpu_seconds.len() <= 170, "cpu seconds: {}", cpu_seconds.len());
}
