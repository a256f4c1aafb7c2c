//! Which text a value gives for a verb: by its methods, by its kind, or a complaint about the verb.

use super::{
    item::{Elements, Entries, Fields, Item, Shape, address},
    output::Output,
};

/// Prints values one after the other.
pub(super) struct Printer {
    pub(super) out: Output,
    /// While complaining about a verb, values are shown without the help of their methods.
    complaining: bool,
}

impl Printer {
    pub(super) fn new(limit: usize) -> Self {
        Self { out: Output::new(limit), complaining: false }
    }

    /// A value that has been handed over as an argument.
    pub(super) fn print_arg(&mut self, item: Item<'_>, verb: char) {
        match (item.shape, verb) {
            (Shape::Nil, 'T' | 'v') => self.out.pad(b"<nil>"),
            (Shape::Nil, _) => self.bad_verb(item, verb),
            (_, 'T') => {
                self.out.text(item.type_name().as_bytes(), 's');
            }
            (shape, 'p') => match shape {
                Shape::Pointer(pointer) => self.pointer(item, pointer.address, 'p'),
                Shape::Map(_) | Shape::Slice(_) => self.pointer(item, address(0), 'p'),
                _ => self.bad_verb(item, verb),
            },
            // Bytes are known to fmt itself.
            (Shape::Slice(Elements::Bytes(_)), _) => self.print_value(item, verb, true),
            _ if self.by_method(item, verb) => {}
            _ => self.print_value(item, verb, true),
        }
    }

    /// A value within another. It may be nil only where anything may stand.
    fn print_part(&mut self, item: Item<'_>, verb: char) {
        if self.by_method(item, verb) {
            return;
        }
        match item.shape {
            Shape::Nil if self.out.flags.go_syntax => self.out.write(b"interface {}(nil)"),
            Shape::Nil => self.out.write(b"<nil>"),
            _ => crate::on_enough_stack(|| self.print_value(item, verb, false)),
        }
    }

    /// Says that the verb does not suit the value.
    fn bad_verb(&mut self, item: Item<'_>, verb: char) {
        self.complaining = true;
        self.out.write(b"%!");
        self.out.write_char(verb);
        self.out.write(b"(");
        if matches!(item.shape, Shape::Nil) {
            self.out.write(b"<nil>");
        } else {
            self.typed(item);
        }
        self.out.write(b")");
        self.complaining = false;
    }

    /// `type=value`
    pub(super) fn typed(&mut self, item: Item<'_>) {
        self.out.write(item.type_name().as_bytes());
        self.out.write(b"=");
        self.print_arg(item, 'v');
    }

    /// Lets the value print itself; whether it did.
    fn by_method(&mut self, item: Item<'_>, verb: char) -> bool {
        if self.complaining {
            return false;
        }
        let text = match verb {
            // It is for errors, of which there are none here.
            'w' => {
                self.bad_verb(item, verb);
                return true;
            }
            _ if self.out.flags.go_syntax => item.go_string().map(|text| (text, 's')),
            'v' | 's' | 'x' | 'X' | 'q' => item.string().map(|text| (text, verb)),
            _ => None,
        };
        let Some((text, verb)) = text else { return false };
        self.out.text(text.as_bytes(), verb)
    }

    fn print_value(&mut self, item: Item<'_>, verb: char, is_outermost: bool) {
        let suits = match item.shape {
            Shape::Nil => false,
            Shape::Bool(truth) => self.out.boolean(truth, verb),
            Shape::Int(n) => self.out.signed(n, verb),
            Shape::Uint(n) => self.out.unsigned(n, verb),
            Shape::Float(n) => self.out.float(n, verb),
            Shape::Complex(re, im) => self.out.complex(re, im, verb),
            Shape::Text(text) => self.out.text(text, verb),
            Shape::Slice(Elements::Bytes(bytes)) if matches!(verb, 's' | 'x' | 'X' | 'q') => self.out.text(bytes, verb),
            Shape::Slice(elements) => return self.slice(item, elements, verb, is_outermost),
            Shape::Map(entries) => return self.map(item, entries, verb),
            Shape::Struct(fields) => return self.structure(item, fields, verb),
            Shape::Pointer(pointer) => match pointer.target() {
                Some(target) if is_outermost => {
                    self.out.write(b"&");
                    return self.print_part(target, verb);
                }
                _ => return self.pointer(item, pointer.address, verb),
            },
        };
        if !suits {
            self.bad_verb(item, verb);
        }
    }

    fn pointer(&mut self, item: Item<'_>, address: u64, verb: char) {
        let prefix = !self.out.flags.sharp;
        match verb {
            'v' if self.out.flags.go_syntax => {
                self.out.write(b"(");
                self.out.write(item.type_name().as_bytes());
                self.out.write(b")(");
                match address {
                    0 => self.out.write(b"nil"),
                    _ => self.out.hexadecimal(address, true),
                }
                self.out.write(b")");
            }
            'v' if address == 0 => self.out.pad(b"<nil>"),
            'v' | 'p' => self.out.hexadecimal(address, prefix),
            'b' | 'o' | 'd' | 'x' | 'X' => {
                self.out.unsigned(address, verb);
            }
            _ => self.bad_verb(item, verb),
        }
    }

    fn slice(&mut self, item: Item<'_>, elements: Elements<'_>, verb: char, is_outermost: bool) {
        let name = match elements {
            // fmt itself prints the bytes for this verb, by the name of its own for them.
            Elements::Bytes(_) if is_outermost && verb == 'v' => "[]byte".into(),
            _ => item.type_name(),
        };
        if matches!(elements, Elements::Nil) && self.out.flags.go_syntax {
            self.out.write(name.as_bytes());
            return self.out.write(b"(nil)");
        }
        self.open(&name, "[");
        for (index, element) in elements.items().enumerate() {
            if self.out.is_full() {
                return;
            }
            self.separate(index);
            self.print_part(element, verb);
        }
        self.close("]");
    }

    fn map(&mut self, item: Item<'_>, entries: Entries<'_>, verb: char) {
        self.open(&item.type_name(), "map[");
        for (index, (key, value)) in entries.items().enumerate() {
            if self.out.is_full() {
                return;
            }
            self.separate(index);
            self.print_part(key, verb);
            self.out.write(b":");
            self.print_part(value, verb);
        }
        self.close("]");
    }

    fn structure(&mut self, item: Item<'_>, fields: Fields<'_>, verb: char) {
        self.open(&item.type_name(), "{");
        for (index, (name, value)) in fields.items().into_iter().enumerate() {
            self.separate(index);
            if self.out.flags.with_names || self.out.flags.go_syntax {
                self.out.write(name.as_bytes());
                self.out.write(b":");
            }
            self.print_part(value, verb);
        }
        self.close("}");
    }

    fn open(&mut self, type_name: &str, plain: &str) {
        if self.out.flags.go_syntax {
            self.out.write(type_name.as_bytes());
            self.out.write(b"{");
        } else {
            self.out.write(plain.as_bytes());
        }
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.out.write(if self.out.flags.go_syntax { b", " } else { b" " });
        }
    }

    fn close(&mut self, plain: &str) {
        self.out.write(if self.out.flags.go_syntax { b"}" } else { plain.as_bytes() });
    }
}
