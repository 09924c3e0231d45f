//! The octets of RTR: RFC 6810 (version 0), RFC 8210 (version 1), 8210bis (version 2, with ASPA).
//!
//! The length of a PDU is bounded before it is waited for, and each field is read inside the PDU. Never knows which
//! PDU may come when.

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use nouns::{Asn, Prefix};
use thiserror::Error;

use crate::data::Record;
use crate::vrps::Vrp;

/// The newest version that is spoken.
pub const NEWEST: u8 = 2;
/// The header of each PDU.
pub const HEADER: usize = 8;
/// The longest PDU that is accepted; a router key and a long list of providers stay far below.
pub const LONGEST: usize = 65_535;

/// A PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pdu {
    /// The cache has news (§5.2).
    SerialNotify {
        /// Its session.
        session: u16,
        /// Its newest state.
        serial: u32,
    },
    /// What has changed since? (§5.3)
    SerialQuery {
        /// The session that the serial number belongs to.
        session: u16,
        /// The state that the router has.
        serial: u32,
    },
    /// Everything, please (§5.4).
    ResetQuery,
    /// Records follow (§5.5).
    CacheResponse {
        /// The cache's session.
        session: u16,
    },
    /// A record (§5.6, §5.7, ASPA of 8210bis); `false`: it is withdrawn.
    Record(Record, bool),
    /// The key of a router that signs paths, which nobody here checks (§5.10).
    RouterKey,
    /// The records are complete (§5.8).
    EndOfData {
        /// The cache's session.
        session: u16,
        /// The state that the router has now.
        serial: u32,
        /// Timers; version 0 has none.
        timers: Option<Timers>,
    },
    /// The cache cannot tell the difference; ask for everything (§5.9).
    CacheReset,
    /// Something was wrong (§5.11).
    ErrorReport {
        /// Its number (§12).
        code: u16,
        /// What it was about.
        pdu: Vec<u8>,
        /// A sentence.
        text: String,
    },
}

/// Timers of End of Data (RFC 8210 §6), in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// From one poll to the next.
    pub refresh: u32,
    /// From a poll that failed to the next.
    pub retry: u32,
    /// How long data may be used that is not confirmed.
    pub expire: u32,
}

impl Timers {
    /// What RFC 8210 §6 suggests.
    pub const SUGGESTED: Self = Self { refresh: 3600, retry: 600, expire: 7200 };

    /// Within the ranges of RFC 8210 §6, with an expiry that outlasts a poll and its repetition.
    #[must_use]
    pub fn bounded(self) -> Self {
        let (refresh, retry) = (self.refresh.clamp(1, 86_400), self.retry.clamp(1, 7200));
        let expire = self.expire.clamp(600, 172_800).max(refresh.saturating_add(1)).max(retry.saturating_add(1));
        Self { refresh, retry, expire }
    }
}

/// Error codes (RFC 8210 §12).
pub mod code {
    /// The PDU makes no sense.
    pub const CORRUPT_DATA: u16 = 0;
    /// The cache has nothing to tell yet.
    pub const NO_DATA: u16 = 2;
    /// A PDU that does not belong here.
    pub const INVALID_REQUEST: u16 = 3;
    /// The version is not spoken.
    pub const UNSUPPORTED_VERSION: u16 = 4;
    /// The kind of PDU is not known.
    pub const UNSUPPORTED_PDU: u16 = 5;
    /// Something is withdrawn that was never announced.
    pub const UNKNOWN_WITHDRAWAL: u16 = 6;
    /// Something is announced twice.
    pub const DUPLICATE: u16 = 7;
    /// Another version than was agreed upon.
    pub const UNEXPECTED_VERSION: u16 = 8;
}

/// Why octets are no PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The length is not that of the kind.
    #[error("a PDU of type {kind} has {length} octets")]
    Length {
        /// The PDU's type.
        kind: u8,
        /// The length that it names.
        length: u32,
    },
    /// The kind is unknown in the version.
    #[error("type {kind} is unknown in version {version}")]
    Kind {
        /// The PDU's type.
        kind: u8,
        /// The version.
        version: u8,
    },
    /// The version is unknown.
    #[error("version {0} is unknown")]
    Version(u8),
    /// A prefix has host bits, or lengths that do not fit.
    #[error("a PDU of type {kind} holds no prefix")]
    Prefix {
        /// The PDU's type.
        kind: u8,
    },
    /// Lengths within the PDU lead out of it.
    #[error("a PDU of type {kind} does not hold what it says")]
    Inside {
        /// The PDU's type.
        kind: u8,
    },
}

