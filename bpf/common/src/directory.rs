//! The look-up of a destination in the directory.
//!
//! Never writes, and takes a bounded number of steps: `LENGTHS` times `PROBES` lines at most.

use crate::flow::MAPPED;
use crate::layout::{Directory, Entry, LENGTHS, PROBES, place_of};

/// The two words of an IPv4 address, mapped.
#[inline(always)]
#[must_use]
pub const fn mapped(address: u32) -> [u64; 2] {
    [0, ((address as u64) << 32) | MAPPED]
}

/// The last word of a key: port and protocol as they lie there, and the length.
#[inline(always)]
#[must_use]
pub const fn rest(port: u16, protocol: u8, length: u8) -> u32 {
    port as u32 | ((protocol as u32) << 16) | ((length as u32) << 24)
}

/// The line with exactly this key.
#[inline(always)]
#[must_use]
pub fn exact(directory: &Directory, address: [u64; 2], rest: u32) -> Option<&Entry> {
    let first = place_of(address, rest);
    for behind in 0..PROBES {
        let entry = directory.places.get((first as usize + behind) % directory.places.len())?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = entry.address;
        let found = u32::from_le_bytes([entry.port[0], entry.port[1], entry.protocol, entry.length]);
        let low = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let high = u64::from_le_bytes([i, j, k, l, m, n, o, p]);
        if found == rest && high == address[1] && low == address[0] {
            return Some(entry);
        }
        if entry.length == 0 {
            return None;
        }
    }
    None
}

/// The line of the longest prefix that holds this IPv4 address, as it lies there.
#[inline(always)]
#[must_use]
pub fn longest(directory: &Directory, address: u32) -> Option<&Entry> {
    for index in 0..LENGTHS {
        let length = *directory.lengths.get(index)?;
        if length == 0 {
            return None;
        }
        let mask = (u32::MAX << (128_u32.wrapping_sub(u32::from(length)) & 31)).swap_bytes();
        let mask = if length == 96 { 0 } else { mask };
        if let Some(entry) = exact(directory, mapped(address & mask), rest(0, 0, length)) {
            return Some(entry);
        }
    }
    None
}

/// The line of the longest prefix that holds this IPv6 address.
#[inline(always)]
#[must_use]
pub fn longest6(directory: &Directory, address: [u64; 2]) -> Option<&Entry> {
    for index in 0..LENGTHS {
        let length = *directory.lengths6.get(index)?;
        if length == 0 {
            return None;
        }
        let part = (u64::MAX << (u32::from(length).wrapping_neg() & 63)).swap_bytes();
        let mask = match length {
            0..=63 => [part, 0],
            64 => [u64::MAX, 0],
            65..=127 => [u64::MAX, part],
            _ => [u64::MAX, u64::MAX],
        };
        if let Some(entry) = exact(directory, [address[0] & mask[0], address[1] & mask[1]], rest(0, 0, length)) {
            return Some(entry);
        }
    }
    None
}
