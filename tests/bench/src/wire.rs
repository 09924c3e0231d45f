//! The few messages of BGP that the load needs, written and read by hand.
//!
//! The generator shares no line with the daemon that it measures, and it reads no more of a message than it counts. It
//! never judges what it reads.

use std::fmt;
use std::net::Ipv4Addr;

/// Octets of a header (RFC 4271 §4.1).
pub(crate) const HEADER: usize = 19;
/// Octets of the longest message that is agreed on.
pub(crate) const LONGEST: usize = 4096;

pub(crate) const OPEN: u8 = 1;
pub(crate) const UPDATE: u8 = 2;
pub(crate) const NOTIFICATION: u8 = 3;
pub(crate) const KEEPALIVE: u8 = 4;

const AS_PATH: u8 = 2;
/// AS number of a speaker whose own needs four octets (RFC 6793 §9).
const AS_TRANS: u16 = 23456;

/// An IPv4 prefix as its address and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Prefix4 {
    /// The address, host bits zero.
    pub(crate) address: u32,
    /// The length, at most 32.
    pub(crate) length: u8,
}

impl Prefix4 {
    /// Octets of the address that are written.
    fn octets(self) -> usize {
        usize::from(self.length.div_ceil(8))
    }

    /// Appends it as messages carry it (RFC 4271 §4.3).
    fn encode(self, out: &mut Vec<u8>) {
        out.push(self.length);
        out.extend(self.address.to_be_bytes().iter().take(self.octets()));
    }

    /// Takes one from the front.
    fn decode(octets: &[u8]) -> Option<(Self, &[u8])> {
        let (&length, rest) = octets.split_first()?;
        let (address, rest) = rest.split_at_checked(usize::from(length.div_ceil(8)))?;
        let shifted = address.iter().fold(0u32, |bits, octet| bits << 8 | u32::from(*octet));
        let address = shifted.checked_shl(32 - 8 * u32::try_from(address.len()).ok()?).unwrap_or(0);
        Some((Self { address, length }, rest))
    }
}

impl fmt::Display for Prefix4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.address), self.length)
    }
}

/// An OPEN that offers IPv4 unicast, route refresh and four-octet AS numbers.
pub(crate) fn open(asn: u32, hold_time: u16, router_id: Ipv4Addr) -> Vec<u8> {
    let mut capabilities = vec![1, 4, 0, 1, 0, 1, 2, 0, 65, 4];
    capabilities.extend(asn.to_be_bytes());
    let mut body = vec![4];
    body.extend(u16::try_from(asn).unwrap_or(AS_TRANS).to_be_bytes());
    body.extend(hold_time.to_be_bytes());
    body.extend(router_id.octets());
    let length = u8::try_from(capabilities.len()).unwrap_or(u8::MAX);
    body.extend([length.saturating_add(2), 2, length]);
    body.extend(capabilities);
    let mut out = Vec::new();
    message(OPEN, &[&body], &mut out);
    out
}

/// A KEEPALIVE.
pub(crate) fn keepalive() -> Vec<u8> {
    let mut out = Vec::new();
    message(KEEPALIVE, &[], &mut out);
    out
}

/// Appends as many UPDATEs as it takes to announce the prefixes with these attributes.
pub(crate) fn announce(attributes: &[u8], prefixes: impl Iterator<Item = Prefix4>, out: &mut Vec<u8>) {
    let room = LONGEST - HEADER - 4 - attributes.len();
    let length = u16::try_from(attributes.len()).unwrap_or(u16::MAX).to_be_bytes();
    in_pieces(prefixes, room, |nlri| message(UPDATE, &[&[0, 0], &length, attributes, nlri], out));
}

/// Appends as many UPDATEs as it takes to withdraw the prefixes.
pub(crate) fn withdraw(prefixes: impl Iterator<Item = Prefix4>, out: &mut Vec<u8>) {
    in_pieces(prefixes, LONGEST - HEADER - 4, |withdrawn| {
        let length = u16::try_from(withdrawn.len()).unwrap_or(u16::MAX).to_be_bytes();
        message(UPDATE, &[&length, withdrawn, &[0, 0]], out);
    });
}

fn in_pieces(prefixes: impl Iterator<Item = Prefix4>, room: usize, mut piece: impl FnMut(&[u8])) {
    let mut encoded = Vec::with_capacity(room);
    for prefix in prefixes {
        if encoded.len() + 1 + prefix.octets() > room {
            piece(&encoded);
            encoded.clear();
        }
        prefix.encode(&mut encoded);
    }
    if !encoded.is_empty() {
        piece(&encoded);
    }
}

fn message(kind: u8, parts: &[&[u8]], out: &mut Vec<u8>) {
    let length = HEADER + parts.iter().map(|part| part.len()).sum::<usize>();
    out.extend([0xff; 16]);
    out.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    out.push(kind);
    for part in parts {
        out.extend(*part);
    }
}

/// Appends an attribute (RFC 4271 §4.3), with a length of two octets where one does not suffice.
pub(crate) fn attribute(flags: u8, code: u8, value: &[u8], out: &mut Vec<u8>) {
    match u8::try_from(value.len()) {
        Ok(length) => out.extend([flags, code, length]),
        Err(_) => {
            out.extend([flags | 0x10, code]);
            out.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        }
    }
    out.extend(value);
}

/// The value of an `AS_PATH` of one sequence.
pub(crate) fn as_sequence(path: impl ExactSizeIterator<Item = u32>, out: &mut Vec<u8>) {
    out.extend([2, u8::try_from(path.len()).unwrap_or(u8::MAX)]);
    for asn in path {
        out.extend(asn.to_be_bytes());
    }
}

