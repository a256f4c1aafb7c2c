//! Functions of one value at a time.

/// A function of a value and up to two parameters; `None` takes the value out.
pub(crate) type PerValue = fn(f64, &[f64; 2]) -> Option<f64>;

/// `args` counts the vector too.
pub(crate) fn find(name: &str, args: usize) -> Option<PerValue> {
    Some(match (name, args) {
        ("abs", _) => |value, _| Some(value.abs()),
        ("ceil", _) => |value, _| Some(value.ceil()),
        ("floor", _) => |value, _| Some(value.floor()),
        ("exp", _) => |value, _| Some(value.exp()),
        ("sqrt", _) => |value, _| Some(value.sqrt()),
        ("ln", _) => |value, _| Some(value.ln()),
        ("log2", _) => |value, _| Some(value.log2()),
        ("log10", _) => |value, _| Some(value.log10()),
        ("sin", _) => |value, _| Some(value.sin()),
        ("cos", _) => |value, _| Some(value.cos()),
        ("tan", _) => |value, _| Some(value.tan()),
        ("asin", _) => |value, _| Some(value.asin()),
        ("acos", _) => |value, _| Some(value.acos()),
        ("atan", _) => |value, _| Some(value.atan()),
        ("sinh", _) => |value, _| Some(value.sinh()),
        ("cosh", _) => |value, _| Some(value.cosh()),
        ("tanh", _) => |value, _| Some(value.tanh()),
        ("asinh", _) => |value, _| Some(value.asinh()),
        ("acosh", _) => |value, _| Some(value.acosh()),
        ("atanh", _) => |value, _| Some(value.atanh()),
        ("rad", _) => |value, _| Some(value * std::f64::consts::PI / 180.0),
        ("deg", _) => |value, _| Some(value * 180.0 / std::f64::consts::PI),
        ("sgn", _) => |value, _| Some(if value == 0.0 || value.is_nan() { value } else { value.signum() }),
        ("round", 1) => |value, _| Some((value + 0.5).floor()),
        ("round", 2) => |value, [nearest, _]| {
            // As Prometheus: the inverse keeps 0.1 and the like exact.
            let inverse = 1.0 / nearest;
            Some((value * inverse + 0.5).floor() / inverse)
        },
        ("clamp", 3) => {
            |value, [low, high]| (low <= high || low.is_nan() || high.is_nan()).then(|| max(*low, min(*high, value)))
        }
        ("clamp_min", 2) => |value, [low, _]| Some(max(*low, value)),
        ("clamp_max", 2) => |value, [high, _]| Some(min(*high, value)),
        _ => return None,
    })
}

/// Unlike `f64::max`, `NaN` if either is.
fn max(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NAN } else { one.max(other) }
}

fn min(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NAN } else { one.min(other) }
}