impl WireError {
    /// The error code that tells the other side (RFC 8210 §12).
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Kind { .. } => code::UNSUPPORTED_PDU,
            Self::Version(_) => code::UNSUPPORTED_VERSION,
            Self::Length { .. } | Self::Prefix { .. } | Self::Inside { .. } => code::CORRUPT_DATA,
        }
    }
}

/// A PDU with the version that it was sent in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The version.
    pub version: u8,
    /// The PDU.
    pub pdu: Pdu,
}

/// One whole PDU, and what stands behind it.
pub type Cut<'a> = (&'a [u8], &'a [u8]);

/// Cuts the first PDU off; `None` while it is not complete.
///
/// # Errors
/// When the length is not one that a PDU of its type can have: what follows cannot be found then.
pub fn cut(octets: &[u8]) -> Result<Option<Cut<'_>>, WireError> {
    let Some(([version, kind, _, _, a, b, c, d], _)) = octets.split_first_chunk::<HEADER>() else { return Ok(None) };
    let length = u32::from_be_bytes([*a, *b, *c, *d]);
    let (least, most) = lengths(*version, *kind);
    let fits = usize::try_from(length).ok().filter(|length| (least..=most).contains(length));
    let Some(length) = fits else { return Err(WireError::Length { kind: *kind, length }) };
    Ok(octets.split_at_checked(length))
}

/// The least and the greatest length of a PDU.
fn lengths(version: u8, kind: u8) -> (usize, usize) {
    match kind {
        0 | 1 => (12, 12),
        2 | 3 | 8 => (HEADER, HEADER),
        4 => (20, 20),
        6 => (32, 32),
        7 if version == 0 => (12, 12),
        7 => (24, 24),
        9 => (32, LONGEST),
        10 => (16, LONGEST),
        11 => (12, LONGEST),
        _ => (HEADER, LONGEST),
    }
}

/// Reads one whole PDU, as [`cut`] gives it.
///
/// # Errors
/// Why it cannot be understood.
pub fn decode(octets: &[u8]) -> Result<Versioned, WireError> {
    let ([version, kind, third, fourth, ..], body) =
        octets.split_first_chunk::<HEADER>().ok_or(WireError::Inside { kind: 0 })?;
    let (version, kind, session) = (*version, *kind, u16::from_be_bytes([*third, *fourth]));
    if version > NEWEST && kind != 10 {
        return Err(WireError::Version(version));
    }
    let inside = WireError::Inside { kind };
    let mut body = Body { rest: body };
    let pdu = match kind {
        0 => Pdu::SerialNotify { session, serial: body.u32().ok_or(inside)? },
        1 => Pdu::SerialQuery { session, serial: body.u32().ok_or(inside)? },
        2 => Pdu::ResetQuery,
        3 => Pdu::CacheResponse { session },
        4 => body.prefix::<4>(kind)?,
        6 => body.prefix::<16>(kind)?,
        7 => {
            let serial = body.u32().ok_or(inside)?;
            Pdu::EndOfData { session, serial, timers: if version == 0 { None } else { Some(body.timers(inside)?) } }
        }
        8 => Pdu::CacheReset,
        9 if version > 0 => Pdu::RouterKey,
        10 => body.error(session).ok_or(inside)?,
        11 if version > 1 => body.aspa(*third & 1 == 1).ok_or(inside)?,
        _ => return Err(WireError::Kind { kind, version }),
    };
    Ok(Versioned { version, pdu })
}

/// The octets behind the header.
struct Body<'a> {
    rest: &'a [u8],
}

