//! Octets of capabilities.
//!
//! A capability that decides how the session is read (multiprotocol, four-octet AS) must be well formed; any
//! other that is not is kept as unknown, since ignoring it costs nothing. Never reads beyond a capability's length.

use nouns::{Asn, Family};

use super::Capability;
use crate::error::{EncodeError, OpenError};
use crate::family::{AFI_IPV6, AfiSafi};
use crate::orf::PREFIX_TYPE;
use crate::reader::Reader;
use crate::writer::{Writer, cut};

/// Capabilities may fill one optional parameter, whose header takes two of at most 255 octets.
const LIMIT: usize = 253;

/// Appends the capabilities of one optional parameter (RFC 5492 §4).
///
/// # Errors
/// When a capability overruns the parameter, or one that matters is malformed.
pub(crate) fn decode_all(mut parameter: Reader<'_>, into: &mut Vec<Capability>) -> Result<(), OpenError> {
    while !parameter.is_empty() {
        let overrun = OpenError::Malformed("a capability overruns its optional parameter");
        let (Some(code), Some(length)) = (parameter.u8(), parameter.u8()) else {
            return Err(overrun);
        };
        let value = parameter.sub(usize::from(length)).ok_or(overrun)?;
        into.push(decode(code, value)?);
    }
    Ok(())
}

fn decode(code: u8, value: Reader<'_>) -> Result<Capability, OpenError> {
    let known = match code {
        1 => {
            let family =
                value.exactly().map(|[a, b, _, safi]: [u8; 4]| AfiSafi { afi: u16::from_be_bytes([a, b]), safi });
            let family = family.ok_or(OpenError::Malformed("the multiprotocol capability has not 4 octets"))?;
            Some(Capability::Multiprotocol(family))
        }
        65 => {
            let number = value.exactly().map(u32::from_be_bytes);
            let number = number.ok_or(OpenError::Malformed("the four-octet AS capability has not 4 octets"))?;
            if number == 0 {
                return Err(OpenError::AsZero);
            }
            Some(Capability::FourOctetAs(Asn(number)))
        }
        2 => value.is_empty().then_some(Capability::RouteRefresh),
        3 => outbound_filter(value),
        5 => extended_next_hop(value),
        6 => value.is_empty().then_some(Capability::ExtendedMessage),
        9 => value.exactly().map(|[role]: [u8; 1]| Capability::Role(role)),
        64 => graceful_restart(value),
        69 => add_path(value),
        70 => value.is_empty().then_some(Capability::EnhancedRouteRefresh),
        71 => long_lived(value),
        73 => fqdn(value),
        75 => software_version(value),
        _ => None,
    };
    Ok(known.unwrap_or_else(|| Capability::Unknown { code, value: value.rest().to_vec() }))
}

/// Other types of filters, and directions other than 1 to 3, are passed over.
fn outbound_filter(mut value: Reader<'_>) -> Option<Capability> {
    let mut families = Vec::new();
    while !value.is_empty() {
        let (afi, _, safi, count) = (value.u16()?, value.u8()?, value.u8()?, value.u8()?);
        let family = AfiSafi { afi, safi }.family();
        for _ in 0..count {
            let (kind, direction) = (value.u8()?, value.u8()?);
            let known = kind == PREFIX_TYPE && matches!(direction, 1..=3);
            families.extend(family.filter(|_| known).map(|family| (family, direction)));
        }
    }
    Some(Capability::OutboundFilter(families))
}

fn extended_next_hop(mut value: Reader<'_>) -> Option<Capability> {
    let mut families = Vec::new();
    while !value.is_empty() {
        let (afi, safi, next_hop) = (value.u16()?, value.u16()?, value.u16()?);
        let family = u8::try_from(safi).ok().and_then(|safi| AfiSafi { afi, safi }.family());
        families.extend(family.filter(|_| next_hop == AFI_IPV6));
    }
    Some(Capability::ExtendedNextHop(families))
}

fn graceful_restart(mut value: Reader<'_>) -> Option<Capability> {
    let head = value.u16()?;
    let mut families = Vec::new();
    while !value.is_empty() {
        let family = AfiSafi::read(&mut value)?.family();
        let forwarding = value.u8()? & 0x80 != 0;
        families.extend(family.map(|family| (family, forwarding)));
    }
    let (restarting, notification) = (head & 0x8000 != 0, head & 0x4000 != 0);
    Some(Capability::GracefulRestart { restarting, notification, time: head & 0x0fff, families })
}

/// A tuple with a value other than 1 to 3 is ignored (RFC 7911 §4).
fn add_path(mut value: Reader<'_>) -> Option<Capability> {
    let mut families = Vec::new();
    while !value.is_empty() {
        let family = AfiSafi::read(&mut value)?.family();
        let direction = value.u8()?;
        families.extend(family.filter(|_| matches!(direction, 1..=3)).map(|family| (family, direction)));
    }
    Some(Capability::AddPath(families))
}

