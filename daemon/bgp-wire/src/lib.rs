//! Bytes to BGP messages and back.
//!
//! Every octet that a peer can send is judged here, once, and becomes a typed value, a typed error, or an
//! entry in `Update::errors`. This crate never knows a session, a socket or a route table.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod attribute;
pub mod bmp;
pub mod capability;
pub mod error;
pub mod header;
pub mod message;
pub mod mrt;
pub mod notification;
pub mod update;

mod family;
mod open;
pub mod orf;
mod reader;
mod writer;

pub use error::{AttributeError, DecodeError, EncodeError, ErrorClass};
pub use family::AfiSafi;
pub use header::{HEADER_LENGTH, frame};
pub use message::{Message, Nlri, Open, Reach, RouteRefresh, Unreach, Update};
pub use notification::{Notification, Reason};
pub use update::{encode_end_of_rib, encode_reach, encode_unreach};

use nouns::Family;

/// Longest message without the Extended Message capability (RFC 4271 §4.1), header included.
pub const MAX_MESSAGE: usize = 4096;
/// Longest message with the Extended Message capability (RFC 8654 §3), header included.
pub const MAX_EXTENDED_MESSAGE: usize = 65535;

/// What both sides of a session agreed on, as far as it changes the meaning of an octet.
///
/// The default is what holds before the OPENs are exchanged: nothing is agreed on, not even a family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// AS numbers have four octets in AS_PATH and AGGREGATOR (RFC 6793).
    pub four_octet_as: bool,
    /// Messages may have 65535 octets (RFC 8654).
    pub extended_message: bool,
    /// The peer is in our AS: LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST have a meaning.
    pub internal: bool,
    /// The peer is in another AS of our confederation (RFC 5065): LOCAL_PREF has a meaning, and its paths begin with it.
    pub confederation: bool,
    /// Paths with sets of AS numbers are told as they came, for whoever judges them; else they are malformed (RFC 9774).
    pub as_sets: bool,
    /// Next hops that are no host's are told as they came, for whoever judges them; else they are malformed.
    pub martian_next_hops: bool,
    /// Families whose routes are exchanged; routes of others are ignored. IPv4 unicast has to be listed too.
    pub families: Vec<Family>,
    /// Families in which the peer's NLRI carry path identifiers (RFC 7911).
    pub add_path_receive: Vec<Family>,
    /// Families in which our NLRI carry path identifiers (RFC 7911).
    pub add_path_send: Vec<Family>,
    /// IPv4 routes may have IPv6 next hops (RFC 8950). Only informs the sender: they are always accepted.
    pub extended_next_hop: bool,
}

impl Negotiated {
    /// The longest message allowed, header included.
    #[must_use]
    pub fn max_message(&self) -> usize {
        if self.extended_message { MAX_EXTENDED_MESSAGE } else { MAX_MESSAGE }
    }
}
