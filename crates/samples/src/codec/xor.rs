//! Values as the XOR with the one before, as in Facebook's Gorilla paper (VLDB 2015, section 4.1.3).

use super::Damaged;
use super::bits::{BitReader, BitWriter};

/// What the next value is written against. Both sides keep one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Xor {
    previous: u64,
    /// The bits that the last written difference lay in, counted from the top; none yet when empty.
    leading: u32,
    width: u32,
}

impl Xor {
    pub(crate) fn write_first(bits: &mut BitWriter, value: f64) -> Self {
        bits.push(value.to_bits(), 64);
        Self { previous: value.to_bits(), leading: 0, width: 0 }
    }

    pub(crate) fn write(&mut self, bits: &mut BitWriter, value: f64) {
        let difference = self.previous ^ value.to_bits();
        self.previous = value.to_bits();
        if difference == 0 {
            bits.push(0, 1);
            return;
        }
        let leading = difference.leading_zeros().min(31);
        let trailing = difference.trailing_zeros();
        let width = 64 - leading - trailing;
        let old_trailing = 64 - self.leading - self.width;
        // A wide old window would waste bits on every later value, so it is only kept while it is nearly as narrow.
        if self.width > 0 && leading >= self.leading && trailing >= old_trailing && self.width <= width + 11 {
            bits.push(0b10, 2);
            bits.push(difference >> old_trailing, self.width);
            return;
        }
        (self.leading, self.width) = (leading, width);
        bits.push(0b11, 2);
        bits.push(u64::from(leading), 5);
        bits.push(u64::from(width - 1), 6);
        bits.push(difference >> trailing, width);
    }

    pub(crate) fn read_first(bits: &mut BitReader<'_>) -> Result<(Self, f64), Damaged> {
        let previous = bits.read(64)?;
        Ok((Self { previous, leading: 0, width: 0 }, f64::from_bits(previous)))
    }

    #[inline]
    pub(crate) fn read(&mut self, bits: &mut BitReader<'_>) -> Result<f64, Damaged> {
        let ones = bits.read_ones(2)?;
        if ones > 0 {
            if ones == 2 {
                self.leading = bits.read(5)? as u32;
                self.width = bits.read(6)? as u32 + 1;
            }
            if self.width == 0 || self.leading + self.width > 64 {
                return Err(Damaged);
            }
            self.previous ^= bits.read(self.width)? << (64 - self.leading - self.width);
        }
        Ok(f64::from_bits(self.previous))
    }
}
