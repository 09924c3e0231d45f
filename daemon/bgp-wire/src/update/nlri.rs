//! Destinations as a length and the octets that it needs (RFC 4271 §4.3), with path identifiers (RFC 7911 §3).
//!
//! Never knows attributes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nouns::{Family, Prefix};

use crate::message::Nlri;
use crate::reader::Reader;
use crate::writer::Writer;

/// A destination of a few octets at least, so a reservation is bounded by the message.
const TYPICAL_OCTETS: usize = 4;

/// Reads destinations to the end. Bits behind a prefix's length mean nothing and are cleared.
///
/// # Errors
/// One phrase: a length that exceeds the family, or a destination that is cut off.
pub(super) fn read_all(mut reader: Reader<'_>, family: Family, add_path: bool) -> Result<Vec<Nlri>, &'static str> {
    let octets = if add_path { TYPICAL_OCTETS.saturating_mul(2) } else { TYPICAL_OCTETS };
    let mut all = Vec::with_capacity(reader.len().div_ceil(octets));
    while !reader.is_empty() {
        let path_id = if add_path { reader.u32().ok_or("a path identifier is cut off")? } else { 0 };
        let prefix = read_prefix(&mut reader, family)?;
        all.push(Nlri { prefix, path_id });
    }
    Ok(all)
}

/// Reads one destination without a path identifier.
pub(crate) fn read_prefix(reader: &mut Reader<'_>, family: Family) -> Result<Prefix, &'static str> {
    const CUT: &str = "a prefix is cut off";
    let length = reader.u8().ok_or(CUT)?;
    if length > family.bits() {
        return Err("a prefix length exceeds the address");
    }
    let octets = usize::from(length.div_ceil(8));
    let address = match family {
        Family::Ipv4Unicast => IpAddr::V4(Ipv4Addr::from(read_address::<4>(reader, octets).ok_or(CUT)?)),
        Family::Ipv6Unicast => IpAddr::V6(Ipv6Addr::from(read_address::<16>(reader, octets).ok_or(CUT)?)),
    };
    Ok(Prefix::masked_or_host(address, length))
}

/// An address of which the next octets are the beginning. Where as many follow as it has, it is read at once: what is
/// not its own goes with the bits behind the prefix.
fn read_address<const N: usize>(reader: &mut Reader<'_>, octets: usize) -> Option<[u8; N]> {
    let ahead = reader.rest().first_chunk::<N>().copied();
    let own = reader.take(octets)?;
    Some(ahead.unwrap_or_else(|| padded(own)))
}

fn padded<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut address = [0; N];
    for (to, from) in address.iter_mut().zip(octets) {
        *to = *from;
    }
    address
}

/// Octets that [`write`] will append.
pub(super) fn encoded_length(nlri: Nlri, add_path: bool) -> usize {
    let octets = usize::from(nlri.prefix.length().div_ceil(8));
    octets.saturating_add(if add_path { 5 } else { 1 })
}

/// Writes one destination.
pub(crate) fn write(nlri: Nlri, add_path: bool, writer: &mut Writer<'_>) {
    if add_path {
        writer.u32(nlri.path_id);
    }
    let length = nlri.prefix.length();
    let octets = usize::from(length.div_ceil(8));
    writer.u8(length);
    match nlri.prefix.address() {
        IpAddr::V4(address) => writer.beginning(address.octets(), octets),
        IpAddr::V6(address) => writer.beginning(address.octets(), octets),
    }
}
