//! Where printed text goes, with padding and within a limit.

use crate::quote::runes;

/// What stands between `%` and the verb, apart from which argument is meant.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`: with the fields' names.
    pub(super) with_names: bool,
    /// `%#v`: in Go's syntax.
    pub(super) go_syntax: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

/// Text within a limit: what does not fit is left out, and it counts as full.
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    pub(super) flags: Flags,
    limit: usize,
    full: bool,
}

impl Output {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), flags: Flags::default(), limit, full: false }
    }

    /// Whether something has been left out.
    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    /// The greatest width or precision that makes a difference: a greater one leads to a text that is too long as well,
    /// if it leads to more digits at all.
    pub(super) fn longest_number(&self) -> usize {
        self.limit.saturating_add(1).max(2000)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        let room = self.limit - self.bytes.len();
        self.full |= bytes.len() > room;
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    pub(super) fn write_char(&mut self, c: char) {
        self.write(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// Zeros or spaces, as the flags have it.
    pub(super) fn fill(&mut self, count: usize) {
        // Zeros are for the left side only.
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        let room = self.limit - self.bytes.len();
        self.full |= count > room;
        self.bytes.resize(self.bytes.len() + count.min(room), byte);
    }

    /// The text in its width, which counts characters.
    pub(super) fn pad(&mut self, text: &[u8]) {
        let Some(width) = self.flags.width else { return self.write(text) };
        let missing = width.saturating_sub(runes(text).count());
        if self.flags.minus {
            self.write(text);
            self.fill(missing);
        } else {
            self.fill(missing);
            self.write(text);
        }
    }

    /// Like `pad`, for what never has zeros in front.
    pub(super) fn pad_with_spaces(&mut self, text: &[u8]) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }
}
