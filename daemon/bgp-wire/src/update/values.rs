//! The values of the attributes that this speaker understands, read and written.
//!
//! A reader function gets exactly the octets of its attribute. Never decides what a fault costs: the table does.

use std::net::{IpAddr, Ipv4Addr};

use nouns::Asn;
use thin_vec::ThinVec;

use super::draft::Draft;
use super::multiprotocol;
use super::table::{Attribute, Fault, OPTIONAL, TRANSITIVE};
use crate::Negotiated;
use crate::attribute::{Aggregator, LargeCommunity, Origin, PathAttributes};
use crate::error::EncodeError;
use crate::open::two_octets;
use crate::reader::Reader;
use crate::writer::Writer;

type Decoded = Result<(), Fault>;
type Encoded = Result<(), EncodeError>;

const OPTIONAL_TRANSITIVE: u8 = OPTIONAL | TRANSITIVE;

pub(super) fn decode_origin(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    let [value] = attribute.value.exactly().ok_or(Fault::new("the length is not 1"))?;
    draft.origin = Some(match value {
        0 => Origin::Igp,
        1 => Origin::Egp,
        2 => Origin::Incomplete,
        _ => return Err(Fault::new("the value is not 0, 1 or 2")),
    });
    Ok(())
}

pub(super) fn encode_origin(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    let value = match attributes.origin {
        Origin::Igp => 0,
        Origin::Egp => 1,
        Origin::Incomplete => 2,
    };
    writer.attribute(TRANSITIVE, 1, |writer| writer.u8(value))
}

pub(super) fn decode_next_hop(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.next_hop = Some(address(attribute.value)?);
    Ok(())
}

/// Only with the classic fields: an IPv6 next hop stands in MP_REACH_NLRI.
pub(super) fn encode_next_hop(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    match attributes.next_hop.address {
        IpAddr::V4(address) => writer.attribute(TRANSITIVE, 3, |writer| writer.bytes(&address.octets())),
        IpAddr::V6(_) => Ok(()),
    }
}

pub(super) fn decode_med(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.med = Some(number(attribute.value)?);
    Ok(())
}

pub(super) fn encode_med(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    attributes.med.map_or(Ok(()), |med| writer.attribute(OPTIONAL, 4, |writer| writer.u32(med)))
}

pub(super) fn decode_local_pref(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.local_pref = Some(number(attribute.value)?);
    Ok(())
}

pub(super) fn encode_local_pref(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    attributes.local_pref.map_or(Ok(()), |value| writer.attribute(TRANSITIVE, 5, |writer| writer.u32(value)))
}

pub(super) fn decode_atomic(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    if !attribute.value.is_empty() {
        return Err(Fault::new("the length is not 0"));
    }
    draft.atomic_aggregate = true;
    Ok(())
}

pub(super) fn encode_atomic(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    if attributes.atomic_aggregate { writer.attribute(TRANSITIVE, 6, |_| ()) } else { Ok(()) }
}

pub(super) fn decode_aggregator(attribute: Attribute<'_>, negotiated: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.aggregator = Some(aggregator(attribute.value, negotiated.four_octet_as)?);
    Ok(())
}

pub(super) fn encode_aggregator(
    attributes: &PathAttributes,
    negotiated: &Negotiated,
    writer: &mut Writer<'_>,
) -> Encoded {
    let Some(Aggregator { asn, address }) = attributes.aggregator else {
        return Ok(());
    };
    writer.attribute(OPTIONAL_TRANSITIVE, 7, |writer| {
        if negotiated.four_octet_as {
            writer.u32(asn.0);
        } else {
            writer.u16(two_octets(asn));
        }
        writer.bytes(&address.octets());
    })
}

pub(super) fn decode_as4_aggregator(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.as4_aggregator = Some(aggregator(attribute.value, true)?);
    Ok(())
}

pub(super) fn encode_as4_aggregator(
    attributes: &PathAttributes,
    negotiated: &Negotiated,
    writer: &mut Writer<'_>,
) -> Encoded {
    match attributes.aggregator {
        Some(Aggregator { asn, address }) if !negotiated.four_octet_as && u16::try_from(asn.0).is_err() => writer
            .attribute(OPTIONAL_TRANSITIVE, 18, |writer| {
                writer.u32(asn.0);
                writer.bytes(&address.octets());
            }),
        _ => Ok(()),
    }
}

fn aggregator(mut value: Reader<'_>, four_octets: bool) -> Result<Aggregator, Fault> {
    let asn = if four_octets { value.u32() } else { value.u16().map(u32::from) };
    let (Some(asn), Some(address)) = (asn, value.exactly::<4>()) else {
        return Err(Fault::new(if four_octets { "the length is not 8" } else { "the length is not 6" }));
    };
    if asn == 0 {
        return Err(Fault::new("AS 0 is reserved"));
    }
    Ok(Aggregator { asn: Asn(asn), address: Ipv4Addr::from(address) })
}

