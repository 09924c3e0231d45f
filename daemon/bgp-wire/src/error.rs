//! What can be wrong with a message, sorted by the message it is wrong in.
//!
//! A `DecodeError` ends the session, an `AttributeError` costs at most the routes of one UPDATE (RFC 7606).
//! The numbers of NOTIFICATION are not here: `notification` has them.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;

use thiserror::Error;

/// Octets of a malformed attribute that are kept for the log.
pub const RAW_LIMIT: usize = 64;

/// A message that costs the session (RFC 4271 §6).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The header of any message (§6.1).
    #[error("message header: {0}")]
    Header(#[from] HeaderError),
    /// OPEN (§6.2).
    #[error("OPEN: {0}")]
    Open(#[from] OpenError),
    /// UPDATE (§6.3), where RFC 7606 has nothing milder.
    #[error("UPDATE: {0}")]
    Update(#[from] UpdateError),
    /// ROUTE-REFRESH (RFC 7313 §5).
    /// The whole message is kept, since it is what the peer is told.
    #[error("ROUTE-REFRESH: a length of {} octets, but it has to be 23", .0.len())]
    RouteRefresh(Vec<u8>),
}

/// RFC 4271 §6.1
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// The marker is not all ones.
    #[error("the marker is not all ones, so the start of the message is lost")]
    Marker,
    /// The length is impossible, or impossible for the type; the length field as received.
    #[error("a length of {0} octets is impossible here")]
    Length(u16),
    /// An unknown type.
    #[error("message type {0} is unknown")]
    Type(u8),
}

/// RFC 4271 §6.2
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Not version 4.
    #[error("BGP version {0} is offered, only version 4 is spoken here")]
    Version(u8),
    /// AS 0 (RFC 7607).
    #[error("AS 0 is reserved")]
    AsZero,
    /// Not a BGP identifier (RFC 6286 §2.1).
    #[error("the BGP identifier {0} is not allowed")]
    RouterId(Ipv4Addr),
    /// 1 or 2 seconds.
    #[error("a hold time of {0} seconds is not allowed: it has to be 0, or 3 or more")]
    HoldTime(u16),
    /// An optional parameter other than Capabilities (RFC 5492).
    #[error("optional parameter type {0} is unknown")]
    Parameter(u8),
    /// Lengths that contradict each other.
    #[error("{0}")]
    Malformed(&'static str),
}

/// RFC 4271 §6.3 and RFC 7606 §3, §5.3
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UpdateError {
    /// The three parts of the message cannot be told apart, or a multiprotocol attribute came twice.
    #[error("{0}")]
    AttributeList(&'static str),
    /// The classic withdrawn routes or NLRI cannot be read.
    #[error("{0}")]
    Network(&'static str),
    /// MP_REACH_NLRI or MP_UNREACH_NLRI cannot be read; with the attribute as received.
    #[error("attribute {code}: {reason}")]
    Multiprotocol {
        /// Its type code.
        code: u8,
        /// What is wrong.
        reason: &'static str,
        /// Flags, type, length and value.
        raw: Vec<u8>,
    },
    /// An attribute calls for treat-as-withdraw, but there is nothing to withdraw (RFC 7606 §5.2).
    #[error("no routes to withdraw for the malformed {0}")]
    NothingToWithdraw(AttributeError),
}

/// What a malformed attribute costs (RFC 7606 §2), mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    /// The attribute alone.
    Discard,
    /// The announced routes of the UPDATE.
    Withdraw,
    /// The session.
    Reset,
}

/// A path attribute that was malformed, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeError {
    /// Its type code; 0 where the list of attributes as a whole is meant.
    pub code: u8,
    /// What it costs.
    pub class: ErrorClass,
    /// What is wrong, one phrase.
    pub reason: Cow<'static, str>,
    /// The first octets of the attribute, flags first, at most [`RAW_LIMIT`]; empty when it is missing.
    pub raw: Vec<u8>,
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", crate::update::attribute_name(self.code), self.reason)?;
        if !self.raw.is_empty() {
            f.write_str(" [")?;
            for octet in &self.raw {
                write!(f, "{octet:02x}")?;
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}

impl std::error::Error for AttributeError {}

/// A value that has no form on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// Longer than the session allows, or than a length field can say.
    #[error("{length} octets do not fit into a message")]
    TooLong {
        /// Octets wanted.
        length: usize,
    },
    /// The capabilities exceed the 253 octets of one optional parameter.
    #[error("capabilities of {length} octets do not fit into OPEN, 253 are the limit")]
    Capabilities {
        /// Octets wanted.
        length: usize,
    },
    /// A prefix of one family among routes of the other.
    #[error("a prefix is not of the family {0} that is being announced")]
    Family(nouns::Family),
    /// A ROUTE-REFRESH without a family.
    #[error("a ROUTE-REFRESH has to name a family")]
    RouteRefresh,
    /// An UPDATE value that no single message can carry.
    #[error("no single UPDATE can say this: {0}")]
    Update(&'static str),
}
