//! Attributes that are not interpreted here, but that others reset sessions for when they are malformed.
//!
//! Their structure is checked, so that a broken one goes no further; a sound one that is transitive is kept as it
//! came, one that is not is dropped. Never gives such an attribute a meaning.

use super::draft::Draft;
use super::table::{self, Attribute, FLAGS, Fault, MP_REACH, MP_UNREACH, OPTIONAL, PARTIAL, TRANSITIVE};
use crate::Negotiated;
use crate::attribute::UnknownAttribute;
use crate::error::ErrorClass;
use crate::reader::Reader;

/// ATTR_SET
const ATTRIBUTE_SET: u8 = 128;
/// How many ATTR_SET within each other are looked into; nobody has a reason for two.
const SETS_DEEP: usize = 4;

/// Keeps an attribute that has to be passed on.
pub(super) fn keep(attribute: Attribute<'_>, draft: &mut Draft) {
    let flags = attribute.flags & (OPTIONAL | TRANSITIVE | PARTIAL);
    let value = attribute.value.rest().to_vec();
    draft.unknown.push(UnknownAttribute { flags, code: attribute.code, value });
}

/// RFC 6514 §5: flags, tunnel type and a label of three octets at least.
pub(super) fn pmsi_tunnel(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Result<(), Fault> {
    if attribute.value.len() < 5 {
        return Err(Fault::new("shorter than 5 octets"));
    }
    keep(attribute, draft);
    Ok(())
}

/// RFC 9012 §2: tunnel TLVs with sub-TLVs, whose length has two octets from type 128 on.
pub(super) fn tunnel_encapsulation(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Result<(), Fault> {
    let overrun = Fault::new("a TLV overruns the attribute");
    let mut value = attribute.value;
    while !value.is_empty() {
        let mut tunnel = wide_tlv(&mut value).ok_or(overrun)?;
        while !tunnel.is_empty() {
            let kind = tunnel.u8();
            let length = match kind {
                Some(128..) => tunnel.u16().map(usize::from),
                _ => tunnel.u8().map(usize::from),
            };
            length.and_then(|length| tunnel.sub(length)).ok_or(overrun)?;
        }
    }
    keep(attribute, draft);
    Ok(())
}

/// RFC 5701 §2: 20 octets each.
pub(super) fn ipv6_extended_communities(
    attribute: Attribute<'_>,
    _: &Negotiated,
    draft: &mut Draft,
) -> Result<(), Fault> {
    let (communities, rest) = attribute.value.rest().as_chunks::<20>();
    if communities.is_empty() || !rest.is_empty() {
        return Err(Fault::new("the length is not a multiple of 20, or is 0"));
    }
    keep(attribute, draft);
    Ok(())
}

/// RFC 7311 §3: TLVs whose length counts their three octets of header too. Not used here, so not kept.
pub(super) fn aigp(attribute: Attribute<'_>, _: &Negotiated, _: &mut Draft) -> Result<(), Fault> {
    let mut value = attribute.value;
    while !value.is_empty() {
        let kind = value.u8();
        let length = value.u16().and_then(|length| length.checked_sub(3));
        let body = length.and_then(|length| value.sub(usize::from(length)));
        let body = body.ok_or(Fault::new("a TLV overruns the attribute, or is shorter than its own header"))?;
        if kind == Some(1) && body.len() != 8 {
            return Err(Fault::new("the metric has not 8 octets"));
        }
    }
    Ok(())
}

/// RFC 9552 §5.1: TLVs. Not used here, so not kept.
pub(super) fn link_state(attribute: Attribute<'_>, _: &Negotiated, _: &mut Draft) -> Result<(), Fault> {
    let mut value = attribute.value;
    while !value.is_empty() {
        wide_tlv(&mut value).ok_or(Fault::new("a TLV overruns the attribute"))?;
    }
    Ok(())
}

/// RFC 9234 §5: one AS number.
pub(super) fn only_to_customer(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Result<(), Fault> {
    if attribute.value.len() != 4 {
        return Err(Fault::new("the length is not 4"));
    }
    keep(attribute, draft);
    Ok(())
}

/// RFC 8669 §3 and §6: TLVs, of which type 0 is reserved. What is wrong with a service of SRv6 costs the routes (RFC 9252
/// §7).
pub(super) fn prefix_sid(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Result<(), Fault> {
    let mut value = attribute.value;
    if value.is_empty() {
        return Err(Fault::new("empty"));
    }
    while !value.is_empty() {
        let kind = value.u8();
        let service = matches!(kind, Some(5 | 6));
        let fault = |reason| Fault { class: service.then_some(ErrorClass::Withdraw), reason };
        let length = value.u16().map(usize::from);
        let body = length.and_then(|length| value.sub(length)).ok_or(fault("a TLV overruns the attribute"))?;
        let sound = match kind {
            None | Some(0) => false,
            Some(1) => body.len() == 7,
            Some(3) => body.len() >= 8 && body.rest().get(2..).is_some_and(|ranges| ranges.len() % 6 == 0),
            Some(5 | 6) => is_srv6_service(body),
            Some(_) => true,
        };
        if !sound {
            return Err(fault("a TLV is malformed"));
        }
    }
    keep(attribute, draft);
    Ok(())
}

/// RFC 9252 §2: a reserved octet, then sub-TLVs with two octets of length. The one of type 1 holds a SID with flags and
/// behavior in 21 octets (§3.1), then sub-TLVs of its own, of which the structure of a SID has 6 octets (§3.2.1).
fn is_srv6_service(mut body: Reader<'_>) -> bool {
    body.u8().is_some()
        && all_tlvs(body, |kind, mut sub| {
            kind != 1 || (sub.take(21).is_some() && all_tlvs(sub, |kind, sub| kind != 1 || sub.len() == 6))
        })
}

/// Whether TLVs with one octet of type and two of length fill the octets, and each is sound.
fn all_tlvs(mut octets: Reader<'_>, sound: impl Fn(u8, Reader<'_>) -> bool) -> bool {
    while !octets.is_empty() {
        let (kind, length) = (octets.u8(), octets.u16());
        let body = length.and_then(|length| octets.sub(usize::from(length)));
        if !kind.zip(body).is_some_and(|(kind, body)| sound(kind, body)) {
            return false;
        }
    }
    true
}

/// RFC 5543 §3: descriptors of 36 octets and more, how many more nobody can tell. Not used here, so not kept.
pub(super) fn traffic_engineering(attribute: Attribute<'_>, _: &Negotiated, _: &mut Draft) -> Result<(), Fault> {
    if attribute.value.len() < 36 { Err(Fault::new("shorter than 36 octets")) } else { Ok(()) }
}

/// RFC 6368 §5: an AS number, then sound attributes other than those that hold routes.
pub(super) fn attribute_set(attribute: Attribute<'_>, _: &Negotiated, draft: &mut Draft) -> Result<(), Fault> {
    check_set(attribute.value, SETS_DEEP)?;
    keep(attribute, draft);
    Ok(())
}

/// The attributes in a set are those of an internal session of another network, with AS numbers of four octets.
fn check_set(mut value: Reader<'_>, deep: usize) -> Result<(), Fault> {
    let inside = Negotiated { internal: true, four_octet_as: true, as_sets: true, ..Negotiated::default() };
    value.u32().ok_or(Fault::new("shorter than 4 octets"))?;
    while !value.is_empty() {
        let attribute = table::next(&mut value).ok_or(Fault::new("an attribute in it overruns it"))?;
        match (attribute.code, table::find(attribute.code)) {
            (MP_REACH | MP_UNREACH, _) => return Err(Fault::new("it holds a multiprotocol attribute")),
            (ATTRIBUTE_SET, _) => match deep.checked_sub(1) {
                Some(deep) => check_set(attribute.value, deep)?,
                None => return Err(Fault::new("sets within sets within sets")),
            },
            (_, Some(row)) => {
                let sound = attribute.flags & FLAGS == row.flags
                    && (row.decode)(attribute, &inside, &mut Draft::default()).is_ok();
                if !sound {
                    return Err(Fault::new("an attribute in it is malformed"));
                }
            }
            (_, None) => {}
        }
    }
    Ok(())
}

/// The value of a TLV with two octets of type and two of length.
fn wide_tlv<'a>(value: &mut Reader<'a>) -> Option<Reader<'a>> {
    let _kind = value.u16()?;
    let length = value.u16()?;
    value.sub(usize::from(length))
}