pub(super) fn decode_communities(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.communities = elements(attribute.value, u32::from_be_bytes)
        .ok_or(Fault::new("the length is not a multiple of 4, or is 0"))?;
    Ok(())
}

pub(super) fn encode_communities(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    write_elements(OPTIONAL_TRANSITIVE, 8, &attributes.communities, |value, writer| writer.u32(*value), writer)
}

pub(super) fn decode_extended(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.extended_communities =
        elements(attribute.value, |octets| octets).ok_or(Fault::new("the length is not a multiple of 8, or is 0"))?;
    Ok(())
}

pub(super) fn encode_extended(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    let all = &attributes.extended_communities;
    write_elements(OPTIONAL_TRANSITIVE, 16, all, |value, writer| writer.bytes(value), writer)
}

pub(super) fn decode_large(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    let large = |[a, b, c, d, e, f, g, h, i, j, k, l]: [u8; 12]| {
        let part = u32::from_be_bytes;
        LargeCommunity(part([a, b, c, d]), part([e, f, g, h]), part([i, j, k, l]))
    };
    draft.large_communities =
        elements(attribute.value, large).ok_or(Fault::new("the length is not a multiple of 12, or is 0"))?;
    Ok(())
}

pub(super) fn encode_large(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    let one = |value: &LargeCommunity, writer: &mut Writer<'_>| {
        writer.u32(value.0);
        writer.u32(value.1);
        writer.u32(value.2);
    };
    write_elements(OPTIONAL_TRANSITIVE, 32, &attributes.large_communities, one, writer)
}

pub(super) fn decode_originator(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.originator_id = Some(address(attribute.value)?);
    Ok(())
}

pub(super) fn encode_originator(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    let Some(id) = attributes.originator_id else {
        return Ok(());
    };
    writer.attribute(OPTIONAL, 9, |writer| writer.bytes(&id.octets()))
}

pub(super) fn decode_clusters(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Decoded {
    let (ids, rest) = attribute.value.rest().as_chunks::<4>();
    if ids.is_empty() || !rest.is_empty() {
        return Err(Fault::new("the length is not a multiple of 4, or is 0"));
    }
    // Unlike communities, the order has a meaning: it is the way that the route came.
    draft.cluster_list = ids.iter().copied().map(Ipv4Addr::from).collect();
    Ok(())
}

pub(super) fn encode_clusters(attributes: &PathAttributes, _: &Negotiated, writer: &mut Writer<'_>) -> Encoded {
    let one = |id: &Ipv4Addr, writer: &mut Writer<'_>| writer.bytes(&id.octets());
    write_elements(OPTIONAL, 10, &attributes.cluster_list, one, writer)
}

pub(super) fn decode_mp_reach(attribute: Attribute<'_>, negotiated: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.mp_reach = Some(multiprotocol::decode_reach(attribute.value, negotiated)?);
    Ok(())
}

pub(super) fn decode_mp_unreach(attribute: Attribute<'_>, negotiated: &Negotiated, draft: &mut Draft) -> Decoded {
    draft.mp_unreach = Some(multiprotocol::decode_unreach(attribute.value, negotiated)?);
    Ok(())
}

fn address(value: Reader<'_>) -> Result<Ipv4Addr, Fault> {
    value.exactly::<4>().map(Ipv4Addr::from).ok_or(Fault::new("the length is not 4"))
}

fn number(value: Reader<'_>) -> Result<u32, Fault> {
    value.exactly().map(u32::from_be_bytes).ok_or(Fault::new("the length is not 4"))
}

/// Elements of `N` octets, sorted and unique; `None` for no element or a cut one.
fn elements<const N: usize, T: Ord>(value: Reader<'_>, element: impl Fn([u8; N]) -> T) -> Option<ThinVec<T>> {
    let (chunks, rest) = value.rest().as_chunks::<N>();
    if chunks.is_empty() || !rest.is_empty() {
        return None;
    }
    let mut all: ThinVec<T> = chunks.iter().copied().map(element).collect();
    all.sort_unstable();
    all.dedup();
    Some(all)
}

/// An attribute of equal elements, none at all without elements.
fn write_elements<T>(
    flags: u8,
    code: u8,
    all: &[T],
    one: impl Fn(&T, &mut Writer<'_>),
    writer: &mut Writer<'_>,
) -> Encoded {
    if all.is_empty() {
        return Ok(());
    }
    writer.attribute(flags, code, |writer| {
        for element in all {
            one(element, writer);
        }
    })
}
