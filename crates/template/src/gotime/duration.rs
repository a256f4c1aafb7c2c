//! `time.Duration`, in nanoseconds.

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// Go's `Duration.String`.
pub(crate) fn duration_string(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let text = match nanos {
        0 => "0s".to_owned(),
        1..MICROSECOND => format!("{nanos}ns"),
        MICROSECOND..MILLISECOND => format!("{}µs", with_fraction(nanos, MICROSECOND)),
        MILLISECOND..SECOND => format!("{}ms", with_fraction(nanos, MILLISECOND)),
        _ => clock(nanos),
    };
    format!("{sign}{text}")
}

fn clock(nanos: u64) -> String {
    let minutes = nanos / SECOND / 60;
    let seconds = with_fraction(nanos - minutes * 60 * SECOND, SECOND);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

fn with_fraction(nanos: u64, unit: u64) -> String {
    let whole = nanos / unit;
    let digits = unit.ilog10() as usize;
    let fraction = format!("{:0digits$}", nanos % unit);
    match fraction.trim_end_matches('0') {
        "" => whole.to_string(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// `Duration.Seconds`
pub(crate) fn duration_seconds(nanos: i64) -> f64 {
    in_units(nanos, 1_000_000_000)
}

/// How many units of so many nanoseconds it is.
pub(super) fn in_units(nanos: i64, unit: i64) -> f64 {
    // Whole units and the rest one by one, which rounds as Go does.
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

/// `Duration.Truncate`
pub(super) fn truncate(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 { nanos } else { nanos - nanos % unit }
}

/// `Duration.Round`: away from zero from the middle. What no duration can hold becomes the shortest or longest one.
pub(super) fn round(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanos;
    }
    let rest = nanos % unit;
    let towards_zero = nanos - rest;
    if rest.unsigned_abs() * 2 < unit.unsigned_abs() {
        return towards_zero;
    }
    if nanos < 0 { towards_zero.saturating_sub(unit) } else { towards_zero.saturating_add(unit) }
}
