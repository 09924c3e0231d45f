//! Writes UPDATEs: one value as one message, or any number of routes as few messages as they need.
//!
//! IPv4 routes with an IPv4 next hop go into the fields of RFC 4271, all others into MP_REACH_NLRI, which then is
//! the first attribute (RFC 7606 §5.1). Never chooses what to announce.

use std::iter::Peekable;

use nouns::Family;

use super::table::{EXTENDED_LENGTH, MP_REACH, MP_UNREACH, OPTIONAL, PARTIAL, TABLE};
use super::{multiprotocol, nlri};
use crate::Negotiated;
use crate::attribute::{PathAttributes, UnknownAttribute};
use crate::error::EncodeError;
use crate::header::{self, MessageType};
use crate::message::{Nlri, Reach, Update};
use crate::writer::{LengthField, Writer};

/// Octets that suffice for most sets of attributes.
const USUAL_ATTRIBUTES: usize = 128;
const IPV4: Family = Family::Ipv4Unicast;

/// Appends UPDATEs that announce all of `nlri`, each filled up to the negotiated length. No routes, no message.
///
/// # Errors
/// `TooLong` when the attributes leave no room for a single route: such routes have to be withdrawn instead.
/// `Family` for a prefix of another family, `Update` for IPv6 routes with an IPv4 next hop.
/// After an error `out` is as it was.
pub fn encode_reach(
    family: Family,
    attributes: &PathAttributes,
    nlri: &mut impl Iterator<Item = Nlri>,
    negotiated: &Negotiated,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let mut common = Vec::with_capacity(USUAL_ATTRIBUTES);
    write_attributes(attributes, negotiated, &mut Writer::new(&mut common))?;
    let classic = multiprotocol::is_classic(family, attributes.next_hop.address);
    let packer = Packer { family, negotiated, common: &common };
    packer.pack(nlri, out, |packer, nlri, start, writer| {
        if classic {
            writer.u16(0);
            let length = writer.length_field();
            writer.bytes(packer.common);
            writer.close(length)?;
            return packer.fill(nlri, start, 0, writer);
        }
        writer.u16(0);
        let all = writer.length_field();
        let value = open_multiprotocol(MP_REACH, writer);
        multiprotocol::write_reach_head(family, attributes.next_hop, writer)?;
        packer.fill(nlri, start, packer.common.len(), writer)?;
        writer.close(value)?;
        writer.bytes(packer.common);
        writer.close(all)
    })
}

/// Appends UPDATEs that withdraw all of `nlri`, each filled up to the negotiated length. No routes, no message.
///
/// # Errors
/// `Family` for a prefix of another family. After an error `out` is as it was.
pub fn encode_unreach(
    family: Family,
    nlri: &mut impl Iterator<Item = Nlri>,
    negotiated: &Negotiated,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let packer = Packer { family, negotiated, common: &[] };
    packer.pack(nlri, out, |packer, nlri, start, writer| {
        if family == IPV4 {
            let withdrawn = writer.length_field();
            packer.fill(nlri, start, 2, writer)?;
            writer.close(withdrawn)?;
            writer.u16(0);
            return Ok(());
        }
        writer.u16(0);
        let all = writer.length_field();
        let value = open_multiprotocol(MP_UNREACH, writer);
        multiprotocol::write_family(family, writer);
        packer.fill(nlri, start, 0, writer)?;
        writer.close(value)?;
        writer.close(all)
    })
}

/// Appends the End-of-RIB marker of a family (RFC 4724 §2); nothing where the family is not negotiated.
pub fn encode_end_of_rib(family: Family, negotiated: &Negotiated, out: &mut Vec<u8>) {
    if !negotiated.families.contains(&family) {
        return;
    }
    let writer = &mut Writer::new(out);
    let head = header::open(writer, MessageType::Update);
    writer.bytes(end_of_rib(family));
    // A marker is shorter than any limit.
    let _ = header::close(writer, head, negotiated.max_message());
}