fn long_lived(mut value: Reader<'_>) -> Option<Capability> {
    let mut families = Vec::new();
    while !value.is_empty() {
        let family = AfiSafi::read(&mut value)?.family();
        let tail = value.u32()?;
        families.extend(family.map(|family| (family, tail & 0x8000_0000 != 0, tail & 0x00ff_ffff)));
    }
    Some(Capability::LongLivedGracefulRestart(families))
}

fn fqdn(mut value: Reader<'_>) -> Option<Capability> {
    let host = text(&mut value)?;
    // Some speakers leave the domain out altogether.
    let domain = if value.is_empty() { String::new() } else { text(&mut value)? };
    value.is_empty().then_some(Capability::Fqdn { host, domain })
}

fn software_version(mut value: Reader<'_>) -> Option<Capability> {
    let version = text(&mut value)?;
    (value.is_empty() && !version.is_empty()).then_some(Capability::SoftwareVersion(version))
}

/// A length octet and as many octets of text.
fn text(value: &mut Reader<'_>) -> Option<String> {
    let length = value.u8()?;
    value.take(usize::from(length)).map(|text| String::from_utf8_lossy(text).into_owned())
}

/// Writes one optional parameter with all capabilities, or none at all without them.
pub(crate) fn encode_all(capabilities: &[Capability], writer: &mut Writer<'_>) -> Result<(), EncodeError> {
    let mut octets = Vec::new();
    for capability in capabilities {
        let mut value = Vec::new();
        encode_value(capability, &mut Writer::new(&mut value));
        let length = u8::try_from(value.len()).map_err(|_| EncodeError::Capabilities { length: value.len() })?;
        octets.extend_from_slice(&[capability.code(), length]);
        octets.append(&mut value);
    }
    let length = octets.len();
    match u8::try_from(length) {
        Ok(0) => writer.u8(0),
        Ok(short) if length <= LIMIT => {
            writer.u8(short.saturating_add(2));
            writer.u8(crate::open::CAPABILITIES_PARAMETER);
            writer.u8(short);
            writer.bytes(&octets);
        }
        _ => return Err(EncodeError::Capabilities { length }),
    }
    Ok(())
}

fn encode_value(capability: &Capability, writer: &mut Writer<'_>) {
    match capability {
        Capability::Multiprotocol(AfiSafi { afi, safi }) => {
            writer.u16(*afi);
            writer.u16(u16::from(*safi));
        }
        Capability::RouteRefresh | Capability::ExtendedMessage | Capability::EnhancedRouteRefresh => {}
        Capability::OutboundFilter(families) => {
            for (family, direction) in families {
                let AfiSafi { afi, safi } = (*family).into();
                writer.u16(afi);
                writer.u16(u16::from(safi));
                writer.bytes(&[1, PREFIX_TYPE, *direction]);
            }
        }
        Capability::ExtendedNextHop(families) => {
            for family in families {
                let AfiSafi { afi, safi } = (*family).into();
                writer.u16(afi);
                writer.u16(u16::from(safi));
                writer.u16(AFI_IPV6);
            }
        }
        Capability::Role(role) => writer.u8(*role),
        Capability::GracefulRestart { restarting, notification, time, families } => {
            let bits = u16::from(*restarting) << 15 | u16::from(*notification) << 14;
            writer.u16(bits | (*time).min(0x0fff));
            for (family, forwarding) in families {
                afi_safi(*family, writer);
                writer.u8(u8::from(*forwarding) << 7);
            }
        }
        Capability::FourOctetAs(asn) => writer.u32(asn.0),
        Capability::AddPath(families) => {
            for (family, direction) in families {
                afi_safi(*family, writer);
                writer.u8(*direction);
            }
        }
        Capability::LongLivedGracefulRestart(families) => {
            for (family, forwarding, time) in families {
                afi_safi(*family, writer);
                writer.u32(u32::from(*forwarding) << 31 | (*time).min(0x00ff_ffff));
            }
        }
        Capability::Fqdn { host, domain } => {
            // Two names and their lengths have to fit into 255 octets.
            write_text(host, 126, writer);
            write_text(domain, 126, writer);
        }
        Capability::SoftwareVersion(version) => write_text(version, 64, writer),
        Capability::Unknown { value, .. } => writer.bytes(value),
    }
}

fn afi_safi(family: Family, writer: &mut Writer<'_>) {
    let AfiSafi { afi, safi } = family.into();
    writer.u16(afi);
    writer.u8(safi);
}

/// Length and text, cut between two characters where it exceeds `limit` octets.
fn write_text(text: &str, limit: usize, writer: &mut Writer<'_>) {
    let text = cut(text, limit);
    writer.u8(u8::try_from(text.len()).unwrap_or(0));
    writer.bytes(text.as_bytes());
}
