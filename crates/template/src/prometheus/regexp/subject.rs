//! The text that a pattern is looked for in.

use std::borrow::Cow;

/// A text, in which each byte that is no UTF-8 is searched as U+FFFD, as Go does.
pub(super) struct Subject<'a> {
    bytes: &'a [u8],
    text: Cow<'a, str>,
    /// Where such bytes are in `text`, in ascending order.
    replaced: Vec<usize>,
}

/// By how many bytes U+FFFD is longer than the byte that it stands for.
const LONGER: usize = char::REPLACEMENT_CHARACTER.len_utf8() - 1;

impl<'a> Subject<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        if let Ok(text) = str::from_utf8(bytes) {
            return Self { bytes, text: Cow::Borrowed(text), replaced: Vec::new() };
        }
        let mut text = String::with_capacity(bytes.len());
        let mut replaced = Vec::new();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            for _ in chunk.invalid() {
                replaced.push(text.len());
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        Self { bytes, text: Cow::Owned(text), replaced }
    }

    /// What is searched.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of what is between two places in the text.
    pub(super) fn bytes(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.get(self.original(start)..self.original(end)).unwrap_or_default()
    }

    fn original(&self, place: usize) -> usize {
        place - LONGER * self.replaced.partition_point(|&replaced| replaced < place)
    }
}