fn end_of_rib(family: Family) -> &'static [u8] {
    match family {
        Family::Ipv4Unicast => &[0, 0, 0, 0],
        Family::Ipv6Unicast => &[0, 0, 0, 6, OPTIONAL, MP_UNREACH, 3, 0, 2, 1],
    }
}

struct Packer<'a> {
    family: Family,
    negotiated: &'a Negotiated,
    /// The attributes of every message, MP_REACH_NLRI apart.
    common: &'a [u8],
}

impl Packer<'_> {
    /// Message after message until no route is left.
    fn pack<I: Iterator<Item = Nlri>>(
        &self,
        nlri: &mut I,
        out: &mut Vec<u8>,
        body: impl Fn(&Self, &mut Peekable<&mut I>, usize, &mut Writer<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let before = out.len();
        let mut nlri = nlri.peekable();
        while nlri.peek().is_some() {
            let before_message = out.len();
            let writer = &mut Writer::new(out);
            let head = header::open(writer, MessageType::Update);
            let written = body(self, &mut nlri, before_message, writer);
            let closed = written.and_then(|()| header::close(writer, head, self.negotiated.max_message()));
            if closed.is_err() {
                out.truncate(before);
                return closed;
            }
        }
        Ok(())
    }

    /// Routes as long as the message that begins at `start` has room for them and `tail` octets more; one at least.
    fn fill<I: Iterator<Item = Nlri>>(
        &self,
        nlri: &mut Peekable<I>,
        start: usize,
        tail: usize,
        writer: &mut Writer<'_>,
    ) -> Result<(), EncodeError> {
        let add_path = self.negotiated.add_path_send.contains(&self.family);
        let limit = self.negotiated.max_message();
        let mut any = false;
        while let Some(next) = nlri.peek().copied() {
            if next.prefix.family() != self.family {
                return Err(EncodeError::Family(self.family));
            }
            let length = writer.len().saturating_sub(start).saturating_add(tail);
            let wanted = length.saturating_add(nlri::encoded_length(next, add_path));
            if wanted > limit {
                return if any { Ok(()) } else { Err(EncodeError::TooLong { length: wanted }) };
            }
            nlri::write(next, add_path, writer);
            nlri.next();
            any = true;
        }
        Ok(())
    }
}

/// The attributes of one route as a dump of a table has them (RFC 6396 §4.3.4): AS numbers of four octets, and of
/// MP_REACH_NLRI the next hop alone.
pub(crate) fn write_table_attributes(
    family: Family,
    attributes: &PathAttributes,
    writer: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    if !multiprotocol::is_classic(family, attributes.next_hop.address) {
        writer.attribute(OPTIONAL, MP_REACH, |writer| multiprotocol::write_next_hop(attributes.next_hop, writer))?;
    }
    let codec = Negotiated { four_octet_as: true, internal: true, ..Negotiated::default() };
    write_attributes(attributes, &codec, writer)
}

/// Every attribute but MP_REACH_NLRI and MP_UNREACH_NLRI.
fn write_attributes(
    attributes: &PathAttributes,
    negotiated: &Negotiated,
    writer: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    for row in TABLE.iter().filter(|row| row.strange_to(negotiated).is_none()) {
        if let Some(encode) = row.encode {
            encode(attributes, negotiated, writer)?;
        }
    }
    for unknown in &attributes.unknown {
        // Partial says that somebody on the way did not know the attribute (RFC 4271 §5).
        let known = unknown.code == UnknownAttribute::ONLY_TO_CUSTOMER;
        let partial = if known { 0 } else { PARTIAL };
        writer.attribute(unknown.flags | partial, unknown.code, |writer| writer.bytes(&unknown.value))?;
    }
    Ok(())
}