/// A number that stands for an `AS_PATH`: of its raw value, which every daemon writes alike.
pub(crate) fn path_hash(value: &[u8]) -> u32 {
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
    for chunk in value.chunks(8) {
        let word = chunk.iter().fold(0u64, |word, octet| word << 8 | u64::from(*octet));
        hash = (hash ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
    }
    // The upper half is the better mixed one.
    u32::try_from(hash >> 32).unwrap_or(0)
}

/// The type of the message at the front, and the message without its header; nothing while it is incomplete.
pub(crate) fn next_message(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let length = octets.get(16..18)?.iter().fold(0, |length, octet| length << 8 | usize::from(*octet));
    let (whole, rest) = octets.split_at_checked(length.max(HEADER))?;
    Some((*whole.get(HEADER - 1)?, whole.get(HEADER..)?, rest))
}

/// What of an UPDATE is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Update<'a> {
    withdrawn: &'a [u8],
    announced: &'a [u8],
    /// [`path_hash`] of the path; 0 where nothing is announced.
    pub(crate) path: u32,
}

impl<'a> Update<'a> {
    /// Reads a message without its header; nothing where it is cut off.
    pub(crate) fn decode(body: &'a [u8]) -> Option<Self> {
        let (withdrawn, rest) = counted(body)?;
        let (attributes, announced) = counted(rest)?;
        let path = if announced.is_empty() { 0 } else { path_hash(as_path(attributes)?) };
        Some(Self { withdrawn, announced, path })
    }

    /// What it takes back.
    pub(crate) fn withdrawn(self) -> impl Iterator<Item = Prefix4> + 'a {
        prefixes(self.withdrawn)
    }

    /// What it announces.
    pub(crate) fn announced(self) -> impl Iterator<Item = Prefix4> + 'a {
        prefixes(self.announced)
    }
}

fn prefixes(mut octets: &[u8]) -> impl Iterator<Item = Prefix4> {
    std::iter::from_fn(move || {
        let (prefix, rest) = Prefix4::decode(octets)?;
        octets = rest;
        Some(prefix)
    })
}

/// What stands behind a length of two octets, and what follows.
fn counted(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let ([high, low], rest) = octets.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low])))
}

/// The attributes of an UPDATE without its header.
pub(crate) fn attributes(body: &[u8]) -> Option<&[u8]> {
    Some(counted(counted(body)?.1)?.0)
}

/// Flags, code and value of each attribute, until one is cut off.
pub(crate) fn each_attribute(mut attributes: &[u8]) -> impl Iterator<Item = (u8, u8, &[u8])> {
    std::iter::from_fn(move || {
        let ([flags, code, length], rest) = attributes.split_first_chunk()?;
        let (value, rest) = if flags & 0x10 == 0 {
            rest.split_at_checked(usize::from(*length))?
        } else {
            counted(attributes.get(2..)?)?
        };
        attributes = rest;
        Some((*flags, *code, value))
    })
}

/// The value of the `AS_PATH`.
fn as_path(attributes: &[u8]) -> Option<&[u8]> {
    each_attribute(attributes).find_map(|(_, code, value)| (code == AS_PATH).then_some(value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

    use super::*;

    fn some(count: u32) -> impl Iterator<Item = Prefix4> + Clone {
        (0..count).map(|number| Prefix4 { address: 0x1000_0000 + (number << 8), length: 24 })
    }

    fn attributes() -> Vec<u8> {
        let (mut path, mut out) = (Vec::new(), Vec::new());
        as_sequence([65001, 100_000].into_iter(), &mut path);
        attribute(0x40, 1, &[0], &mut out);
        attribute(0x40, AS_PATH, &path, &mut out);
        attribute(0xc0, 8, &[0; 300], &mut out);
        out
    }

    #[test]
    fn what_is_announced_and_withdrawn_is_read_again() {
        let mut octets = Vec::new();
        announce(&attributes(), some(2000), &mut octets);
        withdraw(some(1500), &mut octets);
        let (mut announced, mut withdrawn, mut rest) = (Vec::new(), Vec::new(), octets.as_slice());
        while let Some((kind, body, after)) = next_message(rest) {
            assert_eq!(kind, UPDATE);
            assert!(rest.len() - after.len() <= LONGEST);
            let update = Update::decode(body).unwrap();
            announced.extend(update.announced());
            withdrawn.extend(update.withdrawn());
            rest = after;
        }
        assert!(rest.is_empty());
        assert_eq!(announced, some(2000).collect::<Vec<_>>());
        assert_eq!(withdrawn, some(1500).collect::<Vec<_>>());
    }

    #[test]
    fn a_path_is_known_by_its_number_and_another_has_another() {
        let mut octets = Vec::new();
        announce(&attributes(), some(1), &mut octets);
        let update = Update::decode(&octets[HEADER..]).unwrap();
        let number = |path: &[u32]| {
            let mut value = Vec::new();
            as_sequence(path.iter().copied(), &mut value);
            path_hash(&value)
        };
        assert_eq!(update.path, number(&[65001, 100_000]));
        assert_ne!(update.path, number(&[65001, 100_001]));
        assert_ne!(update.path, number(&[65001, 100_000, 100_000]));
    }

    #[test]
    fn half_a_message_is_none_yet_and_a_broken_one_no_update() {
        let whole = keepalive();
        assert_eq!(next_message(&whole[..18]), None);
        assert_eq!(next_message(&whole), Some((KEEPALIVE, &[][..], &[][..])));
        assert_eq!(Update::decode(&[0, 9, 1]), None);
        assert_eq!(Update::decode(&[0, 0, 0, 0, 8, 10]), None);
    }
}
