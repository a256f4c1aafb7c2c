//! Beginnings and ends, of which there have to be as many on both sides, each about when the other is.

use crate::timeline::Millis;

/// From the first point of a series to its last before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) from: Millis,
    /// `None` when it lasts.
    pub(crate) until: Option<Millis>,
}

/// The intervals of a series with these points, which are `step` apart while it lasts; asked for until `end`.
pub(crate) fn intervals(points: &[Millis], step: Millis, end: Millis) -> Vec<Interval> {
    let lasting = points.chunk_by(|point, next| next - point <= step);
    let interval = |points: &[Millis]| {
        let (from, last) = (points.first().copied()?, points.last().copied()?);
        Some(Interval { from, until: Some(last).filter(|last| last + step <= end) })
    };
    lasting.filter_map(interval).collect()
}

/// Whether there are as many times, each as near to the other as it may be.
pub(crate) fn alike(one: &[Millis], other: &[Millis], tolerance: Millis) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_near(*one, *other, tolerance))
}

/// The same for intervals.
pub(crate) fn intervals_alike(one: &[Interval], other: &[Interval], tolerance: Millis) -> bool {
    let near = |(one, other): (&Interval, &Interval)| {
        let ends = match (one.until, other.until) {
            (Some(one), Some(other)) => is_near(one, other, tolerance),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        is_near(one.from, other.from, tolerance) && ends
    };
    one.len() == other.len() && one.iter().zip(other).all(near)
}

pub(crate) fn is_near(one: Millis, other: Millis, tolerance: Millis) -> bool {
    (one - other).abs() <= tolerance
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn interval(from: Millis, until: Option<Millis>) -> Interval {
        Interval { from, until }
    }

    #[test]
    fn a_series_lasts_while_its_points_follow_each_other() {
        let points = [0, 500, 1_000, 4_000, 4_500, 9_000, 9_500, 10_000];
        let expected = [interval(0, Some(1_000)), interval(4_000, Some(4_500)), interval(9_000, None)];
        assert_eq!(intervals(&points, 500, 10_250), expected);
        assert_eq!(intervals(&points, 500, 10_500)[2], interval(9_000, Some(10_000)), "it ended before the end");
        assert_eq!(intervals(&[], 500, 10_000), []);
    }

    #[test]
    fn as_many_and_about_then_is_alike() {
        for (one, other, expected) in [
            (vec![], vec![], true),
            (vec![10, 50], vec![12, 47], true),
            (vec![10, 50], vec![10], false),
            (vec![10], vec![10, 50], false),
            (vec![10, 50], vec![10, 54], false),
            (vec![10], vec![6], false),
        ] {
            assert_eq!(alike(&one, &other, 3), expected, "{one:?} {other:?}");
        }
    }

    #[test]
    fn intervals_are_alike_when_both_ends_are() {
        let one = [interval(0, Some(20)), interval(40, None)];
        for (other, expected) in [
            (vec![interval(3, Some(18)), interval(41, None)], true),
            (vec![interval(4, Some(20)), interval(40, None)], false),
            (vec![interval(0, Some(24)), interval(40, None)], false),
            (vec![interval(0, Some(20)), interval(40, Some(60))], false),
            (vec![interval(0, Some(20))], false),
            (vec![interval(0, None), interval(40, None)], false),
        ] {
            assert_eq!(intervals_alike(&one, &other, 3), expected, "{other:?}");
        }
    }
}
