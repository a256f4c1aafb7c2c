//! Values as text: Go's `fmt.Sprint`, `Sprintln` and `Sprintf`, and what `text/template` makes of them.

mod directive;
mod item;
mod output;
mod printer;
mod verbs;

use crate::value::Value;
use directive::Directives;
use item::Item;
use printer::Printer;

/// A text that would be longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is longer than {limit} bytes")]
pub(crate) struct TooLong {
    pub(crate) limit: usize,
}

/// Where texts end that have no limit of their own, in bytes. Everyone who asks for one takes much less, so that such a
/// text is refused whole; but values that contain each other many times over must not get to use up the memory first.
const FAR_TOO_LONG: usize = 16 * 1024 * 1024;

/// The values in their default formats, with a space between two that are not strings.
pub(crate) fn sprint(args: &[Value]) -> Vec<u8> {
    print_all(args.iter().map(|arg| Item::new(arg, 0)))
}

/// The values in their default formats, with spaces between them and a line feed at the end.
pub(crate) fn sprintln(args: &[Value]) -> Vec<u8> {
    let mut printer = Printer::new(FAR_TOO_LONG);
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            printer.out.write(b" ");
        }
        printer.print_arg(Item::new(arg, 0), 'v');
    }
    printer.out.write(b"\n");
    printer.out.bytes
}

/// The values in the formats that the directives of `format` ask for. What does not fit is said in the text itself.
///
/// # Errors
/// Of more than `limit` bytes nothing is returned.
pub(crate) fn sprintf(format: &[u8], args: &[Value], limit: usize) -> Result<Vec<u8>, TooLong> {
    let out = Directives::new(format, args, limit).print();
    if out.is_full() { Err(TooLong { limit }) } else { Ok(out.bytes) }
}

/// What a template puts out for a value: like `sprint` of what it points to.
pub(crate) fn print_value(value: &Value) -> Vec<u8> {
    print_all([Item::printable(value)])
}

/// The arguments of `html`, `js` and `urlquery` as one text: like `sprint` of what they point to.
pub(crate) fn eval_args(args: &[Value]) -> Vec<u8> {
    print_all(args.iter().map(Item::printable))
}

fn print_all<'a>(items: impl IntoIterator<Item = Item<'a>>) -> Vec<u8> {
    let mut printer = Printer::new(FAR_TOO_LONG);
    let mut after_value = false;
    for item in items {
        let is_value = !item.is_string();
        if after_value && is_value {
            printer.out.write(b" ");
        }
        printer.print_arg(item, 'v');
        after_value = is_value;
    }
    printer.out.bytes
}

#[cfg(test)]
mod tests;
