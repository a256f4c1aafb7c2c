//! Values as people read them: cleaned, clipped, with times and lengths of time in words.

use crate::{Span, Timestamp, number};

/// `value` on one line without control characters, at most `most` characters; what is cut off shows as `…`.
///
/// Characters that change the direction of the text around them are dropped, too: a label must not rewrite a message.
pub(super) fn clip(value: &str, most: usize) -> String {
    let visible = value.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_invisible(*c));
    let (mut clean, mut length, mut blank) = (String::new(), 0, false);
    for c in visible {
        if c == ' ' {
            blank = length > 0;
            continue;
        }
        if length + usize::from(blank) >= most {
            clean.pop();
            return format!("{}…", clean.trim_end());
        }
        if blank {
            clean.push(' ');
        }
        clean.push(c);
        length += 1 + usize::from(blank);
        blank = false;
    }
    clean
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// `url` when a browser may be sent there: `http` or `https`, a host, no blanks, at most `most` characters.
pub(super) fn link(url: &str, most: usize) -> Option<String> {
    let url = url.trim();
    let host = ["http://", "https://"].iter().find_map(|scheme| {
        let start = url.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| &url[scheme.len()..])
    })?;
    let has_host = host.chars().next().is_some_and(|first| first.is_alphanumeric() || first == '[');
    let plain = !url.contains(|c: char| c.is_whitespace() || is_invisible(c)) && url.chars().count() <= most;
    (has_host && plain).then(|| url.to_owned())
}

/// A sample's value in at most four significant digits.
pub(super) fn value(text: &str) -> String {
    number::parse(text).map_or_else(|| clip(text, 32), number::humanize)
}

/// A length of time in its two largest units: `45 s`, `6 m`, `1 h 5 m`, `3 d 2 h`.
pub(super) fn age(span: Span) -> String {
    let seconds = span.millis() / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let two = |large: u64, unit: &str, small: u64, lesser: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {lesser}"),
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} m"),
        (0, ..) => two(hours, "h", minutes % 60, "m"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// A moment in UTC as `14:02`, with its date before it when that is not the date of `now`.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> String {
    let pattern = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
    at.format(pattern).to_string()
}

/// `count` and a word, in the plural where it belongs: `1 rule`, `12 rules`.
pub(super) fn count(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_on_one_line_and_lose_what_nobody_sees() {
        assert_eq!(clip(" a\r\n\tb\u{0}\u{7}\u{202e}c ", 10), "a bc");
        assert_eq!(clip("\u{200b}\n\u{1}", 10), "");
    }

    #[test]
    fn values_are_cut_between_characters() {
        assert_eq!(clip("приве́т", 7), "приве́т");
        assert_eq!(clip("🔥🔥🔥🔥", 3), "🔥🔥…");
        assert_eq!(clip("ab cd", 5), "ab cd");
        assert_eq!(clip("ab cd", 4), "ab…");
        assert_eq!(clip("abc d", 4), "ab…");
        assert_eq!(clip("abcd  \n", 4), "abcd");
    }

    #[test]
    fn only_the_web_is_linked() {
        for good in ["http://h", "https://h/p?q=1&r=2", "HTTPS://H/", "http://[::1]:3000/"] {
            assert_eq!(link(good, 64).as_deref(), Some(good));
        }
        for bad in [
            "javascript:alert(1)",
            "http://",
            "https:///x",
            "tg://resolve",
            "http://a b",
            "//h",
            "",
            "приветы",
            "http://\u{202e}h",
        ] {
            assert_eq!(link(bad, 64), None, "{bad}");
        }
        assert_eq!(link(&format!("http://h/{}", "x".repeat(64)), 64), None, "a shortened address would lead elsewhere");
    }

    #[test]
    fn lengths_of_time_have_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 m"),
            (3_599, "59 m"),
            (3_600, "1 h"),
            (3_900, "1 h 5 m"),
            (14_400, "4 h"),
            (86_400, "1 d"),
            (266_400, "3 d 2 h"),
        ] {
            assert_eq!(age(Span::from_secs(seconds)), text);
        }
    }
}
