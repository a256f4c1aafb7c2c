//! A character behind a backslash.

use super::error::SyntaxError;

/// The character that `text`, which begins with a backslash, stands for, and what follows. It may be half of a
/// surrogate pair.
///
/// # Errors
/// An escape that stands for none.
pub(super) fn escape(text: &str) -> Result<(u32, &str), SyntaxError> {
    let mut rest = text[1..].chars();
    let Some(first) = rest.next() else {
        return Err(SyntaxError::new("trailing backslash at end of expression", ""));
    };
    let after_first = rest.as_str();
    let value = match first {
        '0' => octal(first, &mut rest),
        '1'..='7' if after_first.starts_with(|c: char| matches!(c, '0'..='7')) => octal(first, &mut rest),
        'x' if after_first.starts_with('{') => braced(&mut rest),
        'x' => two_digits(&mut rest),
        'a' => Some(7),
        'f' => Some(12),
        'n' => Some(10),
        'r' => Some(13),
        't' => Some(9),
        'v' => Some(11),
        _ if first.is_ascii() && !first.is_ascii_alphanumeric() => Some(u32::from(first)),
        _ => None,
    };
    let rest = rest.as_str();
    let value = value.ok_or_else(|| SyntaxError::new("invalid escape sequence", &text[..text.len() - rest.len()]))?;
    Ok((value, rest))
}

/// Up to three digits, the first of which is read.
fn octal(first: char, rest: &mut std::str::Chars<'_>) -> Option<u32> {
    let mut value = first.to_digit(8)?;
    for _ in 0..2 {
        let Some(digit) = rest.clone().next().and_then(|c| c.to_digit(8)) else { break };
        value = value * 8 + digit;
        rest.next();
    }
    Some(value)
}

fn two_digits(rest: &mut std::str::Chars<'_>) -> Option<u32> {
    // Both are read before they are looked at: an error shows both.
    let (high, low) = (rest.next()?, rest.next()?);
    Some(high.to_digit(16)? * 16 + low.to_digit(16)?)
}

fn braced(rest: &mut std::str::Chars<'_>) -> Option<u32> {
    rest.next();
    let mut value = rest.next()?.to_digit(16)?;
    loop {
        match rest.next()? {
            '}' => return Some(value),
            digit => value = value * 16 + digit.to_digit(16)?,
        }
        if value > u32::from(char::MAX) {
            return None;
        }
    }
}