impl<'a> Body<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Octets behind their length.
    fn counted(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn timers(&mut self, inside: WireError) -> Result<Timers, WireError> {
        let [refresh, retry, expire] = [self.u32(), self.u32(), self.u32()];
        let timers = refresh.zip(retry).zip(expire);
        timers.map(|((refresh, retry), expire)| Timers { refresh, retry, expire }).ok_or(inside)
    }

    fn prefix<const N: usize>(&mut self, kind: u8) -> Result<Pdu, WireError>
    where
        IpAddr: From<[u8; N]>,
    {
        let inside = WireError::Inside { kind };
        let [flags, length, max_length, _] = self.array().ok_or(inside)?;
        let address = IpAddr::from(self.array::<N>().ok_or(inside)?);
        let asn = Asn(self.u32().ok_or(inside)?);
        let prefix = Prefix::new(address, length).map_err(|_| WireError::Prefix { kind })?;
        let vrp = Vrp::new(prefix, max_length, asn).ok_or(WireError::Prefix { kind })?;
        Ok(Pdu::Record(Record::Vrp(vrp), flags & 1 == 1))
    }

    fn error(&mut self, code: u16) -> Option<Pdu> {
        let pdu = self.counted()?.to_vec();
        let text = String::from_utf8_lossy(self.counted()?).into_owned();
        Some(Pdu::ErrorReport { code, pdu, text })
    }

    /// A customer and its providers; a withdrawal has none.
    fn aspa(&mut self, announced: bool) -> Option<Pdu> {
        let customer = Asn(self.u32()?);
        let (providers, rest) = self.rest.as_chunks::<4>();
        if !rest.is_empty() {
            return None;
        }
        let mut providers: Vec<Asn> = providers.iter().map(|octets| Asn(u32::from_be_bytes(*octets))).collect();
        providers.sort_unstable();
        providers.dedup();
        if !announced {
            providers.clear();
        } else if providers.is_empty() {
            return None;
        }
        Some(Pdu::Record(Record::Aspa(customer, providers.into()), announced))
    }
}

impl Pdu {
    /// Writes the PDU in a version; what is too long for one is cut.
    #[must_use]
    pub fn encode(&self, version: u8) -> Vec<u8> {
        let (kind, field, body) = match self {
            Self::SerialNotify { session, serial } => (0, *session, serial.to_be_bytes().to_vec()),
            Self::SerialQuery { session, serial } => (1, *session, serial.to_be_bytes().to_vec()),
            Self::ResetQuery => (2, 0, Vec::new()),
            Self::CacheResponse { session } => (3, *session, Vec::new()),
            Self::Record(Record::Vrp(vrp), announced) => vrp_body(vrp, *announced),
            Self::Record(Record::Aspa(customer, providers), announced) => {
                let all = std::iter::once(customer).chain(providers.iter());
                (11, u16::from(*announced) << 8, all.flat_map(|asn| asn.0.to_be_bytes()).collect())
            }
            Self::RouterKey => (9, 1 << 8, vec![0; 24]),
            Self::EndOfData { session, serial, timers } => {
                let timers = timers.filter(|_| version > 0).map(|timers| [timers.refresh, timers.retry, timers.expire]);
                let all = std::iter::once(*serial).chain(timers.into_iter().flatten());
                (7, *session, all.flat_map(u32::to_be_bytes).collect())
            }
            Self::CacheReset => (8, 0, Vec::new()),
            Self::ErrorReport { code, pdu, text } => {
                let counted = |octets: &[u8]| {
                    let octets = octets.get(..octets.len().min(1024)).unwrap_or_default();
                    let length = u32::try_from(octets.len()).unwrap_or_default();
                    [&length.to_be_bytes()[..], octets].concat()
                };
                (10, *code, [counted(pdu), counted(text.as_bytes())].concat())
            }
        };
        let length = u32::try_from(body.len().saturating_add(HEADER)).unwrap_or(u32::MAX);
        let head = [&[version, kind][..], &field.to_be_bytes(), &length.to_be_bytes()].concat();
        [head, body].concat()
    }
}

fn vrp_body(vrp: &Vrp, announced: bool) -> (u8, u16, Vec<u8>) {
    let head = [u8::from(announced), vrp.prefix.length(), vrp.max_length, 0];
    let asn = vrp.asn.0.to_be_bytes();
    match vrp.prefix.address() {
        IpAddr::V4(address) => (4, 0, [&head[..], &address.octets(), &asn].concat()),
        IpAddr::V6(address) => (6, 0, [&head[..], &address.octets(), &asn].concat()),
    }
}
