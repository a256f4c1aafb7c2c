//! A frame of the journal: the points of all series that came since the frame before it.

use vigil_promql::Point;

use crate::{
    codec,
    varint::{self, unzigzag, zigzag},
};

/// A point and the number of its series.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) series: u32,
    pub(crate) point: Point,
}

/// Values are whole numbers of these fractions, or (the fourth form) the float's own eight bytes.
const FORMS: [f64; 3] = [1.0, 100.0, 1_000_000.0];

/// Packs `entries`. Those of one series keep their order.
pub(crate) fn pack(entries: &mut [Entry]) -> Vec<u8> {
    entries.sort_by_key(|entry| entry.series);
    let mut bytes = Vec::with_capacity(entries.len() * 8);
    let (mut series, mut at_ms) = (0, 0);
    for entry in &*entries {
        varint::put(&mut bytes, u64::from(entry.series - series));
        varint::put(&mut bytes, zigzag(entry.point.at_ms.wrapping_sub(at_ms)));
        put_value(&mut bytes, entry.point.value);
        (series, at_ms) = (entry.series, entry.point.at_ms);
    }
    varint::with_sum(&bytes)
}

/// What was packed, by series; `None` when the frame is damaged.
pub(crate) fn unpack(frame: &[u8]) -> Option<Vec<Entry>> {
    let mut bytes = varint::checked(frame)?;
    let mut entries = Vec::new();
    let (mut series, mut at_ms) = (0_u32, 0_i64);
    while !bytes.is_empty() {
        series = series.checked_add(u32::try_from(varint::take(&mut bytes)?).ok()?)?;
        at_ms = at_ms.wrapping_add(unzigzag(varint::take(&mut bytes)?));
        let value = take_value(&mut bytes)?;
        entries.push(Entry { series, point: Point { at_ms, value } });
    }
    Some(entries)
}

fn put_value(bytes: &mut Vec<u8>, value: f64) {
    for (form, fraction) in (0_u64..).zip(FORMS) {
        if let Some(number) = codec::scaled(value, fraction) {
            varint::put(bytes, zigzag(number) << 2 | form);
            return;
        }
    }
    varint::put(bytes, FORMS.len() as u64);
    bytes.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn take_value(bytes: &mut &[u8]) -> Option<f64> {
    let tagged = varint::take(bytes)?;
    let Some(fraction) = FORMS.get((tagged & 3) as usize) else {
        let (value, rest) = bytes.split_first_chunk::<8>()?;
        *bytes = rest;
        return Some(f64::from_bits(u64::from_le_bytes(*value)));
    };
    Some(unzigzag(tagged >> 2) as f64 / fraction)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            (-9_007_199_254_740_993_i64..9_007_199_254_740_993).prop_map(|n| n as f64),
            (-1_000_000_i64..1_000_000).prop_map(|n| n as f64 / 100.0),
            Just(-0.0),
        ]
    }

    proptest! {
        #[test]
        fn every_entry_comes_back_in_the_order_of_its_series(
            entries in proptest::collection::vec((0_u32..50, any::<i64>(), any_value()), 0..200),
        ) {
            let mut packed: Vec<_> = entries.iter()
                .map(|(series, at_ms, value)| Entry { series: *series, point: Point { at_ms: *at_ms, value: *value } })
                .collect();
            let unpacked = unpack(&pack(&mut packed)).unwrap();
            for series in 0..50 {
                let expected: Vec<_> = entries.iter().filter(|e| e.0 == series).map(|e| (e.1, e.2.to_bits())).collect();
                let got: Vec<_> = unpacked.iter().filter(|e| e.series == series)
                    .map(|e| (e.point.at_ms, e.point.value.to_bits())).collect();
                prop_assert_eq!(got, expected);
            }
        }

        #[test]
        fn garbage_does_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert!(unpack(&bytes).is_none());
            let _ = unpack(&varint::with_sum(&bytes));
        }
    }
}
