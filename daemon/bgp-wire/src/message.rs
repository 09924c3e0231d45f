//! BGP messages as values (RFC 4271 §4).
//!
//! Never knows a session: what has been negotiated is an argument of the codec.

use std::net::Ipv4Addr;
use std::sync::Arc;

use nouns::{Asn, Family, Prefix};

use crate::attribute::PathAttributes;
use crate::capability::Capability;
use crate::error::{AttributeError, DecodeError, EncodeError};
use crate::family::AfiSafi;
use crate::header::{self, MessageType};
use crate::notification::Notification;
use crate::orf::Filters;
use crate::reader::Reader;
use crate::writer::Writer;
use crate::{Negotiated, update};

/// Any BGP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// RFC 4271 §4.2
    Open(Open),
    /// RFC 4271 §4.3
    Update(Update),
    /// RFC 4271 §4.5
    Notification(Notification),
    /// RFC 4271 §4.4
    Keepalive,
    /// RFC 2918
    RouteRefresh(RouteRefresh),
}

impl Message {
    /// Decodes a buffer that holds exactly one message, as [`crate::frame`] found it.
    ///
    /// # Errors
    /// `DecodeError` when the session has to end; `Notification::from(&error)` is what the peer is told.
    pub fn decode(bytes: &[u8], negotiated: &Negotiated) -> Result<Self, DecodeError> {
        let (kind, body) = header::split(bytes, negotiated.max_message())?;
        Self::decode_body(kind, body, bytes, negotiated)
    }

    /// Decodes the first message of a buffer that may hold more or less than one, and tells its length; `None` while
    /// more octets are needed.
    ///
    /// # Errors
    /// As [`Message::decode`], and as early as [`crate::frame`].
    pub fn decode_first(buffer: &[u8], negotiated: &Negotiated) -> Result<Option<(Self, usize)>, DecodeError> {
        let Some((kind, body, message)) = header::split_first(buffer, negotiated.max_message())? else {
            return Ok(None);
        };
        Ok(Some((Self::decode_body(kind, body, message, negotiated)?, message.len())))
    }

    fn decode_body(
        kind: MessageType,
        body: Reader<'_>,
        bytes: &[u8],
        negotiated: &Negotiated,
    ) -> Result<Self, DecodeError> {
        Ok(match kind {
            MessageType::Open => Self::Open(Open::decode(body)?),
            MessageType::Update => Self::Update(update::decode(body, negotiated)?),
            MessageType::Notification => Self::Notification(Notification::decode(body, bytes.len())?),
            MessageType::Keepalive => Self::Keepalive,
            MessageType::RouteRefresh => Self::RouteRefresh(RouteRefresh::decode(body, bytes)?),
        })
    }

    /// Appends one whole message to `out`; after an error `out` is as it was.
    ///
    /// # Errors
    /// When the value does not fit into one message of the negotiated length.
    pub fn encode(&self, negotiated: &Negotiated, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let result = self.append(negotiated, &mut Writer::new(out));
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn append(&self, negotiated: &Negotiated, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let kind = match self {
            Self::Open(_) => MessageType::Open,
            Self::Update(_) => MessageType::Update,
            Self::Notification(_) => MessageType::Notification,
            Self::Keepalive => MessageType::Keepalive,
            Self::RouteRefresh(_) => MessageType::RouteRefresh,
        };
        let head = header::open(writer, kind);
        match self {
            Self::Open(open) => open.encode(writer)?,
            Self::Update(update) => update::encode(update, negotiated, writer)?,
            Self::Notification(notification) => notification.encode(writer),
            Self::Keepalive => {}
            Self::RouteRefresh(refresh) => refresh.encode(writer)?,
        }
        header::close(writer, head, negotiated.max_message())
    }
}

/// OPEN: version 4 is implied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The sender's AS: of the four-octet capability if present, else of the header (RFC 6793).
    pub asn: Asn,
    /// Proposed hold time in seconds: 0, or at least 3.
    pub hold_time: u16,
    /// BGP identifier, not zero (RFC 6286).
    pub router_id: Ipv4Addr,
    /// Capabilities in the order in which they came, unknown ones kept.
    pub capabilities: Vec<Capability>,
}

/// ROUTE-REFRESH for one family; an unknown AFI/SAFI decodes to `None` and is ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRefresh {
    /// Which routes are asked for again.
    pub family: Option<Family>,
    /// The subtype of RFC 7313: 0 for a plain request.
    pub subtype: u8,
    /// What the sender wants to hear from now on (RFC 5291), with a request only.
    pub filters: Option<Filters>,
}

impl RouteRefresh {
    /// The routes of a family are asked for again (RFC 2918).
    pub const REQUEST: u8 = 0;
    /// They begin to be told again (BoRR, RFC 7313 §3.2).
    pub const BEGINS: u8 = 1;
    /// All of them were told (EoRR).
    pub const ENDS: u8 = 2;

    /// A message without filters.
    #[must_use]
    pub fn new(family: Option<Family>, subtype: u8) -> Self {
        Self { family, subtype, filters: None }
    }
}

impl RouteRefresh {
    fn decode(mut body: Reader<'_>, message: &[u8]) -> Result<Self, DecodeError> {
        let malformed = || DecodeError::RouteRefresh(message.to_vec());
        let (afi_safi, subtype) = AfiSafi::read_with_gap(&mut body).ok_or_else(malformed)?;
        let family = afi_safi.family();
        let filters = match family {
            _ if body.is_empty() => None,
            Some(family) if subtype == Self::REQUEST => Some(Filters::read(body, family).ok_or_else(malformed)?),
            _ => return Err(malformed()),
        };
        Ok(Self { family, subtype, filters })
    }

    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        let family = self.family.ok_or(EncodeError::RouteRefresh)?;
        let AfiSafi { afi, safi } = family.into();
        writer.u16(afi);
        writer.u8(self.subtype);
        writer.u8(safi);
        if let Some(filters) = &self.filters {
            filters.write(writer);
        }
        Ok(())
    }
}

/// A route's destination, with its path identifier where ADD-PATH is negotiated (RFC 7911), else 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nlri {
    /// The destination.
    pub prefix: Prefix,
    /// The path identifier, 0 without ADD-PATH.
    pub path_id: u32,
}

/// Routes that became reachable, all with one set of attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Their family.
    pub family: Family,
    /// Their attributes, next hop included.
    pub attributes: Arc<PathAttributes>,
    /// Their destinations.
    pub nlri: Vec<Nlri>,
}

/// Routes that are no longer reachable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreach {
    /// Their family.
    pub family: Family,
    /// Their destinations.
    pub nlri: Vec<Nlri>,
}

/// UPDATE, after the rules of RFC 7606: a route whose attributes call for treat-as-withdraw stands
/// in `unreach` already, an attribute that is discarded is gone, and `errors` tells what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Withdrawn routes, of the classic field, MP_UNREACH_NLRI and treat-as-withdraw.
    pub unreach: Vec<Unreach>,
    /// Announced routes: at most one entry for the classic field and one for MP_REACH_NLRI.
    pub reach: Vec<Reach>,
    /// Set when the message is an End-of-RIB marker (RFC 4724 §2).
    pub end_of_rib: Option<Family>,
    /// What was wrong but did not cost the session, for counters and the log.
    pub errors: Vec<AttributeError>,
}
