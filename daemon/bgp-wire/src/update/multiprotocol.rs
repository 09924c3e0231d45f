//! MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760), with the next hops of RFC 2545 and RFC 8950.
//!
//! Families that are not negotiated are passed over unread. Never decides whether a next hop can be used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nouns::Family;

use super::nlri;
use super::table::Fault;
use crate::attribute::NextHop;
use crate::family::AfiSafi;
use crate::message::Nlri;
use crate::reader::Reader;
use crate::writer::Writer;
use crate::{EncodeError, Negotiated};

/// What MP_REACH_NLRI or MP_UNREACH_NLRI said.
#[derive(Debug)]
pub(super) enum Routes<T> {
    /// Routes of a negotiated family, with their next hop if they are announced.
    Of(Family, T, Vec<Nlri>),
    /// Octets of a family that is not negotiated, and whether there were routes at all.
    Ignored(AfiSafi, bool),
}

/// Decodes MP_REACH_NLRI.
pub(super) fn decode_reach(mut value: Reader<'_>, negotiated: &Negotiated) -> Result<Routes<NextHop>, Fault> {
    let cut = Fault::new("the next hop is cut off");
    let afi_safi = AfiSafi::read(&mut value).ok_or(Fault::new("the address family is cut off"))?;
    let Some(family) = negotiated_family(afi_safi, negotiated) else {
        // Next hop length and reserved octet leave two octets even without routes.
        return Ok(Routes::Ignored(afi_safi, value.len() > 2));
    };
    let length = value.u8().ok_or(cut)?;
    let next_hop = value.sub(usize::from(length)).ok_or(cut)?;
    let next_hop = decode_next_hop(next_hop, family)?;
    value.u8().ok_or(Fault::new("the reserved octet is missing"))?;
    let routes = nlri::read_all(value, family, negotiated.add_path_receive.contains(&family)).map_err(Fault::new)?;
    Ok(Routes::Of(family, next_hop, routes))
}

/// Decodes MP_UNREACH_NLRI.
pub(super) fn decode_unreach(mut value: Reader<'_>, negotiated: &Negotiated) -> Result<Routes<()>, Fault> {
    let afi_safi = AfiSafi::read(&mut value).ok_or(Fault::new("the address family is cut off"))?;
    let Some(family) = negotiated_family(afi_safi, negotiated) else {
        return Ok(Routes::Ignored(afi_safi, !value.is_empty()));
    };
    let routes = nlri::read_all(value, family, negotiated.add_path_receive.contains(&family)).map_err(Fault::new)?;
    Ok(Routes::Of(family, (), routes))
}

fn negotiated_family(afi_safi: AfiSafi, negotiated: &Negotiated) -> Option<Family> {
    afi_safi.family().filter(|family| negotiated.families.contains(family))
}

/// Next hops of 4, 16 and 32 octets; four octets for IPv4 routes only.
fn decode_next_hop(value: Reader<'_>, family: Family) -> Result<NextHop, Fault> {
    if let (Family::Ipv4Unicast, Some(octets)) = (family, value.exactly::<4>()) {
        return Ok(NextHop { address: IpAddr::V4(Ipv4Addr::from(octets)), link_local: None });
    }
    if let Some(octets) = value.exactly::<16>() {
        return Ok(NextHop { address: IpAddr::V6(Ipv6Addr::from(octets)), link_local: None });
    }
    let Some(octets) = value.exactly::<32>() else {
        return Err(Fault::new("the length of the next hop does not suit the address family"));
    };
    let mut pair = Reader::new(&octets);
    let (Some(global), Some(second)) = (pair.array::<16>(), pair.array::<16>()) else {
        return Err(Fault::new("the next hop is cut off"));
    };
    let (global, second) = (Ipv6Addr::from(global), Ipv6Addr::from(second));
    let link_local = second.is_unicast_link_local().then_some(second);
    // A speaker without a global address sends `::` in its place.
    let address = link_local.filter(|_| global.is_unspecified()).unwrap_or(global);
    Ok(NextHop { address: IpAddr::V6(address), link_local })
}

/// Whether routes of the family with this next hop go into the fields of RFC 4271 instead of MP_REACH_NLRI.
pub(super) fn is_classic(family: Family, next_hop: IpAddr) -> bool {
    family == Family::Ipv4Unicast && next_hop.is_ipv4()
}

/// Writes what stands before the routes in MP_REACH_NLRI.
pub(super) fn write_reach_head(family: Family, next_hop: NextHop, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
    write_family(family, writer);
    if next_hop.address.is_ipv4() {
        return Err(EncodeError::Update("an IPv4 next hop in MP_REACH_NLRI"));
    }
    write_next_hop(next_hop, writer);
    writer.u8(0);
    Ok(())
}

/// Writes a next hop behind its length.
pub(super) fn write_next_hop(next_hop: NextHop, writer: &mut Writer<'_>) {
    match (next_hop.address, next_hop.link_local) {
        (IpAddr::V4(address), _) => {
            writer.u8(4);
            writer.bytes(&address.octets());
        }
        (IpAddr::V6(address), None) => {
            writer.u8(16);
            writer.bytes(&address.octets());
        }
        (IpAddr::V6(address), Some(link_local)) => {
            writer.u8(32);
            writer.bytes(&address.octets());
            writer.bytes(&link_local.octets());
        }
    }
}

/// Writes AFI and SAFI.
pub(super) fn write_family(family: Family, writer: &mut Writer<'_>) {
    let AfiSafi { afi, safi } = family.into();
    writer.u16(afi);
    writer.u8(safi);
}
