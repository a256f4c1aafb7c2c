//! The directives of a format: `%`, flags, width, precision, which argument, and the verb.

use super::{item::Item, output::Flags, printer::Printer};
use crate::{quote::runes, value::Value};

/// No greater number can be a width or a precision.
const GREATEST: i64 = 1_000_000;

/// Goes through a format, with what each part means for the next.
pub(super) struct Directives<'a> {
    format: &'a [u8],
    at: usize,
    args: &'a [Value],
    /// The next argument.
    arg: usize,
    /// Whether any directive has said which argument it means.
    is_reordered: bool,
    /// Whether this directive has said so in a place and with a number that are allowed.
    is_good_index: bool,
    /// Whether what comes just before is such an index.
    is_after_index: bool,
    printer: Printer,
}

impl<'a> Directives<'a> {
    pub(super) fn new(format: &'a [u8], args: &'a [Value], limit: usize) -> Self {
        let printer = Printer::new(limit);
        Self { format, at: 0, args, arg: 0, is_reordered: false, is_good_index: true, is_after_index: false, printer }
    }

    pub(super) fn print(mut self) -> super::output::Output {
        while !self.printer.out.is_full() {
            let rest = &self.format[self.at..];
            let literal = rest.iter().position(|&byte| byte == b'%').unwrap_or(rest.len());
            self.printer.out.write(&rest[..literal]);
            self.at += literal;
            if self.at == self.format.len() {
                break;
            }
            self.at += 1;
            self.directive();
        }
        self.extra();
        self.printer.out
    }

    fn directive(&mut self) {
        self.is_good_index = true;
        self.flags();
        self.is_after_index = self.index();
        self.width();
        self.precision();
        if !self.is_after_index {
            self.is_after_index = self.index();
        }
        let Some(rune) = runes(&self.format[self.at..]).next() else {
            return self.printer.out.write(b"%!(NOVERB)");
        };
        self.at += rune.len();
        self.verb(rune.to_char());
    }

    fn verb(&mut self, verb: char) {
        let complaint: &[u8] = match self.args.get(self.arg) {
            _ if verb == '%' => return self.printer.out.write(b"%"),
            Some(arg) if self.is_good_index => {
                let flags = &mut self.printer.out.flags;
                if matches!(verb, 'v' | 'w') {
                    flags.go_syntax = std::mem::take(&mut flags.sharp);
                    flags.with_names = std::mem::take(&mut flags.plus);
                }
                self.arg += 1;
                return self.printer.print_arg(Item::new(arg, 0), verb);
            }
            _ if !self.is_good_index => b"(BADINDEX)",
            _ => b"(MISSING)",
        };
        self.printer.out.write(b"%!");
        self.printer.out.write_char(verb);
        self.printer.out.write(complaint);
    }

    fn next_byte(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn flags(&mut self) {
        let mut flags = Flags::default();
        while let Some(byte) = self.next_byte() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        self.printer.out.flags = flags;
    }

    fn width(&mut self) {
        if self.next_byte() == Some(b'*') {
            self.at += 1;
            self.is_after_index = false;
            let Some(width) = self.number_of_arg() else {
                return self.printer.out.write(b"%!(BADWIDTH)");
            };
            let flags = &mut self.printer.out.flags;
            if width < 0 {
                flags.minus = true;
                flags.zero = false;
            }
            flags.width = usize::try_from(width.unsigned_abs()).ok();
        } else {
            let width = self.number(self.format.len());
            self.is_good_index &= !(self.is_after_index && width.is_some());
            self.printer.out.flags.width = width;
        }
        self.clamp();
    }

    fn precision(&mut self) {
        // A point at the very end is a verb.
        if self.next_byte() != Some(b'.') || self.at + 1 == self.format.len() {
            return;
        }
        self.at += 1;
        self.is_good_index &= !self.is_after_index;
        self.is_after_index = self.index();
        let precision = if self.next_byte() == Some(b'*') {
            self.at += 1;
            self.is_after_index = false;
            let precision = self.number_of_arg().and_then(|precision| usize::try_from(precision).ok());
            if precision.is_none() {
                self.printer.out.write(b"%!(BADPREC)");
            }
            precision
        } else {
            Some(self.number(self.format.len()).unwrap_or(0))
        };
        self.printer.out.flags.precision = precision;
        self.clamp();
    }

    /// Holds back numbers that would only lead to more text than is allowed.
    fn clamp(&mut self) {
        let out = &mut self.printer.out;
        let longest = out.longest_number();
        out.flags.width = out.flags.width.map(|width| width.min(longest));
        out.flags.precision = out.flags.precision.map(|precision| precision.min(longest));
    }

    /// The decimal number that begins here, before `end`. One too great to be true uses up everything before `end`.
    fn number(&mut self, end: usize) -> Option<usize> {
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.format[..end].get(self.at).copied() {
            let so_far = number.unwrap_or(0);
            if so_far > GREATEST.unsigned_abs() as usize {
                self.at = end;
                return None;
            }
            number = Some(so_far * 10 + usize::from(digit - b'0'));
            self.at += 1;
        }
        number
    }

    /// The next argument as the number for a `*`.
    fn number_of_arg(&mut self) -> Option<i64> {
        let arg = self.args.get(self.arg)?;
        self.arg += 1;
        let number = match arg {
            Value::Int(n) | Value::Int64(n) | Value::Duration(n) => *n,
            Value::Byte(n) => i64::from(*n),
            Value::Month(n) | Value::Weekday(n) => i64::from(*n),
            _ => return None,
        };
        (-GREATEST..=GREATEST).contains(&number).then_some(number)
    }

    /// `[n]`, which says what the next argument is; whether there was one that could be read.
    fn index(&mut self) -> bool {
        if self.next_byte() != Some(b'[') {
            return false;
        }
        self.is_reordered = true;
        let start = self.at + 1;
        let rest = &self.format[start..];
        let Some(length) = rest.iter().position(|&byte| byte == b']').filter(|_| rest.len() >= 2) else {
            self.at = start;
            self.is_good_index = false;
            return false;
        };
        let end = start + length;
        self.at = start;
        let number = self.number(end).filter(|_| self.at == end);
        self.at = end + 1;
        match number.and_then(|number| number.checked_sub(1)).filter(|&index| index < self.args.len()) {
            Some(index) => self.arg = index,
            None => self.is_good_index = false,
        }
        number.is_some()
    }

    /// Complains about arguments that no directive has used.
    fn extra(&mut self) {
        if self.is_reordered || self.arg >= self.args.len() {
            return;
        }
        self.printer.out.flags = Flags::default();
        self.printer.out.write(b"%!(EXTRA ");
        for (index, arg) in self.args[self.arg..].iter().enumerate() {
            if self.printer.out.is_full() {
                return;
            }
            if index > 0 {
                self.printer.out.write(b", ");
            }
            match arg {
                Value::Nil => self.printer.out.write(b"<nil>"),
                arg => self.printer.typed(Item::new(arg, 0)),
            }
        }
        self.printer.out.write(b")");
    }
}
