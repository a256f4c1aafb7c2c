//! A column of integers: first or second differences in a Rice code whose parameter suits the column.

use super::Damaged;
use super::bits::{BitReader, BitWriter};
use crate::varint::{unzigzag, zigzag};

/// Above it not every integer is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The integer that divided by `power` gives back every bit of `value`, if there is one.
pub(crate) fn scaled(value: f64, power: f64) -> Option<i64> {
    let number = (value * power).round();
    // As an integer: -0.0 has no other sign there.
    let integer = number as i64;
    (number.abs() < EXACT && (integer as f64 / power).to_bits() == value.to_bits()).then_some(integer)
}

/// A quotient of so many ones says that the number follows as a width and its bits.
const ESCAPE: u32 = 12;

/// Writes `column`, which is not empty.
pub(crate) fn write(bits: &mut BitWriter, column: &[i64]) {
    write_wide(bits, zigzag(column[0]));
    if column.len() == 1 {
        return;
    }
    let first = differences(column);
    let plain: Vec<u64> = first.iter().copied().map(zigzag).collect();
    let second: Vec<u64> = differences(&first).into_iter().map(zigzag).collect();
    let (plain_cost, plain_rice) = best_parameter(&plain);
    let (second_cost, second_rice) = best_parameter(&second);
    let twice = second_cost + 7 + width(plain[0]) < plain_cost;
    bits.push(u64::from(twice), 1);
    bits.push(u64::from(if twice { second_rice } else { plain_rice }), 6);
    if twice {
        write_wide(bits, plain[0]);
        second.iter().for_each(|number| write_rice(bits, *number, second_rice));
    } else {
        plain.iter().for_each(|number| write_rice(bits, *number, plain_rice));
    }
}

/// Hands the `count` integers of a column to `take`, in order.
pub(crate) fn read(bits: &mut BitReader<'_>, count: usize, mut take: impl FnMut(i64)) -> Result<(), Damaged> {
    let mut number = unzigzag(read_wide(bits)?);
    take(number);
    if count == 1 {
        return Ok(());
    }
    let twice = bits.read(1)? == 1;
    let rice = bits.read(6)? as u32;
    let mut left = count - 1;
    let mut delta = 0_i64;
    if twice {
        delta = unzigzag(read_wide(bits)?);
        number = number.wrapping_add(delta);
        take(number);
        left -= 1;
    }
    for _ in 0..left {
        let change = unzigzag(read_rice(bits, rice)?);
        delta = if twice { delta.wrapping_add(change) } else { change };
        number = number.wrapping_add(delta);
        take(number);
    }
    Ok(())
}

fn differences(column: &[i64]) -> Vec<i64> {
    column.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect()
}

/// The cheapest Rice parameter for `numbers` and what it costs in bits.
fn best_parameter(numbers: &[u64]) -> (u32, u32) {
    let widest = numbers.iter().copied().map(width).max().unwrap_or(0);
    (0..=widest.min(63))
        .map(|rice| (numbers.iter().map(|number| cost(*number, rice)).sum::<u32>(), rice))
        .min()
        .unwrap_or((0, 0))
}

fn cost(number: u64, rice: u32) -> u32 {
    let quotient = number >> rice;
    if quotient < u64::from(ESCAPE) { quotient as u32 + 1 + rice } else { ESCAPE + 7 + width(number) }
}

fn write_rice(bits: &mut BitWriter, number: u64, rice: u32) {
    let quotient = number >> rice;
    if quotient < u64::from(ESCAPE) {
        let ones = quotient as u32;
        bits.push(u64::MAX << 1, ones + 1);
        bits.push(number, rice);
    } else {
        bits.push(u64::MAX, ESCAPE);
        write_wide(bits, number);
    }
}

#[inline(always)]
fn read_rice(bits: &mut BitReader<'_>, rice: u32) -> Result<u64, Damaged> {
    let ones = bits.read_ones(ESCAPE)?;
    if ones == ESCAPE {
        return read_wide(bits);
    }
    Ok(u64::from(ones) << rice | bits.read(rice)?)
}

fn width(number: u64) -> u32 {
    64 - number.leading_zeros()
}

fn write_wide(bits: &mut BitWriter, number: u64) {
    bits.push(u64::from(width(number)), 7);
    bits.push(number, width(number));
}

fn read_wide(bits: &mut BitReader<'_>) -> Result<u64, Damaged> {
    let width = bits.read(7)? as u32;
    if width > 64 {
        return Err(Damaged);
    }
    bits.read(width)
}
