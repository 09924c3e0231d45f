//! Reads BMP messages, as a collector does.
//!
//! Never trusts a length: each part is read within its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nouns::Asn;

use super::{
    Amount, COMMON_HEADER, DownReason, Information, Message, PeerHeader, PeerUp, Statistic, Termination, VERSION, View,
};
use crate::family::AfiSafi;
use crate::header::{self, HEADER_LENGTH};
use crate::reader::Reader;

/// The longest message that is taken: a full Peer Up has less than a fifth of it.
const LONGEST: usize = 1 << 20;

/// Why octets are no BMP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BmpError {
    /// Another version.
    #[error("version {0} is not 3")]
    Version(u8),
    /// A length that no message has.
    #[error("a message of {0} octets")]
    Length(u32),
    /// A message of a type that is not understood.
    #[error("message type {0} is not known")]
    Type(u8),
    /// A peer of a type that is not understood.
    #[error("peer type {0} is not known")]
    Peer(u8),
    /// It ends too early, or has a part too many.
    #[error("{0} is malformed")]
    Malformed(&'static str),
}

/// The length of the first message of a buffer; `None` while more octets are needed.
///
/// # Errors
/// When no message begins like this.
pub fn frame(buffer: &[u8]) -> Result<Option<usize>, BmpError> {
    let mut reader = Reader::new(buffer);
    let Some(version) = reader.u8() else { return Ok(None) };
    if version != VERSION {
        return Err(BmpError::Version(version));
    }
    let Some(length) = reader.u32() else { return Ok(None) };
    let total = usize::try_from(length).unwrap_or(usize::MAX);
    if !(COMMON_HEADER..=LONGEST).contains(&total) {
        return Err(BmpError::Length(length));
    }
    Ok((buffer.len() >= total).then_some(total))
}

/// Reads one whole message, as `frame` found it.
///
/// # Errors
/// When it is not well formed, or of a kind that is not understood.
pub fn decode(bytes: &[u8]) -> Result<Message, BmpError> {
    if frame(bytes)? != Some(bytes.len()) {
        return Err(BmpError::Length(u32::try_from(bytes.len()).unwrap_or(u32::MAX)));
    }
    let mut body = Reader::new(bytes);
    let cut = BmpError::Malformed("the common header");
    let (_, kind) = (body.take(COMMON_HEADER.saturating_sub(1)).ok_or(cut)?, body.u8().ok_or(cut)?);
    match kind {
        0 => Ok(Message::RouteMonitoring { peer: peer(&mut body)?, update: message(&mut body, "the UPDATE", true)? }),
        1 => statistics(body),
        2 => Ok(Message::PeerDown { peer: peer(&mut body)?, reason: down(body)? }),
        3 => peer_up(body).map(|up| Message::PeerUp(Box::new(up))),
        4 => tlvs(body).map(Message::Initiation),
        5 => termination(body),
        other => Err(BmpError::Type(other)),
    }
}

fn peer(body: &mut Reader<'_>) -> Result<PeerHeader, BmpError> {
    let cut = BmpError::Malformed("the per-peer header");
    let (kind, flags) = (body.u8().ok_or(cut)?, body.u8().ok_or(cut)?);
    body.take(8).ok_or(cut)?;
    let view = match (kind, flags & 0x50) {
        (0, 0) => View::PrePolicy,
        (0, 0x40) => View::PostPolicy,
        (0, 0x10) => View::AdjRibOutPrePolicy,
        (0, _) => View::AdjRibOut,
        (3, _) => View::LocRib { filtered: flags & 0x80 != 0 },
        (other, _) => return Err(BmpError::Peer(other)),
    };
    let wide = kind == 0 && flags & 0x80 != 0;
    Ok(PeerHeader {
        view,
        two_octet_as: kind == 0 && flags & 0x20 != 0,
        address: address(body, wide).ok_or(cut)?,
        asn: Asn(body.u32().ok_or(cut)?),
        router_id: Ipv4Addr::from(body.array::<4>().ok_or(cut)?),
        seconds: body.u32().ok_or(cut)?,
        microseconds: body.u32().ok_or(cut)?,
    })
}

