//! OPEN (RFC 4271 §4.2), with extended optional parameters read (RFC 9072).
//!
//! Never compares with a configuration: whether the AS is the expected one is the session's question.

use std::net::Ipv4Addr;

use nouns::{Asn, Family};

use crate::capability::{self, Capability};
use crate::error::{EncodeError, OpenError};
use crate::message::Open;
use crate::reader::Reader;
use crate::writer::Writer;

const VERSION: u8 = 4;
/// The optional parameter that holds capabilities (RFC 5492 §4).
pub(crate) const CAPABILITIES_PARAMETER: u8 = 2;
/// In place of the first parameter's type: extended lengths follow (RFC 9072 §2).
const EXTENDED: u8 = 255;
const SHORT: OpenError = OpenError::Malformed("the message ends within its fixed fields");

impl Open {
    /// The families of ours for which the multiprotocol capability is present; IPv4 unicast alone when the
    /// sender has no multiprotocol capability at all (RFC 4760 §8).
    #[must_use]
    pub fn families(&self) -> Vec<Family> {
        let mut offered = false;
        let mut families = Vec::new();
        for capability in &self.capabilities {
            if let Capability::Multiprotocol(afi_safi) = capability {
                offered = true;
                families.extend(afi_safi.family().filter(|family| !families.contains(family)));
            }
        }
        if offered { families } else { vec![Family::Ipv4Unicast] }
    }

    pub(crate) fn decode(mut body: Reader<'_>) -> Result<Self, OpenError> {
        let version = body.u8().ok_or(SHORT)?;
        if version != VERSION {
            return Err(OpenError::Version(version));
        }
        let short_as = body.u16().ok_or(SHORT)?;
        let hold_time = body.u16().ok_or(SHORT)?;
        let router_id = Ipv4Addr::from(body.array::<4>().ok_or(SHORT)?);
        let capabilities = optional_parameters(body)?;
        let four_octet = capabilities.iter().find_map(|capability| match capability {
            Capability::FourOctetAs(asn) => Some(*asn),
            _ => None,
        });
        if short_as == 0 {
            return Err(OpenError::AsZero);
        }
        if router_id.is_unspecified() {
            return Err(OpenError::RouterId(router_id));
        }
        if matches!(hold_time, 1 | 2) {
            return Err(OpenError::HoldTime(hold_time));
        }
        Ok(Self { asn: four_octet.unwrap_or(Asn(u32::from(short_as))), hold_time, router_id, capabilities })
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.u8(VERSION);
        writer.u16(two_octets(self.asn));
        writer.u16(self.hold_time);
        writer.u32(self.router_id.to_bits());
        capability::encode_all(&self.capabilities, writer)
    }
}

/// The number for a two-octet field: `AS_TRANS` where it does not fit (RFC 6793 §9).
pub(crate) fn two_octets(asn: Asn) -> u16 {
    // AS_TRANS itself fits, so the fallback is never another number.
    u16::try_from(asn.0).or_else(|_| u16::try_from(Asn::TRANS.0)).unwrap_or(u16::MAX)
}

fn optional_parameters(mut body: Reader<'_>) -> Result<Vec<Capability>, OpenError> {
    let overrun = OpenError::Malformed("the optional parameters do not end with the message");
    let length = body.u8().ok_or(SHORT)?;
    let extended = length != 0 && body.peek() == Some(EXTENDED);
    let mut length = usize::from(length);
    if extended {
        body.u8().ok_or(SHORT)?;
        length = usize::from(body.u16().ok_or(OpenError::Malformed("the extended length is cut off"))?);
    }
    let mut parameters = body.sub(length).ok_or(overrun.clone())?;
    if !body.is_empty() {
        return Err(overrun);
    }
    let mut capabilities = Vec::new();
    while !parameters.is_empty() {
        let cut = OpenError::Malformed("an optional parameter is cut off");
        let kind = parameters.u8().ok_or(cut.clone())?;
        let length = if extended { parameters.u16().map(usize::from) } else { parameters.u8().map(usize::from) };
        let value = length.and_then(|length| parameters.sub(length)).ok_or(cut)?;
        if kind != CAPABILITIES_PARAMETER {
            return Err(OpenError::Parameter(kind));
        }
        capability::decode_all(value, &mut capabilities)?;
    }
    Ok(capabilities)
}
