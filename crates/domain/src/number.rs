//! Sample values as text, the way Prometheus' JSON has them: `97.5`, `NaN`, `+Inf`.

/// The shortest text that reads back as the same number.
pub fn format(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

/// Reads a sample value; `None` if it is not a number.
pub fn parse(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ => text.parse().ok(),
    }
}

/// A number for people: at most four significant digits, `97.5`, `1234567`, `0.00012`.
pub fn humanize(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return format(value);
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..15.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=7")]
    let decimals = (3.0 - magnitude).clamp(0.0, 7.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back_as_they_were_written() {
        for value in [0.0, 1.0, -2.5, 97.5, 1e300, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(parse(&format(value)), Some(value));
        }
        assert_eq!(format(f64::NAN), "NaN");
        assert!(parse("NaN").is_some_and(f64::is_nan));
        assert_eq!(parse("many"), None);
    }

    #[test]
    fn people_see_four_digits() {
        for (value, text) in
            [(97.512_34, "97.51"), (1_234_567.0, "1234567"), (0.000_123_456, "0.0001235"), (100.0, "100"), (0.5, "0.5")]
        {
            assert_eq!(humanize(value), text);
        }
    }
}
