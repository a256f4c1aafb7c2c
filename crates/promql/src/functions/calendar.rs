//! Parts of a date, in UTC.

/// A function of a moment in seconds since 1970.
pub(crate) type Part = fn(f64) -> f64;

pub(crate) fn part(name: &str) -> Option<Part> {
    Some(match name {
        "minute" => |at| (at as i64).div_euclid(60).rem_euclid(60) as f64,
        "hour" => |at| (at as i64).div_euclid(3600).rem_euclid(24) as f64,
        "day_of_week" => |at| days(at).saturating_add(4).rem_euclid(7) as f64,
        "day_of_month" => |at| date(days(at)).2 as f64,
        "day_of_year" => |at| {
            let (year, ..) = date(days(at));
            (days(at) - first_day(year) + 1) as f64
        },
        "days_in_month" => |at| {
            let (year, month, _) = date(days(at));
            days_in_month(year, month) as f64
        },
        "month" => |at| date(days(at)).1 as f64,
        "year" => |at| date(days(at)).0 as f64,
        _ => return None,
    })
}

fn days(at: f64) -> i64 {
    (at as i64).div_euclid(86_400)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Year, month and day of the proleptic Gregorian calendar. Years begin in March here, so that the leap day is last.
fn date(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The number of January 1st.
fn first_day(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_day_is_found() {
        // 2024-02-29T12:34:56Z, a Thursday.
        let at = 1_709_210_096.0;
        for (name, expected) in [
            ("year", 2024.0),
            ("month", 2.0),
            ("day_of_month", 29.0),
            ("day_of_year", 60.0),
            ("day_of_week", 4.0),
            ("days_in_month", 29.0),
            ("hour", 12.0),
            ("minute", 34.0),
        ] {
            assert!((part(name).unwrap()(at) - expected).abs() < 1e-9, "{name}");
        }
    }
}
