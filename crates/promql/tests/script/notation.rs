//! How durations, series and their values are written.

use super::Pairs;

/// Durations such as `1h30m`, or seconds. In milliseconds.
pub(crate) fn millis(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Some((seconds * 1000.0).round() as i64);
    }
    let (sign, mut rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let mut total = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match &rest[..unit] {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "w" => 604_800_000,
                "y" => 31_536_000_000,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Some(sign * total)
}

/// A number as Go reads it.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// `name{label="value", …} values`: the labels, and the rest of the line.
pub(crate) fn series(line: &str) -> Option<(Pairs, &str)> {
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let mut labels = Vec::new();
    if end > 0 {
        labels.push(("__name__".to_owned(), line[..end].to_owned()));
    }
    let mut rest = &line[end..];
    if let Some(mut inside) = rest.strip_prefix('{') {
        loop {
            inside = inside.trim_start_matches([' ', ',', '\t']);
            if let Some(after) = inside.strip_prefix('}') {
                rest = after;
                break;
            }
            let (name, after) = name(inside)?;
            match after.trim_start().strip_prefix('=') {
                Some(value) => {
                    let (value, after) = quoted(value.trim_start())?;
                    labels.push((name, value));
                    inside = after;
                }
                // A metric's name among the labels.
                None => {
                    labels.push(("__name__".to_owned(), name));
                    inside = after;
                }
            }
        }
    }
    Some((labels, rest.trim()))
}

fn name(text: &str) -> Option<(String, &str)> {
    if text.starts_with(['"', '\'', '`']) {
        return quoted(text);
    }
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).filter(|end| *end > 0)?;
    Some((text[..end].to_owned(), &text[end..]))
}

/// A text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|quote| "\"'`".contains(*quote))?;
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((value, &text[at + 1..])),
            '\\' if quote != '`' => value.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            _ => value.push(c),
        }
    }
    None
}

/// A text in quotes, and nothing else.
pub(crate) fn text(line: &str) -> Option<String> {
    quoted(line).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

/// `1 2`, `0+10x3`, `_x2`, `stale`: a value, or none, for each step. Nothing when there are histograms among them.
pub(crate) fn values(text: &str) -> Option<Vec<Option<f64>>> {
    let mut values = Vec::new();
    for word in text.split_whitespace() {
        if word.contains(['{', '}']) {
            return None;
        }
        let (one, times) = match word.split_once('x') {
            Some((one, times)) => (one, times.parse::<i64>().ok()?),
            None => (word, 0),
        };
        if one == "_" {
            values.extend((0..times.max(1)).map(|_| None));
            continue;
        }
        let (first, change) = progression(one)?;
        values.extend((0..=times).map(|index| Some(if index == 0 { first } else { first + change * index as f64 })));
    }
    Some(values)
}

fn progression(text: &str) -> Option<(f64, f64)> {
    if text == "stale" {
        return Some((vigil_promql::stale_marker(), 0.0));
    }
    if let Some(value) = number(text) {
        return Some((value, 0.0));
    }
    let signs = text.char_indices().skip(1).filter(|(_, c)| matches!(c, '+' | '-'));
    signs.map(|(at, _)| (number(&text[..at]), number(&text[at..]))).find_map(|(first, change)| Some((first?, change?)))
}
