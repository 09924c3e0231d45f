//! What can happen to a session, as data that can be recorded and played again.
//!
//! Never carries a time: that is the `now` beside it.

use bgp_wire::error::DecodeError;
use bgp_wire::message::Message;
use nouns::Family;

/// Names a TCP connection; given out by whoever opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// What can happen to a session. Time is the `now` of `Session::handle`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// ManualStart or AutomaticStart.
    Start,
    /// ManualStop with its reason; sends Cease if a session is up, then rests in Idle until `Start`.
    Stop(StopReason),
    /// Stop, and start again by itself (clear, reset by a changed configuration).
    Reset(StopReason),
    /// The connection asked for with `Output::Connect` is open.
    Connected(ConnId),
    /// The connection asked for could not be opened, and why in words.
    ConnectFailed(String),
    /// The peer opened a connection to us (already matched to this session by address).
    Accepted(ConnId),
    /// Bytes arrived.
    Bytes(ConnId, Vec<u8>),
    /// What arrived was decoded already, with what this session has negotiated (`Reception`); in its order behind
    /// whole messages of bytes.
    Messages(ConnId, Vec<Result<Message, DecodeError>>),
    /// The connection is gone: `None` for an orderly FIN, else the error in words.
    Closed(ConnId, Option<String>),
    /// Octets that the connection still has to write; 0 when all is written (RFC 9687 send hold).
    SendQueue(ConnId, usize),
    /// A deadline may have passed.
    Tick,
    /// The route table counted this many prefixes received of a family (for `maximum_prefix`).
    PrefixCount(Family, u32),
    /// What the peer announced is more than the router has room for, and which limit says so (RFC 4486 §4, subcode 8).
    OutOfResources(String),
    /// Ask the peer for its routes again (RFC 2918).
    RequestRefresh(Family),
    /// There is a way to the peer that was not there when it was called last.
    Reachable,
}

/// Why a person or the configuration stops a session: the Cease subcode (RFC 4486, RFC 9003).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// `shutdown`, with the text to send (RFC 9003).
    AdministrativeShutdown(String),
    /// `clear|reset ip bgp`
    AdministrativeReset(String),
    /// The same with `hard`: the peer is to keep no route of ours (RFC 8538 §3.1).
    HardReset(String),
    /// The neighbor was deleted.
    PeerDeconfigured,
    /// A changed configuration needs a new session; the text says which leaf.
    OtherConfigurationChange(String),
    /// The path to the peer is dead: BFD says so, or its probes are not answered (RFC 9384); the text says how.
    PathDown(String),
    /// The daemon ends; the connection closes without NOTIFICATION so that graceful restart applies.
    Restarting,
}
