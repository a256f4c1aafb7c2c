//! A chunk that still takes points: Gorilla's delta-of-delta times and XOR values, written one point after the other.

use vigil_promql::Point;

use super::Damaged;
use super::bits::{BitReader, BitWriter};
use super::xor::Xor;
use crate::varint::{unzigzag, zigzag};

/// Never empty. The times ascend.
#[derive(Clone, Debug)]
pub(crate) struct Growing {
    bits: BitWriter,
    count: u32,
    first_ms: i64,
    last_ms: i64,
    delta: i64,
    value: Xor,
}

/// Prefix, its length, and the bits of the zigzag number that follow, by size.
const CLASSES: [(u64, u32, u32); 4] = [(0b10, 2, 7), (0b110, 3, 14), (0b1110, 4, 21), (0b1111, 4, 64)];

impl Growing {
    pub(crate) fn new(point: Point) -> Self {
        let mut bits = BitWriter::default();
        bits.push(point.at_ms.cast_unsigned(), 64);
        let value = Xor::write_first(&mut bits, point.value);
        Self { bits, count: 1, first_ms: point.at_ms, last_ms: point.at_ms, delta: 0, value }
    }

    /// Appends a point, which must be later than the last.
    pub(crate) fn push(&mut self, point: Point) {
        let delta = point.at_ms.wrapping_sub(self.last_ms);
        let change = zigzag(delta.wrapping_sub(self.delta));
        if change == 0 {
            self.bits.push(0, 1);
        } else {
            let class = CLASSES.iter().find(|(_, _, size)| *size == 64 || change >> size == 0);
            let (prefix, length, size) = class.copied().expect("the last class takes any number");
            self.bits.push(prefix, length);
            self.bits.push(change, size);
        }
        self.value.write(&mut self.bits, point.value);
        (self.last_ms, self.delta) = (point.at_ms, delta);
        self.count += 1;
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn first_ms(&self) -> i64 {
        self.first_ms
    }

    pub(crate) fn last_ms(&self) -> i64 {
        self.last_ms
    }

    /// Bytes in memory.
    pub(crate) fn size(&self) -> usize {
        self.bits.bytes().len()
    }

    /// Appends the points of `(after_ms, until_ms]` to `points`.
    pub(crate) fn decode(&self, after_ms: i64, until_ms: i64, points: &mut Vec<Point>) {
        self.read(after_ms, until_ms, points).expect("the chunk was written in this process");
    }

    fn read(&self, after_ms: i64, until_ms: i64, points: &mut Vec<Point>) -> Result<(), Damaged> {
        let mut bits = BitReader::new(self.bits.bytes());
        let mut at_ms = bits.read(64)?.cast_signed();
        let (mut xor, mut value) = Xor::read_first(&mut bits)?;
        let mut delta = 0_i64;
        for read in 1.. {
            if at_ms > until_ms {
                break;
            }
            if at_ms > after_ms {
                points.push(Point { at_ms, value });
            }
            if read == self.count {
                break;
            }
            let ones = bits.read_ones(4)?;
            if ones > 0 {
                let (_, _, size) = CLASSES[ones as usize - 1];
                delta = delta.wrapping_add(unzigzag(bits.read(size)?));
            }
            at_ms = at_ms.wrapping_add(delta);
            value = xor.read(&mut bits)?;
        }
        Ok(())
    }
}
