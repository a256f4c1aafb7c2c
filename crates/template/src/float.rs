//! Floating-point numbers as Go's `strconv.FormatFloat` writes them.

use std::fmt::Write as _;

/// More digits than any `float64` has, on either side of the point: what is asked for beyond them are zeros.
const MOST_DIGITS: usize = 1100;

const MANTISSA_BITS: u32 = 52;
const EXPONENT_BIAS: i32 = 1023;

/// `value` in the form that `verb` asks for, one of `b`, `e`, `E`, `f`, `F`, `g`, `G`, `x` and `X`.
///
/// `precision` counts the digits after the point (for `g` and `G` the significant ones); without one there are as many
/// as it takes to read the same number back. Infinity always has its sign.
pub(crate) fn format_float(value: f64, verb: u8, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let mut out = String::new();
    if value.is_sign_negative() {
        out.push('-');
    }
    let value = value.abs();
    match verb {
        b'b' => binary(&mut out, value),
        b'x' | b'X' => hexadecimal(&mut out, value, verb == b'X', precision),
        b'e' | b'E' => {
            let digits = Digits::of(value, precision.map(|places| places.saturating_add(1)));
            let places = precision.unwrap_or(digits.len().saturating_sub(1));
            digits.scientific(&mut out, verb, places);
        }
        b'g' | b'G' => general(&mut out, value, verb, precision),
        _ => {
            let digits = precision.map_or_else(|| Digits::of(value, None), |places| Digits::fixed(value, places));
            digits.positional(&mut out, precision.unwrap_or_else(|| digits.places()));
        }
    }
    out
}

/// Whichever of the two forms suits the number's size, without zeros at the end.
fn general(out: &mut String, value: f64, verb: u8, precision: Option<usize>) {
    let wanted = precision.map(|digits| digits.max(1));
    let digits = Digits::of(value, wanted);
    let threshold = match wanted {
        None => 6,
        Some(wanted) if wanted > digits.len() && digits.len_i32() >= digits.point => digits.len(),
        Some(wanted) => wanted,
    };
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= i32::try_from(threshold).unwrap_or(i32::MAX) {
        let shown = wanted.unwrap_or(digits.len()).min(digits.len());
        digits.scientific(out, if verb == b'g' { b'e' } else { b'E' }, shown.saturating_sub(1));
    } else {
        digits.positional(out, digits.places());
    }
}

/// Decimal digits `d₁d₂…` of the number `0.d₁d₂… × 10^point`, without zeros at the end: none at all for zero.
struct Digits {
    ascii: String,
    point: i32,
}

impl Digits {
    /// Rounded to a number of significant digits, or as many as identify the value.
    fn of(value: f64, significant: Option<usize>) -> Self {
        significant.map_or_else(|| Self::shortest(value), |digits| Self::parse_scientific(&rounded_to(value, digits)))
    }

    fn shortest(value: f64) -> Self {
        let shortest = format!("{value:e}");
        let digits = Self::parse_scientific(&shortest);
        // Of two candidates that are equally near, Rust takes the greater one, and Go the even one as rounding does.
        let nearest = rounded_to(value, digits.len());
        if nearest != shortest && nearest.parse() == Ok(value) { Self::parse_scientific(&nearest) } else { digits }
    }

    fn parse_scientific(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        Self::parse(mantissa, exponent.parse().unwrap_or(0))
    }

    /// Rounded to a number of digits after the point.
    fn fixed(value: f64, places: usize) -> Self {
        Self::parse(&format!("{value:.*}", places.min(MOST_DIGITS)), 0)
    }

    fn parse(mantissa: &str, exponent: i32) -> Self {
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let ascii = significant.trim_end_matches('0').to_owned();
        if ascii.is_empty() {
            return Self { ascii, point: 0 };
        }
        let leading_zeros = all.len() - significant.len();
        let point = exponent + to_i32(whole.len()) - to_i32(leading_zeros);
        Self { ascii, point }
    }

    fn len(&self) -> usize {
        self.ascii.len()
    }

    fn len_i32(&self) -> i32 {
        to_i32(self.len())
    }

    /// How many digits there are after the decimal point.
    fn places(&self) -> usize {
        usize::try_from(self.len_i32() - self.point).unwrap_or(0)
    }

