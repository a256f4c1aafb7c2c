//! Whole numbers in as few bytes as they need (LEB128), and what is made of them: labels in a row of the file.

use std::sync::Arc;

use vigil_promql::SeriesLabels;

/// Appends `number`, seven bits a byte, the lowest first.
pub(crate) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number off the front; `None` when the bytes end before it does or it is too large.
pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(first & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        number |= part << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Small numbers of either sign become small ones.
#[inline]
pub(crate) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

#[inline]
pub(crate) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Puts the CRC-32 of `bytes` before them.
pub(crate) fn with_sum(bytes: &[u8]) -> Vec<u8> {
    let mut summed = Vec::with_capacity(bytes.len() + 4);
    summed.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    summed.extend_from_slice(bytes);
    summed
}

/// The bytes that [`with_sum`] was given; `None` when they are not those any more.
pub(crate) fn checked(summed: &[u8]) -> Option<&[u8]> {
    let (sum, bytes) = summed.split_first_chunk::<4>()?;
    (crc32fast::hash(bytes).to_le_bytes() == *sum).then_some(bytes)
}

/// Labels as a row keeps them: lengths and texts, with a sum.
pub(crate) fn pack_labels(labels: &SeriesLabels) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in labels.pairs().iter().flat_map(|(name, value)| [name, value]) {
        put(&mut bytes, text.len() as u64);
        bytes.extend_from_slice(text.as_bytes());
    }
    with_sum(&bytes)
}

/// `None` when the row is damaged.
pub(crate) fn unpack_labels(summed: &[u8]) -> Option<SeriesLabels> {
    let mut bytes = checked(summed)?;
    let mut pairs = Vec::new();
    while !bytes.is_empty() {
        let name = take_text(&mut bytes)?;
        pairs.push((name, take_text(&mut bytes)?));
    }
    Some(SeriesLabels::new(pairs))
}

fn take_text(bytes: &mut &[u8]) -> Option<Arc<str>> {
    let length = usize::try_from(take(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(Arc::from(std::str::from_utf8(text).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(unsigned in any::<u64>(), signed in any::<i64>()) {
            let mut bytes = Vec::new();
            put(&mut bytes, unsigned);
            put(&mut bytes, zigzag(signed));
            let mut rest = bytes.as_slice();
            prop_assert_eq!(take(&mut rest), Some(unsigned));
            prop_assert_eq!(take(&mut rest).map(unzigzag), Some(signed));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn labels_come_back(pairs in proptest::collection::btree_map("[a-z]{1,5}", "\\PC{1,9}", 0..6)) {
            let labels = SeriesLabels::new(pairs.iter().map(|(k, v)| (Arc::from(k.as_str()), Arc::from(v.as_str()))));
            prop_assert_eq!(unpack_labels(&pack_labels(&labels)), Some(labels));
        }

        #[test]
        fn garbage_is_no_labels(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(unpack_labels(&bytes), None);
            let _ = unpack_labels(&with_sum(&bytes));
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_none() {
        assert_eq!(take(&mut [0xff; 9].as_slice()), None);
        assert_eq!(take(&mut [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02].as_slice()), None);
    }
}
