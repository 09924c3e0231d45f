//! Writes MRT records.
//!
//! Never writes a record whose length is not that of what follows.

use std::net::{IpAddr, Ipv6Addr};

use nouns::Family;

use super::{Ends, Peer, Record, Rib, Stamp};
use crate::attribute::PathAttributes;
use crate::error::EncodeError;
use crate::family::{AFI_IPV4, AFI_IPV6};
use crate::message::Nlri;
use crate::update::{write_destination, write_table_attributes};
use crate::writer::{Writer, cut};

const TABLE_DUMP_V2: u16 = 13;
const BGP4MP: u16 = 16;
const BGP4MP_ET: u16 = 17;
/// The longest view name.
const NAME: usize = u16::MAX as usize;

impl Record {
    /// Appends the record.
    pub fn encode(&self, at: Stamp, out: &mut Vec<u8>) {
        match self {
            Self::Peers { router_id, view, peers } => whole(at, (TABLE_DUMP_V2, 1), out, |writer| {
                writer.bytes(&router_id.octets());
                let view = cut(view, NAME).as_bytes();
                writer.u16(u16::try_from(view.len()).unwrap_or(u16::MAX));
                writer.bytes(view);
                let peers = peers.get(..peers.len().min(usize::from(u16::MAX))).unwrap_or_default();
                writer.u16(u16::try_from(peers.len()).unwrap_or(u16::MAX));
                peers.iter().for_each(|one| peer(one, writer));
            }),
            Self::Rib(table) => whole(at, (TABLE_DUMP_V2, subtype(table)), out, |writer| rib_body(table, writer)),
            Self::Message { ends, four_octet_as, add_path, message } => {
                self::message(at, ends, (*four_octet_as, *add_path), message, out);
            }
            Self::StateChange { ends, from, to } => whole(at, (bgp4mp(at), 5), out, |writer| {
                ends_of(ends, true, writer);
                writer.u16(*from);
                writer.u16(*to);
            }),
        }
    }
}

/// Appends a record of one message (RFC 6396 §4.4.3): AS numbers of four octets or not, path identifiers or not.
pub fn message(at: Stamp, ends: &Ends, (four_octet_as, add_path): (bool, bool), message: &[u8], out: &mut Vec<u8>) {
    let subtype = match (four_octet_as, add_path) {
        (false, false) => 1,
        (true, false) => 4,
        (false, true) => 8,
        (true, true) => 9,
    };
    whole(at, (bgp4mp(at), subtype), out, |writer| {
        ends_of(ends, four_octet_as, writer);
        writer.bytes(message);
    });
}

/// The attributes of one path of a dumped table.
///
/// # Errors
/// When they do not fit into 65535 octets.
pub fn rib(family: Family, attributes: &PathAttributes) -> Result<Vec<u8>, EncodeError> {
    let mut octets = Vec::new();
    write_table_attributes(family, attributes, &mut Writer::new(&mut octets))?;
    if octets.len() > usize::from(u16::MAX) { Err(EncodeError::TooLong { length: octets.len() }) } else { Ok(octets) }
}

fn bgp4mp(at: Stamp) -> u16 {
    if at.microseconds.is_some() { BGP4MP_ET } else { BGP4MP }
}

/// A common header, and what belongs behind it.
fn whole(at: Stamp, (kind, subtype): (u16, u16), out: &mut Vec<u8>, body: impl FnOnce(&mut Writer<'_>)) {
    let mut writer = Writer::new(out);
    writer.u32(at.seconds);
    writer.u16(kind);
    writer.u16(subtype);
    let field = writer.len();
    writer.u32(0);
    if kind == BGP4MP_ET {
        writer.u32(at.microseconds.unwrap_or(0));
    }
    body(&mut writer);
    let end = field.saturating_add(4);
    let length = u32::try_from(out.len().saturating_sub(end)).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(field..end) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

fn peer(peer: &Peer, writer: &mut Writer<'_>) {
    // The second bit: the AS number has four octets.
    writer.u8(if peer.address.is_ipv6() { 3 } else { 2 });
    writer.bytes(&peer.router_id.octets());
    address(peer.address, writer);
    writer.u32(peer.asn.0);
}

fn address(address: IpAddr, writer: &mut Writer<'_>) {
    match address {
        IpAddr::V4(address) => writer.bytes(&address.octets()),
        IpAddr::V6(address) => writer.bytes(&address.octets()),
    }
}

fn subtype(table: &Rib) -> u16 {
    match (table.family, table.add_path) {
        (Family::Ipv4Unicast, false) => 2,
        (Family::Ipv6Unicast, false) => 4,
        (Family::Ipv4Unicast, true) => 8,
        (Family::Ipv6Unicast, true) => 10,
    }
}

fn rib_body(table: &Rib, writer: &mut Writer<'_>) {
    writer.u32(table.sequence);
    write_destination(Nlri { prefix: table.prefix, path_id: 0 }, false, writer);
    let entries = table.entries.get(..table.entries.len().min(usize::from(u16::MAX))).unwrap_or_default();
    writer.u16(u16::try_from(entries.len()).unwrap_or(u16::MAX));
    for entry in entries {
        writer.u16(entry.peer);
        writer.u32(entry.originated);
        if table.add_path {
            writer.u32(entry.path_id);
        }
        let attributes = entry.attributes.get(..entry.attributes.len().min(usize::from(u16::MAX))).unwrap_or_default();
        writer.u16(u16::try_from(attributes.len()).unwrap_or(u16::MAX));
        writer.bytes(attributes);
    }
}

fn ends_of(ends: &Ends, four_octet_as: bool, writer: &mut Writer<'_>) {
    for asn in [ends.peer_as, ends.local_as] {
        if four_octet_as {
            writer.u32(asn.0);
        } else {
            writer.u16(crate::open::two_octets(asn));
        }
    }
    writer.u16(ends.interface);
    match (ends.peer, ends.local) {
        (IpAddr::V4(peer), IpAddr::V4(local)) => {
            writer.u16(AFI_IPV4);
            writer.bytes(&peer.octets());
            writer.bytes(&local.octets());
        }
        (peer, local) => {
            writer.u16(AFI_IPV6);
            writer.bytes(&wide(peer).octets());
            writer.bytes(&wide(local).octets());
        }
    }
}

fn wide(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}
