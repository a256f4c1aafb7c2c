//! What the layout of `Time.Format` asks for: Go's reference time, taken apart.

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// An offset whose zero is `Z`.
    ZoneOrZ,
    /// An offset as numbers, as a zero one looks.
    Zone(&'static str),
    Fraction {
        separator: u8,
        digits: usize,
        /// Without zeros at the end.
        trimmed: bool,
    },
}

use Element::{
    Day, Fraction, Hour, Hour12, LongMonth, LongWeekday, LongYear, LowerPm, Minute, Month, NumMonth, Second, UnderDay,
    UnderYearDay, UpperPm, Weekday, Year, ZeroDay, ZeroHour12, ZeroMinute, ZeroMonth, ZeroSecond, ZeroYearDay, Zone,
    ZoneName, ZoneOrZ,
};

/// Elements of fixed wording; the first that fits counts.
const WORDS: &[(&str, Element)] = &[
    ("January", LongMonth),
    ("Jan", Month),
    ("Monday", LongWeekday),
    ("Mon", Weekday),
    ("MST", ZoneName),
    ("01", ZeroMonth),
    ("02", ZeroDay),
    ("03", ZeroHour12),
    ("04", ZeroMinute),
    ("05", ZeroSecond),
    ("06", Year),
    ("002", ZeroYearDay),
    ("15", Hour),
    ("1", NumMonth),
    ("2006", LongYear),
    ("2", Day),
    ("_2", UnderDay),
    ("__2", UnderYearDay),
    ("3", Hour12),
    ("4", Minute),
    ("5", Second),
    ("PM", UpperPm),
    ("pm", LowerPm),
    ("-070000", Zone("+000000")),
    ("-07:00:00", Zone("+00:00:00")),
    ("-0700", Zone("+0000")),
    ("-07:00", Zone("+00:00")),
    ("-07", Zone("+00")),
    ("Z070000", ZoneOrZ),
    ("Z07:00:00", ZoneOrZ),
    ("Z0700", ZoneOrZ),
    ("Z07:00", ZoneOrZ),
    ("Z07", ZoneOrZ),
];

/// Go packs the number of digits of a fraction into twelve bits.
const DIGITS_MASK: usize = 0xfff;

/// The first element of `layout` with the text before and after it; no element is left when all of it is text.
pub(super) fn next_element(layout: &[u8]) -> (&[u8], Option<Element>, &[u8]) {
    for start in 0..layout.len() {
        if let Some((element, length)) = element_at(&layout[start..]) {
            return (&layout[..start], Some(element), &layout[start + length..]);
        }
    }
    (layout, None, &[])
}

fn element_at(layout: &[u8]) -> Option<(Element, usize)> {
    if let [separator @ (b'.' | b','), rest @ ..] = layout {
        return fraction(*separator, rest);
    }
    let (word, element) = WORDS.iter().find(|(word, element)| is_word(layout, word, *element))?;
    Some((*element, word.len()))
}

fn is_word(layout: &[u8], word: &str, element: Element) -> bool {
    let Some(rest) = layout.strip_prefix(word.as_bytes()) else { return false };
    match element {
        // `Month` is not `Mon` with something after it.
        Month | Weekday => !rest.first().is_some_and(u8::is_ascii_lowercase),
        // `_2006` is an underscore and a year.
        UnderDay => !rest.starts_with(b"006"),
        _ => true,
    }
}

fn fraction(separator: u8, rest: &[u8]) -> Option<(Element, usize)> {
    let digit = *rest.first().filter(|byte| matches!(byte, b'0' | b'9'))?;
    let digits = rest.iter().take_while(|&&byte| byte == digit).count();
    if rest.get(digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Fraction { separator, digits: digits & DIGITS_MASK, trimmed: digit == b'9' }, digits + 1))
}
