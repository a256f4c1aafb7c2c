//! A chunk that is complete: a column of times, then a column of values in the form that suits them.
//!
//! Counters of hundredths and whole numbers, which is most of what a host tells, are far smaller as integers than as
//! floats: 0.01 has no short binary form, so the XOR of two such values is nearly random.
//!
//! Layout: CRC-32 (4 bytes, little-endian, of all that follows), number of points (2 bytes), then bits: 3 for the form of
//! the values, the times, the values.

use std::cell::RefCell;

use vigil_promql::Point;

use super::Damaged;
use super::bits::{BitReader, BitWriter};
use super::integers;
use super::xor::Xor;

/// The form that says "XOR of floats"; smaller ones are the number of decimal places of scaled integers.
const XOR: u64 = 7;
const POWERS: [f64; 7] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0];
const HEADER: usize = 6;

/// Packs 1 to 65,535 points in ascending time order.
pub(crate) fn seal(points: &[Point]) -> Vec<u8> {
    let mut bits = BitWriter::default();
    bits.push(points.len() as u64, 16);
    let times: Vec<i64> = points.iter().map(|point| point.at_ms).collect();
    match scaled(points) {
        Some((places, column)) => {
            bits.push(places, 3);
            integers::write(&mut bits, &times);
            integers::write(&mut bits, &column);
        }
        None => {
            bits.push(XOR, 3);
            integers::write(&mut bits, &times);
            let mut xor = Xor::write_first(&mut bits, points[0].value);
            points[1..].iter().for_each(|point| xor.write(&mut bits, point.value));
        }
    }
    let body = bits.into_bytes();
    let mut sealed = Vec::with_capacity(body.len() + 4);
    sealed.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
    sealed.extend_from_slice(&body);
    sealed
}

/// Appends the points of `(after_ms, until_ms]` to `points`. After `Err` it may have grown nevertheless.
pub(crate) fn decode(sealed: &[u8], after_ms: i64, until_ms: i64, points: &mut Vec<Point>) -> Result<(), Damaged> {
    if sealed.len() < HEADER {
        return Err(Damaged);
    }
    let (sum, body) = sealed.split_at(4);
    if crc32fast::hash(body).to_le_bytes() != sum {
        return Err(Damaged);
    }
    let mut bits = BitReader::new(body);
    let count = bits.read(16)? as usize;
    let form = bits.read(3)?;
    if count == 0 {
        return Err(Damaged);
    }
    TIMES.with_borrow_mut(|times| {
        times.clear();
        integers::read(&mut bits, count, |at_ms| times.push(at_ms))?;
        let mut next = times.iter().copied();
        let mut take = |value: f64| {
            let at_ms = next.next().unwrap_or(i64::MIN);
            if at_ms > after_ms && at_ms <= until_ms {
                points.push(Point { at_ms, value });
            }
        };
        if form == XOR {
            let (mut xor, value) = Xor::read_first(&mut bits)?;
            take(value);
            for _ in 1..count {
                take(xor.read(&mut bits)?);
            }
            return Ok(());
        }
        let power = *POWERS.get(form as usize).ok_or(Damaged)?;
        integers::read(&mut bits, count, |number| take(number as f64 / power))
    })
}

thread_local! {
    /// The times of the chunk in hand: decoding thousands of chunks makes no thousands of allocations.
    static TIMES: RefCell<Vec<i64>> = const { RefCell::new(Vec::new()) };
}

/// The values as integers and how many decimal places they were shifted, if that gives back every bit.
fn scaled(points: &[Point]) -> Option<(u64, Vec<i64>)> {
    (0..).zip(POWERS).find_map(|(places, power)| {
        let column: Option<_> = points.iter().map(|point| integers::scaled(point.value, power)).collect();
        Some((places, column?))
    })
}
