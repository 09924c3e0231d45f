//! MRT: tables and messages as files (RFC 6396, RFC 8050).
//!
//! Written for the tools that read such files, read by tests alone. Never knows a file.

mod decode;
mod encode;

use std::net::{IpAddr, Ipv4Addr};

use nouns::{Asn, Family, Prefix};

pub use decode::{MrtError, decode, frame};
pub use encode::{message, rib};

/// Octets of the common header: time, type, subtype and length.
pub const HEADER: usize = 12;

/// When something happened or was written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since the Unix epoch.
    pub seconds: u32,
    /// Microseconds within the second, where they are told (`BGP4MP_ET`).
    pub microseconds: Option<u32>,
}

/// One record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// `PEER_INDEX_TABLE`, the first record of a dumped table (RFC 6396 §4.3.1).
    Peers {
        /// The router's BGP identifier.
        router_id: Ipv4Addr,
        /// A name for the view, which may be empty.
        view: String,
        /// Those whom the records that follow name by their places.
        peers: Vec<Peer>,
    },
    /// `RIB_IPV4_UNICAST`, `RIB_IPV6_UNICAST`, and the same with path identifiers (RFC 6396 §4.3.2, RFC 8050 §4).
    Rib(Rib),
    /// `BGP4MP_MESSAGE_AS4` and its like (RFC 6396 §4.4.3, RFC 8050 §3).
    Message {
        /// Between whom.
        ends: Ends,
        /// AS_PATH has numbers of four octets.
        four_octet_as: bool,
        /// NLRI have path identifiers.
        add_path: bool,
        /// One whole message, header included.
        message: Vec<u8>,
    },
    /// `BGP4MP_STATE_CHANGE_AS4` (RFC 6396 §4.4.4).
    StateChange {
        /// Between whom.
        ends: Ends,
        /// The state before: 1 for Idle to 6 for Established.
        from: u16,
        /// The state now.
        to: u16,
    },
}

/// One peer of a dumped table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its BGP identifier.
    pub router_id: Ipv4Addr,
    /// Its address.
    pub address: IpAddr,
    /// Its AS.
    pub asn: Asn,
}

/// One prefix of a dumped table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rib {
    /// Counts the records.
    pub sequence: u32,
    /// The family.
    pub family: Family,
    /// The destination.
    pub prefix: Prefix,
    /// Its paths have identifiers.
    pub add_path: bool,
    /// Its paths.
    pub entries: Vec<Entry>,
}

/// One path of a dumped table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The place of its peer in `Record::Peers`.
    pub peer: u16,
    /// When it came, in seconds since the Unix epoch.
    pub originated: u32,
    /// Its identifier, 0 if it has none.
    pub path_id: u32,
    /// Its attributes as octets.
    pub attributes: Vec<u8>,
}

/// The two ends of a session; both addresses are of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The peer's AS.
    pub peer_as: Asn,
    /// Our AS.
    pub local_as: Asn,
    /// The number of the interface, 0 if it does not matter.
    pub interface: u16,
    /// The peer's address.
    pub peer: IpAddr,
    /// Our address.
    pub local: IpAddr,
}
