//! BMP: what a collector is told of peers and their routes (RFC 7854, RFC 8671, RFC 9069).
//!
//! The router only speaks, so `decode` is for whoever listens. Never knows a session: OPENs and UPDATEs are octets here.

mod decode;
mod encode;

use std::net::{IpAddr, Ipv4Addr};

use nouns::Asn;

use crate::family::AfiSafi;

pub use decode::{BmpError, decode, frame};
pub use encode::monitor;

/// RFC 7854 §4.1
pub const VERSION: u8 = 3;
/// Octets of the common header: version, length and type.
pub const COMMON_HEADER: usize = 6;
/// Octets of the per-peer header (RFC 7854 §4.2).
pub const PEER_HEADER: usize = 42;

/// Any message but Route Mirroring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// RFC 7854 §4.6
    RouteMonitoring {
        /// Whose routes.
        peer: PeerHeader,
        /// One whole UPDATE, header included.
        update: Vec<u8>,
    },
    /// RFC 7854 §4.8
    Statistics {
        /// Whose numbers.
        peer: PeerHeader,
        /// The numbers.
        values: Vec<Statistic>,
    },
    /// RFC 7854 §4.9
    PeerDown {
        /// Who went down.
        peer: PeerHeader,
        /// Why.
        reason: DownReason,
    },
    /// RFC 7854 §4.10
    PeerUp(Box<PeerUp>),
    /// RFC 7854 §4.3
    Initiation(Vec<Information>),
    /// RFC 7854 §4.5
    Termination(Termination, Vec<Information>),
}

/// What precedes everything that is about one peer (RFC 7854 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerHeader {
    /// Which of the tables of that peer.
    pub view: View,
    /// AS_PATH in the message has numbers of two octets.
    pub two_octet_as: bool,
    /// The far end; unspecified for the router's own table.
    pub address: IpAddr,
    /// Its AS; the router's own for its own table.
    pub asn: Asn,
    /// Its BGP identifier; likewise.
    pub router_id: Ipv4Addr,
    /// When, in seconds since the Unix epoch; 0 if that is not known.
    pub seconds: u32,
    /// And microseconds.
    pub microseconds: u32,
}

/// Which table a message speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// What the peer said, before policy.
    PrePolicy,
    /// What became of that behind policy.
    PostPolicy,
    /// What the peer might be told, before policy (RFC 8671).
    AdjRibOutPrePolicy,
    /// What the peer was told (RFC 8671).
    AdjRibOut,
    /// What the router chose (RFC 9069); `filtered` if only part of that is told.
    LocRib {
        /// The F flag.
        filtered: bool,
    },
}

/// A session came up (RFC 7854 §4.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerUp {
    /// With whom.
    pub peer: PeerHeader,
    /// Our address.
    pub local: IpAddr,
    /// Our port.
    pub local_port: u16,
    /// The peer's port.
    pub remote_port: u16,
    /// The OPEN that was sent, header included.
    pub sent_open: Vec<u8>,
    /// The OPEN that was received, header included.
    pub received_open: Vec<u8>,
    /// More about it.
    pub information: Vec<Information>,
}

/// Why a session is down (RFC 7854 §4.9, RFC 9069 §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// The router closed it with this NOTIFICATION, header included.
    LocalNotification(Vec<u8>),
    /// The router closed it without one, for an event of RFC 4271 §8.1; 0 where none fits.
    Local(u16),
    /// The peer closed it with this NOTIFICATION, header included.
    RemoteNotification(Vec<u8>),
    /// The peer closed it without one.
    Remote,
    /// The router goes on without telling of this peer.
    Deconfigured,
    /// The router's own table is told of no more.
    LocalTable(Vec<Information>),
}

/// A text about the router, a peer or an ending; its number says which (RFC 7854 §4.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Information {
    /// What it is about.
    pub kind: u16,
    /// The text, without a zero at its end.
    pub text: String,
}

impl Information {
    /// Free text.
    pub const TEXT: u16 = 0;
    /// `sysDescr`, of Initiation.
    pub const DESCRIPTION: u16 = 1;
    /// `sysName`, of Initiation.
    pub const NAME: u16 = 2;
    /// The table that a Peer Up or Peer Down of the router itself is about (RFC 9069 §5.2.1).
    pub const TABLE: u16 = 3;

    /// A text of a kind.
    #[must_use]
    pub fn new(kind: u16, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}

/// Why the router hangs up (RFC 7854 §4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Termination {
    /// A person wants it so.
    Administrative = 0,
    /// For no reason that has a number.
    Unspecified = 1,
    /// The router lacks resources.
    OutOfResources = 2,
    /// There is another session to the same collector.
    Redundant = 3,
    /// A person wants it so, and the router will not come back.
    Permanent = 4,
}

impl Termination {
    const ALL: [Self; 5] =
        [Self::Administrative, Self::Unspecified, Self::OutOfResources, Self::Redundant, Self::Permanent];
}

/// One number of a Statistics Report (RFC 7854 §4.8, RFC 8671 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statistic {
    /// What is counted.
    pub kind: u16,
    /// How much.
    pub value: Amount,
}

/// A number of a Statistics Report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Something that happened so often, modulo 2^32.
    Counter(u32),
    /// So many are there.
    Gauge(u64),
    /// So many of one family are there.
    OfFamily(AfiSafi, u64),
}

impl Statistic {
    /// Prefixes rejected by inbound policy.
    pub const REJECTED: u16 = 0;
    /// Updates invalidated by a loop in CLUSTER_LIST.
    pub const CLUSTER_LOOP: u16 = 3;
    /// Updates invalidated by a loop in AS_PATH.
    pub const AS_LOOP: u16 = 4;
    /// Updates invalidated by ORIGINATOR_ID.
    pub const ORIGINATOR_LOOP: u16 = 5;
    /// Routes in Adj-RIB-In.
    pub const ADJ_RIB_IN: u16 = 7;
    /// Routes in Loc-RIB.
    pub const LOC_RIB: u16 = 8;
    /// Routes in Adj-RIB-In of a family.
    pub const ADJ_RIB_IN_OF: u16 = 9;
    /// Routes in Loc-RIB of a family.
    pub const LOC_RIB_OF: u16 = 10;
    /// Prefixes treated as withdrawn (RFC 7606).
    pub const TREATED_AS_WITHDRAWN: u16 = 12;
    /// Routes in Adj-RIB-Out behind policy.
    pub const ADJ_RIB_OUT: u16 = 15;
    /// Routes in Adj-RIB-Out behind policy, of a family.
    pub const ADJ_RIB_OUT_OF: u16 = 17;

    /// A counter.
    #[must_use]
    pub fn counter(kind: u16, value: u64) -> Self {
        // Modulo 2^32, as the RFC has it.
        Self { kind, value: Amount::Counter(u32::try_from(value & u64::from(u32::MAX)).unwrap_or(u32::MAX)) }
    }

    /// A gauge.
    #[must_use]
    pub fn gauge(kind: u16, value: u64) -> Self {
        Self { kind, value: Amount::Gauge(value) }
    }

    /// A gauge of one family.
    #[must_use]
    pub fn of_family(kind: u16, family: impl Into<AfiSafi>, value: u64) -> Self {
        Self { kind, value: Amount::OfFamily(family.into(), value) }
    }
}
