//! Reads MRT records, as the tools do that get our files.
//!
//! Never trusts a length: each part is read within its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nouns::{Asn, Family};

use super::{Ends, Entry, HEADER, Peer, Record, Rib, Stamp};
use crate::MAX_EXTENDED_MESSAGE;
use crate::family::{AFI_IPV4, AFI_IPV6};
use crate::header;
use crate::reader::Reader;
use crate::update::read_prefix;

/// The longest record that is taken.
const LONGEST: u32 = 1 << 24;

/// Why octets are no MRT record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MrtError {
    /// A record that is too long.
    #[error("a record of {0} octets")]
    Length(u32),
    /// A record of a kind that is not understood.
    #[error("type {0} subtype {1} is not known")]
    Kind(u16, u16),
    /// It ends too early, or has a part too many.
    #[error("{0} is malformed")]
    Malformed(&'static str),
}

/// The length of the first record of a buffer; `None` while more octets are needed.
///
/// # Errors
/// When the record is too long to be one.
pub fn frame(buffer: &[u8]) -> Result<Option<usize>, MrtError> {
    let mut reader = Reader::new(buffer);
    let Some(length) = reader.take(HEADER.saturating_sub(4)).and_then(|_| reader.u32()) else { return Ok(None) };
    if length > LONGEST {
        return Err(MrtError::Length(length));
    }
    let total = HEADER.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
    Ok((buffer.len() >= total).then_some(total))
}

/// Reads one whole record, as `frame` found it.
///
/// # Errors
/// When it is not well formed, or of a kind that is not understood.
pub fn decode(bytes: &[u8]) -> Result<(Stamp, Record), MrtError> {
    const CUT: MrtError = MrtError::Malformed("the header");
    if frame(bytes)? != Some(bytes.len()) {
        return Err(CUT);
    }
    let mut body = Reader::new(bytes);
    let seconds = body.u32().ok_or(CUT)?;
    let (kind, subtype) = (body.u16().ok_or(CUT)?, body.u16().ok_or(CUT)?);
    body.u32().ok_or(CUT)?;
    let microseconds = if kind == 17 { Some(body.u32().ok_or(CUT)?) } else { None };
    let record = match (kind, subtype) {
        (13, 1) => peers(body),
        (13, 2) => rib(body, Family::Ipv4Unicast, false),
        (13, 4) => rib(body, Family::Ipv6Unicast, false),
        (13, 8) => rib(body, Family::Ipv4Unicast, true),
        (13, 10) => rib(body, Family::Ipv6Unicast, true),
        (16 | 17, 1) => message(body, false, false),
        (16 | 17, 4) => message(body, true, false),
        (16 | 17, 8) => message(body, false, true),
        (16 | 17, 9) => message(body, true, true),
        (16 | 17, 5) => state_change(body),
        _ => Err(MrtError::Kind(kind, subtype)),
    };
    Ok((Stamp { seconds, microseconds }, record?))
}

fn peers(mut body: Reader<'_>) -> Result<Record, MrtError> {
    const CUT: MrtError = MrtError::Malformed("the table of peers");
    let router_id = Ipv4Addr::from(body.array::<4>().ok_or(CUT)?);
    let length = body.u16().ok_or(CUT)?;
    let view = String::from_utf8_lossy(body.take(usize::from(length)).ok_or(CUT)?).into_owned();
    let count = body.u16().ok_or(CUT)?;
    let mut peers = Vec::new();
    for _ in 0..count {
        let kind = body.u8().ok_or(CUT)?;
        let router_id = Ipv4Addr::from(body.array::<4>().ok_or(CUT)?);
        let address = address(&mut body, kind & 1 != 0).ok_or(CUT)?;
        let asn = if kind & 2 != 0 { body.u32() } else { body.u16().map(u32::from) };
        peers.push(Peer { router_id, address, asn: Asn(asn.ok_or(CUT)?) });
    }
    if body.is_empty() { Ok(Record::Peers { router_id, view, peers }) } else { Err(CUT) }
}

fn address(body: &mut Reader<'_>, wide: bool) -> Option<IpAddr> {
    if wide {
        body.array::<16>().map(|octets| Ipv6Addr::from(octets).into())
    } else {
        body.array::<4>().map(|octets| Ipv4Addr::from(octets).into())
    }
}

fn rib(mut body: Reader<'_>, family: Family, add_path: bool) -> Result<Record, MrtError> {
    const CUT: MrtError = MrtError::Malformed("an entry of the table");
    let sequence = body.u32().ok_or(CUT)?;
    let prefix = read_prefix(&mut body, family).map_err(MrtError::Malformed)?;
    let count = body.u16().ok_or(CUT)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let (peer, originated) = (body.u16().ok_or(CUT)?, body.u32().ok_or(CUT)?);
        let path_id = if add_path { body.u32().ok_or(CUT)? } else { 0 };
        let length = body.u16().ok_or(CUT)?;
        let attributes = body.take(usize::from(length)).ok_or(CUT)?.to_vec();
        entries.push(Entry { peer, originated, path_id, attributes });
    }
    let table = Rib { sequence, family, prefix, add_path, entries };
    if body.is_empty() { Ok(Record::Rib(table)) } else { Err(CUT) }
}

fn ends(body: &mut Reader<'_>, four_octet_as: bool) -> Option<Ends> {
    let mut asn = || Some(Asn(if four_octet_as { body.u32()? } else { u32::from(body.u16()?) }));
    let (peer_as, local_as) = (asn()?, asn()?);
    let interface = body.u16()?;
    let wide = match body.u16()? {
        AFI_IPV4 => false,
        AFI_IPV6 => true,
        _ => return None,
    };
    Some(Ends { peer_as, local_as, interface, peer: address(body, wide)?, local: address(body, wide)? })
}

fn message(mut body: Reader<'_>, four_octet_as: bool, add_path: bool) -> Result<Record, MrtError> {
    let ends = ends(&mut body, four_octet_as).ok_or(MrtError::Malformed("the ends of the session"))?;
    let whole = header::split(body.rest(), MAX_EXTENDED_MESSAGE);
    if whole.is_err() {
        return Err(MrtError::Malformed("the message"));
    }
    Ok(Record::Message { ends, four_octet_as, add_path, message: body.rest().to_vec() })
}

fn state_change(mut body: Reader<'_>) -> Result<Record, MrtError> {
    const CUT: MrtError = MrtError::Malformed("the change of state");
    let ends = ends(&mut body, true).ok_or(CUT)?;
    let (from, to) = (body.u16().ok_or(CUT)?, body.u16().ok_or(CUT)?);
    if body.is_empty() { Ok(Record::StateChange { ends, from, to }) } else { Err(CUT) }
}