/// Writes the body of one UPDATE.
///
/// # Errors
/// When the parts of the value do not go into one message.
pub(crate) fn encode(update: &Update, negotiated: &Negotiated, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
    let parts = Parts::of(update)?;
    if let Some(family) = update.end_of_rib {
        writer.bytes(end_of_rib(family));
        return Ok(());
    }
    let withdrawn = writer.length_field();
    write_unreach(update, IPV4, negotiated, writer);
    writer.close(withdrawn)?;
    let all = writer.length_field();
    if let Some(reach) = parts.multiprotocol {
        let value = open_multiprotocol(MP_REACH, writer);
        multiprotocol::write_reach_head(reach.family, reach.attributes.next_hop, writer)?;
        write_routes(reach.family, &reach.nlri, negotiated, writer);
        writer.close(value)?;
    }
    if parts.unreach_ipv6 {
        let value = open_multiprotocol(MP_UNREACH, writer);
        multiprotocol::write_family(Family::Ipv6Unicast, writer);
        write_unreach(update, Family::Ipv6Unicast, negotiated, writer);
        writer.close(value)?;
    }
    // The classic routes come first: their next hop is an attribute of its own.
    if let Some(reach) = parts.classic.or(parts.multiprotocol) {
        write_attributes(&reach.attributes, negotiated, writer)?;
    }
    writer.close(all)?;
    if let Some(reach) = parts.classic {
        write_routes(IPV4, &reach.nlri, negotiated, writer);
    }
    Ok(())
}

fn open_multiprotocol(code: u8, writer: &mut Writer<'_>) -> LengthField {
    writer.u8(OPTIONAL | EXTENDED_LENGTH);
    writer.u8(code);
    writer.length_field()
}

fn write_unreach(update: &Update, family: Family, negotiated: &Negotiated, writer: &mut Writer<'_>) {
    for unreach in update.unreach.iter().filter(|unreach| unreach.family == family) {
        write_routes(family, &unreach.nlri, negotiated, writer);
    }
}

fn write_routes(family: Family, routes: &[Nlri], negotiated: &Negotiated, writer: &mut Writer<'_>) {
    let add_path = negotiated.add_path_send.contains(&family);
    for route in routes {
        nlri::write(*route, add_path, writer);
    }
}

/// Which routes of a value go where in its message.
struct Parts<'a> {
    classic: Option<&'a Reach>,
    multiprotocol: Option<&'a Reach>,
    unreach_ipv6: bool,
}

impl<'a> Parts<'a> {
    fn of(update: &'a Update) -> Result<Self, EncodeError> {
        let mut parts = Self { classic: None, multiprotocol: None, unreach_ipv6: false };
        let mut any = false;
        for unreach in update.unreach.iter().filter(|unreach| !unreach.nlri.is_empty()) {
            any = true;
            parts.unreach_ipv6 |= unreach.family == Family::Ipv6Unicast;
            check_family(unreach.family, &unreach.nlri)?;
        }
        for reach in update.reach.iter().filter(|reach| !reach.nlri.is_empty()) {
            any = true;
            check_family(reach.family, &reach.nlri)?;
            let classic = multiprotocol::is_classic(reach.family, reach.attributes.next_hop.address);
            let place = if classic { &mut parts.classic } else { &mut parts.multiprotocol };
            if place.replace(reach).is_some() {
                return Err(EncodeError::Update("two sets of routes for the same field"));
            }
        }
        if any == update.end_of_rib.is_some() {
            return Err(EncodeError::Update("either routes or an End-of-RIB marker"));
        }
        match (parts.classic, parts.multiprotocol) {
            (Some(classic), Some(other)) if !same_but_next_hop(&classic.attributes, &other.attributes) => {
                Err(EncodeError::Update("two sets of attributes"))
            }
            _ => Ok(parts),
        }
    }
}

fn check_family(family: Family, routes: &[Nlri]) -> Result<(), EncodeError> {
    let stranger = routes.iter().any(|route| route.prefix.family() != family);
    if stranger { Err(EncodeError::Family(family)) } else { Ok(()) }
}

fn same_but_next_hop(one: &PathAttributes, other: &PathAttributes) -> bool {
    *one == PathAttributes { next_hop: one.next_hop, ..other.clone() }
}