    /// `d.ddde±dd`
    fn scientific(&self, out: &mut String, e: u8, places: usize) {
        let mut digits = self.ascii.chars();
        out.push(digits.next().unwrap_or('0'));
        if places > 0 {
            out.push('.');
            out.extend(digits.chain(std::iter::repeat('0')).take(places));
        }
        let exponent = if self.ascii.is_empty() { 0 } else { self.point - 1 };
        push_exponent(out, char::from(e), exponent);
    }

    /// `ddd.ddd`
    fn positional(&self, out: &mut String, places: usize) {
        let whole = usize::try_from(self.point).unwrap_or(0);
        let mut digits = self.ascii.chars();
        if whole == 0 {
            out.push('0');
        }
        out.extend(digits.by_ref().chain(std::iter::repeat('0')).take(whole));
        if places > 0 {
            let zeros = usize::try_from(-self.point).unwrap_or(0);
            out.push('.');
            out.extend(std::iter::repeat_n('0', zeros).chain(digits).chain(std::iter::repeat('0')).take(places));
        }
    }
}

/// `d.ddde±d` with a number of significant digits.
fn rounded_to(value: f64, significant: usize) -> String {
    format!("{value:.*e}", significant.saturating_sub(1).min(MOST_DIGITS))
}

fn to_i32(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// A sign and at least two digits.
fn push_exponent(out: &mut String, letter: char, exponent: i32) {
    let sign = if exponent < 0 { '-' } else { '+' };
    // Writing to a string cannot fail.
    let _ = write!(out, "{letter}{sign}{:02}", exponent.unsigned_abs());
}

/// The mantissa as a whole number and the exponent of its highest bit.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let mantissa = bits & ((1 << MANTISSA_BITS) - 1);
    let exponent = i32::try_from((bits >> MANTISSA_BITS) & 0x7ff).unwrap_or(0);
    match exponent {
        0 => (mantissa, 1 - EXPONENT_BIAS),
        _ => (mantissa | 1 << MANTISSA_BITS, exponent - EXPONENT_BIAS),
    }
}

/// `ddddp±ddd`
fn binary(out: &mut String, value: f64) {
    let (mantissa, exponent) = parts(value);
    let _ = write!(out, "{mantissa}p{:+}", exponent - MANTISSA_BITS.cast_signed());
}

/// The bit that stands before the point while hexadecimal digits are taken out of a mantissa.
const UNIT: u32 = 60;

/// `0x1.hhhp±dd`
fn hexadecimal(out: &mut String, value: f64, upper: bool, precision: Option<usize>) {
    let (mantissa, exponent) = parts(value);
    let (mut mantissa, mut exponent) = if mantissa == 0 {
        (0, 0)
    } else {
        let aligned = mantissa << (UNIT - MANTISSA_BITS);
        let shift = aligned.leading_zeros() - (u64::BITS - 1 - UNIT);
        (aligned << shift, exponent - shift.cast_signed())
    };
    if let Some(places @ 0..15) = precision {
        mantissa = rounded(mantissa, places);
        if mantissa >> (UNIT + 1) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let digits = if upper { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
    let (x, p) = if upper { ('X', 'P') } else { ('x', 'p') };
    let _ = write!(out, "0{x}{}", mantissa >> UNIT);
    let mut fraction = mantissa << (u64::BITS - UNIT);
    let places = precision.unwrap_or_else(|| (u64::BITS - fraction.trailing_zeros()).div_ceil(4) as usize);
    if places > 0 {
        out.push('.');
    }
    for _ in 0..places {
        out.push(char::from(digits[(fraction >> UNIT) as usize]));
        fraction <<= 4;
    }
    push_exponent(out, p, exponent);
}

/// Half to even at so many hexadecimal digits after the point; the sum may carry over.
fn rounded(mantissa: u64, places: usize) -> u64 {
    let kept = u32::try_from(places * 4).unwrap_or(UNIT);
    let lost = (mantissa << kept) & ((1 << UNIT) - 1);
    let mut head = mantissa >> (UNIT - kept);
    if lost | (head & 1) > 1 << (UNIT - 1) {
        head += 1;
    }
    head << (UNIT - kept)
}

#[cfg(test)]
mod tests;