fn address(body: &mut Reader<'_>, wide: bool) -> Option<IpAddr> {
    let octets = body.array::<16>()?;
    let [.., a, b, c, d] = octets;
    Some(if wide { Ipv6Addr::from(octets).into() } else { Ipv4Addr::new(a, b, c, d).into() })
}

/// One whole BGP message; with `last` nothing may follow it.
fn message(body: &mut Reader<'_>, what: &'static str, last: bool) -> Result<Vec<u8>, BmpError> {
    let whole = header::split_first(body.rest(), crate::MAX_EXTENDED_MESSAGE).ok().flatten();
    let length = whole.map(|(_, _, message)| message.len()).ok_or(BmpError::Malformed(what))?;
    let octets = body.take(length.max(HEADER_LENGTH)).ok_or(BmpError::Malformed(what))?;
    if last && !body.is_empty() { Err(BmpError::Malformed(what)) } else { Ok(octets.to_vec()) }
}

fn statistics(mut body: Reader<'_>) -> Result<Message, BmpError> {
    let cut = BmpError::Malformed("the statistics");
    let peer = peer(&mut body)?;
    let count = body.u32().ok_or(cut)?;
    let mut values = Vec::new();
    while !body.is_empty() {
        let (kind, length) = (body.u16().ok_or(cut)?, body.u16().ok_or(cut)?);
        let mut field = body.sub(usize::from(length)).ok_or(cut)?;
        let value = match length {
            4 => Amount::Counter(field.u32().ok_or(cut)?),
            8 => Amount::Gauge(field.array().map(u64::from_be_bytes).ok_or(cut)?),
            11 => {
                let family = AfiSafi::read(&mut field).ok_or(cut)?;
                Amount::OfFamily(family, field.array().map(u64::from_be_bytes).ok_or(cut)?)
            }
            _ => return Err(cut),
        };
        values.push(Statistic { kind, value });
    }
    if u32::try_from(values.len()) == Ok(count) { Ok(Message::Statistics { peer, values }) } else { Err(cut) }
}

fn down(mut body: Reader<'_>) -> Result<DownReason, BmpError> {
    let cut = BmpError::Malformed("the reason");
    let reason = match body.u8().ok_or(cut)? {
        1 => return message(&mut body, "the NOTIFICATION", true).map(DownReason::LocalNotification),
        2 => DownReason::Local(body.u16().ok_or(cut)?),
        3 => return message(&mut body, "the NOTIFICATION", true).map(DownReason::RemoteNotification),
        4 => DownReason::Remote,
        5 => DownReason::Deconfigured,
        6 => return tlvs(body).map(DownReason::LocalTable),
        _ => return Err(cut),
    };
    if body.is_empty() { Ok(reason) } else { Err(cut) }
}

fn peer_up(mut body: Reader<'_>) -> Result<PeerUp, BmpError> {
    let cut = BmpError::Malformed("the addresses");
    let wide_at = body.rest().get(1).is_some_and(|flags| flags & 0x80 != 0);
    let peer = peer(&mut body)?;
    let wide = wide_at && !matches!(peer.view, View::LocRib { .. });
    Ok(PeerUp {
        peer,
        local: address(&mut body, wide).ok_or(cut)?,
        local_port: body.u16().ok_or(cut)?,
        remote_port: body.u16().ok_or(cut)?,
        sent_open: message(&mut body, "the OPEN sent", false)?,
        received_open: message(&mut body, "the OPEN received", false)?,
        information: tlvs(body)?,
    })
}

fn tlvs(mut body: Reader<'_>) -> Result<Vec<Information>, BmpError> {
    let cut = BmpError::Malformed("the information");
    let mut information = Vec::new();
    while !body.is_empty() {
        let (kind, length) = (body.u16().ok_or(cut)?, body.u16().ok_or(cut)?);
        let text = body.take(usize::from(length)).ok_or(cut)?;
        information.push(Information { kind, text: String::from_utf8_lossy(text).into_owned() });
    }
    Ok(information)
}

fn termination(mut body: Reader<'_>) -> Result<Message, BmpError> {
    let cut = BmpError::Malformed("the reason");
    let (Some(1), Some(2), Some(code)) = (body.u16(), body.u16(), body.u16()) else { return Err(cut) };
    let reason = Termination::ALL.into_iter().find(|reason| *reason as u16 == code).ok_or(cut)?;
    Ok(Message::Termination(reason, tlvs(body)?))
}
