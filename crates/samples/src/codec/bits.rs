//! Bits in a row, the most significant of each byte first.

use super::Damaged;

/// Takes bits.
#[derive(Clone, Debug, Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    /// Unused bits of the last byte.
    free: u32,
}

impl BitWriter {
    /// Appends the low `count` bits of `value`; at most 64.
    pub(crate) fn push(&mut self, value: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let take = left.min(self.free);
            left -= take;
            self.free -= take;
            let part = ((value >> left) & ((1 << take) - 1)) as u8;
            if let Some(last) = self.bytes.last_mut() {
                *last |= part << self.free;
            }
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Gives the bits back.
#[derive(Clone, Debug)]
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// The next bits, from the top. Bits below the `have` first ones are zero or already the right ones.
    buffer: u64,
    have: u32,
}

impl<'a> BitReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, buffer: 0, have: 0 }
    }

    /// The next `count` bits, at most 64.
    #[inline]
    pub(crate) fn read(&mut self, count: u32) -> Result<u64, Damaged> {
        if count > 32 {
            let high = self.read_short(count - 32)?;
            return Ok(high << 32 | self.read_short(32)?);
        }
        self.read_short(count)
    }

    #[inline(always)]
    fn read_short(&mut self, count: u32) -> Result<u64, Damaged> {
        if count == 0 {
            return Ok(0);
        }
        if self.have < count {
            self.refill();
            if self.have < count {
                return Err(Damaged);
            }
        }
        let value = self.buffer >> (64 - count);
        self.buffer <<= count;
        self.have -= count;
        Ok(value)
    }

    /// How many ones come next, at most `limit` (of up to 32); takes them and, below the limit, the zero after them.
    #[inline(always)]
    pub(crate) fn read_ones(&mut self, limit: u32) -> Result<u32, Damaged> {
        if self.have <= limit {
            self.refill();
        }
        let ones = self.buffer.leading_ones().min(limit);
        let taken = if ones < limit { ones + 1 } else { limit };
        self.read_short(taken)?;
        Ok(ones)
    }

    #[inline]
    fn refill(&mut self) {
        if let Some(word) = self.bytes.first_chunk::<8>() {
            self.buffer |= u64::from_be_bytes(*word) >> self.have;
            let whole = (63 - self.have) / 8;
            self.bytes = &self.bytes[whole as usize..];
            self.have += whole * 8;
            return;
        }
        while self.have <= 56 {
            let Some((first, rest)) = self.bytes.split_first() else { break };
            self.buffer |= u64::from(*first) << (56 - self.have);
            self.have += 8;
            self.bytes = rest;
        }
    }
}
