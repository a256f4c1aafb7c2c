//! Scalars in the format of a verb. Each function tells whether the verb suits; where it does not, nothing is written.

use super::output::Output;
use crate::{float, quote};

impl Output {
    pub(super) fn boolean(&mut self, truth: bool, verb: char) -> bool {
        if !matches!(verb, 't' | 'v') {
            return false;
        }
        self.pad(if truth { b"true" } else { b"false" });
        true
    }

    pub(super) fn signed(&mut self, n: i64, verb: char) -> bool {
        match verb {
            'c' | 'q' | 'U' => self.code_point(n.cast_unsigned(), verb),
            _ => self.integer(n.unsigned_abs(), n < 0, verb),
        }
    }

    pub(super) fn unsigned(&mut self, n: u64, verb: char) -> bool {
        match verb {
            'c' | 'q' | 'U' => self.code_point(n, verb),
            'v' if self.flags.go_syntax => {
                self.hexadecimal(n, true);
                true
            }
            _ => self.integer(n, false, verb),
        }
    }

    /// In lower case, with or without `0x`.
    pub(super) fn hexadecimal(&mut self, n: u64, prefix: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, prefix);
        self.integer(n, false, 'x');
        self.flags.sharp = sharp;
    }

    fn integer(&mut self, magnitude: u64, is_negative: bool, verb: char) -> bool {
        let (digits, base) = match verb {
            'v' | 'd' => (magnitude.to_string(), ""),
            'b' => (format!("{magnitude:b}"), "0b"),
            'o' | 'O' => (format!("{magnitude:o}"), "0"),
            'x' => (format!("{magnitude:x}"), "0x"),
            'X' => (format!("{magnitude:X}"), "0X"),
            _ => return false,
        };
        let flags = self.flags;
        let sign = match is_negative {
            true => "-",
            false if flags.plus => "+",
            false if flags.space => " ",
            false => "",
        };
        let least = match (flags.precision, flags.width) {
            (Some(0), _) if magnitude == 0 => {
                self.pad_with_spaces(b"");
                return true;
            }
            (Some(precision), _) => precision,
            (None, Some(width)) if flags.zero && !flags.minus => width.saturating_sub(sign.len()),
            (None, _) => 0,
        };
        let zeros = "0".repeat(least.saturating_sub(digits.len()));
        let marker = if verb == 'O' { "0o" } else { "" };
        // An octal number with a zero in front needs no other.
        let needs_base = flags.sharp && !(base == "0" && (!zeros.is_empty() || digits == "0"));
        let base = if needs_base { base } else { "" };
        self.pad_with_spaces(format!("{sign}{marker}{base}{zeros}{digits}").as_bytes());
        true
    }

    /// A number as the character that it is the code of: `c`, `q` or `U`.
    fn code_point(&mut self, n: u64, verb: char) -> bool {
        let known = u32::try_from(n).ok().and_then(char::from_u32);
        let c = known.unwrap_or(char::REPLACEMENT_CHARACTER);
        match verb {
            'c' => self.pad(c.encode_utf8(&mut [0; 4]).as_bytes()),
            'q' if self.flags.plus => self.pad(quote::quote_rune_to_ascii(c).as_bytes()),
            'q' => self.pad(quote::quote_rune(c).as_bytes()),
            _ => {
                let digits = format!("{n:04X}");
                let zeros = "0".repeat(self.flags.precision.unwrap_or(0).saturating_sub(digits.len()));
                let itself = known.filter(|&c| self.flags.sharp && quote::is_print(c)).map(|c| format!(" '{c}'"));
                self.pad_with_spaces(format!("U+{zeros}{digits}{}", itself.unwrap_or_default()).as_bytes());
            }
        }
        true
    }

    pub(super) fn float(&mut self, value: f64, verb: char) -> bool {
        let (verb, precision) = match verb {
            'v' | 'g' => (b'g', None),
            'G' => (b'G', None),
            'b' => (b'b', None),
            'x' => (b'x', None),
            'X' => (b'X', None),
            'e' => (b'e', Some(6)),
            'E' => (b'E', Some(6)),
            'f' | 'F' => (b'f', Some(6)),
            _ => return false,
        };
        let precision = self.flags.precision.or(precision);
        let number = float::format_float(value, verb, precision);
        let (sign, body) = match number.strip_prefix(['-', '+']) {
            Some(body) => (&number[..1], body),
            None => ("+", number.as_str()),
        };
        let sign = if self.flags.space && !self.flags.plus && sign == "+" { " " } else { sign };
        if !value.is_finite() {
            let is_bare = value.is_nan() && !self.flags.space && !self.flags.plus;
            let sign = if is_bare { "" } else { sign };
            self.pad_with_spaces(format!("{sign}{body}").as_bytes());
        } else if self.flags.sharp && verb != b'b' {
            self.signed_number(sign, &with_point(body, verb, precision));
        } else {
            self.signed_number(sign, body);
        }
        true
    }

    fn signed_number(&mut self, sign: &str, body: &str) {
        let length = sign.len() + body.len();
        let flags = self.flags;
        match flags.width {
            _ if sign == "+" && !flags.plus => self.pad(body.as_bytes()),
            Some(width) if flags.zero && !flags.minus && width > length => {
                self.write(sign.as_bytes());
                self.fill(width - length);
                self.write(body.as_bytes());
            }
            _ => self.pad(format!("{sign}{body}").as_bytes()),
        }
    }

    pub(super) fn complex(&mut self, re: f64, im: f64, verb: char) -> bool {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return false;
        }
        self.write(b"(");
        self.float(re, verb);
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(im, verb);
        self.flags.plus = plus;
        self.write(b"i)");
        true
    }

    /// A string, or bytes in the role of one.
    pub(super) fn text(&mut self, text: &[u8], verb: char) -> bool {
        match verb {
            'v' if self.flags.go_syntax => self.quoted(text),
            'q' => self.quoted(text),
            'v' | 's' => self.pad(self.truncated(text)),
            'x' => self.hexadecimal_text(text, b"0123456789abcdef", b"0x"),
            'X' => self.hexadecimal_text(text, b"0123456789ABCDEF", b"0X"),
            _ => return false,
        }
        true
    }

    /// No more characters than the precision allows.
    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else { return text };
        &text[..quote::runes(text).take(precision).map(quote::Rune::len).sum()]
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        if self.flags.sharp && quote::can_backquote(text) {
            self.pad(&[b"`", text, b"`"].concat());
        } else if self.flags.plus {
            self.pad(quote::quote_to_ascii(text).as_bytes());
        } else {
            self.pad(quote::quote(text).as_bytes());
        }
    }

    /// Two digits for each byte; the precision counts bytes.
    fn hexadecimal_text(&mut self, text: &[u8], digits: &[u8; 16], prefix: &[u8]) {
        let text = &text[..self.flags.precision.unwrap_or(text.len()).min(text.len())];
        let mut out = Vec::with_capacity(2 * text.len());
        for (index, byte) in text.iter().enumerate() {
            if self.flags.space && index > 0 {
                out.push(b' ');
            }
            if self.flags.sharp && (self.flags.space || index == 0) {
                out.extend_from_slice(prefix);
            }
            out.extend([digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
        self.pad(&out);
    }
}

/// The number with a decimal point, and with the zeros after it that its format leaves out.
fn with_point(number: &str, verb: u8, precision: Option<usize>) -> String {
    let exponent: &[char] = if matches!(verb, b'x' | b'X') { &['p', 'P'] } else { &['p', 'P', 'e', 'E'] };
    let (head, tail) = number.split_at(number.find(exponent).unwrap_or(number.len()));
    let wanted = if matches!(verb, b'g' | b'G' | b'x') { precision.unwrap_or(6) } else { 0 };
    // The x of 0x counts, as it does in Go.
    let mut shown = head.trim_start_matches(['0', '.']).chars().filter(|&c| c != '.').count();
    let mut out = head.to_owned();
    if !head.contains('.') {
        // A zero alone counts too.
        shown += usize::from(head == "0");
        out.push('.');
    }
    out.push_str(&"0".repeat(wanted.saturating_sub(shown)));
    out.push_str(tail);
    out
}
